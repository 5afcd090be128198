"""The mapping that would say what a plan decided."""

from dataclasses import replace

import pytest

from connector.plan import make, saying
from connector.plan.inspect import describe
from connector.plan.mapping import Mapping, TableMapping, parse
from connector.wire.jobs import Blank, Mode

DROPS = '[table."Cust group"]\nfields = { Note = "" }\nconstants = { PaymTermId = "N" }'


def said(pack, metadata, toml=""):
    mapping = parse(toml, "map.toml")
    return parse(saying.toml(saying.said(describe(pack, metadata, mapping=mapping), mapping)), "said.toml")


@pytest.fixture
def packs(package, action):
    groups = action("Cust group", "cust group,Note,Name", ["1", "x", "A"])
    terms = action("PaymTerm", "PaymTermId,Description", ["1", "net"])
    header = action("PurchTable", "Purch id,OrderAccount", ["P1", "V1"], ["P2", "V2"])
    lines = action("Purch line", "Item id,Purch id,Qty", ["I1", "P1", "1"], ["I2", "P2", "2"])
    guessed = action("CustTable", "AccountNum,Name", ["1", "x"], ["2", "x"])
    return {
        "drops, constants": (package(groups, terms), DROPS),
        "nested": (package(header, lines), ""),
        "guess": (package(guessed), ""),
    }


@pytest.mark.parametrize("which", ["drops, constants", "nested", "guess"])
def test_a_plan_with_what_it_said_is_the_same_plan(packs, metadata, which) -> None:
    pack, toml = packs[which]
    mapping = parse(toml, "map.toml")
    found, again = (
        make(pack, metadata, mapping=each, mode=Mode.UPSERT, blank=Blank.KEEP) for each in (mapping, said(pack, metadata, toml))
    )

    def decided(plan):
        return [replace(step, match_reason="", key_reason="", rank_reason="") for step in plan.steps]

    assert decided(found) == decided(again)


def test_targets_keys_and_fields_are_said_and_guesses_are_not(packs, metadata) -> None:
    pack, toml = packs["drops, constants"]
    groups = said(pack, metadata, toml).of("Cust group")
    assert groups == TableMapping(
        target="RapidStart/CustGroupService.CustGroup",
        key=("CustGroup",),
        fields={"cust group": "CustGroup", "Note": "", "Name": "Name"},
        constants={"PaymTermId": "N"},
    )
    pack, _ = packs["guess"]
    keyless = metadata.model_copy(update={"services": tuple(each.model_copy(update={"key": ()}) for each in metadata.services)})
    assert (said(pack, metadata).of("CustTable").key, said(pack, keyless).of("CustTable").key) == (("AccountNum",), ())


def test_before_an_endpoint_is_known_nothing_more_is_said_than_the_mapping(packs) -> None:
    pack, toml = packs["drops, constants"]
    mapping = parse(toml, "map.toml")
    assert saying.said(describe(pack, None, mapping=mapping), mapping) == mapping


def test_two_entities_of_one_name_are_not_said_by_one_word(package, action, metadata) -> None:
    pack = package(action("PaymTerm", "PaymTermId", ["1"], file="a.csv"), action("PaymTerm", "Description", ["x"], file="b.csv"))
    assert saying.toml(saying.said(describe(pack, metadata, mapping=Mapping()), Mapping())) == ""


def test_what_is_changed_of_an_entity_leaves_all_else() -> None:
    mapping = parse('scope = "company"\n[table.A]\nunit = ["U"]\nkey = ["K"]\n[table.B]\nafter = ["A"]', "map.toml")
    other = saying.changed(mapping, "A", target="T", key=(), fields={"c": ""})
    assert other.table == {"A": TableMapping(target="T", unit=("U",), fields={"c": ""}), "B": mapping.of("B")}
    assert other.scope == "company"
    silent = saying.changed(mapping, "B", target=None, key=(), fields={})
    assert silent.of("B").after == ("A",)
    assert "N" not in saying.changed(Mapping(), "N", target=None, key=(), fields={}).table


def test_names_of_any_characters_are_said_as_toml_reads_them() -> None:
    mapping = Mapping(table={'a "b".c\n]': TableMapping(fields={"x = 1 # é": "Name", "": ""}, constants={"A": "=1\t'"})})
    assert parse(saying.toml(mapping), "said.toml") == mapping
    assert saying.toml(Mapping()) == ""
