"""Steps run in an order that has a reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import PlanRefused
from connector.intake.values import Order
from connector.plan.ordering import Edge, Node
from connector.plan.ordering import ranks as order
from connector.wire.jobs import Mode


def ranks(plan) -> list[tuple[str, int]]:
    return [(step.entity, step.rank) for step in plan.steps]


@pytest.fixture
def customers(action):
    return [
        action("CustTable", "AccountNum,Cust group", ["1", "10"]),
        action("CustGroup", "CustGroup,Paym term id", ["10", "N30"]),
        action("PaymTerm", "PaymTermId", ["N30"]),
    ]


def test_without_an_order_references_make_levels(planned, customers, action) -> None:
    plan = planned(action("PurchTable", "PurchId", ["1"]), *customers)
    assert ranks(plan) == [("PurchTable", 1), ("PaymTerm", 1), ("CustGroup", 2), ("CustTable", 3)]
    assert [step.no for step in plan.steps] == [1, 2, 3, 4]
    assert [step.layout.step for step in plan.steps] == [1, 2, 3, 4]
    assert plan.steps[2].rank_reason == "after PaymTerm, as CustGroup.PaymTermId refers to PaymTerm"
    assert plan.steps[3].rank_reason == "after CustGroup, as CustTable.CustGroup refers to CustGroup"


def test_a_workbooks_order_is_kept_but_for_what_refers_forward(planned, customers, action) -> None:
    sheets = [action("PurchTable", "PurchId", ["1"]), *customers]
    plan = planned(*(_of(each, "book.xlsx") for each in sheets), form="workbook")
    assert ranks(plan) == [("PurchTable", 1), ("PaymTerm", 2), ("CustGroup", 3), ("CustTable", 4)]
    assert plan.steps[0].rank_reason == "the order of the sheets"
    assert "after PaymTerm" in plan.steps[2].rank_reason


def _of(action, file: str):
    from dataclasses import replace

    return replace(action, file=file)


def test_several_workbooks_keep_the_order_of_their_sheets(planned, customers, action) -> None:
    sheets = [_of(action("PurchTable", "PurchId", ["1"]), "b.xlsx"), _of(customers[0], "b.xlsx")]
    plan = planned(_of(customers[1], "a.xlsx"), _of(customers[2], "a.xlsx"), *sheets)
    assert ranks(plan) == [("PaymTerm", 1), ("PurchTable", 1), ("CustGroup", 2), ("CustTable", 3)]
    assert "after PurchTable, as its sheet comes later" in plan.steps[3].rank_reason


def test_numbered_files_are_an_order(planned, customers) -> None:
    files = [_of(each, f"{number:02} x.csv") for number, each in enumerate(reversed(customers))]
    plan = planned(*files)
    assert ranks(plan) == [("PaymTerm", 1), ("CustGroup", 2), ("CustTable", 3)]
    assert plan.steps[0].rank_reason == "the number in front of the file's name"


def test_the_manifests_triples_decide_and_only_equal_ones_share_a_rank(planned, action) -> None:
    plan = planned(
        action("CustGroup", "CustGroup", ["1"], order=Order(1, 20, 1)),
        action("PaymTerm", "PaymTermId", ["1"], order=Order(1, 20, 1)),
        action("CustTable", "AccountNum", ["1"], order=Order(1, 10, 9)),
        action("PurchTable", "PurchId", ["1"], order=Order(2, 1, 1)),
        form="datapackage",
    )
    assert ranks(plan) == [("CustTable", 1), ("CustGroup", 2), ("PaymTerm", 2), ("PurchTable", 3)]
    assert plan.steps[0].rank_reason == "the manifest: execution unit 1, level 10, sequence 9"


def test_nothing_known_means_one_after_another(planned, action) -> None:
    plan = planned(action("CustGroup", "CustGroup", ["1"]), action("PaymTerm", "PaymTermId", ["1"]))
    assert ranks(plan) == [("CustGroup", 1), ("PaymTerm", 2)]
    assert "alphabetical" in plan.steps[0].rank_reason


def test_after_makes_an_order_and_its_circles_are_refused(planned, action) -> None:
    groups, terms = action("CustGroup", "CustGroup", ["1"]), action("PaymTerm", "PaymTermId", ["1"])
    plan = planned(groups, terms, toml='[table.CustGroup]\nafter = ["PaymTerm"]')
    assert ranks(plan) == [("PaymTerm", 1), ("CustGroup", 2)]
    assert plan.steps[1].rank_reason == "after PaymTerm, as the mapping says so"
    both = '[table.CustGroup]\nafter = ["PaymTerm"]\n[table.PaymTerm]\nafter = ["CustGroup"]'
    with pytest.raises(PlanRefused, match=r"circle: .*CustGroup before PaymTerm|circle: .*PaymTerm before CustGroup"):
        planned(groups, terms, toml=both)


def test_references_in_a_circle_are_let_go_with_a_notice(planned, customers) -> None:
    plan = planned(*customers, toml='[table.PaymTerm]\nafter = ["CustTable"]')
    assert ranks(plan) == [("CustGroup", 1), ("CustTable", 2), ("PaymTerm", 3)]
    assert [notice for notice in plan.notices if "CustGroup.PaymTermId refers to PaymTerm is not used" in notice]


def test_only_keeps_a_step_and_its_number(planned, customers) -> None:
    for only in ("2", "cust group", "CustGroup"):
        (step,) = planned(*customers, only=only).steps
        assert (step.entity, step.no, step.layout.step) == ("CustGroup", 2, 2)
    with pytest.raises(PlanRefused, match="no step 'Cust grupp'"):
        planned(*customers, only="Cust grupp")


NAMES = "abcdef"
EDGES = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda pair: pair[0] != pair[1]), max_size=12)


@given(references=EDGES, numbered=st.booleans())
def test_every_reference_is_kept_but_for_those_that_close_a_circle(references, numbered) -> None:
    nodes = [Node(entity=name, file=f"{number} x.csv" if numbered else f"{name}.csv") for number, name in enumerate(NAMES)]
    edges = [Edge(before=before, then=then, because=f"{then} refers to {before}") for before, then in references]
    ranked = order(nodes, edges, form="zip")
    place = {node.entity: rank for node, (rank, _) in zip(nodes, ranked.of, strict=True)}
    broken = [(before, then) for before, then in references if place[before] >= place[then]]
    assert len(broken) == len(ranked.notices)
    assert sorted(set(place.values())) == list(range(1, max(place.values()) + 1))
    if numbered and not references:
        assert list(place.values()) == [1, 2, 3, 4, 5, 6]
    if numbered:
        assert len(set(place.values())) == len(NAMES)


def test_deletes_go_the_other_way_round_for_ax_keeps_what_others_refer_to(planned, action) -> None:
    entities = (action("CustGroup", "CustGroup,PaymTermId", ["1", "2"]), action("PaymTerm", "PaymTermId", ["2"]))
    loaded = planned(*entities).steps
    assert [step.entity for step in loaded] == ["PaymTerm", "CustGroup"]
    deleted = planned(*entities, mode=Mode.DELETE).steps
    assert [(step.entity, step.rank) for step in deleted] == [("CustGroup", 1), ("PaymTerm", 2)]
    assert deleted[0].rank_reason.startswith("in mode delete the other way round: after PaymTerm")
