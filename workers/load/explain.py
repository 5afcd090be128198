"""What the schema or AX says against a document, as problems of its rows and cells."""

from collections.abc import Iterable, Sequence

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
    places = list(documents.flat(shape, row))
    if complaint.line is not None and complaint.table is not None:
        sent = [offset for offset in lines if places[offset][0].table.name == complaint.table]
        if 1 <= complaint.line <= len(sent):
            offset = sent[complaint.line - 1]
            return (offset, *places[offset])
    return (0, *places[0])
