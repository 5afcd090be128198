"""After a whole load, with people, tokens and mistakes: no secret stands where somebody could read it by accident."""

import http.cookiejar
import json
import os
import re
import stat
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from tests.journeys.driving import Site, eventually, free_port, listens, write_csv

pytestmark = pytest.mark.slow

ROWS = [[f"{number:05}", f"Confidential {number}"] for number in range(30)]
PASSWORD = "a password of the tests"
AOS_PASSWORD = "the-aos-password-of-the-tests"
PROVIDER_SECRET = "the-provider-secret-of-the-tests"


def asked(
    url: str, *, token: str = "", form: dict[str, str] | None = None, opener: urllib.request.OpenerDirector | None = None
) -> str:
    """What a page says, whether it is well or not."""
    data = urllib.parse.urlencode(form).encode() if form else None
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    headers |= {"Sec-Fetch-Site": "same-origin"} if form else {}
    try:
        with (opener or urllib.request.build_opener()).open(
            urllib.request.Request(url, data=data, headers=headers), timeout=30
        ) as told:
            return str(told.headers) + told.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return str(error.headers) + error.read().decode(errors="replace")


def of_processes() -> str:
    """The command lines of everything that runs here."""
    return "\n".join(path.read_text(errors="replace") for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists())


def test_no_secret_is_told_anywhere_after_a_load(site: Site, tmp_path: Path) -> None:
    (tmp_path / "provider").write_text(PROVIDER_SECRET)
    site.extra |= {
        "RAPIDSTART_AOS_PASSWORD": AOS_PASSWORD,
        "RAPIDSTART_OIDC_ISSUER": "http://127.0.0.1:1",
        "RAPIDSTART_OIDC_CLIENT_SECRET_FILE": str(tmp_path / "provider"),
    }
    file, port = write_csv(tmp_path / "CustGroup.csv", ["CustGroup", "Name"], ROWS), free_port()
    site.start_dispatcher()
    site.start_aos("A1", "--tables-from", file)
    site.start("flower", "connector", "flower", "--port", str(port))
    eventually(lambda: listens(port), what="a listening Flower")
    site.start_worker("A1")

    token = site.json("token", "create", "ci", "--role", "operator", "--days", "1")["secret"]
    link = site.json("person", "link", "Anna", "--role", "viewer")["url"]
    cookies = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    signed_in = asked(link, form={"password": PASSWORD}, opener=browser)
    assert "<small>Anna (viewer)</small>" in signed_in, "the menu of the page that one lands on"
    (session,) = [str(each.value) for each in cookies]

    site.extra["RAPIDSTART_TOKEN"] = token
    job = site.json("load", file, "--endpoint", "A1", "--company", "USMF", "--watch")
    assert job["state"] == "succeeded"
    refused = site.rapidstart("token", "list")
    assert refused.returncode == 3, "an operator may not"
    told = [refused.stdout + refused.stderr]
    for command in (("config",), ("config", "--json"), ("whoami",), ("audit",), ("job", "log", job["id"]), ("doctor",)):
        ran = site.rapidstart(*command)
        told.append(ran.stdout + ran.stderr)
    del site.extra["RAPIDSTART_TOKEN"]
    for command in (("token", "list", "--json"), ("person", "list", "--json"), ("audit", "--json")):
        ran = site.rapidstart(*command)
        assert ran.returncode == 0, ran.stderr
        told.append(ran.stdout + ran.stderr)

    api = site.api_url
    told += [
        asked(f"{api}/signin", form={"name": "Anna", "password": f"not {PASSWORD}"}),
        asked(link),
        asked(f"{api}/signin/oidc"),
    ]
    told += [
        asked(f"{api}/api/v1/{path}", token=site.token) for path in ("tokens", "people", "jobs", "endpoints", "audit", "nothing")
    ]
    told += [asked(f"{api}/api/v1/jobs", token=f"x{token}"), asked(f"{api}/signin/me", opener=browser)]
    order = "order%5B0%5D%5Bcolumn%5D=0&order%5B0%5D%5Bdir%5D=asc&columns%5B0%5D%5Bdata%5D=name"
    table = f"tasks/datatable?draw=1&start=0&length=50&search%5Bvalue%5D=&{order}"
    flower = f"http://127.0.0.1:{port}"
    shown = eventually(lambda: (text := asked(f"{flower}/{table}")) and "load.tables" in text and text, what="a shown task")
    told += [shown, *(asked(f"{flower}/{page}") for page in ("workers", "broker", "tasks", "api/tasks", "api/workers"))]
    told += [site.logs(), of_processes()]

    home = tmp_path / "home"
    broker = re.search(r"//[^:]+:([^@]+)@", json.loads((home / "broker.json").read_text())["url"])
    assert broker is not None
    secrets = {
        "broker": broker[1],
        "token": token,
        "local token": site.token,
        "link": link.rpartition("/")[2],
        "session": session,
        "password": PASSWORD,
        "AOS password": AOS_PASSWORD,
        "provider": PROVIDER_SECRET,
    }
    everything = "\n".join(told)
    assert [name for name, value in secrets.items() if value in everything] == []
    assert "Confidential" not in shown
    told_on_purpose = re.findall(r"(\S*)rsc_[\w-]{40,}", everything)
    assert told_on_purpose == [f"{api}/signin/link/"], "the first administrator's, in the dispatcher's log"

    kept = b"".join(path.read_bytes() for path in home.glob("ledger.db*"))
    assert [name for name, value in secrets.items() if value.encode() in kept] == []
    if os.name != "nt":
        assert stat.S_IMODE((home / "token").stat().st_mode) == 0o600
