"""What a worker does before it begins: nothing of what proves nothing, nothing without leave, nothing that its policy forbids."""

from pathlib import Path

import pytest

from connector.wire import codec, keys, sealing
from connector.wire.jobs import Grant, SurveyConnection
from connector.wire.reports import BatchRef, BatchReturned, LeaveWanted, MessageRefused, Report, Retry, SurveyDone
from connector.wire.sealing import Stamp, Way
from workers import errors, letters
from workers.policy import Policy
from workers.receiving import Reception

REF = BatchRef(job="JB-2222", step=1, batch=1)
TASK = {"task": "survey.connection", "task_id": "JB-2222.1.1.1"}
ORDER = SurveyConnection(endpoint="A1", ref=REF, addresses=("http://aos/x",))


class Outbox:
    """Keeps what is told, and answers as the dispatcher would."""

    endpoint = "A1"

    def __init__(self) -> None:
        self.told: list[Report] = []
        self.held = {REF}
        self.grant: Grant | errors.WorkerError = Grant(granted=True)

    def sender(self) -> dict[str, str]:
        return {"endpoint": "A1", "worker": "w"}

    def tell(self, report: Report) -> None:
        self.told.append(report)

    def ask(self, question: Report, _answer: type) -> Grant:
        assert isinstance(question, LeaveWanted)
        assert question.ref == REF
        if isinstance(self.grant, errors.WorkerError):
            raise self.grant
        return self.grant

    def let_go(self, ref: BatchRef) -> None:
        self.held.discard(ref)


class Bench:
    """A reception whose work is noted, and a dispatcher that writes to it."""

    def __init__(self, folder: Path, *, policy: Policy | None = None, plain: bool = False) -> None:
        self.dispatcher, self.outbox, self.done = keys.generate(), Outbox(), []
        self.machine = None if plain else letters.trust(folder, dispatcher=self.dispatcher.public.text)
        self._reception = Reception(self.outbox, letters.open_letters(folder, endpoint="A1"), policy)

    def text(self, *, sender: keys.Private | None = None, ref: BatchRef = REF) -> str:
        stamp = Stamp(way=Way.ORDER, endpoint="A1", ref=ref)
        return sealing.seal(ORDER, stamp, sender=(sender or self.dispatcher,), readers=(self.machine,))

    def receive(self, text: object, **task: str) -> None:
        self._reception.receive(self.done.append, text, **(TASK | task))

    def refuse_unknown(self, text: object, **task: str) -> None:
        self._reception.refuse_unknown(text, **(TASK | task))

    def told(self) -> list[type]:
        return [type(report) for report in self.outbox.told]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_an_order_with_leave_is_carried_out_and_let_go(bench: Bench) -> None:
    bench.receive(bench.text())
    assert [message.ref for message in bench.done] == [REF]
    assert (bench.told(), bench.outbox.held) == ([], set())


def test_without_leave_nothing_is_begun(bench: Bench) -> None:
    bench.outbox.grant = Grant(granted=False, reason="this attempt was replaced")
    bench.receive(bench.text())
    assert (bench.done, bench.told(), bench.outbox.held) == ([], [], set())


def test_who_is_told_to_stop_while_waiting_for_leave_gives_the_batch_back(bench: Bench) -> None:
    bench.outbox.grant = errors.Retry("the worker is stopping.", code="RSC-5490")
    bench.receive(bench.text())
    (returned,) = bench.outbox.told
    assert isinstance(returned, BatchReturned)
    assert (returned.retry, returned.sent, bench.done) == (Retry.SOON, False, [])


def test_an_order_that_comes_again_is_refused_and_told(bench: Bench) -> None:
    bench.receive(bench.text())
    bench.receive(bench.text())
    assert len(bench.done) == 1
    assert [report.why for report in bench.outbox.told] == ["repeated"]


def test_a_plain_message_that_comes_again_is_nothing_to_tell_of(tmp_path: Path) -> None:
    bench = Bench(tmp_path, plain=True)
    for _ in range(2):
        bench.receive(codec.encode(ORDER))
    assert (len(bench.done), bench.told()) == (1, [])


@pytest.mark.parametrize("text", ["{}", '{"v":1,"kind":"x","ref":{"job":"JB-2222","step":1,"batch":1}}', 7, codec.encode(ORDER)])
@pytest.mark.parametrize("task", ["survey.connection", "load.newer"])
def test_what_proves_nothing_ends_no_job(bench: Bench, text: object, task: str) -> None:
    """A returned batch that can never be done would end its job: anybody could write that."""
    bench.receive(text, task=task)
    bench.refuse_unknown(text, task=task)
    assert bench.told() == [MessageRefused, MessageRefused]
    assert bench.done == []


def test_a_forgery_does_not_let_go_of_what_is_worked_on(bench: Bench) -> None:
    forged = bench.text(sender=keys.generate())

    def work(_: object) -> None:
        bench.receive(forged)
        bench.done.append(REF in bench.outbox.held)

    bench._reception.receive(work, bench.text(), **TASK)
    assert bench.done == [True]
    assert [report.why for report in bench.outbox.told] == ["forged"]


def test_a_genuine_order_of_an_unknown_kind_ends_its_job_with_a_sentence(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SurveyConnection, "KIND", "survey.newer")
    bench.refuse_unknown(bench.text(), task="survey.newer")
    (returned,) = bench.outbox.told
    assert isinstance(returned, BatchReturned)
    assert "does not know the work 'survey.newer'" in returned.reason
    assert returned.ref == REF


def test_what_the_policy_forbids_is_told_before_any_leave_is_asked(tmp_path: Path) -> None:
    bench = Bench(tmp_path, policy=Policy())
    bench.outbox.grant = AssertionError("nobody asks")  # type: ignore[assignment]
    bench.receive(bench.text())
    (told,) = bench.outbox.told
    assert isinstance(told, SurveyDone)
    assert told.code == "RSC-5981"
    assert "does not allow the address http://aos/x" in told.reason
    assert bench.done == []
