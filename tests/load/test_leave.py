"""Leave for a writing call rests on the database being the one of which the dispatcher was told."""

import pytest

from connector.wire import codec
from connector.wire.jobs import Grant, Layout, LoadTables, Target
from connector.wire.reports import BatchRef, Intent, Outcomes
from workers.errors import GiveUp, Retry, Unsettled
from workers.load import leave

SO_FAR = Outcomes(letters=".")


def intent(message_id="m1"):
    return Intent(message_id=message_id, operation="create", documents=(0,), digest="d", time_limit_s=1)


def message(open_intent=None):
    return LoadTables(
        endpoint="a1",
        ref=BatchRef(job="JB-2222", step=1, batch=1),
        company="USMF",
        target=Target(address="http://aos/x.svc", port="p", service="S", contract="c"),
        layout=Layout(step=1, entity="E", file="f", table="T", columns=()),
        rows=codec.to_text(codec.pack_rows([codec.Row(2, [])])),
        open_intent=open_intent,
    )


class Dispatcher:
    def __init__(self, granted=True):
        self.granted, self.told = granted, []

    def __call__(self, intent, so_far, mark):
        self.told.append(mark)
        return Grant(granted=self.granted, reason="" if self.granted else "the database changed")


def marks(*told):
    """What the AOS says, one after the other; an exception is raised."""
    left = list(told)

    def mark():
        now = left.pop(0)
        if isinstance(now, Exception):
            raise now
        return now

    return mark


@pytest.mark.parametrize("mark", ["one", "", None])
def test_the_mark_goes_with_the_question(mark):
    tell = Dispatcher()
    assert leave.asking(message(), mark=marks(mark, mark), tell=tell)(intent(), SO_FAR).granted
    assert tell.told == [mark]


@pytest.mark.parametrize("then", ["two", "", Retry("away"), GiveUp("refused")])
def test_leave_is_void_where_the_database_is_not_known_to_be_the_same(then):
    grant = leave.asking(message(), mark=marks("one", then), tell=Dispatcher())(intent(), SO_FAR)
    assert not grant.granted
    assert "database" in grant.reason


def test_an_aos_that_does_not_answer_is_not_asked_for():
    tell = Dispatcher()
    with pytest.raises(Retry):
        leave.asking(message(), mark=marks(Retry("away")), tell=tell)(intent(), SO_FAR)
    assert tell.told == []


def test_a_call_that_may_have_been_made_stays_open_where_leave_is_refused():
    ask = leave.asking(message(open_intent=intent()), mark=marks("two", "two"), tell=Dispatcher(granted=False))
    with pytest.raises(Unsettled, match="the database changed") as raised:
        ask(intent(), SO_FAR)
    assert not raised.value.sent
    assert not ask(intent("m2"), SO_FAR).granted, "another call is just not made"


@pytest.mark.parametrize(("told", "known"), [("one", "one"), (None, None), (Retry("away"), None), (GiveUp("refused"), None)])
def test_the_end_of_a_batch_is_told_with_the_mark_where_it_is_known(told, known):
    assert leave.last(marks(told)) == known
