import json
import threading

import pytest

from connector.cli import watching
from connector.ledger import jobs
from connector.wire.reports import Problem

TOO_LONG = Problem(
    row=1, column="Name", field="Name", value="[bold]Retail", message="[red]Too[/red] long.", advice="Shorten it.", code="RSC-1"
)


@pytest.fixture
def play(office):
    """Plays planner and worker for the next job that is submitted."""
    threads, over = [], threading.Event()

    def start(*letters, problems=(), cancel=False):
        def work():
            while not (found := office.client.jobs()):
                if over.wait(0.02):
                    return
            job_id = found[0]["id"]
            office.plan(job_id)
            if cancel:
                office.client.cancel(job_id)
            elif not office.client.job(job_id)["finished_at"]:
                office.settle(job_id, *letters, problems=problems)

        threads.append(threading.Thread(target=work))
        threads[-1].start()

    yield start
    over.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def nobody(office, monkeypatch):
    """Jobs wait, as the reconciler tells it where no worker is; and a load does not stay with them."""

    def submit(**order):
        job, replayed = real(**order)
        with office.ledger.write() as db:
            jobs.set_state(db, job.id, jobs.JobState.WAITING, reason="waiting: no worker of AOS-1")
        return job, replayed

    real = office.dispatcher.submit
    monkeypatch.setattr(office.dispatcher, "submit", submit)
    monkeypatch.setattr("connector.cli.load._PLAN_WAIT_S", 0.0)


def load(run, file, *more):
    return run("load", file, "--endpoint", "aos-1", "--company", "USMF", *more)


def test_a_watched_load_ends_with_0_when_all_rows_are_in(run, play, groups):
    play("cu=")
    ran = load(run, groups, "--watch")

    assert ran.code == 0
    assert "accepted (1 entity → AOS-1, company USMF)" in ran.out
    assert "succeeded: 3 of 3 rows" in ran.out
    assert ran.err == ""


def test_failed_rows_end_with_1_and_are_explained_as_they_were_written(run, play, groups):
    play("cfc", problems=(TOO_LONG,))
    ran = load(run, groups, "--watch")

    assert ran.code == 1
    assert "[red]Too[/red] long." in ran.out  # no markup of a user or of AX is obeyed
    assert "CustGroup.csv, row 3  Name = '[bold]Retail'" in ran.out
    assert "Shorten it." in ran.out
    assert "rapidstart job results JB-" in ran.out


def test_rows_that_were_handed_over_are_not_told_as_skipped(run, play, groups):
    play("hfh", problems=(TOO_LONG,))
    ran = load(run, groups, "--watch")

    assert "2 handed over" in ran.out
    assert "skipped" not in ran.out


def test_two_things_wrong_with_one_row_hide_no_row_that_was_skipped(run, play, groups):
    play("sfc", problems=(TOO_LONG, TOO_LONG.model_copy(update={"message": "And wrong.", "field": "CustGroup"})))
    ran = load(run, groups, "--watch")

    assert "1 row skipped: the job ended before they were sent." in ran.out


def test_each_cause_has_its_own_advice(run, play, groups):
    other = TOO_LONG.model_copy(update={"row": 1, "value": "[italic]", "advice": "Ask AX."})
    play("ffc", problems=(TOO_LONG.model_copy(update={"row": 0}), other))
    ran = load(run, groups, "--watch")

    assert "Shorten it." in ran.out
    assert "Ask AX." in ran.out


def test_a_refused_plan_ends_with_3_without_watching(run, play, tmp_path):
    file = tmp_path / "Unheard.csv"
    file.write_text("A,B\n1,2\n")
    play()
    ran = load(run, file)

    assert ran.code == 3
    assert "Unheard" in ran.err
    assert ran.err.startswith("Error: JB-")


