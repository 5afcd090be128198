"""The demo's sample: the same at every call, readable, plannable, and wrong exactly where it says so."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector import sample
from connector.intake.package import open_package
from connector.intake.values import Action
from connector.plan import make
from connector.plan.mapping import parse
from connector.sample.starter import FAULTS
from connector.wire.jobs import Blank, Mode
from connector.wire.metadata import Document, Field, FieldType, Metadata, Service, Table


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> sample.SamplePaths:
    return sample.write(tmp_path_factory.mktemp("sample"))


def _table(raw: dict) -> Table:
    fields = tuple(
        Field(name=name, type=FieldType(facets.get("type", "string")), mandatory=facets.get("mandatory", False),
              max_length=facets.get("length"), symbols=tuple(facets.get("symbols", ())))
        for name, facets in raw["fields"].items()
    )  # fmt: skip
    return Table(name=raw["name"], fields=fields, children=tuple(map(_table, raw.get("lines", ()))))


@pytest.fixture(scope="module")
def raw(paths: sample.SamplePaths) -> dict:
    return tomllib.loads(paths.tables.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def metadata(raw: dict) -> Metadata:
    services = (
        Service(
            address="http://aos/x.svc", port=raw["port"], name=f"{table.name}Service", namespace="urn:x", operations=("create",),
                document=Document(name=f"Rs{table.name}", namespace="urn:x", tables=(table,)))
        for table in map(_table, raw["table"])
    )  # fmt: skip
    return Metadata(fingerprint="f", services=tuple(services))


def test_it_is_the_same_at_every_call(paths: sample.SamplePaths, tmp_path: Path) -> None:
    again = sample.write(tmp_path)
    assert again.package.read_bytes() == paths.package.read_bytes()
    assert again.tables.read_bytes() == paths.tables.read_bytes()


def test_it_has_some_five_thousand_rows_in_nine_entities(paths: sample.SamplePaths) -> None:
    package = open_package(paths.package)
    counts = [sum(1 for _ in action.rows()) for action in package.actions]
    assert len(counts) == 9
    assert 4_500 <= sum(counts) <= 5_500
    assert package.notices == ()


def test_its_plan_is_in_the_order_of_the_sheets_with_lines_in_their_orders(paths, metadata) -> None:
    package = open_package(paths.package)
    mapping = parse(package.mapping_toml or "", "rapidstart.toml")
    plan = make(package, metadata, mapping=mapping, mode=Mode.UPSERT, blank=Blank.KEEP)
    assert [step.entity for step in plan.steps] == [action.entity for action in package.actions]
    assert [step.rank for step in plan.steps] == [1, 2, 3, 4, 5, 6, 7, 8, 8]
    assert not any(step.key_is_guess for step in plan.steps)
    assert plan.steps[8].parent_step == 8
    assert plan.notices == ()


def _wrong(action: Action, table: dict, known: dict[str, set[str]], fields: list[str]) -> Iterator[tuple[int, str]]:
    """Rows that the table's own rules refuse, and the field: as an AOS would see them, one after another."""
    seen: set[tuple[str, ...]] = set()
    for row in action.rows():
        record = dict(zip(fields, row.cells, strict=True))
        key = tuple(record[field] for field in table["key"])
        bad = [name for name, text in record.items() if not _fits(text, table["fields"][name], known)]
        bad += ["key"] if key in seen else []
        if bad:
            yield row.number, bad[0]
        else:
            seen.add(key)
            known.setdefault(table["name"], set()).add(key[0])


def _fits(text: str, facets: dict, known: dict[str, set[str]]) -> bool:
    from datetime import date

    if not text:
        return not facets.get("mandatory")
    try:
        {"date": date.fromisoformat, "decimal": float, "integer": int}.get(facets.get("type", ""), str)(text)
    except ValueError:
        return False
    fits = len(text) <= facets.get("length", 999) and text in facets.get("symbols", [text])
    return fits and ("references" not in facets or text in known[facets["references"]])


def test_exactly_the_rows_that_it_names_are_wrong(paths, raw, metadata) -> None:
    package = open_package(paths.package)
    mapping = parse(package.mapping_toml or "", "rapidstart.toml")
    plan = make(package, metadata, mapping=mapping, mode=Mode.UPSERT, blank=Blank.KEEP)
    tables = {table["name"]: table for root in raw["table"] for table in (root, *root.get("lines", ()))}
    known: dict[str, set[str]] = {}
    found = []
    for step in plan.steps:
        fields = [column.field for column in step.layout.columns]
        wrong = _wrong(package.actions[step.action_index], tables[step.table], known, fields)
        found += [(step.entity, row) for row, _ in wrong]
    assert found == [(sheet, row) for sheet, row, _ in FAULTS]
