"""Entities become calls: which operation, which parameter for which column, in which place, told as what."""

import pytest

from connector.errors import PlanRefused
from connector.plan import Plan, make
from connector.plan import inspect as inspecting
from connector.plan.mapping import parse
from connector.screen.screening import Screen
from connector.wire.codec import Row
from connector.wire.jobs import Blank, Mode
from connector.wire.metadata import Metadata
from connector.wire.reports import Outcome
from tests.plan.conftest import CUST_GROUP, PAYM_TERM, make_action, make_package, make_service


def planned(metadata: Metadata, *found, toml: str, mode: Mode = Mode.UPSERT, services=(), form="zip") -> Plan:
    known = metadata.model_copy(update={"services": (*services, *metadata.services)})
    return make(make_package(*found, form=form), known, mapping=parse(toml, "map.toml"), mode=mode, blank=Blank.KEEP)


def mapped(plan: Plan, number: int = 1) -> dict[str, str]:
    return {column.name: column.field for column in plan.steps[number - 1].layout.columns}


LIMITS = make_action("Limits", "Cust account,Limit", ["C1", "1"])
JOURNALS = make_action("Journals", "JournalName,Total,City,Tags", ["J1", "1", "Bern", "a;b"])


def test_columns_find_parameters_by_their_last_name(metadata: Metadata) -> None:
    plan = planned(metadata, LIMITS, toml='[table.Limits]\ntarget = "Journal.setlimit"')
    (step,) = plan.steps
    assert (step.kind, step.target.service, step.target.operation) == ("load.services", "JournalService", "setLimit")
    assert mapped(plan) == {"Cust account": "_custAccount", "Limit": "_limit"}
    assert step.options == {"idempotent": False, "outcome": Outcome.UPDATED.value}
    assert "unknown" in step.key_reason


def test_parameters_in_depth_with_constants_and_a_delimiter(metadata: Metadata) -> None:
    toml = """
[table.Journals]
target = "Journals/JournalService.postJournal"
idempotent = true
outcome = "created"
constants = { Kind = "5" }
structure.Tags = { delimiter = "," }
"""
    plan = planned(metadata, JOURNALS, toml=toml)
    (step,) = plan.steps
    assert mapped(plan) == {
        "JournalName": "_contract.parmJournalName",
        "Total": "_contract.Total",
        "City": "_contract.Address.City",
        "Tags": "_contract.Tags",
    }
    assert step.layout.constants == {"_contract.Kind": "5"}
    assert step.layout.structures["_contract.Tags"].delimiter == ","
    assert step.options == {"idempotent": True, "outcome": Outcome.CREATED.value}


@pytest.mark.parametrize(
    ("operation", "outcome"), [("addNote", Outcome.CREATED), ("deleteJournal", Outcome.DELETED), ("setLimit", Outcome.UPDATED)]
)
def test_what_a_row_is_told_as_follows_from_the_operations_name(metadata: Metadata, operation: str, outcome: Outcome) -> None:
    columns = {"addNote": "Note,Level", "deleteJournal": "JournalId", "setLimit": "Limit"}[operation]
    plan = planned(metadata, make_action("X", columns, []), toml=f'[table.X]\ntarget = "JournalService.{operation}"')
    assert plan.steps[0].options["outcome"] == outcome.value
    assert f"as {operation} is named" in plan.steps[0].key_reason


