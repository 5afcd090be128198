"""Where every order arrives: read, proved, begun once, within this computer's policy, with the dispatcher's leave.

What is refused here was not begun: no call has been made for it. Whoever wrote a message that proves nothing decides nothing:
it neither ends a job nor frees a batch.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any, Final

from connector import __version__
from connector.wire import codec
from connector.wire.jobs import Grant, Load
from connector.wire.reports import BatchRef, BatchReturned, LeaveWanted, MessageRefused, Retry, SurveyDone
from connector.wire.sealing import Unsealable, Why
from workers import errors, logs
from workers.letters import Letters
from workers.policy import Policy
from workers.reporter import Reporter

log = logging.getLogger(__name__)

#: Attempts that a process knows it has begun; far more than can be delivered again.
_REMEMBERED: Final = 1000
#: The code of an attempt that ended because its worker was told to stop.
STOPPING: Final = "RSC-5490"


class Reception:
    """One per process. Tasks come in on several threads."""

    def __init__(self, reporter: Reporter, letters: Letters, policy: Policy | None) -> None:
        """Nothing is contacted."""
        self._reporter, self._letters, self._policy = reporter, letters, policy
        self._begun = _Begun()

    def receive(self, work: Callable[[Any], None], text: object, *, task: str, task_id: str) -> None:
        """Have `work` carry out what the text of a task orders, unless it is refused."""
        message = self._read(text, task=task, task_id=task_id)
        if message is None:
            return
        ref: BatchRef = message.ref  # type: ignore[attr-defined]
        if not self._begun.begin(ref):
            log.info("a message was delivered twice", extra={"action": "message_twice", "batch": str(ref)})
            if self._letters.is_sealed:  # somebody may have kept it; a broken connection repeats messages, too
                self._refuse(Unsealable(Why.REPEATED, f"the order {ref} came again"), text)
            self._let_go(ref)
            return
        try:
            with logs.about(job=ref.job, batch=str(ref)):
                if self._may_begin(message, ref):
                    work(message)
        finally:
            self._begun.end(ref)
            self._reporter.let_go(ref)

    def refuse_unknown(self, text: object, *, task: str, task_id: str) -> None:
        """A newer dispatcher sent work of a kind that this worker has no task for: its job must hear of it."""
        told = f"the worker's version {__version__} does not know the work {task!r}"
        log.error("%s", told, extra={"action": "work_unknown"})
        try:
            self._letters.order(text, task=task, task_id=task_id)
        except Unsealable as refused:
            self._refuse(refused, text)
        except codec.WireError:
            self._not_understood(text, told)

    def _read(self, text: object, *, task: str, task_id: str) -> codec.Message | None:
        try:
            message = self._letters.order(text, task=task, task_id=task_id)
        except Unsealable as refused:
            self._refuse(refused, text)
            return None
        except codec.WireError as error:
            log.error("%s", error, extra={"action": "message_unreadable"})  # noqa: TRY400 - the sentence says it all
            self._not_understood(text, str(error))
            return None
        if message.endpoint.lower() != self._reporter.endpoint.lower():  # type: ignore[attr-defined]
            log.error("a message is addressed to another endpoint", extra={"action": "message_misplaced"})
            return None
        return message

    def _refuse(self, refused: Unsealable, text: object) -> None:
        """Tell of a message that proves nothing, and do nothing of it."""
        log.error("a message is refused: %s", refused, extra={"action": "message_refused"})
        ref = self._letters.ref(text)
        told = MessageRefused(**self._reporter.sender(), ref=ref, why=refused.why, told=str(refused))
        self._reporter.tell(told)
        if ref is not None:
            self._let_go(ref)

    def _not_understood(self, text: object, why: str) -> None:
        """Give back what was not understood: held on to, it would look as if somebody worked on it."""
        ref = self._letters.ref(text)
        if ref is None:
            return
        self._reporter.tell(
            BatchReturned(
                **self._reporter.sender(),
                ref=ref,
                retry=Retry.NEVER,
                reason=f"{why}; nothing of this batch was done.",
                advice="Bring dispatcher and worker to the same version, then load again.",
                code="RSC-5900",
                settled=False,  # what an earlier attempt has left open is as open as before
            )
        )
        self._reporter.let_go(ref)

    def _let_go(self, ref: BatchRef) -> None:
        """Hold a batch no longer, unless it is worked on."""
        if not self._begun.at_work(ref):
            self._reporter.let_go(ref)

    def _may_begin(self, message: codec.Message, ref: BatchRef) -> bool:
        """Whether policy and dispatcher let it begin; the dispatcher is told of what the policy refuses."""
        try:
            if self._policy is not None:
                self._policy.check(message)
            if not self._letters.is_sealed:
                return True
            grant = self._reporter.ask(LeaveWanted(**self._reporter.sender(), ref=ref), Grant)
        except errors.WorkerError as error:
            self._reporter.tell(self._not_begun(message, ref, error))
            return False
        if not grant.granted:
            log.info("an attempt does not begin: %s", grant.reason, extra={"action": "attempt_replaced", "batch": str(ref)})
        return grant.granted

    def _not_begun(self, message: codec.Message, ref: BatchRef, error: errors.WorkerError) -> BatchReturned | SurveyDone:
        log.warning("an order is not begun: %s", error, extra={"action": "order_refused", "batch": str(ref)})
        is_stopping = error.code == STOPPING
        if isinstance(message, Load) or is_stopping:
            load = message if isinstance(message, Load) else None
            return BatchReturned(
                **self._reporter.sender(),
                ref=ref,
                so_far=load.so_far if load else None,
                retry=Retry.SOON if is_stopping else Retry.NEVER,
                reason=error.message,
                advice=error.advice,
                code=error.code,
                settled=load is None or load.open_intent is None,
                sent=False,
            )
        reason = f"{error.message} {error.advice}".strip()
        return SurveyDone(**self._reporter.sender(), ref=ref, reason=reason, code=error.code)


class _Begun:
    """The attempts that this process has begun: each is carried out once, however often its message is delivered.

    kombu puts a message back, and takes it again, when its connection breaks while the message is still worked on.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended: dict[BatchRef, bool] = {}

    def begin(self, ref: BatchRef) -> bool:
        """Note an attempt; False where it was begun before."""
        with self._lock:
            if ref in self._ended:
                return False
            self._ended[ref] = False
            while len(self._ended) > _REMEMBERED:
                del self._ended[next(iter(self._ended))]
            return True

    def end(self, ref: BatchRef) -> None:
        """Note that an attempt has ended."""
        with self._lock:
            self._ended[ref] = True

    def at_work(self, ref: BatchRef) -> bool:
        """Whether an attempt was begun, and has not ended."""
        with self._lock:
            return self._ended.get(ref) is False
