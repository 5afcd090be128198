"""The rows of a plan's steps become batches in the ledger; those that cannot go in are told and stay behind.

Rows stream through: nested rows are laid aside in the ledger, then taken by their parents. Nothing is sent from here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from connector import plan as planning
from connector.dispatch.taking import Taken
from connector.errors import Place
from connector.intake.package import Package
from connector.ledger import Database, Ledger, batches, jobs, places, problems, staging
from connector.ledger.twice import Second
from connector.screen import batching
from connector.screen.referring import References, Referring, on_wire
from connector.screen.screening import Screen, Told
from connector.wire.codec import Row, pack_rows
from connector.wire.jobs import Blank, LoadTables, Reference, flatten
from connector.wire.metadata import Metadata
from connector.wire.reports import Outcome, Problem

#: Batches that are written to the ledger in one transaction.
_CHUNK = 50
_STAGE_CHUNK = 2000
#: Rows of one batch where each is a call: before every call, what the earlier ones of the batch answered travels with its intent.
_MOST_CALLS = 50
#: A step has no more batches; ranks of batches count by it.
_MOST_BATCHES = 100_000
#: Root rows that are looked at together, before batches are cut.
_LOOK = 500
#: Values of a reference that are counted as not brought; more are not told apart.
_MOST_NOTED = 1000
#: Problems that may be held back before they are written.
_HELD = 5000


class Writing:
    """Writes that are held back until enough have come together: a commit costs more than what it writes."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._held: list[Callable[[Database], None]] = []

    def add(self, write: Callable[[Database], None]) -> None:
        """Hold a write back."""
        self._held.append(write)

    def flush(self) -> None:
        """Write what is held back, in one transaction."""
        with self._ledger.write() as db:
            for write in self._held:
                write(db)
        self._held.clear()


