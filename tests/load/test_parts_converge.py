"""Whatever AX holds of dimensions and a row says of them: an update leaves what the words mean, and nothing to do."""

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from connector.wire.codec import Row
from connector.wire.jobs import Blank, Merge
from connector.wire.reports import Before
from tests.documents.customers import layout, port
from workers import aos, documents
from workers.aos import answers
from workers.load import compare

CUSTOMERS = port("CustomerService")
NAMES = ("Department", "CostCenter", "Project")
VALUE = st.sampled_from(["010", "025", "a b"])


def shape_of(columns: list[str], *, update: Merge, blank: Blank):
    parts = (f"DefaultDimension.{name}" for name in columns)
    structures = {"DefaultDimension": {"update": update}}
    return layout("CustTable", "AccountNum", "CustGroup", *parts, key=("AccountNum",), structures=structures, blank=blank)


def meant(old: dict[str, str], said: dict[str, str | None], *, update: Merge, blank: Blank) -> dict[str, str]:
    """The words of the mapping, said once more: names whatever their case."""
    told = {name.casefold(): value for name, value in said.items() if value or (value == "" and blank is Blank.CLEAR)}
    kept = {name: value for name, value in old.items() if update is Merge.MERGE or not told or name in map(str.casefold, said)}
    return {name: value for name, value in (kept | told).items() if value}


@given(
    st.dictionaries(st.sampled_from(NAMES), VALUE),
    st.lists(
        st.tuples(st.sampled_from([*NAMES, *map(str.upper, NAMES)]), VALUE | st.sampled_from(["", None])),
        min_size=1,
        unique_by=lambda said: said[0].casefold(),
    ).map(dict),
    st.sampled_from(Merge),
    st.sampled_from(Blank),
)
@settings(max_examples=300, deadline=None)
def test_an_update_leaves_what_is_meant_and_nothing_to_do(old, said, update, blank):
    by = documents.Writer(CUSTOMERS.service, shape_of(list(said), update=update, blank=blank))
    row = Row(2, ["C1", "10", *said.values()])
    held = {"AccountNum": "C1", "CustGroup": "10"}
    record = aos.Record(table="CustTable", values=held | {f"DefaultDimension.{n}": v for n, v in old.items()}, hash="h")
    expected = meant({name.casefold(): value for name, value in old.items()}, said, update=update, blank=blank)
    difference = compare.difference(by.shape, row, record)
    assert bool(difference) == (expected != {name.casefold(): value for name, value in old.items()})
    if not difference:
        return
    before = Before.model_validate_json(difference.before.model_dump_json())
    body = by.update([{"AccountNum": "C1"}], [by.changed(row, before)])
    assert CUSTOMERS.invalid(body.document) == []
    (written,) = answers.records(etree.fromstring(body.request), CUSTOMERS.service.document)
    left = {name.partition(".")[2].casefold(): value for name, value in written.values.items() if "." in name}
    assert left == expected
    again = aos.Record(table="CustTable", values=held | written.values, hash="i")
    assert not compare.difference(by.shape, row, again)
    assert compare.outcomes_of(by.shape, row, before) == ["u"]
