"""Calls per second and CPU per row: net.tcp against basicHttp, on one WCF service (Mono), taking turns in one process.

python -m tests.bench.net_tcp --rounds 15 --rows 400
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.aos import mono
from tests.aos.conformance.targets import CONTRACT, OURS, Target, create, over_net_tcp, zipped
from workers import aos

_SMALL_CALLS = 20
_PATH = "DynamicsAx/Services/PaymentSchedules"


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--rows", type=int, default=400)
    given = parser.parse_args()
    sources = [mono.PEERS / f"{name}.cs" for name in ("Messages", "Schedules", "Records", "Faults", "Host")]
    with tempfile.TemporaryDirectory() as folder:
        program = mono.compiled("Host", *sources, folder=Path(folder))
        tcp = [mono.free_port(), mono.free_port()]
        with mono.running(program, str(CONTRACT), *map(str, tcp)) as http:
            _print(_measured(_targets(http, tcp[0]), rounds=given.rounds, rows=given.rows), rows=given.rows)


def _targets(http: int, tcp: int) -> dict[str, Target]:
    plain = f"http://127.0.0.1:{http}/MicrosoftDynamicsAXAif60/PaymentSchedules/xppservice.svc"
    given = {"basicHttp": (plain, zipped(CONTRACT)), "net.tcp": (f"net.tcp://127.0.0.1:{tcp}/{_PATH}", over_net_tcp(CONTRACT))}
    return {
        name: Target(kind="wcf", address=address, company="USMF", subject=OURS, door=aos.Door([address]), contract_zip=contract)
        for name, (address, contract) in given.items()
    }


def _measured(targets: dict[str, Target], *, rounds: int, rows: int) -> dict[str, list[tuple[float, ...]]]:
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in targets}
    for number in range(-2, rounds):  # two rounds to warm up
        for name in sorted(targets, reverse=bool(number % 2)):
            one = _round(targets[name], rows)
            if number >= 0:
                found[name].append(one)
    return found


def _round(target: Target, rows: int) -> tuple[float, ...]:
    """Seconds and CPU seconds for a small call, for a create of the rows, and for their read."""
    port, keys = target.open(), target.keys(rows)
    criteria = target.between(keys)
    records = [{OURS.key: key, OURS.text: "Наименование", OURS.amount: "12.50"} for key in keys]
    small = _timed(lambda: [port.find_keys(criteria) for _ in range(_SMALL_CALLS)])
    made: list[aos.Key] = []
    written = _timed(lambda: made.extend(create(target, port, records)))
    read = _timed(lambda: port.read(made))
    return (*(each / _SMALL_CALLS for each in small), *written, *read)


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def _print(found: dict[str, list[tuple[float, ...]]], *, rows: int) -> None:
    print("| way | small calls/s | CPU ms/small call | create: ms | CPU us/row | read: ms | CPU us/row |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, measured in found.items():
        small, small_cpu, wrote, wrote_cpu, read, read_cpu = (statistics.median(column) for column in zip(*measured, strict=True))
        print(
            f"| {name} | {1 / small:,.0f} | {small_cpu * 1e3:.2f} | {wrote * 1e3:.1f} | {wrote_cpu / rows * 1e6:.1f}"
            f" | {read * 1e3:.1f} | {read_cpu / rows * 1e6:.1f} |"
        )


if __name__ == "__main__":
    main()
