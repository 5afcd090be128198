"""Which of several date-effective records of one key a mapping means."""

import pytest

from connector.wire.metadata import Field, FieldType, Table
from tests.documents.customers import layout
from workers import aos, documents
from workers.load import effect


def shape(kind: FieldType, as_of: str | None, *, key: tuple[str, ...] = ("Id",)) -> documents.Shape:
    fields = (Field(name="Id"), Field(name="ValidFrom", type=kind), Field(name="ValidTo", type=kind))
    given = {"ValidAsOfDateTime": as_of} if as_of else {}
    return documents.shaped(layout("Rate", "Id", key=key, document=given), tables=(Table(name="Rate", fields=fields),))


def record(start: str | None, end: str | None) -> aos.Record:
    told = {"Id": "1", "ValidFrom": start, "ValidTo": end}
    return aos.Record(table="Rate", values={name: text for name, text in told.items() if text is not None})


@pytest.mark.parametrize(
    ("start", "end", "meant"),
    [
        ("2011-01-01T00:00:00Z", "2011-12-31T23:59:59Z", False),
        ("2012-01-01T00:00:00Z", "2154-12-31T23:59:59Z", True),
        ("2012-06-01T11:59:59+02:00", None, True),
        ("2012-06-01T14:00:01+02:00", None, False),
        (None, "2012-06-01T12:00:00Z", True),
        (None, None, True),
    ],
)
def test_the_record_of_the_moment_is_meant(start, end, meant):
    assert effect.is_meant(shape(FieldType.DATETIME, "2012-06-01T12:00:00Z"), record(start, end)) is meant


def test_days_are_compared_as_days():
    by = shape(FieldType.DATE, "2012-06-01T12:00:00Z")
    assert effect.is_meant(by, record("2012-06-01", "2012-06-01"))
    assert not effect.is_meant(by, record("2012-06-02", "2154-12-31"))


def test_every_record_is_meant_where_no_moment_is_named_or_the_key_tells_them_apart():
    past = record("2011-01-01T00:00:00Z", "2011-12-31T23:59:59Z")
    assert effect.is_meant(shape(FieldType.DATETIME, None), past)
    assert effect.is_meant(shape(FieldType.DATETIME, "2012-06-01", key=("Id", "ValidFrom")), past)
