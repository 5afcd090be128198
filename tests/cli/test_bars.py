import io

from rich.console import Console

from connector.cli import words
from connector.cli.bars import bars


def step(no, **changes):
    rows = dict.fromkeys(("total", *words.OUTCOMES), 0) | {"total": 10} | changes.pop("rows", {})
    plain = {"no": no, "entity": f"Entity {no}", "state": "queued", "rows": rows, "started_at": None, "finished_at": None}
    return plain | changes


def job(*steps, **changes):
    rows = dict.fromkeys(("total", *words.OUTCOMES), 0) | {"total": 30, "created": 12, "failed": 2}
    plain = {"id": "JB-7Q2K", "kind": "load", "state": "running", "reason": "", "endpoint": "AOS-1", "company": "USMF"}
    return plain | {"planned": True, "rows": rows, "steps": list(steps)} | changes


def shown(*jobs, height=40):
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=120, height=height, markup=False, highlight=False, no_color=True)
    with bars(console) as show:
        show(list(jobs))
    return file.getvalue()


def test_each_step_has_a_line_with_its_rows_and_failures():
    times = {"started_at": "2026-01-01T10:00:00.000Z", "finished_at": "2026-01-01T10:00:02.500Z"}
    done = step(1, state="partly_succeeded", rows={"created": 8, "failed": 2}, **times)
    text = shown(job(done, step(2, state="running", rows={"created": 4}, started_at="2026-01-01T10:00:00.000Z"), step(3)))

    assert "JB-7Q2K running: 14 of 30 rows, 2 failed" in text
    assert "AOS-1 USMF" in text
    line = next(line for line in text.splitlines() if "Entity 1" in line)
    assert all(part in line for part in ("10/10", "8 created", "2.5 s", "2 failed"))
    assert "4/10" in next(line for line in text.splitlines() if "Entity 2" in line)


def test_names_of_users_are_printed_as_they_are():
    text = shown(job(step(1, entity="[red]Groups[/red] :smile: \x1b]0;title\x07")))
    assert "[red]Groups[/red] :smile: \\x1b]0;title\\x07" in text


def test_more_steps_than_lines_are_told_by_their_number():
    text = shown(job(*(step(no) for no in range(1, 51))), height=14)
    assert "Entity 1 " in text
    assert "Entity 50" not in text
    assert "and 40 more steps" in text


def test_several_jobs_stand_below_each_other():
    text = shown(job(step(1)), job(step(1), id="JB-2222", state="waiting", reason="waiting: AOS-2 is paused", planned=False))
    assert text.index("JB-7Q2K") < text.index("JB-2222 waiting: AOS-2 is paused")
