"""One Celery task per load path, a few lines each. What goes wrong is told to the dispatcher, never to Celery.

A task always ends well for Celery: retry, order and delay live in the ledger.
"""

import base64
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from celery import Celery, signals

from connector import __version__
from connector.wire import codec
from connector.wire.jobs import (
    WORK,
    Contract,
    Grant,
    Load,
    LoadClasses,
    LoadFiles,
    LoadFlatFile,
    LoadServices,
    LoadTables,
    SurveyConnection,
    SurveyMetadata,
    Target,
)
from connector.wire.reports import (
    BatchDone,
    BatchRef,
    BatchReturned,
    ContractWanted,
    Intent,
    IntentReported,
    Outcomes,
    Retry,
    SurveyDone,
    ref_of,
)
from workers import aos, errors, survey
from workers.exchange import Exchange
from workers.load import classes, files, flatfiles, handover, preview, services, tables
from workers.load.calls import Ask
from workers.load.result import Result
from workers.reporter import Reporter

log = logging.getLogger(__name__)

#: What happens next with a batch, by the error that ended it; the first match counts.
_NEXT: Final[tuple[tuple[type[errors.WorkerError], Retry], ...]] = (
    (errors.Retry, Retry.LATER),
    (errors.WorkerError, Retry.NEVER),
)
#: Attempts that a process knows it has begun; far more than can be delivered again.
_REMEMBERED: Final = 1000
#: The code of an attempt that ended because its worker was told to stop.
_STOPPING: Final = "RSC-5490"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What every task of this process works with."""

    door: aos.Door
    exchange: Exchange
    reporter: Reporter


def register(app: Celery, bench: Bench) -> None:
    """Give the app its tasks."""
    begun = _Begun()
    for kind, work in _WORK.items():
        app.task(_task(bench, work, begun), name=kind, ignore_result=True)

    def unknown(name: str = "", message: Any = None, **_: Any) -> None:
        _refuse_unknown(bench, name, message)

    signals.task_unknown.connect(unknown, weak=False)


def _refuse_unknown(bench: Bench, kind: str, message: Any) -> None:
    """A newer dispatcher sent work of a kind that this worker has no task for: its job must hear of it."""
    try:
        ((text, *_), *_) = message.payload
    except (ValueError, TypeError):
        text = ""
    told = f"the worker's version {__version__} does not know the work {kind!r}"
    log.error("%s", told, extra={"action": "work_unknown"})
    _refuse(bench, ref_of(text), told)


def _refuse(bench: Bench, ref: BatchRef | None, why: str) -> None:
    """Give back what was not understood: held on to, it would look as if somebody worked on it."""
    if ref is None:
        return
    bench.reporter.tell(
        BatchReturned(
            **bench.reporter.sender(),
            ref=ref,
            retry=Retry.NEVER,
            reason=f"{why}; nothing of this batch was done.",
            advice="Bring dispatcher and worker to the same version, then load again.",
            code="RSC-5900",
            settled=False,  # what an earlier attempt has left open is as open as before
        )
    )
    bench.reporter.let_go(ref)


def _task(bench: Bench, work: Callable[..., None], begun: "_Begun") -> Callable[[str], None]:
    def carry_out(text: str) -> None:
        _carry_out(bench, work, begun, text)

    return carry_out


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


def _carry_out(bench: Bench, work: Callable[..., None], begun: _Begun, text: str) -> None:
    try:
        message = codec.decode(text, WORK)
    except codec.WireError as error:
        log.error("%s", error, extra={"action": "message_unreadable"})  # noqa: TRY400 - the sentence says it all
        _refuse(bench, ref_of(text), str(error))
        return
    if message.endpoint.lower() != bench.reporter.endpoint.lower():  # type: ignore[attr-defined]
        log.error("a message is addressed to another endpoint", extra={"action": "message_misplaced"})
        return
    ref: BatchRef = message.ref  # type: ignore[attr-defined]
    if not begun.begin(ref):
        log.info("a message was delivered twice", extra={"action": "message_twice", "batch": str(ref)})
        if not begun.at_work(ref):
            bench.reporter.let_go(ref)
        return
    try:
        work(bench, message)
    finally:
        begun.end(ref)
        bench.reporter.let_go(ref)


def _load_tables(bench: Bench, message: LoadTables) -> None:
    if message.preview:
        _carry(bench, message, lambda: preview.run(message, open_port=partial(_port, bench, message)))
    else:
        _carry(bench, message, lambda: tables.run(message, port=_port(bench, message), ask=_asking(bench, message)))


def _load_services(bench: Bench, message: LoadServices) -> None:
    _carry(bench, message, lambda: services.run(message, port=_port(bench, message), ask=_asking(bench, message)))


def _load_classes(bench: Bench, message: LoadClasses) -> None:
    _carry(bench, message, lambda: classes.run(message, port=_port(bench, message), ask=_asking(bench, message)))


def _load_files(bench: Bench, message: LoadFiles) -> None:
    def run() -> handover.Progress:
        file_port = bench.exchange.file_port(message.folder)
        return files.run(message, port=_port(bench, message), file_port=file_port, ask=_asking(bench, message))

    _carry(bench, message, run)


def _load_flatfile(bench: Bench, message: LoadFlatFile) -> None:
    _carry(
        bench,
        message,
        lambda: flatfiles.run(message, framework=bench.exchange.framework(), ask=_asking(bench, message)),
    )


def _carry(bench: Bench, message: Load, run: Callable[[], Result | handover.Progress]) -> None:
    """Carry a batch out, and tell its end: done, or given back with what happens next."""
    started = time.monotonic()
    try:
        result = run()
    except errors.Replaced as replaced:
        log.info("an attempt ends: %s", replaced, extra={"action": "attempt_replaced", "batch": str(message.ref)})
        bench.reporter.tell(_given_back(bench, message, Retry.SOON, replaced, None, settled=True))
        return
    except errors.Unfinished as unfinished:
        _give_back(bench, message, unfinished.error, unfinished.outcomes, settled=unfinished.settled)
        return
    except errors.WorkerError as error:
        # Nothing was looked at: a call that an earlier attempt left open is as open as before.
        _give_back(bench, message, error, message.so_far, settled=message.open_intent is None)
        return
    except Exception:  # the outermost edge of a task: a defect of ours must end the job with a sentence, not repeat for ever
        log.exception("a batch could not be carried out", extra={"action": "batch_failed", "batch": str(message.ref)})
        defect = errors.GiveUp("the worker failed; its log has the details.", advice="Report it with the worker's log.")
        _give_back(bench, message, defect, message.so_far, settled=False)
        return
    if isinstance(result, handover.Progress) and result.waiting:
        waits = errors.WorkerError(result.waiting)
        bench.reporter.tell(_given_back(bench, message, Retry.ANSWER, waits, result.outcomes, settled=True))
        return
    bench.reporter.tell(
        BatchDone(
            **bench.reporter.sender(),
            ref=message.ref,
            outcomes=result.outcomes,
            calls=result.calls,
            seconds=round(time.monotonic() - started, 3),
            call_rows=result.call_rows if isinstance(result, Result) else 0,
            call_seconds=result.call_seconds if isinstance(result, Result) else 0.0,
            log=result.log,
        )
    )


def _port(bench: Bench, message: Load, target: Target | None = None) -> aos.Port:
    """The port of the message's target, or of another one that it names."""
    target = target or message.target
    return aos.open_port(
        bench.door,
        target,
        company=message.company,
        language=message.language,
        partition=message.partition,
        contract_zip=_contract(bench, target),
    )


