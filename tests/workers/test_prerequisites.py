"""What a worker's computer must have: each line is ok, missing (and what to do), or cannot tell."""

import json
from email.utils import formatdate

import pytest
from click.testing import CliRunner

from tests.aos.peer import answer, peer
from workers import keeping, prerequisites
from workers.cli import main
from workers.commands.doctor import about, word
from workers.service import Found, State


@pytest.mark.parametrize(("build", "said"), [(14393, "ok"), (20348, "ok"), (9600, "missing"), (7601, "missing")])
def test_windows_server_2016_is_the_floor(build, said):
    found = prerequisites.system(build)
    assert word(found) == said
    assert ("near it" in found.advice) == (said == "missing")


@pytest.mark.parametrize(("version", "said"), [((3, 10), "missing"), ((3, 11), "ok"), ((3, 14), "ok"), ((3, 15), "missing")])
def test_pythons_that_are_supported(version, said):
    assert word(prerequisites.python(version)) == said


@pytest.mark.parametrize(("late_s", "said"), [(0, "ok"), (-59, "ok"), (400, "missing"), (-400, "missing")])
def test_the_clock_is_held_against_the_dispatchers(late_s, said):
    assert word(prerequisites.clock(formatdate(1_700_000_000 + late_s, usegmt=True), now=1_700_000_000)) == said


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_a_dispatcher_that_tells_no_time_proves_nothing(date):
    assert word(prerequisites.clock(date, now=0)) == "cannot tell"


def test_a_dispatcher_whose_clock_is_wrong_is_reached():
    with peer(lambda _: answer("200 OK", f"Date: {formatdate(0, usegmt=True)}")) as served:
        answers, clock = prerequisites.dispatcher(served.url)
    assert (word(answers), word(clock)) == ("ok", "missing")


def test_nobody_at_the_dispatchers_address_is_missing():
    (found,) = prerequisites.dispatcher("http://127.0.0.1:1")
    assert (word(found), "RAPIDSTART_API_URL" in found.advice) == ("missing", True)


def test_a_broker_that_is_away_is_told_without_its_password():
    found = prerequisites.broker("redis://me:secret@127.0.0.1:1/0")
    assert word(found) == "missing"
    assert "secret" not in found.model_dump_json()


@pytest.fixture
def doctor(tmp_path, monkeypatch):
    monkeypatch.setenv("RAPIDSTART_HOME", str(tmp_path))
    return lambda *words: CliRunner().invoke(main, ["doctor", *words])


def test_doctor_tells_what_is_missing_and_what_to_do(doctor):
    ran = doctor("--endpoint", "A1")
    assert ran.exit_code == 4
    assert "missing      Broker" in ran.output
    assert "RAPIDSTART_BROKER_URL" in ran.output
    for told in (
        "ok           Python",
        "cannot tell  Antivirus",
        "ASP.NET 4.0",
        "administrator of this computer",
        "cannot tell  AOS",
    ):
        assert told in ran.output


def test_doctor_for_programs_is_a_json_object_per_line(doctor):
    found = [json.loads(line) for line in doctor("--json").output.splitlines()]
    assert {each["is"] for each in found} == {"ok", "missing", "cannot tell"}


def test_doctor_looks_at_every_endpoint_that_this_computer_is_registered_for(doctor, tmp_path):
    for name in ("A1", "A2"):
        folder = tmp_path / "endpoints" / name.lower()
        folder.mkdir(parents=True)
        said = {"endpoint": name, "dispatcher": "http://127.0.0.1:1", "service_host": "http://127.0.0.1:1", "aos_instance": "1"}
        (folder / "registration.json").write_text(json.dumps(said))
        keeping.keep(folder / "broker.login", "redis://me:secret@127.0.0.1:1/0")
    found = {check["name"]: check for check in map(json.loads, doctor("--json").output.splitlines())}
    assert [found[f"Broker, {name}"]["detail"] for name in ("A1", "A2")] == ["cannot be reached (ConnectionError)"] * 2
    assert {"Dispatcher, A1", "Dispatcher, A2", "Python"} <= set(found)
    assert "secret" not in str(found)
    assert "Broker" in [json.loads(line)["name"] for line in doctor("--endpoint", "A2", "--json").output.splitlines()]


@pytest.mark.parametrize(
    ("state", "more", "advice"),
    [
        (State.RUNNING, {}, ""),
        (State.STARTING, {}, ""),
        (State.STOPPED, {}, "service start"),
        (State.RUNNING, {"is_ours": False}, "service move"),
        (State.RUNNING, {"is_ours": False, "is_original": True}, "offers to remove it"),
    ],
)
def test_of_each_service_doctor_tells_what_is_to_be_done(state, more, advice):
    told = about(Found(**({"name": "X", "state": state, "command": "", "is_ours": True} | more)))
    assert (advice in told) if advice else not told


def test_doctor_looks_at_the_ports_of_the_aos(doctor):
    ran = doctor("--address", "http://127.0.0.1:1/MicrosoftDynamicsAXAif60/RapidStart/xppservice.svc")
    (line,) = [line for line in ran.output.splitlines() if line.startswith("missing") and "127.0.0.1" in line]
    assert "Broker" not in line
