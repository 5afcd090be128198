"""AX's data dictionary as values: what a plan asks of it."""

from connector.wire.dictionary import DataTable, TableField, TableIndex


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
