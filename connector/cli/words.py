"""Jobs, rows and times in words. Pure: no console, no colours."""

from datetime import UTC, datetime
from typing import Final, Literal

from connector import api
from connector.seals import Sealing

Outcome = Literal["created", "updated", "unchanged", "deleted", "failed", "unknown", "skipped", "handed_over"]

#: Outcomes in the order in which people want them.
OUTCOMES: Final[tuple[Outcome, ...]] = (
    "created",
    "updated",
    "unchanged",
    "deleted",
    "failed",
    "unknown",
    "skipped",
    "handed_over",
)
#: So much of a cell is printed; the workbook has more of it.
_CELL_SHOWN: Final = 200
BAD: Final[tuple[Outcome, ...]] = ("failed", "unknown", "skipped", "handed_over")


def done(rows: api.Rows) -> int:
    """How many rows have an outcome."""
    return sum(rows[word] for word in OUTCOMES)


def headline(job: api.Job) -> str:
    """A job in one line: `JB-7Q2K running: 3,100 of 8,412 rows, 2 failed`."""
    name = f"{job['id']} (preview)" if job["kind"] == "preview" else job["id"]
    parts = [f"{name} {job['state'].replace('_', ' ')}"]
    if job["reason"] and job["reason"] != job["state"]:
        parts.append(_sentence(job["reason"], job["state"]))
    if job["planned"] and job["kind"] in api.WITH_ROWS:
        parts.append(progress(job["rows"], kind=job["kind"]))
    return ": ".join((parts[0], "; ".join(parts[1:]))) if parts[1:] else parts[0]


def progress(rows: api.Rows, *, kind: str = "load") -> str:
    """Rows so far, and those that are not in, or would not go in."""
    bad = [f"{rows[word]:,} {outcome(word, kind=kind)}" for word in BAD if rows[word]]
    return ", ".join([f"{done(rows):,} of {plural(rows['total'], 'row')}", *bad])


def outcome(word: str, *, kind: str) -> str:
    """An outcome as it is told of rows: `failed`, and in a preview `would fail`."""
    if kind != "preview":
        return word.replace("_", " ")
    would = {"failed": "would fail", "unchanged": "would stay as they are", "unknown": "unknown"}
    return would.get(word, f"would be {word.replace('_', ' ')}")


def plural(number: int, noun: str) -> str:
    """`1 row`, `2 rows`, `3 entities`, `4 days`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{number:,} {noun}s"


def removed(job: api.Job) -> str:
    """`Its rows were removed on 2026-04-01, 90 days after it ended.`; "" while they are kept, and where there never were any."""
    if job["removed_at"] is None or job["kind"] not in api.WITH_ROWS:
        return ""
    days = int((seconds(job["finished_at"], job["removed_at"]) or 0) // 86400)
    return f"Its rows were removed on {local(job['removed_at'])[:10]}, {plural(days, 'day')} after it ended."


def place(failure: api.Failure) -> str:
    """Where a failed row is: `Customers.xlsx, sheet Customers, row 17`."""
    sheet = f"sheet {failure['sheet']}" if failure["sheet"] else ""
    return ", ".join(part for part in (failure["file"], sheet, f"row {failure['row']}") if part)


def cell(failure: api.Failure) -> str:
    """The cell that is at fault: `CustGroup = '99'`, where it is known."""
    name = failure["field"] or failure["column"]
    if name is None:
        return ""
    column = failure["column"]
    caption = f"{name} (column {column})" if column and column != name else name
    value = failure["value"]
    if value is None:
        return caption
    return f"{caption} = '{value}'" if len(value) <= _CELL_SHOWN else f"{caption} = '{value[:_CELL_SHOWN]}…"


def seconds(start: str | None, end: str | None) -> float | None:
    """Time between two moments; to now where the second has not come."""
    if start is None:
        return None
    until = datetime.fromisoformat(end) if end else datetime.now(UTC)
    return max(0.0, (until - datetime.fromisoformat(start)).total_seconds())


def span(value: float | None) -> str:
    """A time span as people read it: `0.6 s`, `02:11`, `1:04:09`."""
    if value is None:
        return ""
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(int(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def ago(moment: str | None) -> str:
    """How long ago something was: `2 s ago`, `3 h ago`, `never`."""
    passed = seconds(moment, None)
    if passed is None:
        return "never"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if passed >= size:
            return f"{int(passed // size)} {unit} ago"
    return f"{int(passed)} s ago"


def local(moment: str | None) -> str:
    """A moment on this computer's clock, to the second."""
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def _sentence(reason: str, state: str) -> str:
    """The reason without the state that it may begin with, and without the full stop."""
    return reason.removeprefix(f"{state}: ").rstrip(".")


def scaled(endpoint: api.Endpoint) -> str:
    """What is wished and what there is, as "4 workers of 8 calls wished; 3 run, 4 may"."""
    wished = endpoint["scale"]
    parts = [plural(wished["workers"], "worker")] if wished["workers"] is not None else []
    if wished["concurrency"] is not None:
        parts.append(f"{plural(wished['concurrency'], 'call')} at once each")
    said = f"{', '.join(parts)} wished" if parts else "nothing is wished"
    online = [crew for crew in endpoint["crews"] if crew["online"]]
    if not online:
        return said
    return f"{said}; {sum(crew['running'] for crew in online)} run, {sum(crew['most'] for crew in online)} may"


def sealed(sealing: Sealing) -> str:
    """Whether an endpoint's messages are sealed, and by which keys."""
    if not sealing["sealed"]:
        return "not sealed: whoever can write to the broker is believed"
    keys = [f"{key['machine']} {key['fingerprint']}" for key in sealing["keys"] if key["revoked_at"] is None]
    return f"sealed for {', '.join(keys)}" if keys else "sealed, and all keys are revoked"


def refused(sealing: Sealing) -> str:
    """How many messages were refused, and why; "" where none was."""
    counts: dict[str, int] = {}
    for each in sealing["refused"]:
        counts[each["why"]] = counts.get(each["why"], 0) + each["count"]
    total = sum(counts.values())
    if not total:
        return ""
    reasons = ", ".join(f"{count} {why}" for why, count in sorted(counts.items()))
    return f"{total} {'message was' if total == 1 else 'messages were'} refused: {reasons}"
