"""Who may do what: every route of the API needs a role that is written here, and what somebody does not see is not there."""

import re

import pytest
from fastapi import APIRouter, FastAPI

from connector import web
from connector.accounts import Accounts
from connector.client import Client
from connector.errors import NotAllowed, NotFound, NotSignedIn, Refused
from connector.rights import Role
from connector.web import who

VIEWER, OPERATOR, ADMINISTRATOR = Role.VIEWER, Role.OPERATOR, Role.ADMINISTRATOR

#: Every route, and the least role that may use it; None: everybody, without any proof.
TABLE = {
    ("GET", "/healthz"): None,
    ("GET", "/readyz"): None,
    ("GET", "/metrics"): VIEWER,
    ("GET", "/api/v1/openapi.json"): None,
    ("HEAD", "/api/v1/openapi.json"): None,
    ("GET", "/signin"): None,
    ("POST", "/signin"): None,
    ("GET", "/signin/link/{code}"): None,
    ("POST", "/signin/link/{code}"): None,
    ("GET", "/signin/me"): VIEWER,
    ("GET", "/signin/oidc"): None,
    ("GET", "/signin/oidc/callback"): None,
    ("POST", "/signout"): None,
    ("GET", "/static/{digest}/{file}"): None,
    ("GET", "/"): VIEWER,
    ("GET", "/deployments"): VIEWER,
    ("GET", "/deployments/{name}"): VIEWER,
    ("POST", "/deployments/{name}/{verb}"): OPERATOR,
    ("POST", "/deployments/{name}/workers/scale"): ADMINISTRATOR,
    ("POST", "/deployments/{name}/workers/limits"): ADMINISTRATOR,
    ("GET", "/load"): OPERATOR,
    ("POST", "/load"): OPERATOR,
    ("POST", "/load/package"): OPERATOR,
    ("POST", "/load/endpoint"): OPERATOR,
    ("POST", "/load/company"): OPERATOR,
    ("POST", "/load/corrected"): OPERATOR,
    ("POST", "/load/entity"): OPERATOR,
    ("POST", "/load/mapping"): OPERATOR,
    ("GET", "/jobs"): VIEWER,
    ("GET", "/jobs/{job_id}"): VIEWER,
    ("POST", "/jobs/{job_id}/{verb}"): OPERATOR,
    ("GET", "/jobs/{job_id}/results"): VIEWER,
    ("POST", "/jobs/{job_id}/results/settle"): OPERATOR,
    ("POST", "/api/v1/device/code"): None,
    ("POST", "/api/v1/device/token"): None,
    ("POST", "/api/v1/machines/letters"): None,
    ("GET", "/activate"): ADMINISTRATOR,
    ("GET", "/activate/{user_code}"): ADMINISTRATOR,
    ("POST", "/activate/{user_code}"): ADMINISTRATOR,
    ("GET", "/api/v1/activations/{user_code}"): ADMINISTRATOR,
    ("POST", "/api/v1/activations/{user_code}"): ADMINISTRATOR,
    ("GET", "/api/v1/registration-tokens"): ADMINISTRATOR,
    ("POST", "/api/v1/registration-tokens"): ADMINISTRATOR,
    ("DELETE", "/api/v1/registration-tokens/{token}"): ADMINISTRATOR,
    ("POST", "/api/v1/endpoints/{name}/revoke"): ADMINISTRATOR,
    ("GET", "/api/v1/endpoints/{name}/credentials"): ADMINISTRATOR,
    ("GET", "/api/v1/people"): ADMINISTRATOR,
    ("POST", "/api/v1/people"): ADMINISTRATOR,
    ("DELETE", "/api/v1/people/{person}"): ADMINISTRATOR,
    ("GET", "/api/v1/whoami"): VIEWER,
    ("GET", "/api/v1/tokens"): ADMINISTRATOR,
    ("POST", "/api/v1/tokens"): ADMINISTRATOR,
    ("DELETE", "/api/v1/tokens/{token}"): ADMINISTRATOR,
    ("GET", "/api/v1/packages"): VIEWER,
    ("POST", "/api/v1/packages"): OPERATOR,
    ("GET", "/api/v1/packages/{sha256}"): VIEWER,
    ("HEAD", "/api/v1/packages/{sha256}"): VIEWER,
    ("POST", "/api/v1/packages/{sha256}/inspect"): OPERATOR,
    ("GET", "/api/v1/jobs"): VIEWER,
    ("POST", "/api/v1/jobs"): OPERATOR,
    ("GET", "/api/v1/jobs/{job_id}"): VIEWER,
    ("POST", "/api/v1/jobs/{job_id}/cancel"): OPERATOR,
    ("POST", "/api/v1/jobs/{job_id}/pause"): OPERATOR,
    ("POST", "/api/v1/jobs/{job_id}/resume"): OPERATOR,
    ("POST", "/api/v1/jobs/{job_id}/priority"): OPERATOR,
    ("POST", "/api/v1/jobs/{job_id}/retry"): OPERATOR,
    ("POST", "/api/v1/jobs/{job_id}/resolutions"): OPERATOR,
    ("GET", "/api/v1/events"): VIEWER,
    ("GET", "/api/v1/jobs/{job_id}/events"): VIEWER,
    ("GET", "/api/v1/jobs/{job_id}/throughput"): VIEWER,
    ("GET", "/api/v1/jobs/{job_id}/results/groups"): VIEWER,
    ("GET", "/api/v1/throughput"): VIEWER,
    ("GET", "/api/v1/queue-age"): VIEWER,
    ("GET", "/api/v1/jobs/{job_id}/results"): VIEWER,
    ("GET", "/api/v1/jobs/{job_id}/answers"): VIEWER,
    ("GET", "/api/v1/jobs/{job_id}/log"): VIEWER,
    ("GET", "/api/v1/jobs/{job_id}/rows"): VIEWER,
    ("GET", "/api/v1/jobs/{job_id}/results.xlsx"): VIEWER,
    ("GET", "/api/v1/jobs/{job_id}/results.csv"): VIEWER,
    ("GET", "/api/v1/jobs/{job_id}/results.json"): VIEWER,
    ("GET", "/api/v1/jobs/{job_id}/results.html"): VIEWER,
    ("POST", "/jobs/{job_id}/results/corrected"): OPERATOR,
    ("GET", "/api/v1/endpoints"): VIEWER,
    ("POST", "/api/v1/endpoints"): ADMINISTRATOR,
    ("GET", "/api/v1/endpoints/{name}"): VIEWER,
    ("PATCH", "/api/v1/endpoints/{name}"): ADMINISTRATOR,
    ("DELETE", "/api/v1/endpoints/{name}"): ADMINISTRATOR,
    ("POST", "/api/v1/endpoints/{name}/pause"): OPERATOR,
    ("POST", "/api/v1/endpoints/{name}/resume"): OPERATOR,
    ("PUT", "/api/v1/endpoints/{name}/limits"): ADMINISTRATOR,
    ("PUT", "/api/v1/endpoints/{name}/scale"): ADMINISTRATOR,
    ("DELETE", "/api/v1/endpoints/{name}/scale"): ADMINISTRATOR,
    ("POST", "/api/v1/endpoints/{name}/test"): OPERATOR,
    ("POST", "/api/v1/endpoints/{name}/survey"): OPERATOR,
    ("GET", "/api/v1/endpoints/{name}/metadata"): VIEWER,
    ("GET", "/api/v1/endpoints/{name}/dictionary"): VIEWER,
    ("GET", "/api/v1/endpoints/{name}/dictionary/{kind}"): VIEWER,
    ("GET", "/api/v1/endpoints/{name}/dictionary/{kind}/{thing}"): VIEWER,
    ("POST", "/api/v1/endpoints/{name}/dictionary"): OPERATOR,
    ("POST", "/api/v1/endpoints/{name}/dictionary/excerpt"): VIEWER,
    ("GET", "/api/v1/audit"): VIEWER,
    ("GET", "/api/v1/ledger"): VIEWER,
}

