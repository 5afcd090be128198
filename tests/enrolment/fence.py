"""A dispatcher with its broker, and machines that were registered there, each with a home and a simulated AOS of its own."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import redis

from tests.journeys.driving import COMPANY, Site, eventually, free_port, listens, write_csv


@dataclass
class Fence:
    """A dispatcher with its broker, and two machines that were registered, each with a home of its own."""

    site: Site
    machines: dict[str, Site]

    @property
    def master(self):
        """The broker, as its owner."""
        return redis.Redis.from_url(json.loads((self.site.folder / "home" / "broker.json").read_text())["url"])

    def login(self, name):
        """The broker, as the worker of an endpoint sees it."""
        url = (self.machines[name].folder / "home" / "endpoints" / name.lower() / "broker.login").read_text()
        return redis.Redis.from_url(url, socket_timeout=10)

    def denials(self):
        return [f"{each['username']}: {each['reason']} {each['object']}" for each in self.master.acl_log(1000)]

    def start(self, name):
        self.machines[name].start("worker", "workers", "run", "--endpoint", name, "--concurrency", "2")

    def load(self, name, rows, *, start=0):
        cells = [[f"G{number:04d}", f"Group {number}"] for number in range(start, start + rows)]
        path = write_csv(self.site.folder / "CustGroup.csv", ["CustGroup", "Name"], cells)
        return self.site.json("load", path, "--endpoint", name, "--company", COMPANY)["id"]


def machine(site, name):
    """A simulated AOS, and a computer beside it that is registered by a one-time token."""
    made = Site(site.folder / name, site.api_url)
    made.folder.mkdir()
    offered = write_csv(made.folder / "CustGroup.csv", ["CustGroup", "Name"], [["G0", "a"], ["G1", "b"]])
    port = made.ports[name] = free_port()
    made.start(
        "aos",
        "workers",
        "simulate",
        "--port",
        str(port),
        "--company",
        COMPANY,
        "--tables-from",
        offered,
        "--latency",
        "60",
    )
    eventually(lambda: listens(port), what="a listening AOS")
    assert made.running["aos"].poll() is None, "somebody else listens there"
    request = urllib.request.Request(
        f"{site.api_url}/api/v1/registration-tokens",
        data=b"{}",
        headers={"Authorization": f"Bearer {site.token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        (made.folder / "token.txt").write_text(json.load(answer)["secret"])
    command = [sys.executable, "-m", "workers", "register", "--service-host", f"http://127.0.0.1:{port}", "--yes", "--json"]
    command += ["--endpoint", name, "--dispatcher", site.api_url, "--company", COMPANY, "--aos-instance", "12"["AB".index(name)]]
    command += ["--token-file", "token.txt"]
    done = subprocess.run(command, env=made.env, cwd=made.folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return made


@contextmanager
def fenced(folder, *names: str) -> Iterator[Fence]:
    """Machines of these names, with their dispatcher."""
    site = Site(folder, f"http://127.0.0.1:{free_port()}", extra={"RAPIDSTART_BATCH_ROWS": "5"})
    machines: dict[str, Site] = {}
    try:
        site.start_dispatcher()
        for name in names:
            machines[name] = machine(site, name)
        yield Fence(site=site, machines=machines)
    finally:
        for each in (*machines.values(), site):
            each.close()


def worker(fence, name, *arguments):
    """A command of the AOS' computer, once it has ended."""
    made = fence.machines[name]
    command = [sys.executable, "-m", "workers", *arguments, "--endpoint", name]
    return subprocess.run(command, env=made.env, cwd=made.folder, capture_output=True, text=True, timeout=120, check=False)
