"""Signing in by OpenID Connect, at a provider that checks what a real one would, and that lies where it is told to."""

import socket
import threading
from contextlib import contextmanager

import pytest
import requests
import uvicorn

from connector import web
from connector.access.provider import Provider, Registration
from connector.errors import Refused
from connector.rights import Role
from tests.web.identity import CLIENT, SECRET, Identity, provider


def registration(issuer, **more):
    given = {
        "name_claim": "preferred_username",
        "role_claim": "roles",
        "roles": {"operator": Role.OPERATOR, "boss": Role.ADMINISTRATOR},
    }
    return Registration(issuer=issuer, client_id=CLIENT, client_secret=SECRET, **(given | more))


@pytest.fixture
def identity():
    found = Identity()
    with provider(found):
        yield found


@contextmanager
def served(desk, identity, **more):
    """The dispatcher with this provider."""
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    by = Provider(registration(identity.url, **more), redirect_uri=f"{url}/signin/oidc/callback")
    server = uvicorn.Server(uvicorn.Config(web.create(desk.dispatcher, provider=by), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield url
    server.should_exit = True
    thread.join(30)


@pytest.fixture
def site(desk, identity):
    with served(desk, identity) as url:
        yield url


@pytest.fixture
def browser():
    with requests.Session() as session:
        yield session


def test_who_signs_in_at_the_provider_is_in_with_their_role(desk, site, browser):
    assert "/signin/oidc?next=%2Fsignin%2Fme" in browser.get(f"{site}/signin?next=/signin/me", timeout=30).text.replace(
        "/signin/me", "%2Fsignin%2Fme"
    )
    arrived = browser.get(f"{site}/signin/oidc", params={"next": "/signin/me?tab=2"}, timeout=30)
    assert (arrived.status_code, arrived.url) == (200, f"{site}/signin/me?tab=2")
    assert browser.get(f"{site}/api/v1/whoami", timeout=30).json() == {
        "name": "zoe", "role": "operator", "service_instances": None,
    }  # fmt: skip
    line = desk.client.audit(limit=1)[0]
    assert (line["by"], line["details"]) == ("zoe@127.0.0.1", {"by": "OpenID Connect"})
    assert desk.accounts.people() == [], "the provider keeps its people itself"


@pytest.mark.parametrize(
    "lie",
    [
        {"iss": "https://evil.test"},
        {"aud": "another-client"},
        {"nonce": "of-another-sign-in"},
        {"nonce": None},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"sub": None},
    ],
)
def test_a_token_that_does_not_fit_lets_nobody_in(site, identity, browser, lie):
    identity.lie = lie
    refused = browser.get(f"{site}/signin/oidc", timeout=30)
    assert refused.status_code == 401
    assert "proves nothing" in refused.text
    assert browser.get(f"{site}/api/v1/whoami", timeout=30).status_code == 401


@pytest.mark.parametrize("forge", ["key", "none", "secret"])
def test_a_token_that_the_provider_did_not_sign_lets_nobody_in(site, identity, browser, forge):
    identity.forge = forge
    assert browser.get(f"{site}/signin/oidc", timeout=30).status_code == 401


@pytest.mark.parametrize("roles", [[], ["cleaner"], None, 7, [7]])
def test_who_has_no_role_here_is_not_let_in(site, identity, browser, roles):
    identity.claims["roles"] = roles
    refused = browser.get(f"{site}/signin/oidc", timeout=30)
    assert refused.status_code == 403
    assert "zoe has no role here" in refused.text


def test_the_highest_of_several_roles_counts(site, identity, browser):
    identity.claims["roles"] = ["operator", "boss"]
    browser.get(f"{site}/signin/oidc", timeout=30)
    assert browser.get(f"{site}/api/v1/whoami", timeout=30).json()["role"] == "administrator"


@pytest.mark.parametrize(
    ("instances", "told"), [(["Contoso", "Fabrikam"], ["Contoso", "Fabrikam"]), ("Contoso", ["Contoso"]), ([], 403)]
)
def test_service_instances_come_from_a_claim(desk, identity, browser, instances, told):
    identity.claims["deployments"] = instances
    with served(desk, identity, instance_claim="deployments") as url:
        arrived = browser.get(f"{url}/signin/oidc", timeout=30)
        if told == 403:
            assert arrived.status_code == 403
        else:
            assert browser.get(f"{url}/api/v1/whoami", timeout=30).json()["service_instances"] == told


def test_nobody_takes_the_name_of_somebody_who_signs_in_otherwise(desk, site, browser):
    requests.post(desk.accounts.link_person("Zoe", role="administrator")["url"], timeout=30)
    refused = browser.get(f"{site}/signin/oidc", timeout=30)
    assert refused.status_code == 403
    assert "otherwise" in refused.text


def test_an_answer_is_taken_once_and_in_the_browser_that_asked(site, browser):
    left = browser.get(f"{site}/signin/oidc", timeout=30, allow_redirects=False).headers["Location"]
    back = requests.get(left, timeout=30, allow_redirects=False).headers["Location"]
    assert requests.get(back, timeout=30).status_code == 401, "another browser"
    kept = dict(browser.cookies)
    assert browser.get(back, timeout=30).status_code == 200
    browser.cookies.clear()
    browser.cookies.update(kept)
    assert browser.get(back, timeout=30).status_code == 401


def test_a_provider_that_is_away_is_told(desk, identity, browser):
    with served(desk, identity) as url:
        pass
    identity.url = "http://127.0.0.1:1"
    with served(desk, identity) as url:
        answer = browser.get(f"{url}/signin/oidc", timeout=30)
        assert answer.status_code == 503
        assert "does not answer" in answer.json()["detail"]


def test_an_issuer_that_is_not_named_by_https_is_refused():
    with pytest.raises(Refused, match="https"):
        Provider(registration("http://login.example.com"), redirect_uri="https://rapid.example.com/signin/oidc/callback")


def test_without_a_provider_there_is_no_such_way_in(desk):
    assert requests.get(f"{desk.url}/signin/oidc", timeout=30).status_code == 404
    assert "oidc" not in requests.get(f"{desk.url}/signin", timeout=30).text