#: Each may what those before it may.
ORDER = [VIEWER, OPERATOR, ADMINISTRATOR]


def test_every_route_is_in_the_table(desk):
    assert who.roles(web.create(desk.dispatcher)) == TABLE


def test_an_app_with_a_route_that_says_nothing_does_not_start():
    app, routes = FastAPI(openapi_url=None, docs_url=None, redoc_url=None), APIRouter()
    routes.add_api_route("/open-by-mistake", lambda: "read me")
    app.include_router(routes, prefix="/api")
    with pytest.raises(RuntimeError, match="/api/open-by-mistake"):
        who.roles(app)


def path_of(route):
    return re.sub(r"\{\w+\}", "nothing", route)


#: What is asked for is too long for an address: a read all the same.
READ_BY_POST = {("POST", "/api/v1/endpoints/{name}/dictionary/excerpt")}


def test_a_viewer_changes_nothing():
    writes = {route for route, role in TABLE.items() if role is VIEWER and route[0] not in {"GET", "HEAD"}}
    assert writes - READ_BY_POST == set()


def test_each_route_is_for_its_role_and_those_above(desk):
    logins = {role: {"Authorization": f"Bearer {desk.accounts.create_token(role, role=role)['secret']}"} for role in Role}
    wrong = []
    for (method, path), needed in TABLE.items():
        url = desk.url + path_of(path)
        if needed is None:
            continue
        if desk.http.request(method, url, headers={"Authorization": ""}, timeout=10).status_code != 401:
            wrong.append((method, path, "nobody"))
        for role, login in logins.items():
            with desk.http.request(method, url, headers=login, timeout=10, stream=True) as answer:  # some have no end
                refused = answer.status_code == 403
            if refused != (ORDER.index(role) < ORDER.index(needed)):
                wrong.append((method, path, role))
    assert wrong == []


