"""Calls whose end nobody knows: made again with the same bytes and MessageId, they take effect once and are told right."""

import pytest

from connector.wire.reports import Intent, Outcomes
from tests.load.conftest import TABLES, Dispatcher, batch, layout, running
from workers.errors import Replaced, Retry, Unfinished, Unsettled
from workers.load import tables

GROUPS = layout("CustGroup", "CustGroup", "Name", "Limit", key=["CustGroup"])
ROWS = [["10", "Ten", "1.50"], ["20", "Twenty", ""], ["30", "Thirty", "3"]]
PLAIN = ("--tables", str(TABLES), "--company", "USMF")


def lost(folder, rows, *, layout=GROUPS, **more) -> tuple[Intent, Unfinished]:
    """A call that AX carries out and never answers."""
    asked = Dispatcher()
    with running(*PLAIN, "--data", str(folder)) as ax:
        port = ax.open(layout.table)
        address = ax.url
    faulty = running(*PLAIN, "--data", str(folder), "--fault", "timeout_after=1", "--port", address.rpartition(":")[2])
    with faulty, pytest.raises(Unfinished) as caught:
        tables.run(batch(layout, rows, **more), port=port, ask=asked)
    return asked.intents[-1], caught.value


def again(folder, rows, intent, *, layout=GROUPS, **more):
    asked = Dispatcher()
    with running(*PLAIN, "--data", str(folder)) as ax:
        message = batch(layout, rows, open_intent=Intent.model_validate_json(intent.model_dump_json()), **more)
        result = tables.run(message, port=ax.open(layout.table), ask=asked)
        return result, ax.records(layout.table), ax.stats(), asked


def test_a_create_that_was_never_answered_is_told_as_created_and_made_once(tmp_path):
    intent, unfinished = lost(tmp_path, ROWS, mode="create")
    assert isinstance(unfinished.error, Unsettled)
    assert unfinished.outcomes.letters == "..."
    result, records, stats, asked = again(tmp_path, ROWS, intent, mode="create")
    assert result.outcomes.letters == "ccc"
    assert result.outcomes.keys == {0: "CustGroup=10", 1: "CustGroup=20", 2: "CustGroup=30"}
    assert [record["CustGroup"] for record in records] == ["10", "20", "30"]
    assert stats["duplicates_refused"] == 1
    assert asked.intents == [intent]


def test_an_open_call_that_could_not_be_made_again_is_told_as_not_sent(tmp_path):
    intent, first = lost(tmp_path, ROWS, mode="create")
    assert first.error.sent
    with running(*PLAIN, "--data", str(tmp_path)) as ax:
        port = ax.open("CustGroup")
    with pytest.raises(Unfinished) as caught:  # it is away
        tables.run(batch(GROUPS, ROWS, mode="create", open_intent=intent), port=port, ask=Dispatcher())
    assert isinstance(caught.value.error, Unsettled)
    assert (caught.value.settled, caught.value.error.sent) == (False, False)


def test_a_call_that_never_arrived_is_made_now(tmp_path):
    asked = Dispatcher(grants=0)
    with running(*PLAIN, "--data", str(tmp_path)) as ax, pytest.raises(Replaced):
        tables.run(batch(GROUPS, ROWS), port=ax.open("CustGroup"), ask=asked)
    result, records, stats, _ = again(tmp_path, ROWS, asked.intents[0])
    assert result.outcomes.letters == "ccc"
    assert len(records) == 3
    assert stats["duplicates_refused"] == 0


TWICE = ("--not-idempotent", "create", "--not-idempotent", "update", "--not-idempotent", "delete")


@pytest.mark.parametrize(("mode", "told"), [("upsert", "ccc"), ("create", "???")])
def test_a_port_that_would_carry_a_call_out_twice_is_asked_for_its_keys_instead(tmp_path, mode, told):
    """An upsert has seen that the records were not there; in mode create they may have been there before."""
    first, asked = Dispatcher(), Dispatcher()
    with running(*PLAIN, *TWICE, "--data", str(tmp_path)) as ax:
        port, message = ax.open("CustGroup"), batch(GROUPS, ROWS, mode=mode, idempotent=False)
        tables.run(message, port=port, ask=first)  # nobody heard of it
        again = message.model_copy(update={"open_intent": first.intents[0]})
        assert tables.run(again, port=port, ask=asked).outcomes.letters == told
        assert len(ax.records("CustGroup")) == 3
        assert ax.stats()["operations"]["create"] == 1
    assert asked.intents == []


def test_a_call_that_never_reached_such_a_port_is_made_now(tmp_path):
    asked = Dispatcher(grants=0)
    with running(*PLAIN, *TWICE, "--data", str(tmp_path)) as ax:
        with pytest.raises(Replaced):
            tables.run(batch(GROUPS, ROWS, mode="create", idempotent=False), port=ax.open("CustGroup"), ask=asked)
        message = batch(GROUPS, ROWS, mode="create", open_intent=asked.intents[0], idempotent=False)
        assert tables.run(message, port=ax.open("CustGroup"), ask=Dispatcher()).outcomes.letters == "ccc"
        assert len(ax.records("CustGroup")) == 3