def test_lists_of_records_are_entities_of_their_own_at_any_depth(metadata: Metadata) -> None:
    toml = """
[table.Journals]
target = "JournalService.postJournal"
[table.Lines]
target = "JournalService.postJournal._contract.Lines"
fields = { "No" = "" , "Line" = "" }
parent = { target = "JournalService.postJournal", on = { "Journal" = "JournalName" } }
[table.Taxes]
target = "JournalService.postJournal._contract.Lines.Taxes"
parent = { target = "JournalService.postJournal._contract.Lines", on = { "Line" = "Line" } }
"""
    lines = make_action("Lines", "Journal,No,Line,Account,Amount", ["J1", "1", "L1", "110", "1"])
    taxes = make_action("Taxes", "Line,Code,Percent", ["L1", "V", "7"])
    plan = planned(metadata, JOURNALS, lines, taxes, toml=toml)
    assert [step.parent_step for step in plan.steps] == [None, 1, 2]
    (root, *_) = plan.steps
    (line,) = root.layout.children
    (tax,) = line.children
    assert (line.table, tax.table) == ("_contract.Lines", "Taxes")
    assert [column.field for column in line.columns] == ["Account", "Amount"]
    assert [column.field for column in tax.columns] == ["Code", "Percent"]


CLASSES = """
[classes]
operation = "JournalService.runClass"
class = "_className"
method = "_methodName"
parameters = "_arguments"
name = "Argument"
value = "Text"
"""


def test_a_class_method_takes_the_columns_as_its_parameters(metadata: Metadata) -> None:
    toml = f'{CLASSES}[table.Post]\ncall = "class"\ntarget = "CustPost.run"\nfields = {{ "Days" = "days:Integer", "Note" = "" }}'
    plan = planned(metadata, make_action("Post", "Customer,Days,Note", ["C1", "1", ""]), toml=toml)
    (step,) = plan.steps
    assert step.kind == "load.classes"
    assert mapped(plan) == {"Customer": "_arguments.Customer", "Days": "_arguments.days:Integer"}
    assert step.layout.constants == {"_className": "CustPost", "_methodName": "run"}
    options = {"outcome": "u", "parameters": "_arguments", "name": "Argument", "value": "Text"}
    assert step.options == options


def test_a_call_comes_after_all_that_stands_before_it(metadata: Metadata) -> None:
    groups = make_action("CustGroup", "CustGroup,PaymTermId", ["10", "N"])
    terms = make_action("PaymTerm", "PaymTermId", ["N"])
    services = (make_service(CUST_GROUP, key=("CustGroup",)), make_service(PAYM_TERM, key=("PaymTermId",)))
    toml = '[table.Limits]\ntarget = "JournalService.setLimit"\n[table.Notes]\ntarget = "JournalService.addNote"'
    notes = make_action("Notes", "Note,Level", ["a", "1"])
    plan = planned(metadata, groups, LIMITS, notes, terms, toml=toml, services=services)
    ranks = {step.entity: step.rank for step in plan.steps}
    assert ranks["PaymTerm"] < ranks["CustGroup"] < ranks["Limits"] < ranks["Notes"]
    assert plan.steps[-1].rank_reason == "after all that stands before it, as a call keeps its place"


