"""What an answer that is no success means for the worker: one of its errors, by the table in `situations`."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lxml import etree

from workers.aos import situations
from workers.aos.signs import Next, Signs, Situation, Source
from workers.aos.transport import Answer
from workers.errors import Complaint, GiveUp, Refusal, Retry, Unsettled, WorkerError

#: Codes that other rooms read.
STALE_HASH: Final = situations.STALE_HASH
STALE_CONTRACT: Final = situations.STALE_CONTRACT
ACCOUNT: Final = situations.ACCOUNT
COMPANY: Final = situations.COMPANY
#: Codes of refusals that give no reason.
_SILENT: Final = frozenset({"RSC-5111", "RSC-5430"})

#: X++ exceptions Deadlock, UpdateConflict, UpdateConflictNotRecovered, as the numbers are remembered: they are not documented,
#: so they settle nothing. A call that is refused with one of them, and without a word, is worth one more try.
_MAYBE_CONFLICTS: Final = frozenset({2, 11, 12})
#: An infolog can run to thousands of lines: so many characters of it are kept.
_MOST: Final = 8_000
_SOAP_12: Final = "{http://www.w3.org/2003/05/soap-envelope}"
#: IIS' own number stands in its page, which it shows in full on its own computer only.
_SUB_STATUS: Final = re.compile(rb"(?:HTTP Error |<h[23]>)([1-5][0-9]{2})(\.[0-9]{1,2})?\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """AX' own account of a refusal, as plain values."""

    complaints: tuple[Complaint, ...] = ()
    codes: tuple[str, ...] = ()
    infolog: tuple[str, ...] = ()
    """its errors and warnings"""
    exception: int | None = None
    """XppExceptionType as it came: what the numbers mean is not documented"""

    @property
    def names_records(self) -> bool:
        """Whether AX says which records it means."""
        return any(complaint.record is not None for complaint in self.complaints)


def refused_answer(answer: Answer, url: str) -> WorkerError:
    """An answer to a question for a contract that brings none."""
    error = unreadable(answer, url, writes=False)
    if isinstance(error, Refusal):  # no message was sent that could be too large
        return GiveUp(
            f"{url} refuses to be asked (HTTP {answer.status}).", advice="Open the address in a browser.", code="RSC-5901"
        )
    return error


def unreadable(answer: Answer, url: str, *, writes: bool) -> WorkerError:
    """An answer to a call that holds no SOAP message, or one of another call."""
    signs = Signs(source=Source.PAGE, status=_status(answer))
    error = _error(
        situations.of(signs), writes=writes, url=url, status=signs.status, kind=answer.content_type or "no content type"
    )
    if error.code == ACCOUNT and (schemes := asked_schemes(answer.challenge)):
        error.message += f" The server asks for {', '.join(schemes)}."
    return error


def refused_call(fault: etree._Element, detail: Detail | None, *, company: str, writes: bool = True) -> WorkerError:
    """A SOAP fault. `detail` is its AifFault, where it has one."""
    codes, text = _plain(fault)
    if detail is None:
        signs = Signs(source=Source.WCF, codes=codes, text=text, company=company)
        return _error(situations.of(signs), writes=writes, said=text or "no reason given.", company=company)
    said = said_by(detail) or text
    known = codes | {code.lower() for code in detail.codes}
    signs = Signs(source=Source.AIF, codes=known, text=said, named=detail.names_records, company=company)
    return _error(situations.of(signs), writes=writes, detail=detail, said=said or "no reason given.", company=company)


def asked_schemes(challenge: str) -> list[str]:
    """The authentication schemes that a WWW-Authenticate header names, sorted."""
    return sorted({word[0] for part in challenge.split(",") if (word := part.split()) and "=" not in word[0]})


def is_silent(error: WorkerError) -> bool:
    """Whether a refusal gives no reason: the port does not include exceptions in faults."""
    return error.code in _SILENT and not any(c.record or c.field for c in getattr(error, "complaints", ()))


def said_by(detail: Detail) -> str:
    """All that AX says, in its order and words, each sentence once."""
    said = " ".join(_sentences([complaint.message for complaint in detail.complaints] + list(detail.infolog)))
    return said if len(said) <= _MOST else f"{said[:_MOST]} ..."


def _sentences(texts: Sequence[str]) -> Iterator[str]:
    seen: list[str] = []
    for text in texts:
        if text and not any(text in earlier for earlier in seen):
            seen.append(text)
            yield text


def _plain(fault: etree._Element) -> tuple[frozenset[str], str]:
    """Codes and text of a SOAP fault: 1.1, or 1.2 as a port with another binding sends it."""
    if fault.tag == f"{_SOAP_12}Fault":
        codes = [code.text or "" for code in fault.iter(f"{_SOAP_12}Value")]
        text = fault.findtext(f"{_SOAP_12}Reason/{_SOAP_12}Text") or ""
    else:
        codes, text = [fault.findtext("faultcode") or ""], fault.findtext("faultstring") or ""
    return frozenset(code.strip().rpartition(":")[2].partition(".")[0].lower() for code in codes), text.strip()


def _status(answer: Answer) -> str:
    found = _SUB_STATUS.search(answer.body[:20_000])
    if found and found[2] and int(found[1]) == answer.status:
        return f"{answer.status}{found[2].decode()}"
    return str(answer.status)


def _error(situation: Situation, *, writes: bool, detail: Detail | None = None, **words: str) -> WorkerError:
    """A row of the table as the worker's error."""
    after = situation.next if writes else situation.reading or situation.next
    message, advice, code = situation.sentence.format_map(words), situation.advice, situation.code
    duplicate = code == situations.DUPLICATE
    if duplicate or after in (Next.ROW, Next.NEW, Next.BATCH):
        complaints = detail.complaints if detail else ()
        return Refusal(
            message,
            advice=advice,
            complaints=complaints,
            duplicate=duplicate,
            too_large=after is Next.BATCH,
            transient=code in _SILENT and detail is not None and detail.exception in _MAYBE_CONFLICTS,
            signs=_signs(detail),
            code=code,
        )
    if after is Next.ENDPOINT:
        return GiveUp(message, advice=advice, code=code)
    kind = Unsettled if after is Next.UNKNOWN and writes else Retry
    return kind(message, advice=advice, code=code)


def _signs(detail: Detail | None) -> str:
    """The raw marks of a refusal, for those who look AX' own log up."""
    if detail is None:
        return ""
    exception = [f"X++ exception type {detail.exception}"] if detail.exception is not None else []
    return ", ".join([*dict.fromkeys(detail.codes), *exception])