def test_without_a_key_the_rows_of_such_a_call_are_unknown(tmp_path):
    notes = layout("Note", "Text")
    intent, _ = lost(tmp_path, [["a"], ["b"]], layout=notes, mode="create")
    with running(*PLAIN, *TWICE, "--data", str(tmp_path)) as ax:
        message = batch(notes, [["a"], ["b"]], mode="create", open_intent=intent, idempotent=False)
        assert tables.run(message, port=ax.open("Note"), ask=Dispatcher()).outcomes.letters == "??"
        assert len(ax.records("Note")) == 2


def test_an_update_that_was_never_answered_is_told_as_updated(tmp_path):
    with running(*PLAIN, "--data", str(tmp_path)) as ax:
        tables.run(batch(GROUPS, [["10", "old", "1"], ["20", "old", "2"]]), port=ax.open("CustGroup"), ask=Dispatcher())
        port, asked = ax.open("CustGroup"), Dispatcher(grants=0)
        rows = [["10", "new", ""], ["20", "old", "2"]]
        message = batch(GROUPS, rows)
        with pytest.raises(Replaced):
            tables.run(message, port=port, ask=asked)
        assert tables.run(message, port=port, ask=Dispatcher()).outcomes.letters == "u="  # nobody heard of it
    result, records, stats, _ = again(tmp_path, rows, asked.intents[0])
    assert result.outcomes.letters == "u="
    assert [record["Name"] for record in records] == ["new", "old"]
    assert stats["duplicates_refused"] == 1


def test_an_open_update_of_a_record_that_was_changed_meanwhile_is_made_anew(tmp_path):
    with running(*PLAIN, "--data", str(tmp_path)) as ax:
        port, asked = ax.open("CustGroup"), Dispatcher(grants=0)
        tables.run(batch(GROUPS, [["10", "old", "1"]]), port=port, ask=Dispatcher())
        with pytest.raises(Replaced):
            tables.run(batch(GROUPS, [["10", "new", ""]]), port=port, ask=asked)
        tables.run(batch(GROUPS, [["10", "", "2"]]), port=port, ask=Dispatcher())
    result, records, _, second = again(tmp_path, [["10", "new", ""]], asked.intents[0])
    assert result.outcomes.letters == "u"
    assert [(record["Name"], record["Limit"]) for record in records] == [("new", "2")]
    assert len({intent.message_id for intent in second.intents}) == 2


def test_rows_that_were_proved_before_stay_proved(tmp_path):
    asked, so_far = Dispatcher(grants=0), Outcomes(letters="=..")
    with running(*PLAIN, "--data", str(tmp_path)) as ax, pytest.raises(Replaced):
        tables.run(batch(GROUPS, ROWS, so_far=so_far), port=ax.open("CustGroup"), ask=asked)
    result, records, _, _ = again(tmp_path, ROWS, asked.intents[0], so_far=so_far)
    assert result.outcomes.letters == "=cc"
    assert [record["CustGroup"] for record in records] == ["20", "30"]


def test_rows_whose_bytes_have_changed_are_unknown_and_not_written(tmp_path):
    intent, _ = lost(tmp_path, ROWS, mode="create")
    changed = [*ROWS[:2], ["30", "other", "3"]]
    result, records, stats, asked = again(tmp_path, changed, intent, mode="create")
    assert result.outcomes.letters == "???"
    assert {problem.code for problem in result.outcomes.problems} == {"RSC-3120"}
    assert asked.intents == []
    assert stats["operations"].get("create", 0) == 0
    assert len(records) == 3


def test_without_a_key_a_duplicate_is_unknown(tmp_path):
    notes = layout("Note", "Text")
    intent, _ = lost(tmp_path, [["a"], ["b"]], layout=notes, mode="create")
    result, records, _, _ = again(tmp_path, [["a"], ["b"]], intent, layout=notes, mode="create")
    assert result.outcomes.letters == "??"
    assert all(problem.advice for problem in result.outcomes.problems)
    assert len(records) == 2


def test_a_message_id_that_a_failed_call_used_up_does_not_stop_the_rows(tmp_path):
    """A port that remembers the ids of calls that it rolled back: they are duplicates of which nothing is there."""
    asked = Dispatcher()
    options = ("--fault", "deadlock=1", "--burn-failed-ids")
    with running(*PLAIN, "--data", str(tmp_path), *options) as ax:
        with pytest.raises(Unfinished) as caught:
            tables.run(batch(GROUPS, ROWS, mode="create"), port=ax.open("CustGroup"), ask=asked)
        assert isinstance(caught.value.error, Retry)
        assert not isinstance(caught.value.error, Unsettled)
    result, records, _, second = again(tmp_path, ROWS, asked.intents[0], mode="create")
    assert result.outcomes.letters == "ccc"
    assert len(records) == 3
    assert [intent.message_id == asked.intents[0].message_id for intent in second.intents] in ([True], [True, False])


def test_an_aos_that_is_not_there_leaves_every_row_open(tmp_path):
    with running(*PLAIN) as ax:
        port = ax.open("CustGroup")
    with pytest.raises(Unfinished) as caught:
        tables.run(batch(GROUPS, ROWS), port=port, ask=Dispatcher())
    assert isinstance(caught.value.error, Retry)
    assert not isinstance(caught.value.error, Unsettled)
    assert caught.value.outcomes.letters == "..."
