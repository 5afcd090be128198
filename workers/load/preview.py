"""What would become of the rows of one batch: AX is asked, and nothing is written.

It goes the way of a load up to the calls that write, which `calls` leaves out. It never says what a load would not find out.
"""

from collections.abc import Callable, Iterator

from connector.wire import codec
from connector.wire.codec import Row
from connector.wire.jobs import Column, Grant, Layout, LoadTables, Mode, Reference, Target, flatten
from connector.wire.reports import Intent, Outcome, Outcomes, Problem
from workers import aos, documents
from workers.documents import Shape
from workers.errors import GiveUp, Reject
from workers.load import compare, tables
from workers.load.board import Board
from workers.load.lookup import Lookup
from workers.load.result import Result


def run(message: LoadTables, *, open_port: Callable[[Target], aos.Port]) -> Result:
    """Tells each row what a load would make of it. `open_port` opens the port of a service.

    Where it cannot be looked up what rows refer to, the log says so. Raises as `tables.run` does, never Replaced.
    """
    port = open_port(message.target)
    look = _Look(message, open_port=open_port)
    if message.mode is not Mode.DELETE:
        for reference in message.references:
            look.at_reference(reference)
    if message.mode is Mode.CREATE and not message.guessed:
        look.at_existing(port)
    told = tables.run(message.model_copy(update={"so_far": look.board.outcomes()}), port=port, ask=_refuse)
    return Result(outcomes=told.outcomes, calls=told.calls + look.calls, log=(*look.log, *told.log))


class _Look:
    """What a load would only learn from AX' refusals: it is looked up before."""

    def __init__(self, message: LoadTables, *, open_port: Callable[[Target], aos.Port]) -> None:
        self.board = Board(message.layout, codec.unpack_rows(codec.from_text(message.rows)), so_far=message.so_far)
        self.calls = 0
        self.log: list[str] = []
        self._message = message
        self._open_port = open_port

    def at_reference(self, reference: Reference) -> None:
        """The documents fail that refer to a record which AX does not hold."""
        try:
            missing = self._missing(reference)
        except (Reject, GiveUp) as error:
            self.log.append(f"Whether AX has the {reference.table} of {reference.field} was not looked up: {error.message}")
            return
        for document in self.board.pending() if missing else ():
            if problems := list(self._dangling(document, reference, missing)):
                self.board.fail(document, problems)

    def _missing(self, reference: Reference) -> set[str]:
        """Which of the values are no keys in AX. Raises Retry, GiveUp, and Reject where it cannot be asked."""
        columns = (Column(name=reference.key, field=reference.key),)
        layout = Layout(step=0, entity=reference.table, file="", table=reference.table, columns=columns, key=(reference.key,))
        port = self._open_port(reference.target)
        lookup = self._lookup(port, documents.writer(port.service, layout).shape)
        if not lookup.possible:
            raise Reject(f"{reference.target.service} offers no lookup.")
        rows = {number: Row(number, [text]) for number, text in enumerate(reference.ask)}
        found = lookup.find(rows)
        # A range may miss a key where AX sorts otherwise: before rows are said to fail, it is asked for by itself.
        found |= lookup.find_each({number: row for number, row in rows.items() if number not in found})
        self.calls += lookup.calls
        return {text for number, text in enumerate(reference.ask) if number not in found}

    def _dangling(self, document: int, reference: Reference, missing: set[str]) -> Iterator[Problem]:
        """What is wrong with the references of one document's rows."""
        places = enumerate(flatten(self._message.layout, self.board.rows[document]), self.board.first[document])
        for index, (layout, row) in places:
            for column, text in zip(layout.columns, row.cells, strict=False):
                if layout.step == reference.step and column.field == reference.field and not column.part and text in missing:
                    yield _problem(index, column, reference, text)

    def at_existing(self, port: aos.Port) -> None:
        """The documents fail of which AX holds the key: a create would be refused."""
        shape = documents.writer(port.service, self._message.layout).shape
        lookup = self._lookup(port, shape)
        rows = {document: self.board.rows[document] for document in self.board.pending()}
        keyed = {document: row for document, row in rows.items() if compare.row_key(shape, row) is not None}
        try:
            found = lookup.find(keyed)
        except Reject as error:  # a key that cannot be written down fails by itself
            self.log.append(f"Whether records exist already was not looked up: {error.message}")
            return
        self.calls += lookup.calls
        for document in found:
            self.board.leave(
                document,
                Outcome.FAILED,
                message="AX has a record of this key already, and the load is in mode create.",
                advice="Load in mode upsert, or leave the row out.",
                code="RSC-3116",
            )

    def _lookup(self, port: aos.Port, shape: Shape) -> Lookup:
        return Lookup(port, shape, time_limit_s=self._message.call_timeout_s)


def _problem(index: int, column: Column, reference: Reference, text: str) -> Problem:
    return Problem(
        row=index,
        column=column.name,
        field=column.field,
        value=text,
        message=f"{column.field} refers to {reference.table} {text!r}, which is neither in AX nor earlier in the package.",
        advice=f"Correct the value, create it in AX, or add it to the package's {reference.table} rows.",
        code="RSC-3310",
    )


def _refuse(_: Intent, __: Outcomes) -> Grant:
    return Grant(granted=False, reason="A preview writes nothing.")