@dataclass(slots=True, kw_only=True)
class Cutting:
    """Turns the rows of one plan's steps into batches."""

    ledger: Ledger
    writing: Writing
    job: jobs.Job
    package: Package
    plan: planning.Plan
    size: int
    """root rows of a batch"""
    metadata: Metadata
    """by what rows are checked"""
    taken: Taken | None = None
    """the rows that a retry takes up; None: all"""
    failed: int = 0
    """rows that cannot go in, as far as was read"""
    _held: int = 0
    _references: References = field(init=False)
    _doubts: dict[tuple[int, str, str], set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._references = References(self.plan.steps, self.metadata)

    def write(self) -> dict[int, int]:
        """Write all batches; rows per step are returned. Raises PlanRefused, PackageRefused."""
        counts = dict.fromkeys((step.no for step in self.plan.steps), 0)
        for step in self.plan.steps:
            if step.parent_step is None:
                self._stage_children(step, counts)
                self._write_step(step, counts)
                self._refuse_orphans(step, counts)
        return counts

    def _children(self, step: planning.Step) -> list[planning.Step]:
        by_no = {child.no: child for child in self.plan.steps}
        return [by_no[layout.step] for layout in step.layout.children]

    def _rows(self, step: planning.Step) -> Iterator[Row]:
        """The step's rows with their nested rows in them."""
        children = self._children(step)
        rows = planning.rows(self.package, step)
        if not children:
            yield from rows
            return
        while chunk := list(islice(rows, 500)):
            with self.ledger.write() as db:
                groups = [self._staged(db, child, chunk) for child in children]
            yield from (Row(row.number, row.cells, nested) for row, *nested in zip(chunk, *groups, strict=True))

    def _staged(self, db: Database, child: planning.Step, parents: Sequence[Row]) -> list[list[Row]]:
        links = [_link(row, [parent for _, parent in child.link]) for row in parents]
        found = staging.staged(db, job=self.job.id, step=child.no, links=links)
        return [found.pop(link, []) for link in links]

    def _stage_children(self, step: planning.Step, counts: dict[int, int]) -> None:
        for child in self._children(step):
            self._stage_children(child, counts)
            columns = [column for column, _ in child.link]
            rows = self._rows(child)
            self.writing.flush()
            while chunk := [(_link(row, columns), row) for row in islice(rows, _STAGE_CHUNK)]:
                if self.taken is None:
                    counts[child.no] += len(chunk)
                with self.ledger.write() as db:
                    staging.stage(db, job=self.job.id, step=child.no, linked=chunk)

    def _write_step(self, step: planning.Step, counts: dict[int, int]) -> None:
        size = min(self.size, _MOST_CALLS) if step.target.operation else self.size
        made = batching.batches(self._fit(step, counts), size=size, unit=step.unit, place=_place(step))
        new = (self._new_batch(step, no, rows) for no, rows in enumerate(made, start=1))
        sent = (batch for batch in new if batch is not None)
        while chunk := list(islice(sent, _CHUNK)):  # packed: the rows themselves are not held
            self.writing.add(partial(batches.add_many, job=self.job.id, endpoint=self.job.endpoint, new=chunk))
            if len(chunk) == _CHUNK:
                self.writing.flush()

    def _new_batch(self, step: planning.Step, no: int, rows: Sequence[Row]) -> batches.NewBatch | None:
        """The rows as they are sent; None in a preview that cannot, or shall not, ask the AOS about them."""
        doubtful = self._referring(step, rows)
        if self.job.kind != jobs.JobKind.PREVIEW:
            return _packed(step, no, rows, second=_second(step, rows))
        if self.job.order.offline or step.kind != LoadTables.KIND:
            return None
        return _packed(step, no, rows, options={"references": [each.model_dump(mode="json") for each in doubtful]})

    def _referring(self, step: planning.Step, rows: Sequence[Row]) -> list[Reference]:
        """What the rows refer to that the package does not bring before. What it could bring is noted."""
        found = []
        for referring in self._references.of(step.no):
            if not (values := self._references.doubts(referring, step.layout, rows)):
                continue
            reference = on_wire(referring, values)
            found.append(reference)
            if referring.owner.step is not None:
                noted = self._doubts.setdefault((reference.step, reference.field, reference.table), set())
                noted.update(values[: _MOST_NOTED - len(noted)])
        return found

    def doubts(self) -> Iterator[str]:
        """A sentence for each reference of which the package brings the table, and not all of the values."""
        late = {_named(referring): values for referring, values in self._references.left() if referring.owner.step is not None}
        for reference, values in late.items():
            yield self._doubt(reference, len(values), where="no row", then="")
        if self.job.kind == jobs.JobKind.PREVIEW and not self.job.order.offline:
            return  # the AOS is asked
        for reference, noted in self._doubts.items():
            yield self._doubt(reference, len(noted), where="no earlier row", then=" Ask it with: rapidstart package validate")

    def _doubt(self, reference: tuple[int, str, str], count: int, *, where: str, then: str) -> str:
        step, name, table = reference
        entity = next(each.entity for each in self.plan.steps if each.no == step)
        shown = f"{count:,}" if count < _MOST_NOTED else f"{_MOST_NOTED:,} or more"
        told, are = ("value of", "is") if count == 1 else ("values of", "are")
        return f"{shown} {told} {entity}.{name} {are} in {where} of the package for {table}: AX must hold them.{then}"

    def _fit(self, step: planning.Step, counts: dict[int, int]) -> Iterator[Row]:
        """The step's rows without those that cannot go in."""
        screen = Screen(step, self.plan.steps, again=lambda: planning.rows(self.package, step))
        for rows in batching.batches(self._rows(step), size=_LOOK, unit=step.unit, place=_place(step)):
            fit, told = screen.parted(rows)
            self._references.bring(step.no, fit)
            self._references.note(step.layout, fit)
            if self.taken is None:
                counts[step.no] += len(rows)
            else:  # looked at among all the others: what repeats a row that is in must not go in now
                fit, told = self.taken.of(step.layout, rows, fit, told, counts)
            self._tell(told)
            yield from fit

    def _tell(self, told: Sequence[Told]) -> None:
        """Record rows that stay behind. Where there are many, they are not held back until a batch is written."""
        if not told:
            return
        self.failed += len({each[:2] for each in told if each.outcome is Outcome.FAILED})
        self.writing.add(partial(problems.refuse, job=self.job.id, rows=told))
        self._held += len(told)
        if self._held > _HELD:
            self.writing.flush()
            self._held = 0

    def _refuse_orphans(self, step: planning.Step, counts: dict[int, int]) -> None:
        for child in self._children(step):
            self.writing.flush()
            while True:
                with self.ledger.write() as db:
                    found = staging.orphans(db, job=self.job.id, step=child.no, limit=500)
                if not found:
                    break
                told = [told for row in found for told in self._orphaned(step, child, row)]
                self._tell(told if self.taken is None else self.taken.alone(told, counts))
            self._refuse_orphans(child, counts)

    def _orphaned(self, parent: planning.Step, child: planning.Step, row: Row) -> Iterator[Told]:
        """A nested row without its parent, and the rows nested in it."""
        theirs = " and ".join(self._caption(parent, column) for _, column in child.link)
        values = "this value" if len(child.link) == 1 else "these values together"
        problem = Problem(
            row=0,
            column=", ".join(self._caption(child, column) for column, _ in child.link),
            value=", ".join(row.cells[column] or "" for column, _ in child.link),
            message=f"No row of {parent.entity} has {values} in {theirs}.",
            advice=f"Add the {parent.entity} row that this row belongs to, or correct the value{'s' * (len(child.link) > 1)}.",
            code="RSC-3300",
        )
        for part, nested in flatten(child.layout, row):
            yield Told(part.step, nested.number, Outcome.FAILED, problem)

    def _caption(self, step: planning.Step, cell: int) -> str:
        return self.package.actions[step.action_index].columns[step.carried[cell]]


def _named(referring: Referring) -> tuple[int, str, str]:
    return referring.part.step, referring.part.columns[referring.place].field, referring.owner.table


def _place(step: planning.Step) -> Place:
    return Place(file=step.file, sheet=step.sheet)


def _packed(
    step: planning.Step,
    no: int,
    rows: Sequence[Row],
    *,
    options: Mapping[str, object] | None = None,
    second: Second | None = None,
) -> batches.NewBatch:
    layout = step.layout
    if layout.children or len(step.carried) > len(layout.columns):
        rows = [planning.trimmed(layout, row) for row in rows]
    if layout.children:
        where = [(part.step, nested.number) for row in rows for part, nested in flatten(layout, row)]
    else:
        where = [(layout.step, row.number) for row in rows]
    return batches.NewBatch(
        step=layout.step,
        no=no,
        rank=_rank(step, no),
        size=len(where),
        places=places.runs(where),
        rows=pack_rows(rows),
        options=options or {},
        second=second,
    )


def _second(step: planning.Step, rows: Sequence[Row]) -> Second | None:
    """The second pass of a batch; None where its step has none, or no row has anything for it.

    It goes after all batches of its rank: the numbers of those end before.
    """
    if not step.later:
        return None
    layout = step.layout
    places = [place for place, column in enumerate(layout.columns) if column.field in step.later]
    is_constant = any(name.partition(".")[0] in step.later for name in layout.constants)
    is_filled = any(row.cells[place] for row in rows for place in places if place < len(row.cells))
    if not (is_constant or is_filled or layout.blank is Blank.CLEAR):
        return None
    return Second(rank=(step.last_rank + 1) * _MOST_BATCHES - 1, fields=step.later)


def _rank(step: planning.Step, no: int) -> int:
    """Batches of one rank may be at work side by side. Calls may not, nor rows that name others of their own table.

    They go in the order of their rows.
    """
    return step.rank * _MOST_BATCHES + (no if step.target.operation or step.in_turn else 0)


def _link(row: Row, columns: Sequence[int]) -> str:
    return "\x1f".join(row.cells[column] or "" for column in columns)
