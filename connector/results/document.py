"""Load results as one HTML file that holds all it needs: to be read, printed and passed on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import jinja2

from connector.ledger import Ledger, courses, jobs
from connector.results import told
from connector.results.told import Cell, Moment
from connector.wire.reports import OUTCOME_WORDS

#: Failures that are shown; a page with more of them is a burden to any browser. The other forms have them all.
_SHOWN: Final = 5_000
#: The size of the chart of rows over time, in its own units.
_WIDE, _HIGH = 600, 120

_PAGES: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("connector.results", "."), autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slice:
    """A part of the ring: its share of the whole, and that of those before it, in percent."""

    word: str
    rows: int
    colour: str
    share: float
    before: float


def html_parts(ledger: Ledger, job_id: str, *, public_url: str = "") -> Iterator[str]:
    """The pieces of the file. They are made as they are taken. Raises NotFound."""
    with ledger.read() as db:
        job = jobs.get(db, job_id)
        counts = jobs.totals(db, [job.id])[job.id]
        failures = list(islice(told.every_failure(db, job.id), _SHOWN + 1))
        moments = told.over_time(db, job.id)
        template = _PAGES.get_template("document.html")
        yield from template.generate(
            job=job,
            facts=[(name, _text(value)) for name, value in told.facts(db, job) if value not in {None, ""}],
            slices=_slices(counts),
            area=_area(moments),
            most=max((each.per_second for each in moments), default=0.0),
            ends=(moments[0].at, moments[-1].at) if moments else (),
            titles=told.STEP_TITLES,
            steps=[[_text(cell) for cell in told.step_cells(step)] for step in courses.steps_of(db, job.id)],
            failures=((each, told.link(public_url.rstrip("/"), job.id, each)) for each in failures[:_SHOWN]),
            more=len(failures) > _SHOWN,
            shown=_SHOWN,
            lines=((_text(told.moment(at)), text) for at, text in told.every_line(db, job.id)),
        )


def _slices(counts: dict[str, int]) -> list[_Slice]:
    total = sum(counts.values())
    found: list[_Slice] = []
    before = 0.0
    for word in OUTCOME_WORDS.values():
        if counts[word]:
            share = 100.0 * counts[word] / total
            words = word.replace("_", " ")
            found.append(_Slice(word=words, rows=counts[word], colour=told.COLOURS[word], share=share, before=before))
            before += share
    return found


def _area(moments: Sequence[Moment]) -> str:
    """The outline of the chart, as SVG takes points; "" where there is nothing to draw."""
    most = max((each.per_second for each in moments), default=0.0)
    if most <= 0:
        return ""
    step = _WIDE / max(len(moments) - 1, 1)
    tops = [f"{at * step:.1f},{_HIGH - _HIGH * max(each.per_second, 0.0) / most:.1f}" for at, each in enumerate(moments)]
    return " ".join([f"0,{_HIGH}", *tops, f"{(len(moments) - 1) * step:.1f},{_HIGH}"])


def _text(value: Cell) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
