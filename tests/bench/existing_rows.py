"""Looking up rows that exist: by document (findKeys over a range, then read by key) against one page of the query service.

Both services are WCF on Mono, over net.tcp, and hold the same rows; the sides take turns in one process. Mono's own work for a
call is in the wall clock, AX's is not: a document service of AX reads record by record, which the query service does not.

python -m tests.bench.existing_rows --rounds 9 --rows 1000
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.aos import mono
from tests.aos.conformance.targets import CONTRACT, OURS, Target, create, over_net_tcp
from workers import aos
from workers.aos.queries import Built, Range
from workers.aos.queryservice import QueryService
from workers.aos.transport import Transport

_FIELDS = ("Name", "Description", "LowestPayment", "RecId", "RecVersion", "DataAreaId")
_GROUP = 200
#: A document service refuses larger messages than its quota.
_CREATED_AT_ONCE = 1_000


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--rows", type=int, nargs="+", default=[100, 1_000, 5_000])
    given = parser.parse_args()
    sources = [mono.PEERS / f"{name}.cs" for name in ("Messages", "Schedules", "Records", "Faults", "Host")]
    print("| rows | way | calls | ms | CPU us/row |")
    print("|---:|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        host = mono.compiled("Host", *sources, folder=Path(folder))
        systems = mono.compiled("Queries", mono.PEERS / "Queries.cs", folder=Path(folder))
        tcp = mono.free_port()
        stack.enter_context(mono.running(host, str(CONTRACT), str(tcp)))
        streamed = stack.enter_context(mono.running(systems, str(mono.free_port()), folder))
        target = _target(f"net.tcp://127.0.0.1:{tcp}/DynamicsAx/Services/PaymentSchedules")
        place = f"net.tcp://127.0.0.1:{streamed}/DynamicsAx/Services/QueryService"
        for rows in given.rows:
            _compared(target, QueryService(Transport([place]), place), Path(folder), rows=rows, rounds=given.rounds)


def _target(address: str) -> Target:
    contract = over_net_tcp(CONTRACT)
    return Target(kind="wcf", address=address, company="USMF", subject=OURS, door=aos.Door([address]), contract_zip=contract)


def _compared(target: Target, service: QueryService, folder: Path, *, rows: int, rounds: int) -> None:
    port, names = target.open(), target.keys(rows)
    for start in range(0, rows, _CREATED_AT_ONCE):
        part = names[start : start + _CREATED_AT_ONCE]
        create(target, port, [{OURS.key: name, OURS.text: "Наименование", OURS.amount: "12.50"} for name in part])
    _known(folder, names)
    criteria = target.between(names)
    query = Built(table="PaymSched", fields=_FIELDS, ranges=(Range(field="Name", low=names[0], high=names[-1]),), company="USMF")

    def by_document() -> int:
        keys = port.find_keys(criteria)
        return sum(len(port.read(keys[start : start + _GROUP])) for start in range(0, len(keys), _GROUP))

    def by_query() -> int:
        return len(service.first(query, rows=rows))

    measured = _measured({"document service": by_document, "query service": by_query}, rows=rows, rounds=rounds)
    calls = {"document service": 1 + -(-rows // _GROUP), "query service": 1}
    for name, found in measured.items():
        wall, cpu = (statistics.median(column) for column in zip(*found, strict=True))
        print(f"| {rows:,} | {name} | {calls[name]} | {wall * 1e3:,.1f} | {cpu / rows * 1e6:.1f} |", flush=True)


def _known(folder: Path, names: list[str]) -> None:
    types = ("String", "String", "Decimal", "Int64", "Int32", "String")
    lines = ["\t".join(f"{name}:{kind}" for name, kind in zip(_FIELDS, types, strict=True))]
    lines += [f"{name}\tНаименование\t12.50\t{number}\t1\tusmf" for number, name in enumerate(names)]
    (folder / "PaymSched.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _measured(ways: dict[str, Callable[[], int]], *, rows: int, rounds: int) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for number in range(-2, rounds):  # two rounds to warm up
        for name in sorted(ways, reverse=bool(number % 2)):
            wall, cpu = time.perf_counter(), time.process_time()
            seen = ways[name]()
            one = time.perf_counter() - wall, time.process_time() - cpu
            if seen != rows:
                raise SystemExit(f"{name} found {seen} of {rows} rows")
            if number >= 0:
                found[name].append(one)
    return found


if __name__ == "__main__":
    main()
