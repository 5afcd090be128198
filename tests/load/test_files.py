"""Rows that AX reads from a folder: handed over whole, answered by RequestMessageId, never called loaded without an answer."""

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

from connector.wire import codec
from connector.wire.codec import Row
from connector.wire.jobs import Grant, LoadFiles, LoadFlatFile, Target
from connector.wire.reports import BatchRef, Handed, Outcomes
from tests.load.conftest import TABLES, Dispatcher, layout, running
from workers.documents import FlatFormat
from workers.errors import Replaced, Unfinished
from workers.exchange import FilePort, Folder, Framework, OnError
from workers.load import files, flatfiles

GROUPS = layout("CustGroup", "CustGroup", "Name", key=["CustGroup"])
EVENT_S = 20


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    return tmp_path


def file_port(place: Path, **more) -> FilePort:
    return FilePort(name="P", folder=Folder(place / "in", title="file port P", outbound=place / "out"), **more)


def message(kind, rows, *, laid=GROUPS, **more):
    packed = codec.pack_rows([Row(number, list(cells)) for number, cells in enumerate(rows, 2)])
    return kind(
        endpoint="AOSTEST",
        ref=BatchRef(job="JB-1", step=1, batch=3),
        company="USMF",
        target=Target(address="", port="P", service="CustGroupService", contract=""),
        layout=laid,
        rows=codec.to_text(packed),
        **more,
    )


def until_answered(rows, *, port, folders, ask, **more):
    """Looks again and again, as the dispatcher has it done."""
    so_far = None
    until = datetime.now(UTC) + timedelta(seconds=EVENT_S)
    while True:
        found = files.run(message(LoadFiles, rows, so_far=so_far, **more), port=port, file_port=folders, ask=ask)
        if not found.waiting or datetime.now(UTC) > until:
            return found
        so_far = found.outcomes


def test_what_ax_answers_is_told_row_by_row(place):
    with running("--tables", str(TABLES), "--company", "USMF", "--files", str(place)) as ax:
        rows = [("10", "ten"), ("20", ""), ("30", "x" * 500), ("10", "again")]
        ask = Dispatcher()
        found = until_answered(rows, port=ax.open("CustGroup"), folders=file_port(place), ask=ask)
        assert found.outcomes.letters == "ccff"
        assert found.outcomes.keys[0].endswith("=10")
        too_long, twice = found.outcomes.problems
        assert (too_long.row, too_long.field) == (2, "Name")
        assert twice.row == 3
        assert "already exists" in twice.message
        assert [record["CustGroup"] for record in ax.records("CustGroup")] == ["10", "20"]
        assert len(ask.intents) == 1


def test_the_file_is_a_batch_in_order_that_says_company_and_action(place, ax):
    found = files.run(
        message(LoadFiles, [("b", "1"), ("a", "2")]), port=ax.open("CustGroup"), file_port=file_port(place), ask=Dispatcher()
    )
    assert found.outcomes.letters == "hh"
    assert "handed over" in found.waiting
    (path,) = (place / "in").iterdir()
    assert path.name == "JB-1-001-000003.xml"
    root = etree.parse(path).getroot()
    assert (root.get("BatchId"), root.get("ConversationId")) == ("JB-1-001-000003", "JB-1/1")
    headers = [{etree.QName(part).localname: part.text for part in header} for header in root.iter("{*}Header")]
    assert [list(header) for header in headers] == [["MessageId", "Company", "Action", "ConversationId"]] * 2
    assert {header["Company"] for header in headers} == {"USMF"}
    assert headers[0]["Action"].endswith("/CustGroupService/create")
    assert [element.text for element in root.iter("{*}CustGroup") if len(element) == 0] == ["b", "a"]


def test_a_single_document_is_an_envelope(place, ax):
    files.run(message(LoadFiles, [("b", "1")]), port=ax.open("CustGroup"), file_port=file_port(place), ask=Dispatcher())
    (path,) = (place / "in").iterdir()
    assert etree.QName(etree.parse(path).getroot()).localname == "Envelope"


