"""What `package inspect` can tell, with and without an endpoint."""

import json
from dataclasses import asdict

from connector.plan.inspect import describe
from connector.plan.mapping import Mapping, parse


def test_without_an_endpoint_a_package_tells_what_it_says_by_itself(package, action) -> None:
    pack = package(action("B", "Code,Name", ["1", "x"], ["2", "x"]), action("A", "X", ["1"]))
    told = describe(pack, mapping=Mapping())
    first, second = told.entities
    assert (first.entity, first.key, first.key_is_guess, first.rank) == ("B", ("Code",), True, 1)
    assert (second.rank, first.target, first.sample) == (2, None, (("1", "x"), ("2", "x")))
    assert told.refused is None
    json.dumps(asdict(told))


def test_with_an_endpoint_every_choice_has_a_reason(package, action, metadata) -> None:
    pack = package(action("Cust group", "cust group,Note", ["1", "x"]), action("PaymTerm", "PaymTermId", ["1"]))
    mapping = parse('[table."Cust group"]\nfields = { Note = "" }\nafter = ["PaymTerm"]', "map.toml")
    told = describe(pack, metadata, mapping=mapping)
    terms, group = told.entities
    assert (terms.entity, group.step, group.target, group.mode) == (
        "PaymTerm",
        2,
        "RapidStart/CustGroupService.CustGroup",
        "upsert",
    )
    assert [(column.column, column.field) for column in group.columns] == [("cust group", "CustGroup"), ("Note", None)]
    assert all((group.match_reason, group.key_reason, group.rank_reason, *(column.reason for column in group.columns)))
    json.dumps(asdict(told))


def test_what_does_not_fit_is_described_with_the_refusal(package, action, metadata) -> None:
    told = describe(package(action("Zebras", "A", ["1"])), metadata, mapping=Mapping())
    assert "'Zebras'" in (told.refused or "")
    assert told.entities[0].entity == "Zebras"
