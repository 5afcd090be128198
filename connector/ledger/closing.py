"""A batch ends, or its first pass does: counts, problems and answers follow."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

import sqlalchemy as sa

from connector.ledger import answers, problems, twice
from connector.ledger.places import expand, letters_by_step
from connector.ledger.schema import batches, steps
from connector.ledger.store import Database
from connector.wire.reports import OUTCOME_WORDS, Outcomes

# Statements of every batch are made once: making one costs more than running it.
_COUNT_OUTCOMES: Final = (
    sa.update(steps)
    .where(steps.c.job == sa.bindparam("of_job"), steps.c.no == sa.bindparam("of_step"))
    .values(
        {word: steps.c[word] + sa.bindparam(f"more_{word}") for word in (*OUTCOME_WORDS.values(), "blanks_kept")}
        | {"finished_at": sa.bindparam("now")}
    )
)
_END: Final = (
    sa.update(batches)
    .where(batches.c.id == sa.bindparam("of_id"))
    .values(
        state=sa.bindparam("to"),
        letters=sa.bindparam("told"),
        calls=batches.c.calls + sa.bindparam("made"),
        seconds=batches.c.seconds + sa.bindparam("took"),
        rows=sa.bindparam("kept"),
        so_far=None,
        open_intent=sa.bindparam("intent"),
    )
)
_TWICE: Final = (
    sa.update(batches)
    .where(batches.c.id == sa.bindparam("of_id"))
    .values(
        state=sa.bindparam("to"),
        rank=sa.bindparam("next"),
        first_letters=sa.bindparam("told"),
        so_far=sa.bindparam("left"),
        calls=batches.c.calls + sa.bindparam("made"),
        seconds=batches.c.seconds + sa.bindparam("took"),
        open_intent=None,
        granted_at=None,
        not_before=0.0,
        reason="",
        fault="",
        faults=0,
        fault_since=None,
        fault_left=None,
    )
)


def settle(
    db: Database, row: sa.RowMapping, outcomes: Outcomes, *, state: str, calls: int, seconds: float, at: float, keep_intent: bool
) -> None:
    """Every row of a batch has its end: the batch goes into `state`. `calls` and `seconds` are those since it was sent last."""
    first = row["first_letters"]
    if first is not None:
        outcomes = twice.together(first, outcomes)
    _count(db, row, outcomes, at=at, but=Counter(twice.ended(first or "")))
    _tell(db, row, outcomes)
    # Rows are kept only where something is left to correct or to settle.
    kept = row["rows"] if outcomes.problems or (first and twice.ended(first)) else None
    end = {"to": state, "told": outcomes.letters, "made": calls, "took": seconds}
    intent = row["open_intent"] if keep_intent else None
    db.execute(_END, end | {"of_id": row["id"], "kept": kept, "intent": intent})


def again(db: Database, row: sa.RowMapping, outcomes: Outcomes, *, state: str, calls: int, seconds: float, at: float) -> bool:
    """Put a batch whose first pass is done into `state` for its second. False where it has none, or no row for it."""
    second, left = twice.read(row["second"]), twice.opened(outcomes)
    if second is None or left is None or row["first_letters"] is not None:
        return False
    letters = twice.ended(outcomes.letters)
    if letters:
        _add(db, row, row["step"], Counter(letters), blanks=0, at=at)
    _tell(db, row, outcomes)
    values = {"to": state, "next": second.rank, "told": outcomes.letters, "left": left.model_dump_json()}
    db.execute(_TWICE, values | {"of_id": row["id"], "made": calls, "took": seconds})
    return True


def _count(db: Database, row: sa.RowMapping, outcomes: Outcomes, *, at: float, but: Counter[str]) -> None:
    """Count the outcomes; `but` are letters of the batch's own step that were counted before."""
    for step, letters in letters_by_step(row["places"], outcomes.letters).items():
        mine = step == row["step"]
        found = Counter(letters) - but if mine else Counter(letters)
        _add(db, row, step, found, blanks=outcomes.blanks_kept if mine else 0, at=at)


def _add(db: Database, row: sa.RowMapping, step: int, letters: Mapping[str, int], *, blanks: int, at: float) -> None:
    more = {f"more_{word}": letters.get(letter, 0) for letter, word in OUTCOME_WORDS.items()}
    db.execute(_COUNT_OUTCOMES, more | {"of_job": row["job"], "of_step": step, "now": at, "more_blanks_kept": blanks})


def _tell(db: Database, row: sa.RowMapping, outcomes: Outcomes) -> None:
    if outcomes.problems:
        problems.tell(db, job=row["job"], batch=row["id"], places=expand(row["places"]), outcomes=outcomes)
    if outcomes.answers:
        answers.tell(db, job=row["job"], places=expand(row["places"]), outcomes=outcomes)
