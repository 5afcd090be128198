"""What planning decides, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from connector.wire.jobs import Layout, Mode, Target
from connector.wire.metadata import Table

#: The scope of a table that AX keeps per company, where nobody says whether a virtual company shares it: metadata do not.
PER_COMPANY: Final = "per company"

Link = tuple[int, int]
"""index of a nested row's cell and of its parent row's cell that must be equal"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One action of a package within a job: where its rows go, when, and why."""

    no: int
    """from 1, in the order in which steps run"""
    entity: str
    file: str
    sheet: str | None
    action_index: int
    table: str
    target: Target
    layout: Layout
    """with the layouts of nested rows; its columns are the first of a row's cells as `rows` yields them"""
    record: Table
    """what the contract says of the record that a row becomes, or of the parameters that it fills"""
    rank: int
    """from 1; steps of one rank may run side by side"""
    rank_reason: str
    match_reason: str
    key_reason: str
    key_is_guess: bool
    mode: Mode
    kind: str = "load.tables"
    """the task that carries it out"""
    options: Mapping[str, object] = field(default_factory=dict, hash=False)
    """what its messages say besides target and layout"""
    parent_step: int | None = None
    """the step whose rows carry these rows, for nested ones"""
    link: tuple[Link, ...] = ()
    scope: str = ""
    """how far what it writes reaches: company, virtual company, partition, installation; `PER_COMPANY`; "" where nobody says"""
    unit: tuple[int, ...] = ()
    """indexes of the cells that are equal in rows which must travel together"""
    refers: Mapping[str, tuple[str, str]] = field(default_factory=dict, hash=False)
    """by field: the table, and its field, of which it names a record, as AX's data dictionary tells"""
    later: tuple[str, ...] = ()
    """fields that a second pass over the same rows fills: what they name is not there before"""
    last_rank: int = 0
    """of a second pass: it goes after all steps of this rank"""
    in_turn: bool = False
    """its batches go one after the other, in the order of the rows: a row may name one before it"""
    carried: tuple[int, ...] = ()
    """indexes of the action's cells in the order of `rows`: the layout's columns, then what only link or unit needs"""
    spellings: Mapping[int, Mapping[str, str]] = field(default_factory=dict, hash=False)
    """by index of a cell, then by a label or number, case aside: the symbol that it means"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps in the order in which they run, a nested one behind its parent; and what the user should know."""

    steps: tuple[Step, ...]
    notices: tuple[str, ...] = ()