def test_without_a_grant_nothing_is_handed_over(place, ax):
    with pytest.raises(Replaced):
        files.run(
            message(LoadFiles, [("b", "1")]), port=ax.open("CustGroup"), file_port=file_port(place), ask=Dispatcher(grants=0)
        )
    assert [path for path in place.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("crash", ["before the file was moved", "after the file was moved"])
def test_a_granted_file_is_handed_over_once(place, ax, crash):
    port, ask = ax.open("CustGroup"), Dispatcher()

    class Crash(Exception):
        pass

    def dies(intent, outcomes):
        ask(intent, outcomes)
        raise Crash

    with pytest.raises(Crash):
        files.run(message(LoadFiles, [("b", "1")]), port=port, file_port=file_port(place), ask=dies)
    (aside,) = (path for path in place.rglob("*.xml"))
    if crash == "after the file was moved":
        aside.unlink()  # moved in, and taken by AX
    again = message(LoadFiles, [("b", "1")], open_intent=ask.intents[0])
    found = files.run(again, port=port, file_port=file_port(place), ask=Dispatcher(grants=0))
    assert found.outcomes.letters == "h"
    assert len(list((place / "in").iterdir())) == (1 if crash == "before the file was moved" else 0)


def test_a_folder_that_is_away_ends_the_attempt_with_nothing_sent(place, ax):
    (place / "in").rmdir()
    with pytest.raises(Unfinished, match="file port P") as ended:
        files.run(message(LoadFiles, [("b", "1")]), port=ax.open("CustGroup"), file_port=file_port(place), ask=Dispatcher())
    assert ended.value.settled
    assert ended.value.outcomes.letters == "."


def test_what_ax_never_answers_stays_handed_over(place, ax):
    port = ax.open("CustGroup")
    found = files.run(message(LoadFiles, [("b", "1")]), port=port, file_port=file_port(place), ask=Dispatcher())
    (entry,) = found.outcomes.handed
    late = found.outcomes.model_copy(update={"handed": (entry.model_copy(update={"at": entry.at - timedelta(hours=2)}),)})
    ended = files.run(message(LoadFiles, [("b", "1")], so_far=late), port=port, file_port=file_port(place), ask=Dispatcher())
    assert not ended.waiting
    assert ended.outcomes.letters == "h"
    assert "did not answer within 3600 s" in ended.outcomes.problems[0].message
    assert ended.log


def test_a_port_that_takes_all_or_nothing_takes_the_others_back(place, ax):
    port = ax.open("CustGroup")
    rows = [("a", "1"), ("b", "2")]
    folders = file_port(place, on_error=OnError.ROLLBACK)
    found = files.run(message(LoadFiles, rows), port=port, file_port=folders, ask=Dispatcher())
    second = found.outcomes.handed[1].message_id
    (place / "out" / "a.xml").write_text(
        '<Envelope xmlns="http://schemas.microsoft.com/dynamics/2011/01/documents/Message"><Header>'
        f"<RequestMessageId>{{{second.upper()}}}</RequestMessageId></Header><Body><MessageParts>"
        '<Fault xmlns="http://schemas.microsoft.com/dynamics/2008/01/documents/Fault"><Code>RequestFailed</Code><Reason>'
        "<Text>No.</Text></Reason></Fault></MessageParts></Body></Envelope>"
    )
    again = files.run(message(LoadFiles, rows, so_far=found.outcomes), port=port, file_port=folders, ask=Dispatcher())
    assert again.outcomes.letters == "sf"
    assert again.outcomes.problems[0].message == "No."
    assert not again.waiting


# -- the Data Import/Export Framework

COLUMNS = layout("Customers", "AccountNum", "Name")


def framework(place: Path, **more) -> Framework:
    return Framework(folder=Folder(place / "in", title="DIXF", outbound=place / "out"), format=FlatFormat(), **more)


def test_a_text_file_is_handed_over_with_its_control_file(place):
    rows = [("0001", "a,b"), ("0002", "")]
    found = flatfiles.run(message(LoadFlatFile, rows, laid=COLUMNS), framework=framework(place), ask=Dispatcher())
    assert found.outcomes.letters == "hh"
    data, control = sorted((place / "in").iterdir())
    assert list(csv.reader(data.open(newline=""))) == [["AccountNum", "Name"], ["0001", "a,b"], ["0002", ""]]
    told = json.loads(control.read_text())
    assert (told["file"], told["entity"], told["company"], told["rows"]) == (data.name, "Customers", "USMF", 2)


def test_a_result_file_settles_the_rows_that_it_names(place):
    rows = [("1", "a"), ("2", "b"), ("3", "c")]
    found = flatfiles.run(message(LoadFlatFile, rows, laid=COLUMNS), framework=framework(place), ask=Dispatcher())
    name = found.outcomes.handed[0].file
    (place / "out" / f"{name}.result.csv").write_text("Row,Outcome,Message\n1,created,\n3,failed,No such group\n")
    again = flatfiles.run(
        message(LoadFlatFile, rows, laid=COLUMNS, so_far=found.outcomes), framework=framework(place), ask=Dispatcher()
    )
    assert again.outcomes.letters == "chf"
    assert again.waiting
    assert again.outcomes.problems[0].message == "No such group"
    last = flatfiles.run(
        message(LoadFlatFile, rows, laid=COLUMNS, so_far=again.outcomes),
        framework=framework(place, answer_within_s=0),
        ask=Dispatcher(),
    )
    assert (last.outcomes.letters, last.waiting) == ("chf", "")


def test_a_cell_that_the_format_has_no_place_for_fails_alone(place):
    plain = Framework(folder=Folder(place / "in", title="DIXF"), format=FlatFormat(text_qualifier=""))
    found = flatfiles.run(message(LoadFlatFile, [("1", "a,b"), ("2", "c")], laid=COLUMNS), framework=plain, ask=Dispatcher())
    assert found.outcomes.letters == "fh"
    problem, handed = found.outcomes.problems
    assert "handed over" in handed.message
    assert "no text qualifier" in problem.message
    assert (problem.row, problem.column, problem.field, problem.value) == (0, "The Name", "Name", "a,b")
    assert not found.waiting  # no answer is read: it ends as handed over


def test_a_control_file_is_finished_after_a_crash_between_the_two(place):
    rows = [("1", "a")]
    there, ask = framework(place), Dispatcher()

    def only_data(intent, outcomes):
        ask(intent, outcomes)
        there.folder.hand_over("JB-1-001-000003.csv")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        flatfiles.run(message(LoadFlatFile, rows, laid=COLUMNS), framework=there, ask=only_data)
    again = message(LoadFlatFile, rows, laid=COLUMNS, open_intent=ask.intents[0])
    flatfiles.run(again, framework=there, ask=lambda *_: Grant(granted=False))
    assert len(list((place / "in").iterdir())) == 2


def test_handed_over_rows_are_remembered_with_their_file():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    outcomes = Outcomes(letters="h", handed=(Handed(file="a.xml", message_id="m", rows=(0,), at=at),))
    assert Outcomes.model_validate_json(outcomes.model_dump_json()) == outcomes