@pytest.mark.parametrize(
    ("action", "toml", "told"),
    [
        (LIMITS, 'target = "JournalService.setLimits"', "names no operation 'setLimits'.*setLimit"),
        (JOURNALS, 'target = "JournalService.postJournal.Line"', "names no list 'Line' in postJournal.*Lines"),
        (make_action("X", "Cust,Limit", []), 'target = "JournalService.setLimit"', "named like the column 'Cust'"),
        (LIMITS, 'target = "JournalService.setLimit"\nfields = { "Limits" = "_limit" }', "names a column 'Limits'.*Limit"),
        (LIMITS, 'target = "JournalService.setLimit"\nfields = { "Limit" = "_limt" }', "parameter '_limt'.*_limit"),
        (LIMITS, 'target = "JournalService.setLimit"\nfields = { "Limit" = "custAccount" }', "both fill _custAccount"),
        (make_action("X", "Note", []), 'target = "JournalService.addNote"', "demands _level"),
        (make_action("X", "City", []), 'target = "JournalService.postJournal"', "demands _contract.Total"),
        (make_action("X", "Any", []), 'target = "JournalService.attachFile"', "_any.* no text can fill"),
        (make_action("X", "L", []), 'target = "JournalService.postJournal"\nfields = { "L" = "_contract.Lines" }', "own"),
        (LIMITS, 'target = "JournalService.setLimit"\nvia = "files"', "rows in files cannot"),
        (LIMITS, 'target = "JournalService.setLimit"\nkey = ["Limit"]', "`key` means nothing"),
        (LIMITS, 'target = "JournalService.setLimit"\nstructure._limit = { delimiter = ";" }', "_limit, which takes no list"),
        (LIMITS, 'target = "JournalService.setLimit"\nfolder = "In"', "`folder` means nothing"),
        (
            make_action("X", "Cust account,Tag", []),
            'target = "JournalService.tagCustomer"\nstructure._tag = { segments = ["A"] }',
            "only say the delimiter",
        ),
        (LIMITS, 'target = "CustPost"\ncall = "class"', "no class with its method"),
        (LIMITS, 'target = "Cust.Post.run"\ncall = "class"', "no class with its method"),
        (LIMITS, 'target = "CustPost.run"\ncall = "class"', "no operation RapidStartTableService.invoke"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_do(metadata: Metadata, action, toml: str, told: str) -> None:
    with pytest.raises(PlanRefused, match=f"(?s){told}") as caught:
        planned(metadata, action, toml=f"[table.{action.entity}]\n{toml}")
    assert caught.value.advice


def test_a_classes_section_that_names_what_is_not_there(metadata: Metadata) -> None:
    toml = CLASSES.replace('"_arguments"', '"_args"') + '[table.Limits]\ncall = "class"\ntarget = "A.b"'
    with pytest.raises(PlanRefused, match="'_args'"):
        planned(metadata, LIMITS, toml=toml)


def test_no_method_is_called_again(metadata: Metadata) -> None:
    toml = f'{CLASSES}[table.Limits]\ncall = "class"\ntarget = "CustPost.run"\nidempotent = true'
    with pytest.raises(PlanRefused, match="idempotent"):
        planned(metadata, LIMITS, toml=toml)


def test_nobody_who_deletes_records_means_to_call(metadata: Metadata) -> None:
    with pytest.raises(PlanRefused, match="mode delete"):
        planned(metadata, LIMITS, toml='[table.Limits]\ntarget = "JournalService.setLimit"', mode=Mode.DELETE)


def test_an_inspection_shows_the_call(metadata: Metadata) -> None:
    mapping = parse('[table.Limits]\ntarget = "JournalService.setLimit"', "map.toml")
    found = inspecting.describe(make_package(LIMITS), metadata, mapping=mapping)
    (entity,) = found.entities
    assert found.refused is None
    assert (entity.target, entity.mode) == ("Journals/JournalService.setLimit", None)
    assert entity.key_reason.startswith("each row is a call")


def test_cells_are_held_against_the_parameters_before_anything_is_sent(metadata: Metadata) -> None:
    toml = """
[table.Journals]
target = "JournalService.postJournal"
[table.Lines]
target = "JournalService.postJournal._contract.Lines"
parent = { target = "JournalService.postJournal", on = { "Journal" = "JournalName" } }
"""
    lines = make_action("Lines", "Journal,Amount", ["J1", "1"])
    steps = planned(metadata, JOURNALS, lines, toml=toml).steps
    rows = [
        Row(2, ["J1", "1", "Bern", "a;b"], [[Row(2, ["1"]), Row(3, ["much"])]]),
        Row(3, ["J2", "", "Bern", ""], [[]]),
        Row(4, ["J3", "3", None, None], [[Row(4, ["2"])]]),
    ]
    kept, told = Screen(steps[0], steps, again=lambda: iter(rows)).parted(rows)
    assert [row.number for row in kept] == [4]
    failed = {(each.step, each.row, each.problem.field) for each in told if each.outcome is Outcome.FAILED}
    assert failed == {(2, 3, "Amount"), (1, 3, "_contract.Total")}
