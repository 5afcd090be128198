"""What the plan calls a parameter is what a worker writes: every path of every operation, lists in lists included."""

from pathlib import Path

import pytest

from connector.plan import operations
from connector.wire.jobs import Column, Layout
from connector.wire.metadata import FieldType, Operation, Table
from tests.actions.conftest import ADDRESS, CONTRACT
from tests.contracts.serving import zipped
from workers import aos
from workers.documents import parameters

FOLDERS = (CONTRACT, Path(__file__).parents[2] / "deploy" / "ax" / "contract")


def calls() -> list[Operation]:
    files = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in FOLDERS]
    read = [aos.read_metadata(aos.Door(), [ADDRESS], contract_zip=zipped(each)) for each in files]
    return [call for found in read for service in found.services for call in service.calls]


def whole(table: Table) -> Layout:
    """A layout that fills everything: a list of texts by one cell, not by rows."""
    fields = [field.name for field in table.fields if field.type is not FieldType.COMPLEX]
    children = tuple(whole(child) for child in table.children if child.name not in fields)
    columns = tuple(Column(name=field, field=field) for field in fields)
    return Layout(step=1, entity="x", file="x", table=table.name, columns=columns, children=children)


def filled(scope: parameters.Scope) -> set[str]:
    own = {source.path for node in parameters.leaves(scope.nodes) for source in parameters.sources(node)}
    return own | {f"{inner.layout.table}/{path}" for inner in scope.lists for path in filled(inner)}


def named(layout: Layout) -> set[str]:
    return {column.field for column in layout.columns} | {f"{c.table}/{path}" for c in layout.children for path in named(c)}


@pytest.mark.parametrize("call", calls(), ids=lambda call: call.name)
def test_every_path_of_an_operation_is_filled(call: Operation) -> None:
    layout = whole(operations.table_of(call))
    assert filled(parameters.laid(layout, call.parameters, around="u")) == named(layout)
