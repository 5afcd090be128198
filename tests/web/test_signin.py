"""People: a one-time link lets them in, then a password; a session ends when it should; other sites' pages get nowhere."""

import re
import time
from contextlib import contextmanager

import pytest
import requests

from connector.access import people, sessions
from connector.accounts import Accounts
from connector.client import Client
from connector.errors import NotAllowed, NotFound, Refused
from connector.ledger import credentials

PASSWORD = "correct horse battery"


@contextmanager
def browser(desk):
    with requests.Session() as session:
        session.headers.update({"Accept": "text/html", "Sec-Fetch-Site": "same-origin"})
        yield session


@pytest.fixture
def anna(desk):
    """A browser in which an operator has opened her link and set a password."""
    with browser(desk) as session:
        link = desk.accounts.link_person("Anna", role="operator")["url"]
        arrived = session.post(link, data={"password": PASSWORD}, timeout=10)
        assert arrived.status_code == 200, arrived.text
        yield session


def whoami(desk, session):
    answer = session.get(f"{desk.url}/api/v1/whoami", timeout=10)
    return answer.json()["name"] if answer.status_code == 200 else answer.status_code


def enter(desk, session, *, name="Anna", password=PASSWORD, following="/"):
    form = {"name": name, "password": password, "next": following}
    return session.post(f"{desk.url}/signin", data=form, timeout=10, allow_redirects=False)


def test_a_link_lets_its_person_in_once(desk):
    link = desk.accounts.link_person("Anna", role="operator")["url"]
    with browser(desk) as first, browser(desk) as second:
        shown = first.get(link, timeout=10)
        assert "This link is for Anna (operator)" in shown.text
        assert whoami(desk, first) == 401, "looking does not use it up"
        arrived = first.post(link, timeout=10)
        assert arrived.url == f"{desk.url}/"
        assert arrived.status_code == 200
        assert "<small>Anna (operator)</small>" in arrived.text, "the menu names who is signed in"
        assert whoami(desk, first) == "Anna"
        refused = second.post(link, timeout=10)
        assert refused.status_code == 401
        assert "was used already" in refused.text
        assert whoami(desk, second) == 401


def test_the_cookie_is_kept_from_scripts_and_from_other_sites(desk):
    link = desk.accounts.link_person("Anna", role="viewer")["url"]
    with browser(desk) as session:
        cookie = session.post(link, timeout=10, allow_redirects=False).headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}


def test_a_link_expires(desk, monkeypatch):
    link = desk.accounts.link_person("Anna", role="viewer")["url"]
    later = time.time() + people.LINK_S
    monkeypatch.setattr(people.time, "time", lambda: later)
    assert requests.post(link, timeout=10).status_code == 401
    assert "has expired" in requests.get(link, timeout=10).text


def test_a_password_that_will_not_do_leaves_the_link_as_it_was(desk):
    link = desk.accounts.link_person("Anna", role="viewer")["url"]
    with browser(desk) as session:
        refused = session.post(link, data={"password": "short"}, timeout=10)
        assert refused.status_code == 422
        assert "a password has 12 to 200 characters" in refused.text
        assert session.post(link, data={"password": PASSWORD}, timeout=10).status_code == 200


def test_the_password_opens_a_session_and_signing_out_ends_it(desk, anna):
    with browser(desk) as session:
        assert enter(desk, session, name="ANNA").status_code == 303
        assert whoami(desk, session) == "Anna"
        kept = dict(session.cookies)
        assert session.post(f"{desk.url}/signout", timeout=10).url == f"{desk.url}/signin"
        session.cookies.update(kept)
        assert whoami(desk, session) == 401, "the ledger knows it no more"
    assert whoami(desk, anna) == "Anna", "each browser has its own"


@pytest.mark.parametrize(("name", "password"), [("Anna", "wrong"), ("Nobody", PASSWORD), ("Anna", ""), ("\x00", PASSWORD)])
def test_a_wrong_name_and_a_wrong_password_are_told_alike(desk, anna, name, password):
    with browser(desk) as session:
        refused = enter(desk, session, name=name, password=password)
        if refused.status_code != 422:  # an empty field is no form at all
            assert refused.status_code == 401
            assert "name or password is wrong" in refused.text
            assert not session.cookies


def test_a_person_without_a_password_cannot_use_an_empty_one(desk):
    with browser(desk) as session:
        session.post(desk.accounts.link_person("Bob", role="viewer")["url"], timeout=10)
    with browser(desk) as session:
        assert enter(desk, session, name="Bob", password=" ").status_code == 401


def test_guessing_is_slowed_and_says_so(desk, anna):
    with browser(desk) as session:
        codes = [enter(desk, session, password=f"wrong {n}").status_code for n in range(12)]
        assert codes[0] == 401
        assert codes[-1] == 429
        slowed = enter(desk, session)
        assert (slowed.status_code, slowed.headers["Retry-After"]) == (429, "60")
    assert whoami(desk, anna) == "Anna", "who is in stays in"


def test_unknown_tokens_are_slowed_and_known_ones_pass(desk):
    wrong = {"Authorization": "Bearer rsc_guess"}
    codes = [requests.get(f"{desk.url}/api/v1/jobs", headers=wrong, timeout=10).status_code for _ in range(31)]
    assert (codes[0], codes[-1]) == (401, 429)
    assert desk.client.jobs() == []


