"""`package validate`: what would become of the rows, in words that say would; planner and worker are played by the test."""

import threading

import pytest

from connector.wire.reports import Problem


@pytest.fixture
def play(office):
    """Plays planner and worker for the next job that is submitted."""
    threads, over = [], threading.Event()

    def start(*letters, problems=()):
        def work():
            while not (found := office.client.jobs()):
                if over.wait(0.02):
                    return
            office.plan(found[0]["id"])
            office.settle(found[0]["id"], *letters, problems=problems)

        threads.append(threading.Thread(target=work))
        threads[-1].start()

    yield start
    over.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def validate(run, file, *more):
    return run("package", "validate", file, "--endpoint", "aos-1", "--company", "USMF", *more)


def test_a_package_that_would_go_in_ends_with_0(run, play, groups):
    play("cu=")
    ran = validate(run, groups)
    assert (ran.code, ran.err) == (0, "")
    assert "Preview JB-" in ran.out
    assert "(preview) succeeded: 3 of 3 rows" in ran.out
    for title in ("Would be created", "Would be updated", "Would stay as they are"):
        assert title in ran.out


def test_rows_that_would_fail_end_with_1_and_are_explained(run, play, groups):
    play("cfc", problems=(Problem(row=1, field="Name", message="No such name.", advice="Correct it.", code="RSC-3310"),))
    ran = validate(run, groups)
    assert ran.code == 1
    assert "partly succeeded: 3 of 3 rows, 1 would fail" in ran.out
    assert "CustGroup: 1 row would fail" in ran.out
    assert "CustGroup.csv, row 3" in ran.out


def test_where_no_row_would_go_in_it_is_rows_that_fail_and_no_outage(run, play, groups):
    play("fff", problems=tuple(Problem(row=n, message="No.", advice="", code="RSC-3310") for n in range(3)))
    assert validate(run, groups).code == 1


def test_without_the_aos_the_contract_alone_is_asked(run, play, office, tmp_path):
    file = tmp_path / "CustGroup.csv"
    file.write_bytes(b"CustGroup,Name\r\n10,a\x01b\r\n20,fits\r\n30,fits\r\n")
    play()
    ran = validate(run, file, "--offline", "--json")
    assert ran.code == 1
    job = ran.lines[-1]
    assert (job["kind"], job["state"], job["rows"]["total"], job["rows"]["failed"]) == ("preview", "partly_succeeded", 3, 1)
    assert job["reason"] == "the rows were held against the contract; the AOS was not asked"
    assert [step["state"] for step in job["steps"]] == ["partly_succeeded"]
    assert [failure["row"] for failure in run("job", "results", job["id"], "--json").lines] == [2]


def test_where_no_worker_is_there_it_says_what_can_be_done_without(run, play, office, groups):
    office.client.add_endpoint("LONELY", addresses=["http://aos.test/port.svc"], companies=["USMF"])
    office.know("LONELY")
    play("ccc")
    ran = run("package", "validate", groups, "--endpoint", "LONELY", "--company", "USMF", "--json")
    assert (ran.code, ran.lines[-1]["state"]) == (0, "succeeded")
    assert "--offline" in ran.err


def test_a_preview_is_listed_and_shown_as_one(run, play, groups):
    play("ccc")
    job = validate(run, groups, "--json").lines[-1]
    assert "CustGroup.csv (preview)" in run("job", "list").out
    shown = run("job", "show", job["id"]).out
    assert f"{job['id']} (preview) succeeded" in shown
    assert "Would be created" in shown


def test_an_endpoint_that_was_never_surveyed_ends_with_4_and_no_job(run, office, groups):
    office.client.add_endpoint("NEW", addresses=["http://aos.test/port.svc"])
    ran = run("package", "validate", groups, "--endpoint", "NEW", "--company", "USMF")
    assert (ran.code, ran.out) == (4, "")
    assert "rapidstart endpoint metadata NEW --refresh" in ran.err
    assert office.client.jobs() == []


@pytest.mark.parametrize(
    ("more", "code"), [((), 2), (("--company", "XXXX"), 3), (("--company", "USMF", "--mapping", "no-such-file"), 2)]
)
def test_what_cannot_be_validated_is_said_at_once(run, office, groups, more, code):
    ran = run("package", "validate", groups, "--endpoint", "AOS-1", *more)
    assert ran.code == code
    assert ran.err
