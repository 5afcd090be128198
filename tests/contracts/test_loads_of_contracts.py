"""Random rows of real contracts through the whole worker against a pretend AOS: created, read, updated, found, deleted."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from connector.wire.jobs import Mode
from tests.contracts import drawing, xsd
from tests.contracts.drawing import Drawn, meanings
from tests.contracts.serving import Served, served
from tests.contracts.xsd import Record
from workers import aos

CONTRACTS = {
    "UploadInventService": "TEC_STG_Invent",
    "UploadCustomerService": "QTQ_STG_Customer",
    "UploadPurchOrderService": "TEC_STG_PurchOrder",
}
PLENTY = settings(
    max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.reuse, Phase.generate)
)


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A contract that is served, and its root record."""

    ax: Served
    record: Record


@pytest.fixture(scope="module", params=CONTRACTS)
def loaded(request: pytest.FixtureRequest, shared: Path) -> Iterator[Loaded]:
    folder = shared / "contracts" / request.param
    document = CONTRACTS[request.param]
    name = f"{{http://schemas.microsoft.com/dynamics/2008/01/documents/{document}}}{document}"
    (record,) = xsd.read(xsd.files_of(folder)).roots(name)
    with served(folder, record, structures=True) as ax:
        yield Loaded(ax=ax, record=record)


def size(drawn: Drawn) -> int:
    return 1 + sum(size(nested) for below in drawn.below.values() for nested in below)


def merged(old: Drawn, new: Drawn, keys: dict[str, str]) -> Drawn:
    """What an update leaves: fields that the new rows do not fill, and lines that they do not name, stay."""
    below: dict[str, list[Drawn]] = {}
    for table, lines in old.below.items():
        key = keys[table]
        by_key = {line.values[key]: line for line in new.below[table]}
        kept = [merged(line, by_key.pop(line.values[key]), keys) if line.values[key] in by_key else line for line in lines]
        below[table] = [*kept, *by_key.values()]
    return Drawn(table=old.table, values=old.values | new.values, below=below)


def told(record: Record, drawn: Drawn, keys: dict[str, str]) -> Any:
    """A drawn document by what it means, its nested records by their keys."""
    below = {
        part.name: {line.values[keys[part.name]]: told(part.record, line, keys) for line in drawn.below[part.name]}
        for part in record.parts
        if part.record is not None
    }
    return meanings(record, drawn.values), below


def read_back(record: Record, found: aos.Record, keys: dict[str, str]) -> Any:
    """The same of a document that AX told."""
    below = {
        part.name: {
            line.values[keys[part.name]]: read_back(part.record, line, keys) for line in found.children.get(part.name, ())
        }
        for part in record.parts
        if part.record is not None
    }
    return meanings(record, found.values), below


def held(loaded: Loaded, drawn: list[Drawn]) -> None:
    """What the pretend AOS holds, and what it tells the worker, is what was drawn."""
    ax, record, key = loaded.ax, loaded.record, loaded.ax.keys[loaded.record.name]
    truth = {name: meanings(record, values) for name, values in ax.held(record.name).items()}
    assert truth == {one.values[key]: meanings(record, one.values) for one in drawn}
    for one in drawn:
        criteria = [aos.Criterion(record.name, key, aos.Operator.EQUAL, one.values[key])]
        (found,) = ax.read.port.find(criteria)
        (again,) = ax.read.port.read([{key: one.values[key]}])
        assert read_back(record, found, ax.keys) == told(record, one, ax.keys)
        assert found == again


@given(data=st.data())
@PLENTY
def test_rows_are_created_read_updated_found_and_deleted(loaded: Loaded, data: st.DataObject) -> None:
    ax, keys = loaded.ax, dict(loaded.ax.keys)
    ax.reset()
    documents = st.lists(drawing.records(loaded.record, keys=keys, structures=True), min_size=1, max_size=3)
    first, second = data.draw(documents), data.draw(documents)
    for rows in (first, second):
        drawing.numbered(rows, keys=keys, start="K")
    assert set(ax.load(first).outcomes.letters) == {"c"}
    held(loaded, first)
    assert set(ax.load(first).outcomes.letters) == {"="}
    result = ax.load(second).outcomes
    assert set(result.letters) <= set("=uc"), result.problems
    assert len(result.letters) == sum(map(size, second))
    there = [merged(old, new, keys) for old, new in zip(first, second, strict=False)]
    held(loaded, [*there, *first[len(second) :], *second[len(first) :]])
    assert set(ax.load(second).outcomes.letters) == {"="}
    deleted = ax.load(first, mode=Mode.DELETE).outcomes
    if "delete" in ax.read.service.operations:
        assert set(deleted.letters) == {"d"}
        held(loaded, second[len(first) :])
    else:
        assert set(deleted.letters) <= {"f", "s"}
        assert "offers no delete" in deleted.problems[0].message