def test_a_session_ends_when_nobody_uses_it_and_after_a_day_anyhow(desk, anna, monkeypatch):
    began = time.time()
    monkeypatch.setattr(sessions.time, "time", lambda: began + sessions.IDLE_S - 60)
    assert whoami(desk, anna) == "Anna"
    monkeypatch.setattr(sessions.time, "time", lambda: began + 2 * sessions.IDLE_S - 180)
    assert whoami(desk, anna) == "Anna", "the last use counts"
    with desk.ledger.write() as db:
        (key,) = db.exec_driver_sql("SELECT key FROM credentials WHERE kind = 'session'").scalars()
        credentials.used(db, key, at=began + sessions.LONGEST_S)
    monkeypatch.setattr(sessions.time, "time", lambda: began + sessions.LONGEST_S + 1)
    assert whoami(desk, anna) == 401


def test_who_is_removed_is_out_at_once(desk, anna):
    desk.accounts.remove_person("ANNA")
    assert whoami(desk, anna) == 401
    with browser(desk) as session:
        assert enter(desk, session).status_code == 401
    with pytest.raises(NotFound):
        desk.accounts.remove_person("Anna")


def test_a_new_link_changes_what_somebody_may_and_ends_what_was_open(desk, anna):
    with browser(desk) as session:
        session.post(desk.accounts.link_person("anna", role="viewer", service_instances=["Contoso"])["url"], timeout=10)
        assert session.get(f"{desk.url}/api/v1/whoami", timeout=10).json() == {
            "name": "Anna", "role": "viewer", "service_instances": ["Contoso"],
        }  # fmt: skip
        assert whoami(desk, anna) == 401
        assert enter(desk, session).status_code == 303, "the password stays"
    (person,) = desk.accounts.people()
    assert (person["name"], person["role"], person["has_password"]) == ("Anna", "viewer", True)


def test_a_link_for_a_stranger_needs_a_role(desk, anna):
    with pytest.raises(Refused, match="not known yet"):
        desk.accounts.link_person("Carl")
    assert desk.accounts.link_person("Anna")["role"] == "operator"


def test_nobody_links_people_who_see_more(desk, anna):
    limited = desk.accounts.create_token("limited", role="administrator", service_instances=["Contoso"])["secret"]
    client = Client(desk.url, token=limited)
    with pytest.raises(NotAllowed):
        Accounts(client).link_person("Anna", role="viewer", service_instances=["Contoso"])
    with pytest.raises(NotAllowed):
        Accounts(client).remove_person("Anna")
    assert Accounts(client).people() == []
    client.close()


def test_what_a_person_does_is_noted_under_their_name(desk, anna):
    desk.client.add_endpoint("A1", addresses=["http://aos.test/p.svc"])
    assert anna.post(f"{desk.url}/api/v1/endpoints/A1/pause", timeout=10).status_code == 200
    assert desk.client.audit(limit=1)[0]["by"] == "Anna@127.0.0.1"
    assert anna.delete(f"{desk.url}/api/v1/endpoints/A1", timeout=10).status_code == 403


@pytest.mark.parametrize(
    "told",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.test"},
        {"Sec-Fetch-Site": None, "Origin": "null"},
        {"Sec-Fetch-Site": None},
    ],
)
def test_another_sites_page_writes_nothing_with_somebodys_cookie(desk, anna, told):
    desk.client.add_endpoint("A1", addresses=["http://aos.test/p.svc"])
    refused = anna.post(f"{desk.url}/api/v1/endpoints/A1/pause", headers=told, timeout=10)
    assert refused.status_code == 403
    assert desk.client.endpoint("A1")["state"] == "new"


def test_a_page_leads_to_the_sign_in_and_back(desk, anna):
    with browser(desk) as session:
        asked = session.get(f"{desk.url}/signin/me?tab=1", timeout=10)
        assert asked.url == f"{desk.url}/signin?next=%2Fsignin%2Fme%3Ftab%3D1"
        (following,) = re.findall(r'name="next" value="([^"]*)"', asked.text)
        assert enter(desk, session, following=following).headers["Location"] == "/signin/me?tab=1"
    assert (
        desk.http.get(f"{desk.url}/api/v1/jobs", headers={"Authorization": "", "Accept": "text/html"}, timeout=10).status_code
        == 401
    )


@pytest.mark.parametrize(
    "following", ["https://evil.test", "//evil.test", "/\\evil.test", "javascript:alert(1)", "/x\r\nSet-Cookie: a=b", ""]
)
def test_the_sign_in_leads_nowhere_else(desk, anna, following):
    with browser(desk) as session:
        assert enter(desk, session, following=following).headers["Location"] == "/"


def test_what_people_write_is_escaped(desk):
    page = requests.get(f"{desk.url}/signin", params={"next": '"><script>alert(1)</script>'}, timeout=10)
    assert "<script>" not in page.text


@pytest.mark.parametrize("path", ["/signin", "/api/v1/jobs", "/api/v1/nothing", "/healthz"])
def test_every_answer_tells_browsers_what_pages_may_do(desk, path):
    told = requests.get(desk.url + path, timeout=10).headers
    assert "default-src 'self'" in told["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in told["Content-Security-Policy"]
    assert told["X-Content-Type-Options"] == "nosniff"
    assert told["Referrer-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in told


def test_the_first_link_is_there_until_somebody_can_sign_in(desk):
    first = people.first_link(desk.ledger)
    second = people.first_link(desk.ledger)
    assert requests.post(f"{desk.url}/signin/link/{first}", timeout=10).status_code == 401, "the newest one counts"
    with browser(desk) as session:
        session.post(f"{desk.url}/signin/link/{second}", timeout=10)
        assert whoami(desk, session) == "administrator"
    assert people.first_link(desk.ledger) is None
