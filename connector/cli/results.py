"""What a person reads when a load has ended: a table of the steps, and the failed rows explained."""

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from connector import api
from connector.cli import words
from connector.cli.front import printable

if TYPE_CHECKING:
    from connector.client import Client

#: How many kinds of failure are explained, how many rows of each, and how many are read for that.
_GROUPS: Final = 10
_ROWS: Final = 3
_READ: Final = 1000
#: How many answers of calls are shown, and how many characters of each.
_ANSWERS: Final = 5
_ANSWER_SHOWN: Final = 200


def show_results(console: Console, client: "Client", job: api.Job) -> None:
    """The end of a job: its headline, its steps, its failed rows, and where to find the rest."""
    console.print(Text(printable(words.headline(job)), style="bold"))
    if job["advice"]:
        console.print(Text(printable(job["advice"])))
    if not job["steps"]:
        return
    console.print(steps_table(job["steps"], kind=job["kind"]))
    if gone := words.removed(job):
        console.print(f"\n{gone}")
        return
    _show_answers(console, client, job["id"])
    bad = sum(job["rows"][word] for word in words.BAD)
    if not bad:
        return
    told = list(islice(client.failures(job["id"], page=_READ), _READ))
    if told:
        if len(told) == _READ < bad:
            console.print(f"\nThe first {_READ:,} of {bad:,} rows that are not in, by their cause:")
        explain(console, told, kind=job["kind"])
        console.print(f"All of them, to read in Excel: rapidstart job results {job['id']} --xlsx {job['id']}.xlsx")
    silent = job["rows"]["skipped"] - len({_row(each) for each in told if each["outcome"] == "skipped"})
    if silent > 0 and len(told) < _READ:
        console.print(f"\n{words.plural(silent, 'row')} skipped: the job ended before they were sent.")


def _row(failure: api.Failure) -> tuple[str, str | None, int]:
    """Which row it was: one may have several things wrong."""
    return failure["file"], failure["sheet"], failure["row"]


def _show_answers(console: Console, client: "Client", job_id: str) -> None:
    """What calls answered, where the job made any."""
    found = client.first_answers(job_id, limit=_ANSWERS)
    if not found["total"]:
        return
    console.print(f"\n{words.plural(found['total'], 'answer')} of AX:")
    for each in found["items"]:
        text = each["answer"] if len(each["answer"]) <= _ANSWER_SHOWN else f"{each['answer'][: _ANSWER_SHOWN - 1]}…"
        console.print(Text(printable(f"  {each['entity']}, row {each['row']}: {text or '(nothing)'}")))
    if found["total"] > len(found["items"]):
        console.print(Text(f"  … all of them: rapidstart job results {job_id} --json, or --xlsx FILE", style="dim"))


def steps_table(steps: Iterable[api.Step], *, kind: str = "load") -> Table:
    """A line per step of a job of this kind; outcomes that no row had are left out."""
    listed = list(steps)
    seen = [w for w in words.OUTCOMES if w in {"created", "failed"} or any(s["rows"][w] for s in listed)]
    table = Table("Step", box=None, header_style="bold", pad_edge=False)
    for title in ("Rows", *(words.outcome(word, kind=kind).capitalize() for word in seen), "Time"):
        table.add_column(title, justify="right")
    for step in listed:
        numbers = [Text(f"{step['rows'][word]:,}", style=_style(step["rows"], word)) for word in seen]
        time = words.span(words.seconds(step["started_at"], step["finished_at"]))
        table.add_row(printable(step["entity"]), f"{step['rows']['total']:,}", *numbers, time)
    return table


def explain(console: Console, failures: Iterable[api.Failure], *, kind: str = "load") -> None:
    """Rows that failed, or would fail, those with the same cause together: where they are, what AX says, what to do."""
    groups: dict[tuple[str, str, str, str, str], list[api.Failure]] = {}
    for failure in failures:
        cause = (failure["entity"], failure["outcome"], failure["field"] or "", _without_value(failure), failure["advice"] or "")
        groups.setdefault(cause, []).append(failure)
    for cause, rows in islice(groups.items(), _GROUPS):
        _explain_one(console, rows, entity=cause[0], outcome=words.outcome(cause[1], kind=kind))
    if len(groups) > _GROUPS:
        console.print(f"\n… and {words.plural(len(groups) - _GROUPS, 'other cause')}.")


def _explain_one(console: Console, rows: list[api.Failure], *, entity: str, outcome: str) -> None:
    first = rows[0]
    console.print()
    console.print(Text(printable(f"{entity}: {words.plural(len(rows), 'row')} {outcome}"), style="bold red"), end="")
    console.print(Text(printable(f"  {first['code']}"), style="dim"))
    console.print(Text(f"  {printable(first['message'])}"))
    for row in rows[:_ROWS]:
        console.print(Text("    " + printable("  ".join(p for p in (words.place(row), words.cell(row)) if p)), style="yellow"))
    if len(rows) > _ROWS:
        console.print(Text(f"    and {len(rows) - _ROWS:,} more", style="dim"))
    if first["advice"]:
        console.print(Text(f"  What to do: {printable(first['advice'])}"))


def _without_value(failure: api.Failure) -> str:
    """AX names the value in its message: without it the same cause reads the same in every row."""
    value = failure["value"]
    return failure["message"].replace(value, "…") if value else failure["message"]


def _style(rows: api.Rows, word: words.Outcome) -> str:
    if not rows[word]:
        return "dim"
    return "red" if word in words.BAD else "green" if word in {"created", "updated"} else ""
