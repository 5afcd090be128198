"""What sealing costs per batch, against what a batch costs to write and read as it stands.

Run it as `python -m tests.bench.sealing [--rounds N]`. Plain: the rows are packed (zlib), the message is written as JSON,
read, and the rows unpacked. Sealed: the same, with the message sealed for a number of machines and opened by one of them.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable

from connector.wire import codec, keys, sealing
from connector.wire.codec import Row
from connector.wire.jobs import WORK, Column, Layout, LoadTables, Target
from connector.wire.reports import BatchRef
from connector.wire.sealing import Sealed, Stamp, Way

COLUMNS = 10
REF = BatchRef(job="JB-2222", step=1, batch=1)
DISPATCHER = keys.generate()


def rows(count: int) -> list[Row]:
    """Rows like those of a package: keys, names, numbers, symbols."""
    draw = random.Random(1)
    words = ("Customer", "domestic", "group", "wholesale", "Net 30", "N030", "Yes", "", "USMF-110110")
    return [
        Row(n, [f"{n:08d}", *(f"{draw.choice(words)} {draw.randrange(1000)}" for _ in range(COLUMNS - 1))]) for n in range(count)
    ]


def message(batch: list[Row]) -> LoadTables:
    """A batch as the dispatcher composes it."""
    columns = tuple(Column(name=f"Column {n}", field=f"Field{n}") for n in range(COLUMNS))
    layout = Layout(step=1, entity="CustTable", file="CustTable.csv", table="CustTable", columns=columns)
    target = Target(address="http://aos/x.svc", port="P", service="CustCustomerService", contract="f" * 64)
    packed = codec.to_text(codec.pack_rows(batch))
    return LoadTables(endpoint="a1", ref=REF, company="USMF", target=target, layout=layout, rows=packed)


def plain(batch: list[Row]) -> int:
    """There and back; the size on the broker."""
    text = codec.encode(message(batch))
    codec.unpack_rows(codec.from_text(codec.decode(text, WORK).rows))  # type: ignore[attr-defined]
    return len(text)


def sealed(batch: list[Row], *, machines: list[keys.Private]) -> int:
    """There and back, sealed; the size on the broker."""
    stamp = Stamp(way=Way.ORDER, endpoint="a1", ref=REF)
    text = sealing.seal(message(batch), stamp, sender=(DISPATCHER,), readers=[machine.public for machine in machines])
    known = {DISPATCHER.public.fingerprint: DISPATCHER.public}
    _, opened = sealing.unseal(
        codec.decode(text, {Sealed.KIND: Sealed}), way=Way.ORDER, endpoint="a1", trusted=known, ring=machines[-1:], kinds=WORK
    )
    codec.unpack_rows(codec.from_text(opened.rows))  # type: ignore[attr-defined]
    return len(text)


def cpu(work: Callable[[], object]) -> float:
    """Milliseconds of this process."""
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1000


def main() -> None:
    """Print a table: the two sides take turns."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=101)
    rounds = parser.parse_args().rounds
    print("| rows | machines | plain ms | sealed ms | ratio | zlib alone ms | plain KB | sealed KB |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for count in (20, 200, 1000):
        batch = rows(count)
        for machines in ([keys.generate()], [keys.generate() for _ in range(4)]):
            times: tuple[list[float], list[float], list[float]] = ([], [], [])
            for _ in range(rounds):
                times[0].append(cpu(lambda: plain(batch)))  # noqa: B023
                times[1].append(cpu(lambda: sealed(batch, machines=machines)))  # noqa: B023
                times[2].append(cpu(lambda: codec.unpack_rows(codec.pack_rows(batch))))  # noqa: B023
            told = [statistics.median(each) for each in times]
            sizes = plain(batch) / 1000, sealed(batch, machines=machines) / 1000
            print(
                f"| {count:,} | {len(machines)} | {told[0]:.2f} | {told[1]:.2f} | {told[1] / told[0]:.2f} | {told[2]:.2f} "
                f"| {sizes[0]:.1f} | {sizes[1]:.1f} |"
            )


if __name__ == "__main__":
    main()