@pytest.mark.parametrize("watch", [("--watch",), ()])
def test_a_strict_load_that_is_refused_leads_to_the_rows(run, play, tmp_path, watch):
    file = tmp_path / "CustGroup.csv"
    file.write_bytes(b"CustGroup,Name\n10,fits\n20,not\x01this\n")
    play()
    ran = load(run, file, "--strict", *watch)

    assert ran.code == 3
    assert "1 row does not fit" in ran.err
    assert "rapidstart job results JB-" in ran.err
    assert ("row 3" in ran.out) is bool(watch)


def test_what_to_write_into_a_mapping_keeps_its_lines(run, play, tmp_path):
    file = tmp_path / "CustGroup.csv"
    file.write_text("CustGroup,Nmae\n10,x\n")
    play()
    ran = load(run, file)

    assert ran.code == 3
    assert '\n[table."CustGroup"]\n' in ran.err


def test_a_load_that_is_planned_ends_with_0_and_says_how_to_watch(run, office, play, groups):
    play("ccc")
    ran = load(run, groups)

    assert ran.code == 0
    assert f"rapidstart job watch {office.client.jobs()[0]['id']}" in ran.out


def test_a_cancelled_load_ends_with_5(run, play, groups):
    play(cancel=True)
    assert load(run, groups, "--watch").code == 5


def test_a_watch_in_json_ends_with_the_job(run, play, groups):
    play("ccf", problems=())
    ran = load(run, groups, "--watch", "--json")

    assert ran.code == 1
    last = ran.lines[-1]
    assert (last["state"], last["rows"]["created"], last["rows"]["failed"]) == ("partly_succeeded", 2, 1)
    assert all(line["id"] == last["id"] for line in ran.lines)


def test_a_load_in_json_is_one_object(run, play, groups):
    play("ccc")
    ran = load(run, groups, "--json")
    assert [line["planned"] for line in ran.lines] == [True]


def test_the_same_file_twice_is_two_jobs_but_one_upload(run, office, groups, nobody):
    first, second = load(run, groups, "--json").lines + load(run, groups, "--json").lines

    assert first["id"] != second["id"]
    assert first["package"] == second["package"]


def test_the_same_rows_under_another_name_are_another_entity(run, office, groups, nobody):
    renamed = groups.with_name("Currency.csv")
    renamed.write_bytes(groups.read_bytes())
    names = [line["package"]["name"] for file in (groups, renamed) for line in load(run, file, "--json").lines]
    assert names == ["CustGroup.csv", "Currency.csv"]


def test_the_same_idempotency_key_is_one_job(run, office, groups, nobody):
    ids = {load(run, groups, "--json", "--idempotency-key", "K").lines[0]["id"] for _ in range(2)}
    assert len(ids) == 1


def test_a_folder_is_handed_in_as_a_zip(run, office, tmp_path, nobody):
    folder = tmp_path / "starter"
    folder.mkdir()
    (folder / "CustGroup.csv").write_text("CustGroup,Name\n10,A\n")
    (folder / "Currency.csv").write_text("CurrencyCode,Txt\nEUR,Euro\n")
    ran = load(run, folder)

    assert "accepted (2 entities" in ran.out
    assert office.client.jobs()[0]["package"]["name"] == "starter.zip"


def test_a_load_that_waits_is_left_with_the_reason(run, nobody, groups):
    ran = load(run, groups)
    assert ran.code == 0
    assert "waiting: no worker of AOS-1" in ran.out
    assert "rapidstart job watch JB-" in ran.out


def test_a_dry_run_submits_nothing(run, office, groups, tmp_path):
    ran = run("load", groups, "--endpoint", "AOS-1", "--dry-run", "--json")
    assert ran.code == 0
    assert ran.lines[0]["entities"][0]["target"].endswith("CustGroupService.CustGroup")

    unheard = tmp_path / "Unheard.csv"
    unheard.write_text("A,B\n1,2\n")
    refused = run("load", unheard, "--endpoint", "AOS-1", "--dry-run")
    assert refused.code == 3
    assert "Unheard" in refused.err
    assert office.client.jobs() == []