@pytest.fixture
def guest(desk):
    """A client with a token, as it is asked for."""
    opened = []

    def client(name="guest", **given):
        opened.append(Client(desk.url, token=desk.accounts.create_token(name, **({"role": "administrator"} | given))["secret"]))
        return opened[-1]

    yield client
    for each in opened:
        each.close()


@pytest.fixture
def houses(desk, tmp_path):
    """Two endpoints of two service instances, each with a job."""
    file = tmp_path / "CustGroup.csv"
    file.write_bytes(b"CustGroup,Name\r\n10,Wholesale\r\n")
    package = desk.client.upload(file, name=file.name)["sha256"]
    made = {}
    for name, instance in (("North", "Contoso production"), ("South", "Fabrikam")):
        desk.client.add_endpoint(name, addresses=["http://aos.test/p.svc"], companies=["USMF"], service_instance=instance)
        made[name] = desk.client.submit(idempotency_key=name, endpoint=name, company="USMF", package=package)
    return made


def test_who_is_limited_to_a_service_instance_sees_nothing_of_others(desk, guest, houses):
    north = guest(service_instances=["contoso PRODUCTION"])
    assert [each["name"] for each in north.endpoints()] == ["North"]
    assert [each["id"] for each in north.jobs()] == [houses["North"]["id"]]
    assert north.endpoint("North")["service_instance"] == "Contoso production"
    assert {line["subject"] for line in north.audit()} == {"north", houses["North"]["id"]}
    theirs = houses["South"]["id"]
    for act in (
        lambda: north.endpoint("South"),
        lambda: north.pause_endpoint("south"),
        lambda: north.job(theirs),
        lambda: north.cancel(theirs.lower()),
        lambda: list(north.failures(theirs)),
        lambda: north.submit(idempotency_key="x", endpoint="SOUTH", company="USMF", package=houses["South"]["package"]["sha256"]),
        lambda: north.inspect(houses["South"]["package"]["sha256"], endpoint="South"),
    ):
        with pytest.raises(NotFound) as refused:
            act()
        assert "South" not in refused.value.advice
    assert desk.client.job(theirs)["state"] == "queued"


def test_what_is_not_seen_is_told_as_what_is_not_there(guest, houses):
    north = guest(service_instances=["Contoso production"])
    told = {}
    for name in ("South", "Nowhere"):
        with pytest.raises(NotFound) as refused:
            north.endpoint(name)
        told[name] = str(refused.value).replace(name, "X")
    for job in (houses["South"]["id"], "JB-NONE"):
        with pytest.raises(NotFound) as refused:
            north.job(job)
        told[job] = str(refused.value).replace(job, "X")
    assert len(set(told.values())) == 2


