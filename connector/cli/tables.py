"""Lists of jobs and endpoints as people read them."""

from collections.abc import Iterable
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from connector import api
from connector.cli import limits, words
from connector.cli.front import printable
from connector.cli.results import steps_table

_STYLES: Final = {
    "succeeded": "green",
    "online": "green",
    "running": "cyan",
    "partly_succeeded": "yellow",
    "paused": "yellow",
    "waiting": "yellow",
    "failed": "red",
    "stopped": "red",
    "cancelled": "dim",
}


def jobs_table(jobs: Iterable[api.Job]) -> Table:
    """A line per job; the last column says why it waits or failed."""
    table = _table("Job", "State", "Endpoint", "Company", "Package", "Rows", "Not in", "Submitted", "Why")
    for job in jobs:
        rows = job["rows"]
        table.add_row(
            job["id"],
            _state(job["state"]),
            printable(job["endpoint"]),
            printable(job["company"] or ""),
            printable(_what(job)),
            f"{words.done(rows):,}/{rows['total']:,}" if job["planned"] else "",
            f"{sum(rows[word] for word in words.BAD):,}" if job["planned"] else "",
            words.ago(job["submitted_at"]),
            Text(printable(job["reason"]), style="dim"),
        )
    return table


def _what(job: api.Job) -> str:
    if job["package"] is None:
        return job["kind"]
    return f"{job['package']['name']} (preview)" if job["kind"] == "preview" else job["package"]["name"]


def print_job(console: Console, job: api.Job) -> None:
    """One job with its steps and the reasons of their order."""
    console.print(Text(printable(words.headline(job)), style="bold"))
    facts = {
        "Kind": job["kind"],
        "Retry of": job["retry_of"],
        "Endpoint": job["endpoint"],
        "Company": job["company"],
        "Partition": job["partition"],
        "Package": f"{job['package']['name']} ({job['package']['sha256'][:12]})" if job["package"] else None,
        "Mode": job["mode"],
        "Priority": job["priority"] if job["priority"] != "normal" else None,
        "Stops after": job["stop_after"],
        "Expires": words.local(job["expires_at"]) if job["started_at"] is None else None,
        "Submitted": words.local(job["submitted_at"]),
        "Started": words.local(job["started_at"]),
        "Finished": words.local(job["finished_at"]),
        "Rows": words.removed(job),
        "What to do": job["advice"],
    }
    print_facts(console, facts)
    if not job["steps"]:
        return
    console.print()
    console.print(steps_table(job["steps"], kind=job["kind"]))
    for step in job["steps"]:
        console.print(Text(printable(f"{step['no']}. {step['entity']} → {step['service']}.{step['table']}"), style="bold"))
        for what, reason in step["reasons"].items():
            console.print(Text(f"   {what}: {printable(reason)}", style="dim"))


def print_facts(console: Console, facts: dict[str, Any]) -> None:
    """Names and values, those without a value left out."""
    grid = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        if value not in (None, ""):
            grid.add_row(Text(name, style="dim"), Text(printable(value)))
    console.print(grid)


def endpoints_table(endpoints: Iterable[api.Endpoint]) -> Table:
    """A line per endpoint."""
    table = _table("Endpoint", "State", "Service instance", "Companies", "Workers", "Jobs", "Surveyed", "Seen")
    for endpoint in endpoints:
        online = sum(worker["online"] for worker in endpoint["workers"])
        table.add_row(
            printable(endpoint["name"]),
            _state(endpoint["state"]),
            printable(endpoint["service_instance"]),
            printable(", ".join(endpoint["companies"])),
            f"{online}",
            f"{endpoint['unfinished_jobs']}",
            words.ago(endpoint["surveyed_at"]),
            words.ago(endpoint["seen_at"]),
        )
    return table


def print_endpoint(console: Console, endpoint: api.Endpoint) -> None:
    """One endpoint with its workers and what was last checked."""
    console.print(Text(printable(f"{endpoint['name']} {endpoint['state']}"), style="bold"))
    facts = {
        "Addresses": ", ".join(endpoint["addresses"]),
        "Service instance": endpoint["service_instance"],
        "Companies": ", ".join(endpoint["companies"]) or "not known",
        "Partition": endpoint["partition"],
        "Database": endpoint["database"],
        "Loads reach": endpoint["scope"],
        "Virtual companies": "; ".join(f"{name}: {', '.join(of)}" for name, of in endpoint["virtual_companies"].items()),
        "Contract": "given as a folder" if endpoint["contract"] else "read from the AOS",
        "Surveyed": words.ago(endpoint["surveyed_at"]),
        "Unfinished jobs": endpoint["unfinished_jobs"],
        **limits.facts(endpoint),
        "Scale": words.scaled(endpoint),
        "Messages": words.sealed(endpoint["sealing"]),
        "Ended workers": _ended(endpoint["gone"]),
    }
    print_facts(console, facts)
    if endpoint["changed"]:
        _print_changed(console, endpoint["name"], endpoint["changed"])
    if refused := words.refused(endpoint["sealing"]):
        console.print(Text(printable(refused), style="bold red"))
    if endpoint["workers"]:
        table = _table("Worker", "Host", "Concurrency", "Version", "Seen")
        for worker in endpoint["workers"]:
            seen = words.ago(worker["seen_at"]) if not worker["online"] else "online"
            table.add_row(
                printable(worker["name"]),
                printable(worker["host"]),
                f"{worker['concurrency']}",
                printable(worker["version"]),
                seen,
            )
        console.print(table)
    print_checks(console, endpoint["checks"])


def _ended(gone: api.Gone) -> str:
    """Workers that are there no more: how many, and when the last one was seen."""
    return f"{gone['count']:,} within a week, the last seen {words.ago(gone['seen_at'])}" if gone["count"] else ""


def _print_changed(console: Console, name: str, changed: api.ChangedDatabase) -> None:
    """That the database is another one, what was loaded before, and how it goes on."""
    console.print(Text(printable(f"Nothing is written: {changed['reason']}."), style="bold red"))
    if changed["loads"]:
        table = _table("Load", "State", "Company", "Package", "Written", "Unknown", "Batches left", "Ended")
        for load in changed["loads"]:
            counts = (f"{load[word]:,}" for word in ("written", "unknown", "left"))
            named = (load["job"], load["state"].replace("_", " "), load["company"] or "", load["package"])
            table.add_row(*map(printable, named), *counts, words.ago(load["finished_at"]))
        console.print(table)
    console.print("Load again what is not there any more; rapidstart job results JOB tells the rows.")
    console.print(Text(printable(f"Then: rapidstart endpoint resume {name}")))


def print_checks(console: Console, checks: Iterable[api.Check]) -> None:
    """What was looked at, and what to do where it is not well."""
    for check in checks:
        mark, style = ("✗", "red") if not check["ok"] else ("✓", "green") if check["tried"] else ("–", "dim")
        console.print(Text(f" {mark} ", style=style), Text(printable(f"{check['name']}: {check['detail']}")), sep="")
        if check["advice"] and not check["ok"]:
            console.print(Text(f"   {printable(check['advice'])}"))


def _table(*columns: str) -> Table:
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for column in table.columns:
        if column.header in {"Rows", "Not in", "Workers", "Jobs", "Concurrency"}:
            column.justify = "right"
    return table


def _state(state: str) -> Text:
    return Text(printable(state.replace("_", " ")), style=_STYLES.get(state, ""))
