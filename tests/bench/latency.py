"""From a job's acceptance to the worker's first call, as a ratio to a no-op task through plain Celery on the same broker.

Run it as `python -m tests.bench.latency [--jobs N]`. The system is idle, the metadata are known, each job is one row. A job
counts from its acceptance, when the API's 202 has come, until the first byte of a SOAP call passes a relay in front of
the simulated AOS; a no-op task from before `send_task` until its first line. Both take turns.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import redis
from celery import Celery

from tests.bench.rig import ring, write_csv

QUEUE = "bench.noop"
DONE = "bench.noop.started"


def plain_app(url: str) -> Celery:
    """Celery as it comes, with one task that tells when it started."""
    app = Celery("noop", broker=url)
    app.conf.update(task_default_queue=QUEUE, task_ignore_result=True, worker_cancel_long_running_tasks_on_connection_loss=False)
    client = redis.Redis.from_url(url)

    @app.task(name="noop")
    def noop() -> None:
        client.rpush(DONE, repr(time.time()))

    return app


@contextmanager
def plain_worker(url: str) -> Iterator[None]:
    """A worker process of that app."""
    command = [sys.executable, "-m", "tests.bench.latency", "--worker"]
    process = subprocess.Popen(
        command, env=os.environ | {"BENCH_BROKER": url}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


class Relay:
    """Passes bytes to the AOS and remembers when the last run of calls began."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self.first_call = 0.0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._server.accept()
            aos = socket.create_connection((self._target.hostname or "", self._target.port or 80))
            for end in (client, aos):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._pass, args=(client, aos), kwargs={"watched": True}, daemon=True).start()
            threading.Thread(target=self._pass, args=(aos, client), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, *, watched: bool = False) -> None:
        while data := source.recv(1 << 16):
            if watched and not self.first_call and data.startswith(b"POST"):
                self.first_call = time.time()
            sink.sendall(data)
        sink.close()


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--jobs", type=int, default=200)
    options.add_argument("--worker", action="store_true")
    given = options.parse_args()
    if given.worker:
        app = plain_app(os.environ["BENCH_BROKER"])
        app.worker_main(["worker", "-P", "threads", "-c", "2", "--loglevel", "ERROR"])
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), given.jobs)


def measure(folder: Path, jobs: int) -> None:
    """Jobs and no-op tasks in turn."""
    found: dict[str, list[float]] = {"no-op task": [], "create": [], "upsert": []}
    with ring(folder, aos_options=(), through=Relay) as rig:
        url = json.loads((rig.home / "broker.json").read_text(encoding="utf-8"))["url"]
        app, client = plain_app(url), redis.Redis.from_url(url, socket_timeout=60)
        package = folder / "one" / "Customers.csv"
        package.parent.mkdir()
        with plain_worker(url):
            for n in range(-5, jobs):  # the first rounds warm everything up
                found["no-op task"].append(_noop(app, client))
                for mode in ("create", "upsert"):
                    write_csv(package, 1, first=10_000 + 2 * n + (mode == "upsert"))
                    found[mode].append(_job(rig, package, mode))
    _print({name: times[5:] for name, times in found.items()})


def _noop(app: Celery, client: "redis.Redis") -> float:
    started = time.time()
    app.send_task("noop")
    told = client.blpop([DONE], timeout=30)
    return float(told[1]) - started  # type: ignore[index]


def _job(rig: object, package: Path, mode: str) -> float:
    uploaded = rig.upload(package)  # type: ignore[attr-defined]
    time.sleep(0.05)  # idle again
    rig.relay.first_call = 0.0  # type: ignore[attr-defined]
    accepted = rig.submit(uploaded, mode)  # type: ignore[attr-defined]
    at = time.time()
    job = rig.finish(accepted["id"])  # type: ignore[attr-defined]
    assert job["state"] == "succeeded", job
    return max(0.0, float(rig.relay.first_call - at))  # type: ignore[attr-defined]


def _print(found: dict[str, list[float]]) -> None:
    base = _figures(found["no-op task"])
    print("| what | median ms | 99th percentile ms | median ratio | 99th ratio |\n| --- | ---: | ---: | ---: | ---: |")
    for name, times in found.items():
        median, high = _figures(times)
        print(f"| {name} | {median * 1000:.1f} | {high * 1000:.1f} | {median / base[0]:.2f} | {high / base[1]:.2f} |")


def _figures(times: list[float]) -> tuple[float, float]:
    return statistics.median(times), statistics.quantiles(times, n=100)[98]


if __name__ == "__main__":
    main()