def _asking(bench: Bench, message: Load) -> Ask:
    return partial(_ask, bench, message.ref)


def _contract(bench: Bench, target: Target) -> bytes | None:
    """The contract folder that was given to the endpoint, where there is one and this process has not read it yet."""
    if not target.given or aos.knows(bench.door, target):
        return None
    question = ContractWanted(**bench.reporter.sender(), contract=target.contract)
    return codec.from_text(bench.reporter.ask(question, Contract).contract)


def _ask(bench: Bench, ref: BatchRef, intent: Intent, so_far: Outcomes) -> Grant:
    return bench.reporter.ask(IntentReported(**bench.reporter.sender(), ref=ref, intent=intent, so_far=so_far), Grant)


def _give_back(bench: Bench, message: Load, error: errors.WorkerError, so_far: Outcomes | None, *, settled: bool) -> None:
    log.warning("a batch came back: %s", error, extra={"action": "batch_returned", "batch": str(message.ref)})
    after = Retry.SOON if error.code == _STOPPING else next(after for kind, after in _NEXT if isinstance(error, kind))
    bench.reporter.tell(_given_back(bench, message, after, error, so_far, settled=settled))


def _given_back(
    bench: Bench, message: Load, after: Retry, error: errors.WorkerError, so_far: Outcomes | None, *, settled: bool
) -> BatchReturned:
    return BatchReturned(
        **bench.reporter.sender(),
        ref=message.ref,
        so_far=so_far,
        retry=after,
        reason=error.message,
        advice=error.advice,
        code=error.code,
        settled=settled,
        sent=not isinstance(error, errors.Retry) or (isinstance(error, errors.Unsettled) and error.sent),
    )


def _survey_metadata(bench: Bench, message: SurveyMetadata) -> None:
    contract = base64.b64decode(message.contract) if message.contract else None
    try:
        found = aos.read_metadata(bench.door, message.addresses, contract_zip=contract, company=message.company)
    except errors.Retry as error:
        bench.reporter.tell(
            BatchReturned(
                **bench.reporter.sender(),
                ref=message.ref,
                retry=Retry.LATER,
                reason=error.message,
                advice=error.advice,
                code=error.code,
            )
        )
        return
    except errors.WorkerError as error:
        reason = f"{error.message} {error.advice}".strip()
        bench.reporter.tell(SurveyDone(**bench.reporter.sender(), ref=message.ref, reason=reason, code=error.code))
        return
    bench.reporter.tell(SurveyDone(**bench.reporter.sender(), ref=message.ref, metadata=found))


def _survey_connection(bench: Bench, message: SurveyConnection) -> None:
    contract = base64.b64decode(message.contract) if message.contract else None
    scope = aos.Scope(companies=message.companies, partition=message.partition, contract_zip=contract)
    checks = survey.connection(bench.door, message.addresses, scope)
    failed = next((check for check in checks if not check.ok), None)
    reason = f"{failed.name}: {failed.detail} {failed.advice}".strip() if failed else ""
    bench.reporter.tell(SurveyDone(**bench.reporter.sender(), ref=message.ref, checks=tuple(checks), reason=reason))


_WORK: Final[dict[str, Callable[..., None]]] = {
    LoadTables.KIND: _load_tables,
    LoadServices.KIND: _load_services,
    LoadClasses.KIND: _load_classes,
    LoadFiles.KIND: _load_files,
    LoadFlatFile.KIND: _load_flatfile,
    SurveyMetadata.KIND: _survey_metadata,
    SurveyConnection.KIND: _survey_connection,
}
