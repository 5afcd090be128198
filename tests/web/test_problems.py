import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from connector import refusals
from connector.client import Client
from connector.errors import NotReachable, Refused
from connector.ledger import jobs


def problem(answer):
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert {"type", "title", "status", "detail", "code", "advice", "place", "errors"} <= body.keys()
    assert body["status"] == answer.status_code
    return body


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/jobs/JB-NONE", 404),
        ("GET", "/api/v1/nothing", 404),
        ("PUT", "/api/v1/jobs", 405),
        ("GET", "/api/v1/jobs?limit=0", 422),
        ("GET", "/api/v1/jobs?state=sleeping", 422),
        ("GET", "/api/v1/jobs?cursor=x", 422),
        ("POST", "/api/v1/packages", 422),
    ],
)
def test_every_error_is_a_problem(desk, method, path, status):
    answer = desk.http.request(method, desk.url + path, timeout=10)
    assert answer.status_code == status
    assert problem(answer)["detail"]


def test_each_thing_that_is_wrong_in_a_request_is_told_with_its_place(desk):
    body = {"name": "A1", "addresses": ["http://aos.test/port.svc"], "limits": {"concurrency": "many"}, "colour": "blue"}
    errors = problem(desk.http.post(f"{desk.url}/api/v1/endpoints", json=body, timeout=10))["errors"]
    assert {error["pointer"]: error["value"] for error in errors} == {"/limits/concurrency": "many", "/colour": None}
    assert all(error["message"] for error in errors)
    (error,) = problem(desk.http.get(f"{desk.url}/api/v1/jobs?limit=0", timeout=10))["errors"]
    assert (error["pointer"], error["field"], error["value"]) == (None, "limit", "0")


def test_a_secret_that_is_refused_is_not_repeated(desk):
    secret = "s3cret" * 100
    form = {"device_code": secret, "registration_token": secret}
    for path in ("/device/token", "/device/code"):
        answer = desk.http.post(f"{desk.url}/api/v1{path}", data=form, timeout=10)
        assert answer.status_code in {400, 422}
        assert "s3cret" not in answer.text


def test_the_value_that_is_refused_is_told(desk):
    wrong = {"name": "A1", "addresses": ["http://aos.test/p.svc"], "companies": ["TOOLONG"]}
    (error,) = problem(desk.http.post(f"{desk.url}/api/v1/endpoints", json=wrong, timeout=10))["errors"]
    assert error["value"] == "TOOLONG"
    with pytest.raises(Refused) as refused:
        desk.client.add_endpoint("A1", addresses=wrong["addresses"], companies=["TOOLONG"])
    assert refused.value.value == "TOOLONG"


def test_an_error_that_nobody_foresaw_tells_nothing_of_the_server(desk, monkeypatch):
    def broken(*_, **__):
        raise ValueError(f"secret path {desk.home}")

    monkeypatch.setattr(jobs, "listing", broken)
    answer = desk.http.get(f"{desk.url}/api/v1/jobs", timeout=10)

    assert answer.status_code == 500
    assert "not foreseen" in problem(answer)["detail"]
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_the_place_of_an_error_is_told(desk):
    answer = desk.http.post(f"{desk.url}/api/v1/packages", params={"name": "Bad.csv"}, data=b"A,A\n1,2\n", timeout=10)

    told = problem(answer)
    assert answer.status_code == 422
    assert told["place"]["file"] == "Bad.csv"
    (error,) = told["errors"]
    assert (error["file"], error["value"]) == ("Bad.csv", "A")


def test_a_page_of_another_site_may_not_write(desk):
    desk.client.add_endpoint("A1", addresses=["http://aos.test/port.svc"])
    url = f"{desk.url}/api/v1/endpoints/A1/pause"

    foreign = desk.http.post(url, headers={"Origin": "http://evil.test"}, timeout=10)
    assert foreign.status_code == 403
    assert problem(foreign)["advice"]
    assert desk.client.endpoint("A1")["state"] == "new"
    assert desk.http.post(url, headers={"Origin": desk.url}, timeout=10).status_code == 200


def test_health_and_readiness(desk):
    assert desk.http.get(f"{desk.url}/healthz", timeout=10).status_code == 200

    answer = desk.http.get(f"{desk.url}/readyz", timeout=10)  # nobody listens at this dispatcher's broker
    assert answer.status_code == 503
    assert answer.json()["components"]["ledger"] == "ok"
    assert "broker cannot be reached" in answer.json()["components"]["broker"]
    assert not desk.client.ready()


def test_the_api_describes_itself_without_leaving_the_origin(desk):
    described = desk.http.get(f"{desk.url}/api/v1/openapi.json", timeout=10).json()

    assert described["openapi"].startswith("3.1")
    assert {"/api/v1/jobs", "/api/v1/packages", "/api/v1/endpoints/{name}/metadata", "/readyz"} <= described["paths"].keys()
    answers = described["paths"]["/api/v1/jobs"]["post"]["responses"]
    assert answers["422"] == {"$ref": "#/components/responses/Problem422"}
    declared = {"400", "401", "403", "404", "409", "422", "429", "503"}
    assert declared <= answers.keys()
    assert "412" in described["paths"]["/api/v1/endpoints/{name}"]["patch"]["responses"]
    assert "409" not in described["paths"]["/api/v1/jobs"]["get"]["responses"]
    for status in declared:
        told = described["components"]["responses"][f"Problem{status}"]
        assert told["description"]
        assert told["content"]["application/problem+json"]["schema"]["$ref"] == "#/components/schemas/Problem"
    assert "RSC-2900" in described["components"]["responses"]["Problem409"]["description"]
    assert set(described["components"]["schemas"]["Problem"]["required"]) == set(refusals.Problem.__annotations__)
    assert desk.http.get(f"{desk.url}/docs", timeout=10).status_code == 404


@pytest.fixture
def stranger():
    """A web server that is no dispatcher."""
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_what_is_no_dispatcher_is_told_so(stranger):
    with pytest.raises(NotReachable, match="is not a dispatcher"):
        Client(stranger).jobs()
    with pytest.raises(NotReachable, match="does not answer"):
        Client("http://127.0.0.1:1").jobs()
    with pytest.raises(NotReachable, match="not an HTTP address"):
        Client("nonsense").jobs()
