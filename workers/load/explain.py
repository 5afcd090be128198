"""What the schema or AX says against a document, as problems of its rows and cells."""

from collections.abc import Iterable, Iterator, Sequence

from connector.wire.codec import Row
from connector.wire.reports import Problem
from workers import aos, documents
from workers.documents import Shape
from workers.errors import Complaint, Refusal, Reject

_CORRECT = "Correct the row and load it again. Nothing of its document was written."


def by_schema(
    shape: Shape, row: Row, found: Iterable[tuple[int, aos.SchemaProblem]], *, index: int, creating: bool
) -> list[Problem]:
    """Problems of a document that the port's schema refuses; `found` are places after the root with what is wrong there.

    A cell that is wrong by its field's facets explains itself; else the schema's own words stand.
    """
    if problems := documents.cell_problems(shape, row, index=index, creating=creating):
        return problems
    places = list(documents.flat(shape, row))
    return [_schema_problem(*places[offset], problem, index=index + offset) for offset, problem in found]


def _schema_problem(shape: Shape, row: Row, problem: aos.SchemaProblem, *, index: int) -> Problem:
    named = documents.named(shape, row, problem.element)
    is_field = shape.table.field(problem.element) is not None
    return Problem(
        row=index,
        column=named.column,
        field=problem.element if is_field else None,
        value=named.value,
        message=problem.message,
        advice="Correct the cell and load the row again." if named.column else _CORRECT,
        code="RSC-3110",
    )


def by_cell(shape: Shape, row: Row, error: Reject, *, index: int) -> list[Problem]:
    """Problems of a document that could not be written down."""
    found = documents.cell_problems(shape, row, index=index, creating=False)
    return found or [Problem(row=index, message=error.message, advice=error.advice or _CORRECT, code=error.code)]


def by_ax(
    shape: Shape, row: Row, refusal: Refusal, complaints: Sequence[Complaint], *, lines: Sequence[int], index: int
) -> list[Problem]:
    """Problems of a document that AX refused, in AX's own words; `lines` are the places of its records as they were sent."""
    told = complaints or (Complaint(message=refusal.message),)
    return [_complaint(shape, row, refusal, complaint, lines=lines, index=index) for complaint in told]


def _complaint(shape: Shape, row: Row, refusal: Refusal, complaint: Complaint, *, lines: Sequence[int], index: int) -> Problem:
    offset, where, item = _place(shape, row, complaint, lines=lines)
    named = documents.named(where, item, complaint.field) if complaint.field else None
    return Problem(
        row=index + offset,
        column=named.column if named else None,
        field=complaint.field,
        value=named.value if named else None,
        message=complaint.message or refusal.message,
        advice=refusal.advice or _CORRECT,
        code=refusal.code,
    )


def _place(shape: Shape, row: Row, complaint: Complaint, *, lines: Sequence[int]) -> tuple[int, Shape, Row]:
    """The record that a complaint names: how far it stands after the root, with its shape and row."""
    found = (0, shape, row)
    steps = [*complaint.within, (complaint.table, complaint.line or 0)] if complaint.table else []
    for table, number in steps:
        sent = [below for below in _below(*found) if below[0] in lines and below[1].table.name == table]
        if not 1 <= number <= len(sent):
            break
        found = sent[number - 1]
    return found


def _below(offset: int, shape: Shape, row: Row) -> Iterator[tuple[int, Shape, Row]]:
    """The rows that are nested in one, with their places after the root."""
    place = offset + 1
    for child, rows in zip(shape.nested, row.children, strict=False):
        for nested in rows:
            yield place, child, nested
            place += documents.size(nested)
