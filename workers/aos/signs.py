"""What an answer that is no success shows of itself, and what a row of the table in `situations` is."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Next(StrEnum):
    """What happens next."""

    SAME = "the same call again, with the same MessageId: nothing of it was done"
    NEW = "a definite fault: read again, and call with a new body and MessageId"
    ROW = "a definite fault: these rows are at fault, the others go on"
    BATCH = "a definite fault of the call as a whole: smaller calls"
    ENDPOINT = "configuration is wrong: the job cannot go on"
    UNKNOWN = "AX may have carried it out: look up, or the same bytes with the same MessageId"


class Source(StrEnum):
    """What kind of answer says it."""

    AIF = "a fault with AX' own AifFault"
    WCF = "a SOAP fault without one: the AOS' service host, or IIS"
    PAGE = "no SOAP message"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What an answer shows of itself."""

    source: Source
    codes: frozenset[str] = frozenset()
    """fault codes without prefix, in lower case"""
    text: str = ""
    status: str = ""
    """of a page: 404, or 404.13 where IIS tells its own number"""
    named: bool = False
    """AX says which records it means"""
    company: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One row. Without codes, texts and statuses it fits every answer of its sources: what is left.

    `sentence` may hold {said} (AX' own words), {url}, {status}, {company}.
    """

    code: str
    next: Next
    sources: tuple[Source, ...]
    codes: frozenset[str] = frozenset()
    texts: re.Pattern[str] | None = None
    statuses: frozenset[str] = frozenset()
    unnamed: bool = False
    """only where AX names no record: else it speaks of rows"""
    names_company: bool = False
    """only where the text holds the call's company"""
    reading: Next | None = None
    """what happens next where the call only reads"""
    sentence: str = "{said}"
    advice: str

    def fits(self, signs: Signs) -> bool:
        """Whether an answer is of this kind."""
        if signs.source not in self.sources or (self.unnamed and signs.named):
            return False
        if self.names_company and not _holds(signs.text, signs.company):
            return False
        if not (self.codes or self.texts or self.statuses):
            return True
        return (
            not self.codes.isdisjoint(signs.codes)
            or (self.texts is not None and self.texts.search(signs.text) is not None)
            or not self.statuses.isdisjoint((signs.status, signs.status.partition(".")[0]))
        )


def _holds(text: str, word: str) -> bool:
    return bool(word) and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.I) is not None