def test_nobody_gives_away_more_than_they_have(desk, guest, houses):
    north = guest(service_instances=["Contoso production"])
    with pytest.raises(NotAllowed):
        Accounts(north).create_token("all", role="viewer")
    with pytest.raises(NotAllowed):
        Accounts(north).create_token("south", role="viewer", service_instances=["Contoso production", "Fabrikam"])
    Accounts(north).create_token("mine", role="viewer", service_instances=["Contoso production"])
    assert [each["name"] for each in Accounts(north).tokens()] == ["guest", "mine"]
    desk.accounts.create_token("wide", role="viewer")
    with pytest.raises(NotAllowed):
        Accounts(north).revoke_token("wide")
    with pytest.raises(NotAllowed):
        north.add_endpoint("East", addresses=["http://aos.test/p.svc"], service_instance="Fabrikam")
    with pytest.raises(NotAllowed):
        north.change_endpoint("North", service_instance="Fabrikam")
    north.add_endpoint("East", addresses=["http://aos.test/p.svc"], service_instance="Contoso production")


def test_a_revoked_token_is_worth_nothing_at_once(desk, guest):
    client = guest("CI")
    assert Accounts(client).whoami() == {"name": "CI", "role": "administrator", "service_instances": None}
    desk.accounts.revoke_token("ci")
    with pytest.raises(NotSignedIn, match="not known"):
        Accounts(client).whoami()
    with pytest.raises(NotFound):
        desk.accounts.revoke_token("ci")


def test_a_token_expires(desk, guest):
    client = guest("brief", days=1e-9)
    with pytest.raises(NotSignedIn, match="expired"):
        Accounts(client).whoami()
    assert [each["name"] for each in desk.accounts.tokens() if each["kind"] == "token"] == ["brief"]


def test_a_use_is_noted_and_the_secret_is_not(desk, guest):
    client = guest("noted")
    Accounts(client).whoami()
    (told,) = [each for each in desk.accounts.tokens() if each["name"] == "noted"]
    assert told["used_at"]
    secret = client._session.auth._token
    with desk.ledger.read() as db:
        everything = db.exec_driver_sql("SELECT * FROM credentials").fetchall()
    assert secret not in repr(everything) + repr(desk.accounts.tokens()) + repr(desk.client.audit())


@pytest.mark.parametrize("name", ["", " x", "a\nb", "a:b", "y" * 61, "\x1b[31m"])
def test_what_cannot_be_a_name_is_refused(desk, name):
    with pytest.raises(Refused):
        desk.accounts.create_token(name, role="viewer")


def test_the_description_says_how_programs_prove_who_they_are(desk):
    described = desk.http.get(f"{desk.url}/api/v1/openapi.json", timeout=10).json()
    (scheme,) = described["components"]["securitySchemes"].values()
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert "security" in described["paths"]["/api/v1/jobs"]["get"]
    assert "security" not in described["paths"]["/healthz"]["get"]


@pytest.mark.parametrize(("path", "size"), [("/api/v1/jobs", 33_000_000), ("/signin", 20_000)])
def test_nobody_fills_the_memory_before_they_are_asked_who_they_are(desk, path, size):
    sent = desk.http.post(desk.url + path, data=b'"' + b"x" * size, headers={"Authorization": ""}, timeout=30)
    assert sent.status_code == 413


def test_a_command_is_told_that_it_sent_too_much(desk):
    with pytest.raises(Refused, match="so much at once"):
        desk.client.add_endpoint("A1", addresses=["http://aos.test/p.svc"], contract="A" * 33_000_000)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer x", "Basic eDp5", "Bearer \xff\xfe"])
def test_who_proves_nothing_is_told_how(desk, header):
    answer = desk.http.get(f"{desk.url}/api/v1/jobs", headers={"Authorization": header.encode("latin-1")}, timeout=10)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "RAPIDSTART_TOKEN" in answer.json()["advice"]
