"""AX's data dictionary as values: what a plan asks of it."""

import zlib

import pytest

from connector.wire.codec import WireError, to_text
from connector.wire.dictionary import MAX_SLICE_BYTES, DataTable, Dictionary, TableField, TableIndex, pack, unpack


def test_natural_keys_come_best_first_and_never_a_surrogate_alone() -> None:
    table = DataTable(
        name="CustGroup",
        fields=(TableField(name="CustGroup"), TableField(name="Name"), TableField(name="RecId", type="Int64", system=True)),
        indexes=(
            TableIndex(name="RecIdIdx", fields=("RecId",), unique=True),
            TableIndex(name="NameIdx", fields=("Name",), unique=True),
            TableIndex(name="GroupIdx", fields=("CustGroup",), unique=True, alternate_key=True),
            TableIndex(name="Loose", fields=("Name", "CustGroup")),
        ),
        primary_index="RecIdIdx",
    )

    assert table.unique_keys == (("CustGroup",), ("Name",))


def test_names_have_no_case() -> None:
    table = DataTable(name="CustGroup", fields=(TableField(name="CustGroup"),))

    assert table.field("CUSTGROUP") == table.fields[0]
    assert table.field("Other") is None


def test_a_slice_travels_packed() -> None:
    part = Dictionary(language="de", tables=(DataTable(name="CustGroup", label="Debitorengruppen Ж 漢字"),))

    assert unpack(pack(part)) == part


@pytest.mark.parametrize("text", ["", "no base64!", "AAAA", to_text(zlib.compress(b"[1]")), to_text(zlib.compress(b"{")[:-3])])
def test_what_is_no_slice_is_refused(text: str) -> None:
    with pytest.raises(WireError):
        unpack(text)


def test_a_slice_inflates_to_so_much_and_no_more() -> None:
    with pytest.raises(WireError, match="over 64,000,000 bytes"):
        unpack(to_text(zlib.compress(b" " * (MAX_SLICE_BYTES + 1), 9)))
