"""The record that a complaint of AX is about, at any depth of a document, among the records that were sent."""

import pytest

from connector.wire.codec import Row
from connector.wire.metadata import Document, Field, Service, Table
from tests.load.conftest import layout
from workers.documents import Writer
from workers.errors import Complaint, Refusal
from workers.load import explain

SUB = Table(name="Sub", fields=(Field(name="Qty"),))
LINE = Table(name="Line", fields=(Field(name="Item"),), children=(SUB,))
HEAD = Table(name="Head", fields=(Field(name="No"),), children=(LINE,))
SERVICE = Service(
    address="http://a/p/xppservice.svc",
    port="p",
    name="HeadService",
    namespace="urn:s",
    operations=("create",),
    document=Document(name="Doc", namespace="urn:d", tables=(HEAD,)),
)
SUBS = layout("Sub", "Qty", step=3)
LAYOUT = layout("Head", "No", key=["No"], children=(layout("Line", "Item", step=2, children=(SUBS,)),))
#: places: head 0, line A 1, its subs 2 and 3, line B 4, its sub 5
ROW = Row(2, ["1"], [[Row(2, ["A"], [[Row(2, ["a1"]), Row(3, ["a2"])]]), Row(3, ["B"], [[Row(4, ["b1"])]])]])


def place_of(complaint: Complaint, *, sent: tuple[int, ...] = tuple(range(6))) -> tuple[int, str | None]:
    shape = Writer(SERVICE, LAYOUT).shape
    (problem,) = explain.by_ax(shape, ROW, Refusal("no"), [complaint], lines=sent, index=10)
    return problem.row - 10, problem.value


@pytest.mark.parametrize(
    ("complaint", "expected"),
    [
        (Complaint(message="m", record=1, field="No"), (0, "1")),
        (Complaint(message="m", record=1, table="Line", line=2, field="Item"), (4, "B")),
        (Complaint(message="m", record=1, within=(("Line", 1),), table="Sub", line=2, field="Qty"), (3, "a2")),
        (Complaint(message="m", record=1, within=(("Line", 2),), table="Sub", line=1, field="Qty"), (5, "b1")),
        (Complaint(message="m", record=1, within=(("Line", 2),), table="Sub", line=9), (4, None)),
        (Complaint(message="m", record=1, within=(("Line", 9),), table="Sub", line=1), (0, None)),
        (Complaint(message="m", record=1, table="Line"), (0, None)),
    ],
)
def test_the_record_is_found(complaint: Complaint, expected: tuple[int, str | None]) -> None:
    assert place_of(complaint) == expected


def test_records_that_were_not_sent_are_not_counted() -> None:
    """An update sends what differs: the first line that AX counts is the second one here."""
    first = Complaint(message="m", record=1, within=(("Line", 1),), table="Sub", line=1, field="Qty")
    assert place_of(first, sent=(0, 4, 5)) == (5, "b1")
