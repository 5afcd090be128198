"""By AX's data dictionary: what comes first, what is left to a second pass, and where no order exists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import PlanRefused
from connector.intake.values import Order
from connector.plan import passes
from connector.plan.ordering import Edge, Node
from connector.plan.ordering import ranks as order
from connector.wire.codec import Row
from connector.wire.dictionary import DataEnum, DataTable, Dictionary, EnumEntry, TableField, TableRelation
from connector.wire.jobs import Mode
from connector.wire.metadata import Field, Metadata, Table
from tests.plan.test_passes_carried_out import goes_round

CALENDAR = Table(name="Calendar", fields=(Field(name="CalendarId"), Field(name="Based"), Field(name="SiteId")))
SITE = Table(name="Site", fields=(Field(name="SiteId"), Field(name="Name"), Field(name="CalendarId")))
LINE = Table(name="Posting", fields=(Field(name="PostingId"), Field(name="Kind"), Field(name="Account")))
KINDS = DataEnum(
    name="PostingKind",
    entries=(EnumEntry(symbol="Site", number=0, label="Standort"), EnumEntry(symbol="Other", number=1, label="Anderes")),
)


def relation(table: str, mine: str, theirs: str = "", **more: object) -> TableRelation:
    return TableRelation(name=table, table=table, fields=((mine, theirs or mine),), **more)


def table(name: str, *relations: TableRelation, **fields: dict[str, object]) -> DataTable:
    told = tuple(TableField(name=field, **facts) for field, facts in fields.items())
    return DataTable(name=name, relations=relations, fields=told)


SITE_NAMES_CALENDAR = table("Site", relation("Calendar", "CalendarId"), CalendarId={})


def known(*tables: DataTable) -> Dictionary:
    return Dictionary(language="de", tables=tables, enums=(KINDS,))


@pytest.fixture
def endpoint(service) -> Metadata:
    services = [service(each, key=(each.fields[0].name,)) for each in (CALENDAR, SITE, LINE)]
    return Metadata(fingerprint="f", services=tuple(services))


@pytest.fixture
def both(action):
    return [action("Calendar", "CalendarId,SiteId", ["C", "S"]), action("Site", "SiteId,Name,CalendarId", ["S", "n", "C"])]


def ranked(plan) -> dict[str, int]:
    return {step.entity: step.rank for step in plan.steps}


def test_a_relation_orders_and_says_so(planned, action, endpoint) -> None:
    package = (action("Site", "SiteId,CalendarId", ["S", "C"]), action("Calendar", "CalendarId", ["C"]))
    plan = planned(*reversed(package), metadata=endpoint, dictionary=known(SITE_NAMES_CALENDAR, table("Calendar")))
    assert ranked(plan) == {"Calendar": 1, "Site": 2}
    assert plan.steps[1].rank_reason == "after Calendar, as Site.CalendarId names Calendar"
    assert plan.steps[1].later == ()


def test_a_relation_to_a_table_that_another_is_derived_from(planned, action, endpoint) -> None:
    package = (action("Calendar", "CalendarId", ["C"]), action("Site", "SiteId,CalendarId", ["S", "C"]))
    names_base = table("Site", relation("Base", "CalendarId"))
    derived = DataTable(name="Calendar", parent="Base")
    plan = planned(*package, metadata=endpoint, dictionary=known(names_base, derived, DataTable(name="Base", parent="Base")))
    assert plan.steps[1].rank_reason == "after Calendar, as Site.CalendarId names Base"


def test_tables_that_name_each_other_go_in_two_passes(planned, both, endpoint) -> None:
    dictionary = known(SITE_NAMES_CALENDAR, table("Calendar", relation("Site", "SiteId")))
    sites, calendars = planned(*both, metadata=endpoint, dictionary=dictionary).steps
    assert (sites.entity, sites.rank, sites.later, sites.last_rank) == ("Site", 1, ("CalendarId",), 2)
    assert (calendars.rank, calendars.later) == (2, ())
    why = "in two passes, as Site.CalendarId names Calendar: CalendarId comes second, when Calendar went in"
    assert sites.rank_reason.endswith(why)


def test_what_the_passes_hold(planned, both, endpoint) -> None:
    dictionary = known(SITE_NAMES_CALENDAR, table("Calendar", relation("Site", "SiteId")))
    site = planned(*both, metadata=endpoint, dictionary=dictionary).steps[0]
    first, second = passes.first_layout(site.layout, site.later), passes.second_layout(site.layout, site.later)
    assert [column.field for column in first.columns] == ["SiteId", "Name"]
    assert [column.field for column in second.columns] == ["SiteId", "CalendarId"]
    rows = [Row(2, ["S", "n", "C"]), Row(3, ["T"])]
    assert [row.cells for row in passes.cut(rows, site.layout, first)] == [["S", "n"], ["T", None]]
    assert passes.cut(rows, site.layout, second) == [Row(2, ["S", "C"]), Row(3, ["T", None])]


def test_a_constant_that_closes_the_circle_waits_too(planned, action, endpoint) -> None:
    package = [action("Calendar", "CalendarId,SiteId", ["C", "S"]), action("Site", "SiteId", ["S"])]
    dictionary = known(SITE_NAMES_CALENDAR, table("Calendar", relation("Site", "SiteId")))
    toml = '[table.Site]\nconstants = { CalendarId = "C", Name = "n" }'
    site = planned(*package, metadata=endpoint, dictionary=dictionary, toml=toml).steps[0]
    assert passes.first_layout(site.layout, site.later).constants == {"Name": "n"}
    assert passes.second_layout(site.layout, site.later).constants == {"CalendarId": "C"}


@pytest.mark.parametrize(
    ("facts", "more", "why"),
    [
        ({"mandatory": True}, {}, "is mandatory"),
        ({"allow_edit": False}, {}, "cannot be changed once the record is there"),
        ({}, {"toml": '[table.Site]\nkey = ["SiteId", "CalendarId"]'}, "is part of the key"),
    ],
)
def test_where_no_field_can_wait_no_order_exists(planned, both, endpoint, facts, more, why) -> None:
    stuck = table("Calendar", relation("Site", "SiteId"), SiteId={"mandatory": True})
    site = table("Site", relation("Calendar", "CalendarId"), CalendarId=facts)
    with pytest.raises(PlanRefused) as refused:
        planned(*both, metadata=endpoint, dictionary=known(site, stuck), **more)
    told = str(refused.value)
    assert "Site.CalendarId names Calendar and " + why in told
    assert "Calendar.SiteId names Site and is mandatory" in told


@pytest.mark.parametrize(
    ("operations", "toml", "why"),
    [
        (("create", "read"), "", "its rows can only be created"),
        (("create", "update"), "", "its rows can only be created"),
        (("create", "read", "update"), 'table.Site.via = "files"', "its rows can only be created"),
        (("create", "find", "update"), 'table.Site.unit = ["Name"]', "in one call or not at all"),
    ],
)
def test_rows_that_cannot_be_found_and_changed_go_in_one_pass_or_not_at_all(
    planned, both, endpoint, operations, toml, why
) -> None:
    services = [each.model_copy(update={"operations": operations}) for each in endpoint.services]
    offered = endpoint.model_copy(update={"services": tuple(services)})
    stuck = table("Calendar", relation("Site", "SiteId"), SiteId={"mandatory": True})
    with pytest.raises(PlanRefused, match=why):
        planned(*both, metadata=offered, dictionary=known(SITE_NAMES_CALENDAR, stuck), toml=toml)


def test_the_mapping_may_say_what_no_relation_can(planned, both, endpoint) -> None:
    stuck = table("Calendar", relation("Site", "SiteId"), SiteId={"mandatory": True})
    site = table("Site", relation("Calendar", "CalendarId"), CalendarId={"mandatory": True})
    plan = planned(*both, metadata=endpoint, dictionary=known(site, stuck), toml='[table.Site]\nafter = ["Calendar"]')
    assert ranked(plan) == {"Calendar": 1, "Site": 2}
    assert any("Calendar.SiteId names Site is not used" in notice for notice in plan.notices)


def test_only_where_records_are_made_need_they_be_in_before(planned, both, endpoint) -> None:
    dictionary = known(SITE_NAMES_CALENDAR, table("Calendar", relation("Site", "SiteId"), SiteId={"mandatory": True}))
    for mode in (Mode.UPDATE, Mode.DELETE):
        assert not any(step.later for step in planned(*both, metadata=endpoint, dictionary=dictionary, mode=mode).steps)


def test_a_key_that_is_guessed_finds_no_record_again(planned, both, service) -> None:
    nameless = Metadata(fingerprint="f", services=tuple(service(each) for each in (CALENDAR, SITE)))
    dictionary = known(SITE_NAMES_CALENDAR, table("Calendar", relation("Site", "SiteId")))
    with pytest.raises(PlanRefused, match="no key is known"):
        planned(*both, metadata=nameless, dictionary=dictionary)


def test_a_manifest_keeps_its_order_and_what_it_has_too_early_is_filled_later(planned, action, endpoint) -> None:
    site = action("Site", "SiteId,CalendarId", ["S", "C"], order=Order(1, 1, 1))
    calendar = action("Calendar", "CalendarId", ["C"], order=Order(1, 1, 2))
    plan = planned(
        site, calendar, metadata=endpoint, dictionary=known(SITE_NAMES_CALENDAR, table("Calendar")), form="datapackage"
    )
    assert [(step.entity, step.rank, step.later, step.last_rank) for step in plan.steps] == [
        ("Site", 1, ("CalendarId",), 2),
        ("Calendar", 2, (), 0),
    ]


def test_a_table_that_names_itself_goes_in_two_passes_or_in_the_order_of_its_rows(planned, action, endpoint) -> None:
    package = action("Calendar", "CalendarId,Based", ["C", ""], ["D", "C"])
    itself = relation("Calendar", "Based", "CalendarId")
    (free,) = planned(package, metadata=endpoint, dictionary=known(table("Calendar", itself))).steps
    assert (free.later, free.last_rank, free.in_turn) == (("Based",), 1, False)
    assert "Based comes second, when its own rows went in" in free.rank_reason
    (stuck,) = planned(package, metadata=endpoint, dictionary=known(table("Calendar", itself, Based={"mandatory": True}))).steps
    assert (stuck.later, stuck.in_turn) == ((), True)
    assert "row after row, as Calendar.Based names Calendar and is mandatory" in stuck.rank_reason


@pytest.mark.parametrize(("cell", "holds"), [("Site", True), ("standort", True), ("0", True), ("", True), ("Other", False)])
def test_a_relation_of_some_rows_orders_only_where_there_are_such_rows(planned, action, endpoint, cell, holds) -> None:
    fixed = table(
        "Posting", relation("Site", "Account", "SiteId", fixed=(("Kind", 0),)), Kind={"type": "Enum", "enum": "PostingKind"}
    )
    package = (action("Posting", "PostingId,Kind,Account", ["P", cell, "S"]), action("Site", "SiteId", ["S"]))
    plan = planned(*package, metadata=endpoint, dictionary=known(fixed, table("Site")))
    assert ranked(plan) == ({"Site": 1, "Posting": 2} if holds else {"Posting": 1, "Site": 2})


NAMES = "abcdef"
FACTS = st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES), st.sampled_from(["", "", "is mandatory"]))


@given(told=st.lists(FACTS, max_size=14, unique_by=lambda each: each[:2]), form=st.sampled_from(["sheets", "files", "manifest"]))
def test_whatever_names_what_no_row_names_one_that_comes_later(told, form) -> None:
    nodes = [
        Node(entity=name, file="book" if form == "sheets" else name, order=Order(1, 1, place % 4) if form == "manifest" else None)
        for place, name in enumerate(NAMES)
    ]
    edges = [
        Edge(before=before, then=then, because=f"{then} names {before}", by="relation", fields=(before,), stuck=stuck)
        for before, then, stuck in told
    ]
    try:
        found = order(nodes, edges, form="zip")
    except PlanRefused:
        assert goes_round({(before, then) for before, then, stuck in told if stuck and before != then}, NAMES)
        return
    place = {node.entity: rank for node, (rank, _) in zip(nodes, found.of, strict=True)}
    again = passes.of(found, list(place))
    for before, then, stuck in told:
        comes_before = place[before] < place[then]
        if not stuck:
            waits = then in again and before in again[then].later
            assert waits is not comes_before
            assert comes_before or again[then].rank >= place[before]
        elif before == then:
            assert again[then].in_turn
        else:
            assert comes_before or form == "manifest"
            assert comes_before or any(f"{then} names {before}" in notice for notice in found.notices)
