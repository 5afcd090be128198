"""From a bare computer beside an AOS to rows in it: register, approve, run, load; and the way back."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from tests.journeys.driving import COMPANY, Site, eventually, free_port, listens, write_csv

pytestmark = pytest.mark.slow
COLUMNS = ["CustGroup", "Name"]


def post(site, path, body):
    request = urllib.request.Request(
        f"{site.api_url}/api/v1{path}",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {site.token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


@pytest.fixture
def beside(site, tmp_path):
    """The computer of an AOS, which knows nothing but its dispatcher's address; its AOS runs."""
    (tmp_path / "aos").mkdir()
    made = Site(tmp_path / "aos", site.api_url)
    offered = write_csv(made.folder / "CustGroup.csv", COLUMNS, [["10", "a"], ["20", "b"]])
    made.ports["AOS"] = free_port()
    made.start("aos", "workers", "simulate", "--port", str(made.ports["AOS"]), "--company", COMPANY, "--tables-from", offered)
    site.start_dispatcher()
    eventually(lambda: listens(made.ports["AOS"]), what="a listening AOS")
    yield made
    made.close()


def register(beside, *more, name="AOSPROD01"):
    """The command, and what it prints first: where it is activated, and by what code."""
    command = [sys.executable, "-m", "workers", "register", "--service-host", f"http://127.0.0.1:{beside.ports['AOS']}"]
    command += ["--dispatcher", beside.api_url, "--endpoint", name, "--company", COMPANY, "--json", *map(str, more)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=beside.env, cwd=beside.folder
    )
    first = process.stdout.readline()
    assert first, process.communicate(timeout=60)
    return process, json.loads(first)


def finished(process, *, code=0):
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    return json.loads(out.splitlines()[-1]) if out.strip() else err


def approve(site, begun, **more):
    return post(site, f"/activations/{begun['code']}", {"decision": "approve", "service_instance": "Contoso"} | more)


def loaded(site, beside, rows):
    write_csv(site.folder / "CustGroup.csv", COLUMNS, rows)
    job = site.json("load", site.folder / "CustGroup.csv", "--endpoint", "AOSPROD01", "--company", COMPANY)
    return site.ended(job["id"])["state"]


def worker(beside, *arguments):
    command = [sys.executable, "-m", "workers", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=beside.env, cwd=beside.folder, check=False
    )  # fmt: skip


def test_a_bare_computer_becomes_an_endpoint_that_loads(site, beside):
    began = time.monotonic()
    process, begun = register(beside)
    assert (begun["companies"], begun["addresses"][0].rpartition("/")[2]) == ([COMPANY], "xppservice.svc")
    assert begun["url"].endswith(f"/activate/{begun['code']}")
    shown = site.api(f"/activations/{begun['code']}")
    assert shown["fingerprint"] == begun["fingerprint"], "both screens show the same"
    assert approve(site, begun)["told"] == "Endpoint updated successfully."
    assert finished(process)["told"] == "Endpoint updated successfully."
    beside.start("worker", "workers", "run", "--endpoint", "AOSPROD01")
    assert loaded(site, beside, [["10", "Wholesale"], ["20", "Retail"]]) == "succeeded"
    took = time.monotonic() - began
    assert [each["Name"] for each in beside.records("AOS", "CustGroup")] == ["Wholesale", "Retail"]
    shown = site.json("endpoint", "show", "AOSPROD01")
    assert (shown["service_instance"], shown["sealing"]["sealed"]) == ("Contoso", True)
    assert not (beside.folder / "home" / "broker.json").exists(), "it has its own login, and no other one"
    print(f"\nfrom register to rows: {took:.1f} s")
    assert took < 120

    login = beside.folder / "home" / "endpoints" / "aosprod01" / "broker.login"
    assert login.stat().st_mode & 0o777 == 0o600
    process, again = register(beside)
    assert again["means"].startswith("this machine once more")
    approve(site, again)
    finished(process)
    assert len(site.api("/endpoints")["items"]) == 1
    assert loaded(site, beside, [["30", "Internet"]]) == "succeeded", "the worker that runs goes on"


def test_a_script_registers_by_a_one_time_token_and_leaves_again(site, beside):
    token = beside.folder / "token.txt"
    token.write_text(post(site, "/registration-tokens", {"service_instance": "Contoso"})["secret"])
    process, _ = register(beside, "--yes", "--token-file", token)
    assert finished(process)["service_instance"] == "Contoso"
    process, waits = register(beside, "--yes")
    post(site, f"/activations/{waits['code']}", {"decision": "deny"})
    assert "did not approve" in finished(process, code=3)

    done = worker(beside, "unregister", "--endpoint", "AOSPROD01", "--json")
    assert done.returncode == 0, done.stderr
    (key,) = site.json("endpoint", "show", "AOSPROD01")["sealing"]["keys"]
    assert key["revoked_at"]
    assert sorted(each.name for each in (beside.folder / "home" / "endpoints" / "aosprod01").iterdir()) == ["policy.toml"]
    assert worker(beside, "unregister", "--endpoint", "AOSPROD01").returncode == 3


def test_it_leaves_by_force_where_the_dispatcher_has_forgotten_it(site, beside):
    process, begun = register(beside)
    approve(site, begun)
    finished(process)
    site.json("endpoint", "remove", "AOSPROD01")
    assert worker(beside, "unregister").returncode == 3
    done = worker(beside, "unregister", "--force", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["unregistered"] == "AOSPROD01"
    site.kill("dispatcher")
    assert worker(beside, "register", "--service-host", "x", "--dispatcher", site.api_url, "--yes").returncode == 4
