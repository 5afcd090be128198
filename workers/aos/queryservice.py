"""AX's QueryService: rows of tables in bulk, page by page. It lies beside the ports on net.tcp, and its messages are streamed.

AX takes no company and no partition from a call: a built query names its company, and the partition is the account's own.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Final

from connector.wire import jobs
from workers.aos import dataset, faults, nettcp, queries
from workers.aos.door import Door
from workers.aos.queries import ByPosition, ByValue, Paging, Query
from workers.aos.systemservice import LIMIT_S, SystemService, beside
from workers.aos.transport import Transport
from workers.errors import GiveUp

#: AX hands out no more rows of a data source in one call.
MOST_ROWS: Final = 25_000
#: Rows that are asked for at once where the caller does not say.
PAGE_ROWS: Final = 5_000

_TOO_LARGE: Final = "RSC-5906"


def query_service(transport: Transport, address: str, *, upn: str = "") -> "QueryService | None":
    """The one beside a port; None where that is not on net.tcp. `upn`: the account of the AOS, where a contract told it."""
    place = beside(address, "QueryService")
    return QueryService(transport, place, upn=upn) if place else None


def table_rows(
    door: Door, target: jobs.Target, query: queries.Built, *, most: int, time_limit_s: float = LIMIT_S
) -> list[dataset.Row] | None:
    """Rows of a table at the AOS of a port, at most so many; None where there is no query service to ask, see `beside_port`.

    Raises Refusal, Retry or GiveUp (workers.errors).
    """
    service = beside_port(door, target)
    return None if service is None else service.first(query, rows=min(most, MOST_ROWS), time_limit_s=time_limit_s)


def beside_port(door: Door, target: jobs.Target) -> "QueryService | None":
    """The query service beside the port of a step; None where that is not on net.tcp, or shall not be asked."""
    if not door.query_service:
        return None
    known = door.known(target.address, target.contract)
    return query_service(door.transport, target.address, upn=known.way.upn if known else "")


class QueryService:
    """Asks one AOS for rows. Any thread may use it. All raise Refusal, Retry or GiveUp (workers.errors)."""

    def __init__(self, transport: Transport, address: str, *, upn: str = "") -> None:
        self._service = SystemService(transport, address, interface="IQueryService", way=nettcp.Way(streamed=True, upn=upn))

    def rows(
        self, query: Query, *, paging: Paging | None = None, page_rows: int = PAGE_ROWS, time_limit_s: float = LIMIT_S
    ) -> Iterator[dataset.Row]:
        """The rows of the query's first table. `time_limit_s` holds for each page."""
        for page in self.pages(query, paging=paging, page_rows=page_rows, time_limit_s=time_limit_s):
            yield from next(iter(page.rows.values()), [])

    def pages(
        self, query: Query, *, paging: Paging | None = None, page_rows: int = PAGE_ROWS, time_limit_s: float = LIMIT_S
    ) -> Iterator[dataset.Page]:
        """The pages of a query, to its end; a page that is larger than an answer may be is asked for in halves."""
        following: Paging | None = paging or ByPosition()
        rows = max(1, min(page_rows, MOST_ROWS))
        while following is not None:
            try:
                page = self.page(query, following, rows=rows, time_limit_s=time_limit_s)
            except GiveUp as error:
                if error.code != _TOO_LARGE or rows == 1:
                    raise
                rows //= 2
                continue
            yield page
            following = _following(following, page)

    def first(self, query: Query, *, rows: int, time_limit_s: float = LIMIT_S) -> list[dataset.Row]:
        """The first rows of the query's first table, at most so many."""
        page = self.page(query, ByPosition(), rows=rows, time_limit_s=time_limit_s)
        return next(iter(page.rows.values()), [])

    def page(self, query: Query, paging: Paging, *, rows: int, time_limit_s: float = LIMIT_S) -> dataset.Page:
        """One page, of at most so many rows of each table."""
        operation = f"Execute{queries.operation(query)}Query"
        content = queries.content(query) + queries.paging(paging, rows)
        try:
            return dataset.read(self._service.answer(operation, content, time_limit_s=time_limit_s))
        except GiveUp as error:
            raise _of_table(error, query) from error
        except dataset.Garbled as error:
            raise GiveUp(
                f"The query service gave an answer that cannot be read: {error}.",
                advice="Try again; where it stays so, look at the event log of the AOS.",
                code="RSC-5411",
            ) from error

    def count(self, query: Query, *, most: int, time_limit_s: float = LIMIT_S) -> int:
        """How many rows the query has; AX counts no further than `most`."""
        operation = f"Get{queries.operation(query)}QueryRowCount"
        content = f"{queries.content(query)}<rowCountLimit>{most}</rowCountLimit>"
        found = "".join(self._service.ask(operation, content, time_limit_s=time_limit_s).itertext()).strip()
        if not (found.isascii() and found.isdecimal()):
            raise GiveUp("The query service told no number of rows.", advice="Try again.", code="RSC-5411")
        return int(found)


def _of_table(error: GiveUp, query: Query) -> GiveUp:
    """AX refuses a table as a whole; a field that the account may not see is null in every row."""
    if error.code != faults.ACCOUNT or not isinstance(query, queries.Built):
        return error
    return GiveUp(
        f"AX does not let this worker's account read the table {query.table}. {error.message}",
        advice="Give a role of the account the right to view the table.",
        code=error.code,
    )


def _following(paging: Paging, page: dataset.Page) -> Paging | None:
    """What is asked for next; None at the end. Raises GiveUp where AX would send the same page for ever.

    By position the end is a page without rows: a page that is not full proves nothing, AX ends one early where another table
    of the query is full. By value it is an answer without a bookmark.
    """
    if isinstance(paging, ByPosition):
        found = len(next(iter(page.rows.values()), []))
        return ByPosition(paging.start + found) if found else None
    bookmark = page.paging.get("Bookmark", "")
    if not bookmark:
        return None
    if _same(bookmark, paging.bookmark):
        raise GiveUp("The query service sends the same page again and again.", advice="Page by position.", code="RSC-5411")
    return ByValue(bookmark)


def _same(one: str, other: str) -> bool:
    try:
        return base64.b64decode(one) == base64.b64decode(other)
    except binascii.Error:
        return one == other
