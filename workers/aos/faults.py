"""What a refusal of an AOS means for the worker: HTTP status, SOAP fault or AifFault -> one of the worker's errors.

AX' English texts are documented for few situations, so texts decide only where nothing else does, and never for rows.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lxml import etree

from workers.aos.transport import Answer
from workers.errors import Complaint, GiveUp, Refusal, Retry, Unsettled, WorkerError

#: Codes that the load reads.
STALE_HASH: Final = "RSC-5120"
TOO_LARGE: Final = "RSC-5130"
STALE_CONTRACT: Final = "RSC-5930"
ACCOUNT: Final = "RSC-5910"
COMPANY: Final = "RSC-5940"

#: X++ exceptions Deadlock, UpdateConflict, UpdateConflictNotRecovered. The numbers are not documented: they decide
#: only where AX names no record.
_CONFLICT_NUMBERS: Final = frozenset({2, 11, 12})

_DUPLICATE: Final = re.compile(r"duplicate message\b.*already been processed", re.I | re.S)
_DEADLOCK: Final = re.compile(r"\bdeadlock", re.I)
_CONFLICT: Final = re.compile(r"update conflict", re.I)
_STALE: Final = re.compile(r"concurren|document ?hash|changed since|RecVersion|update conflict", re.I)
_CONTRACT: Final = re.compile(r"ContractFilter mismatch|ActionNotSupported", re.I)
_ABSENT: Final = re.compile(r"not exist|not found|unknown|invalid|not valid|no access|not (?:have )?access|cannot", re.I)
_RIGHTS: Final = re.compile(
    r"access (?:is )?denied|not authori[sz]ed|insufficient (?:rights|permission)|FailedAuthentication", re.I
)
_SIZE: Final = re.compile(r"maximum message size quota|MaxReceivedMessageSize|quota .*exceeded|maxRequestLength", re.I)
_AWAY: Final = re.compile(r"EndpointNotFound|ServerTooBusy|ServiceActivation|no endpoint listening", re.I)
_SILENT: Final = re.compile(r"see the exception log|request failed", re.I)
_STEP: Final = re.compile(r"(?:[\w.-]+:)?([\w.-]+)(?:\[(\d{1,9})\])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """An AifFault as plain values."""

    complaints: tuple[Complaint, ...] = ()
    codes: tuple[str, ...] = ()
    infolog: tuple[str, ...] = ()
    exception: int | None = None

    @property
    def names_records(self) -> bool:
        """Whether AX says which records it means."""
        return any(complaint.record is not None for complaint in self.complaints)


def refused_answer(answer: Answer, url: str) -> WorkerError:
    """An answer without a SOAP message: what its HTTP status means."""
    status = answer.status
    if status in (401, 403):
        return _account(f"{url} refuses this worker's account (HTTP {status}).", challenge=answer.challenge)
    if status == 404:
        return GiveUp(
            f"{url}: there is no such port (HTTP 404).",
            advice="Check the port's name, that it is activated, and that it is published on IIS.",
            code="RSC-5902",
        )
    if status == 413:
        return Refusal(f"{url}: the message is too large for the port (HTTP 413).", code=TOO_LARGE)
    if status >= 500:
        return Retry(f"{url} is not in service (HTTP {status}).", advice="The AOS or its web site restarts, or is overloaded.")
    return GiveUp(
        f"{url} gave an answer that no AX service gives (HTTP {status}, {answer.content_type or 'no content type'}).",
        advice="Open the address in a browser on the AOS computer.",
        code="RSC-5901",
    )


def unreadable(answer: Answer, url: str, *, writes: bool) -> WorkerError:
    """An answer to a call that holds no SOAP message. After a success or a gateway's timeout a write may have happened."""
    if writes and answer.status in (200, 202, 502, 504):
        return Unsettled(
            f"{url} gave an answer to a writing call that cannot be read (HTTP {answer.status}).",
            advice="The same call is made again with the same MessageId.",
        )
    return refused_answer(answer, url)


