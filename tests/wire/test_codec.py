import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.wire import codec, jobs, reports
from connector.wire.codec import Row

CELLS = st.lists(st.none() | st.text(alphabet=st.characters(exclude_categories=["Cs"])), max_size=4)
LEAVES = st.builds(Row, st.integers(1, 10**6), CELLS)
ROWS = st.lists(st.builds(Row, st.integers(1, 10**6), CELLS, st.lists(st.lists(LEAVES, max_size=2), max_size=2)), max_size=5)


@given(ROWS)
def test_rows_travel_unchanged(rows):
    found = codec.unpack_rows(codec.from_text(codec.to_text(codec.pack_rows(rows))))
    assert [plain(row) for row in found] == [plain(row) for row in rows]


def plain(row):
    return row.number, row.cells, [[plain(child) for child in group] for group in row.children]


def taken(**changes):
    text = codec.encode(reports.BatchTaken(endpoint="A", worker="w", ref=reports.BatchRef(job="JB-2222", step=1, batch=1)))
    return json.dumps(json.loads(text) | changes)


def test_fields_that_are_not_known_are_ignored():
    assert isinstance(codec.decode(taken(colour="red"), reports.REPORTS), reports.BatchTaken)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (taken(v=2), "version 2 cannot be read by version 1"),
        (taken(kind="batch.eaten"), "kind 'batch.eaten', which version 1 does not know"),
        (taken(ref=None), "malformed: ref"),
        ("[]", "not JSON with v and kind"),
        ("{", "not JSON with v and kind"),
    ],
)
def test_a_message_that_cannot_be_read_is_refused_with_a_sentence(text, sentence):
    with pytest.raises(codec.WireError, match=sentence):
        codec.decode(text, reports.REPORTS)


def test_rows_that_inflate_without_end_are_refused(monkeypatch):
    monkeypatch.setattr(codec, "MAX_ROWS_BYTES", 1000)
    with pytest.raises(codec.WireError, match="inflate to over 1,000 bytes"):
        codec.unpack_rows(codec.pack_rows([Row(1, ["x" * 5000])]))


def test_a_null_survives_the_message():
    before = reports.Before(hash="h", values={"Name": None, "Note": ""})
    intent = reports.Intent(message_id="m", operation="update", documents=(0,), digest="d", before={0: before}, time_limit_s=1)
    report = reports.IntentReported(
        endpoint="A",
        worker="w",
        ref=reports.BatchRef(job="J", step=1, batch=1),
        intent=intent,
        so_far=reports.Outcomes(letters="."),
    )
    found = codec.decode(codec.encode(report), reports.REPORTS)
    assert found.intent == intent


def test_flat_order_is_depth_first():
    layout = jobs.Layout(
        step=1,
        entity="H",
        file="f",
        table="H",
        columns=(),
        children=(jobs.Layout(step=2, entity="L", file="f", table="L", columns=()),),
    )
    row = Row(2, [], [[Row(7, []), Row(9, [])]])
    assert [(part.step, nested.number) for part, nested in jobs.flatten(layout, row)] == [(1, 2), (2, 7), (2, 9)]
