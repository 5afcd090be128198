"""Service and class actions against a custom service that WCF hosts: .NET's serializer makes objects of our parameters.

It takes members of a data contract in their order alone and passes over others in silence: nothing here is right by chance.
"""

import json
from collections.abc import Iterator

import pytest

from connector.wire.codec import Row
from connector.wire.jobs import Target
from tests.actions.conftest import batch, class_batch, layout, packed
from tests.aos import mono
from tests.load.conftest import Dispatcher
from workers import aos
from workers.load import classes, services


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[aos.Port]:
    sources = [mono.PEERS / f"{name}.cs" for name in ("Messages", "Schedules", "Records", "Faults", "Journals")]
    try:
        program = mono.compiled("Journals", *sources, folder=tmp_path_factory.mktemp("custom"))
    except mono.NotInstalled as missing:
        pytest.skip(str(missing))
    with mono.running(program) as number:
        address = f"http://127.0.0.1:{number}/MicrosoftDynamicsAXAif60/Journals/xppservice.svc"
        door, contract = aos.Door([address]), packed()
        found = aos.read_metadata(door, [address], contract_zip=contract)
        target = Target(address=address, port="Journals", service="JournalService", contract=found.fingerprint)
        yield aos.open_port(door, target, company="USMF", language="en-us", partition=None, contract_zip=contract)


def test_a_data_contract_arrives_with_its_lists_and_nested_rows(port: aos.Port):
    fields = ("parmJournalName", "Total", "Kind", "Approved", "Tags", "Address.City", "CustAccount", "TransDate", "PostedAt")
    lines = layout("_contract.Lines", "Account", "Amount", "Text", step=2)
    journals = layout("postJournal", *(f"_contract.{name}" for name in fields), children=[lines])
    cells = ["Журнал <1>", "15.50", "5", "true", "a; 漢字", "Zürich", "C1", "2012-02-29", "2012-02-29T23:59:59Z"]
    below = [Row(2, ["110", "10.50", "one"]), Row(3, ["120", "-0.001", ""])]
    rows = [Row(2, cells, [below]), Row(3, ["J2", "0", *[""] * 7], [[]])]
    result = services.run(batch(journals, rows), port=port, ask=Dispatcher())
    assert result.outcomes.letters == "uuuu"
    first = json.loads(result.outcomes.answers[0])
    assert (first["JournalId"], first["Total"]) == ("J-1", "15.50")
    assert first["Messages"] == [
        "name 'Журнал <1>'",
        "kind Approval",
        "approved True",
        "city 'Zürich'",
        "customer 'C1'",
        "date 2012-02-29",
        "posted 2012-02-29T23:59:59 Utc",
        "tags a|漢字",
        "line '110' 10.50 'one'",
        "line '120' -0.001 null",
    ]
    second = next(json.loads(text) for place, text in result.outcomes.answers.items() if place)
    assert second["Messages"][:5] == ["name 'J2'", "kind Daily", "approved False", "city null", "customer null"]


def test_single_parameters_arrive_and_their_answers_are_told(port: aos.Port):
    limits = layout("setLimit", "_custAccount", "_limit", "_blocked")
    rows = [["C1", "100.00", "true"], ["nobody", "1", ""], ["Ж & Co", "0.1", ""]]
    result = services.run(batch(limits, rows), port=port, ask=Dispatcher())
    assert result.outcomes.letters == "ufu"
    assert result.outcomes.answers == {0: "'C1' 100.00 True", 2: "'Ж & Co' 0.1 False"}
    (problem,) = result.outcomes.problems
    assert (problem.row, "Customer 'nobody' does not exist." in problem.message) == (1, True)


def test_a_class_method_gets_its_arguments_as_named_values(port: aos.Port):
    run = layout("runClass", "_arguments.Customer", "_arguments.Days", constants={"_className": "CustPost", "_methodName": "run"})
    result = classes.run(class_batch(run, [["C1", "30"], ["", "10"]]), port=port, ask=Dispatcher())
    assert result.outcomes.letters == "uu"
    assert json.loads(result.outcomes.answers[0]) == ["CustPost::run", "'Customer'='C1'", "'Days'='30'"]
    assert json.loads(result.outcomes.answers[1])[2] == "'Days'='10'"
