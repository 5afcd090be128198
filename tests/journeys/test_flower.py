"""Flower on the same broker: operators see endpoints and short arguments, change nothing, and read no secret."""

import json
import re
import shutil
import ssl
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.journeys.driving import ROOT, Site, eventually, free_port, listens, write_csv

ROWS = [[f"{number:05}", f"Confidential {number}"] for number in range(30)]


@pytest.fixture
def flower(site: Site, tmp_path: Path) -> str:
    """The address of a Flower that has seen a load, and that load's site."""
    port = free_port()
    file = write_csv(tmp_path / "CustGroup.csv", ["CustGroup", "Name"], ROWS)
    site.start_dispatcher()
    site.start_aos("A1", "--tables-from", file)
    site.start("flower", "connector", "flower", "--port", str(port))
    eventually(lambda: listens(port), what="a listening Flower")
    site.start_worker("A1")
    job = site.json("load", file, "--endpoint", "A1", "--company", "USMF", "--watch")
    assert job["state"] == "succeeded"
    return f"http://127.0.0.1:{port}"


def page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def test_flower_shows_work_and_keeps_secrets(site: Site, flower: str) -> None:
    order = "order%5B0%5D%5Bcolumn%5D=0&order%5B0%5D%5Bdir%5D=asc&columns%5B0%5D%5Bdata%5D=name"
    tasks = f"{flower}/tasks/datatable?draw=1&start=0&length=50&search%5Bvalue%5D=&{order}"
    told = eventually(lambda: (text := page(tasks)) and "load.tables" in text and "SUCCESS" in text and text, what="a shown task")
    (task,) = [row for row in json.loads(told)["data"] if row["name"] == "load.tables"]
    assert len(task["args"]) + len(task["kwargs"]) < 300
    assert re.match(r"A1\.", task["worker"])
    seen = told + page(f"{flower}/workers") + page(f"{flower}/broker") + page(f"{flower}/task/{task['uuid']}")
    assert "Confidential" not in seen
    password = json.loads((site.folder / "home" / "broker.json").read_text())["url"].split(":")[2].split("@")[0]
    assert password not in seen
    arguments = [path.read_text(errors="replace") for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not any(password in text for text in arguments)


def test_flower_changes_nothing(flower: str) -> None:
    worker = re.search(r"A1\.[\w.-]+@[\w.-]+", page(f"{flower}/workers"))
    assert worker is not None
    request = urllib.request.Request(f"{flower}/api/worker/shutdown/{worker.group()}", method="POST", data=b"")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    assert refused.value.code in {401, 403, 405}


def test_beyond_this_computer_it_listens_by_tls_alone(site: Site) -> None:
    site.extra["RAPIDSTART_FLOWER_ADDRESS"] = "0.0.0.0"
    refused = site.rapidstart("flower", "--port", str(free_port()))
    assert refused.returncode == 3
    assert "Flower would listen on 0.0.0.0 without TLS" in refused.stderr
    assert "RAPIDSTART_ALLOW_PLAIN_HTTP" in refused.stderr


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_with_a_certificate_it_speaks_https(site: Site, tmp_path: Path) -> None:
    made = tmp_path / "tls"
    subprocess.run(["sh", ROOT / "deploy" / "tls" / "certificates.sh", made, "127.0.0.1"], check=True)
    site.start_dispatcher()
    port = free_port()
    site.extra |= {
        "RAPIDSTART_FLOWER_ADDRESS": "0.0.0.0",
        "RAPIDSTART_TLS_CERTIFICATE": str(made / "dispatcher.pem"),
        "RAPIDSTART_TLS_KEY": str(made / "dispatcher.key"),
    }
    site.start("flower", "connector", "flower", "--port", str(port))
    eventually(lambda: listens(port), what="a listening Flower")
    trust = ssl.create_default_context(cafile=made / "ca.pem")
    with urllib.request.urlopen(f"https://127.0.0.1:{port}/healthcheck", timeout=30, context=trust) as answer:
        assert answer.status == 200