def refused_call(fault: etree._Element, detail: Detail | None, *, company: str) -> WorkerError:
    """A SOAP fault: what happens next. `detail` is its AifFault, where it has one."""
    code = (fault.findtext("faultcode") or "").strip()
    text = (fault.findtext("faultstring") or "").strip() or "The AOS gave no reason."
    if detail is None:
        return _plain(code, text, company=company)
    said = _said(detail) or text
    named = detail.names_records
    if "duplicatemessage" in {code.lower() for code in detail.codes} or _DUPLICATE.search(said):
        return Refusal(said, complaints=detail.complaints, duplicate=True, code="RSC-5115")
    if _DEADLOCK.search(said) or (not named and (detail.exception in _CONFLICT_NUMBERS or _CONFLICT.search(said))):
        return Retry(f"AX rolled the call back: {said}", advice="It is made again after a pause.", code="RSC-5420")
    if _STALE.search(said):
        return Refusal(said, complaints=detail.complaints, code=STALE_HASH)
    if not named and (error := _configuration(said, company=company)):
        return error
    return Refusal(_with_advice(said), complaints=detail.complaints)


def complaint_of(*, message: str, path: str, field: str | None, nested: Sequence[str]) -> Complaint:
    """A complaint with its place, read from an XPath like /Doc/Table[3]/Line[2]; a step without a number names no record."""
    steps = [found for part in path.split("/") if (found := _STEP.fullmatch(part.strip()))]
    record = int(steps[1][2]) if len(steps) > 1 and steps[1][2] else None
    line = table = None
    if len(steps) > 2 and record is not None:
        if steps[2][1] in nested:
            table, line = steps[2][1], int(steps[2][2]) if steps[2][2] else None
        else:
            field = field or steps[2][1]
    return Complaint(message=message, record=record, line=line, table=table, field=field or None)


def is_silent(error: WorkerError) -> bool:
    """Whether a refusal only points to AX' exception log: the port does not include exceptions in faults."""
    return bool(_SILENT.search(error.message)) and not any(c.record or c.field for c in getattr(error, "complaints", ()))


def _said(detail: Detail) -> str:
    """All that AX says, each sentence once."""
    return " ".join(_sentences([complaint.message for complaint in detail.complaints] + list(detail.infolog)))


def _sentences(texts: Sequence[str]) -> Iterator[str]:
    seen: list[str] = []
    for text in texts:
        if text and not any(text in earlier for earlier in seen):
            seen.append(text)
            yield text


def _plain(code: str, text: str, *, company: str) -> WorkerError:
    """A fault of WCF or IIS, without AX' own detail."""
    both = f"{code} {text}"
    if _CONTRACT.search(both):
        return GiveUp(
            f"The port no longer offers the operation as its contract said: {text}",
            advice="Read the endpoint's metadata again.",
            code=STALE_CONTRACT,
        )
    if _SIZE.search(both):
        return Refusal(f"The message is too large for the port: {text}", code=TOO_LARGE)
    if _DUPLICATE.search(text):
        return Refusal(text, duplicate=True, code="RSC-5115")
    if _AWAY.search(both) or _DEADLOCK.search(text):
        return Retry(f"The AOS is not in service: {text}", advice="It restarts, or is overloaded.")
    if error := _configuration(both, company=company):
        return error
    if code.rpartition(":")[2].lower() in ("client", "sender") or "deserial" in both.lower():
        return Refusal(_with_advice(text))
    return Retry(f"The AOS failed without saying why: {text}", advice="Check the AOS' event log.", code="RSC-5430")


def _configuration(text: str, *, company: str) -> GiveUp | None:
    if company and re.search(rf"\b{re.escape(company)}\b", text, re.I) and "compan" in text.lower() and _ABSENT.search(text):
        return GiveUp(
            f"The company {company} cannot be used on this AOS: {text}",
            advice="Check the company's identifier, and that the worker's account may use it.",
            code=COMPANY,
        )
    return _account(f"AX refuses this worker's account: {text}") if _RIGHTS.search(text) else None


def _account(message: str, *, challenge: str = "") -> GiveUp:
    schemes = ", ".join(sorted({part.strip().split(" ")[0] for part in challenge.split(",") if part.strip()}))
    asked = f" The server asks for {schemes}." if schemes else ""
    return GiveUp(
        message + asked,
        advice="Check that the account is a user of AX, may use the port, and is configured at this worker for this origin.",
        code=ACCOUNT,
    )


def _with_advice(said: str) -> str:
    hint = ' Set "Include exceptions in fault" on the port to see the reason here.'
    return said + hint if _SILENT.fullmatch(said.rstrip(". ")) or "exception log" in said.lower() else said
