"""One Celery task per load path, a few lines each. What goes wrong is told to the dispatcher, never to Celery.

A task always ends well for Celery: retry, order and delay live in the ledger.
"""

import base64
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from celery import Celery, signals

from connector.wire import codec
from connector.wire.jobs import (
    Contract,
    Grant,
    ImportDictionary,
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
    BatchReturned,
    ContractWanted,
    ExceptionsLogged,
    Intent,
    IntentReported,
    LoggedException,
    Outcomes,
    Retry,
    SurveyDone,
)
from workers import aos, errors, importing, survey, tracing
from workers.exchange import Exchange
from workers.letters import Letters, Plain
from workers.load import classes, files, flatfiles, handover, leave, preview, services, tables
from workers.load.calls import Ask
from workers.load.result import Result
from workers.load.standing import Standing
from workers.policy import Policy
from workers.receiving import STOPPING, Reception
from workers.reporter import Reporter

log = logging.getLogger(__name__)

#: What happens next with a batch, by the error that ended it; the first match counts.
_NEXT: Final[tuple[tuple[type[errors.WorkerError], Retry], ...]] = (
    (errors.Retry, Retry.LATER),
    (errors.WorkerError, Retry.NEVER),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What every task of this process works with."""

    door: aos.Door
    exchange: Exchange
    reporter: Reporter
    useless: set[object] = field(default_factory=set)
    """where asking the query service for rows is of no use, see `Standing`"""
    silent: set[str] = field(default_factory=set)
    """ports of an AOS that does not tell its exception log"""
    letters: Letters = field(default_factory=Plain)
    policy: Policy | None = None
    """None: whatever the dispatcher orders is carried out"""
    marks: aos.Marks = field(default_factory=aos.Marks)


def register(app: Celery, bench: Bench) -> None:
    """Give the app its tasks."""
    reception = Reception(bench.reporter, bench.letters, bench.policy)
    for kind, work in _WORK.items():
        app.task(_task(reception, partial(work, bench)), bind=True, name=kind, ignore_result=True)

    def unknown(name: str = "", id: str = "", message: Any = None, **_: Any) -> None:  # noqa: A002 - the signal's word
        reception.refuse_unknown(_argument(message), task=name, task_id=id)

    signals.task_unknown.connect(unknown, weak=False)


def _task(reception: Reception, work: Callable[[Any], None]) -> Callable[..., None]:
    def carry_out(task: Any, text: object = "", *_: Any, **__: Any) -> None:
        request = task.request
        with tracing.Traced(task.name, parent=request.get(tracing.HEADER), rapidstart_batch=request.id):
            reception.receive(work, text, task=task.name, task_id=request.id)

    return carry_out


def _argument(message: Any) -> object:
    """The text of a task that nobody here knows."""
    try:
        ((text, *_), *_) = message.payload
    except (ValueError, TypeError):
        return ""
    return text


def _load_tables(bench: Bench, message: LoadTables) -> None:
    if message.preview:
        _carry(bench, message, lambda: preview.run(message, open_port=partial(_port, bench, message)))
    else:
        _carry(bench, message, lambda: _tables(bench, message))


def _tables(bench: Bench, message: LoadTables) -> Result:
    standing = Standing(bench.door, useless=bench.useless)
    return tables.run(message, port=_port(bench, message), ask=_asking(bench, message), standing=standing)


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
            mark=leave.last(partial(_mark, bench, message)),
        )
    )
    if isinstance(result, Result):
        _tell_exceptions(bench, message, result.refused)


def _tell_exceptions(bench: Bench, message: Load, refused: Sequence[str]) -> None:
    """What AX noted itself of refused calls. The batch has its end by now, and does without where AX does not tell."""
    if not refused or message.target.address in bench.silent:
        return
    try:
        found = aos.exceptions(bench.door, message.target, refused)
    except errors.WorkerError as error:
        if not isinstance(error, errors.Retry):
            bench.silent.add(message.target.address)  # it lacks the right, or the service: that stays so
        log.warning("AX's exception log is not told: %s", error, extra={"action": "exceptions_untold"})
        return
    if found:
        told = [LoggedException(message_id=one.message_id, text=one.text, port=one.port, at=one.at) for one in found]
        bench.reporter.tell(ExceptionsLogged(**bench.reporter.sender(), ref=message.ref, logged=tuple(told)))


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
    def tell(intent: Intent, so_far: Outcomes, mark: str | None) -> Grant:
        told = IntentReported(**bench.reporter.sender(), ref=message.ref, intent=intent, so_far=so_far, mark=mark)
        return bench.reporter.ask(told, Grant)

    return leave.asking(message, mark=partial(_mark, bench, message), tell=tell)


def _mark(bench: Bench, message: Load) -> str | None:
    """The mark of the database, where somebody tells it. Raises Retry and GiveUp."""
    target = message.marker
    if target is None:
        return None

    def ask() -> str:
        contract_zip = _contract(bench, target)
        return aos.database_mark(
            bench.door, target, company=message.company, partition=message.partition, contract_zip=contract_zip
        )

    return bench.marks.told(target.address, ask)


def _contract(bench: Bench, target: Target) -> bytes | None:
    """The contract folder that was given to the endpoint, where there is one and this process has not read it yet."""
    if not target.given or aos.knows(bench.door, target):
        return None
    question = ContractWanted(**bench.reporter.sender(), contract=target.contract)
    return codec.from_text(bench.reporter.ask(question, Contract).contract)


def _give_back(bench: Bench, message: Load, error: errors.WorkerError, so_far: Outcomes | None, *, settled: bool) -> None:
    told = {"action": "batch_returned", "batch": str(message.ref), "code": error.code}
    log.warning("a batch came back: %s", error, extra=told)
    if message.marker and isinstance(error, errors.Retry):
        bench.marks.forget(message.marker.address)
    after = Retry.SOON if error.code == STOPPING else next(after for kind, after in _NEXT if isinstance(error, kind))
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
    mark = aos.surveyed_mark(bench.door, message.addresses, company=message.company, partition=None, contract_zip=contract)
    bench.reporter.tell(SurveyDone(**bench.reporter.sender(), ref=message.ref, metadata=found, mark=mark))


def _survey_connection(bench: Bench, message: SurveyConnection) -> None:
    contract = base64.b64decode(message.contract) if message.contract else None
    scope = aos.Scope(companies=message.companies, partition=message.partition, contract_zip=contract)
    checks = survey.connection(bench.door, message.addresses, scope)
    failed = next((check for check in checks if not check.ok), None)
    reason = f"{failed.name}: {failed.detail} {failed.advice}".strip() if failed else ""
    mark = None
    if failed is None:
        company = next(iter(message.companies), None)
        mark = aos.surveyed_mark(
            bench.door, message.addresses, company=company, partition=message.partition, contract_zip=contract
        )
    done = SurveyDone(**bench.reporter.sender(), ref=message.ref, checks=tuple(checks), reason=reason, mark=mark)
    bench.reporter.tell(done)


def _import_dictionary(bench: Bench, message: ImportDictionary) -> None:
    importing.run(bench.door, bench.reporter, message)


_WORK: Final[dict[str, Callable[..., None]]] = {
    LoadTables.KIND: _load_tables,
    LoadServices.KIND: _load_services,
    LoadClasses.KIND: _load_classes,
    LoadFiles.KIND: _load_files,
    LoadFlatFile.KIND: _load_flatfile,
    SurveyMetadata.KIND: _survey_metadata,
    SurveyConnection.KIND: _survey_connection,
    ImportDictionary.KIND: _import_dictionary,
}