def test_what_is_missing_is_asked_for(run, groups, monkeypatch):
    assert "RAPIDSTART_ENDPOINT" in run("load", groups, "--company", "USMF").err
    monkeypatch.setenv("RAPIDSTART_ENDPOINT", "AOS-1")
    ran = run("load", groups)
    assert (ran.code, "--company" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--endpoint", "nowhere", "--company", "USMF"], 3, "no endpoint is named nowhere"),
        (["--endpoint", "AOS-1", "--company", "DEMF"], 3, "has no company DEMF"),
        (["--endpoint", "AOS-1", "--company", "USMF", "--mode", "replace"], 2, "replace"),
    ],
)
def test_a_wrong_wish_is_refused_in_one_line(run, office, groups, arguments, code, said):
    ran = run("load", groups, *arguments)
    assert ran.code == code
    assert said in ran.err
    assert office.client.jobs() == []


def test_a_dispatcher_that_is_down_ends_with_4(run, groups):
    ran = load(run, groups)
    assert ran.code == 4
    assert "does not answer" in ran.err
    assert "rapidstart dispatcher" in ran.err


def test_a_package_that_cannot_be_read_is_refused(run, office, tmp_path):
    file = tmp_path / "broken.zip"
    file.write_bytes(b"PK\x03\x04 broken")
    ran = load(run, file)
    assert (ran.code, "broken.zip" in ran.err) == (3, True)
    assert str(office.home) not in ran.err


def test_ctrl_c_ends_the_watch_and_not_the_job(run, office, groups, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(watching, "follow", interrupted)
    ran = load(run, groups, "--watch")

    (job,) = office.client.jobs()
    assert ran.code == 130
    assert f"rapidstart job watch {job['id']}" in ran.err
    assert job["state"] == "queued"


def test_a_watch_outlives_a_dispatcher_that_is_started_again(office, groups, run, monkeypatch, nobody):
    job_id = json.loads(load(run, groups, "--json").out)["id"]
    office.plan(job_id)
    real, looks = office.client.job, []

    def sometimes(asked):
        looks.append(asked)
        if len(looks) == 2:
            raise watching.NotReachable("away")
        if len(looks) == 3:
            office.settle(job_id, "ccc")
        return real(asked)

    def cut_off(_):
        raise watching.NotReachable("a proxy between lets no events through")

    monkeypatch.setattr(office.client, "job", sometimes)
    monkeypatch.setattr(office.client, "follow", cut_off)
    (ended,) = watching.follow(office.client, [job_id], show=lambda _: None)
    assert ended["state"] == "succeeded"


def test_a_load_of_which_no_row_can_go_in_says_where_to_read_why(run, play, tmp_path):
    file = tmp_path / "CustGroup.csv"
    file.write_bytes(b"CustGroup,Name\r\n10,a\x01b\r\n20,c\x01d\r\n")
    play()
    ran = load(run, file)
    assert ran.code == 1
    assert "failed: 2 of 2 rows, 2 failed" in ran.out
    assert "See why: rapidstart job results JB-" in ran.out


def test_how_long_how_far_and_how_urgently_is_said_at_the_load(run, nobody, groups):
    ran = load(run, groups, "--stop-after", "5%", "--expires-in", "2h", "--priority", "high", "--json")
    (job,) = ran.lines
    assert (job["stop_after"], job["priority"]) == ("5%", "high")
    assert job["expires_at"] > job["submitted_at"]
    shown = run("job", "show", job["id"]).out
    assert all(word in shown for word in ("Priority", "Stops after", "Expires"))
    assert run("job", "prioritise", job["id"], "low").out == f"{job['id']}: priority low\n"


@pytest.mark.parametrize(
    "wrong", [["--stop-after", "0"], ["--stop-after", "101%"], ["--expires-in", "soon"], ["--expires-in", "0h"]]
)
def test_what_is_no_number_and_no_time_is_refused(run, nobody, groups, wrong):
    assert load(run, groups, *wrong).code == 2
