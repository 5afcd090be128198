"""Who has an object already gets no second copy, and a change that is meant for another state of it is refused."""

import pytest


@pytest.fixture
def url(desk):
    desk.client.add_endpoint("A1", addresses=["http://aos.test/port.svc"])
    return f"{desk.url}/api/v1/endpoints/A1"


def test_an_endpoint_is_sent_once(desk, url):
    first = desk.http.get(url, timeout=10)
    again = desk.http.get(url, headers={"If-None-Match": first.headers["ETag"]}, timeout=10)
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    desk.client.pause_endpoint("A1")
    other = desk.http.get(url, headers={"If-None-Match": f'"x", {first.headers["ETag"]}'}, timeout=10)
    assert (other.status_code, other.json()["state"]) == (200, "paused")


def test_a_change_is_refused_where_somebody_was_faster(desk, url):
    seen = desk.http.get(url, timeout=10).headers["ETag"]
    desk.worker("A1")  # is no change of what can be set
    assert desk.http.patch(url, json={"companies": ["USMF"]}, headers={"If-Match": seen}, timeout=10).status_code == 200
    for method, path, body in (("PATCH", "", {"companies": []}), ("PUT", "/limits", {}), ("PUT", "/scale", {"workers": 2})):
        refused = desk.http.request(method, url + path, json=body, headers={"If-Match": seen}, timeout=10)
        assert (refused.status_code, refused.json()["status"]) == (412, 412)
    assert desk.client.endpoint("A1")["companies"] == ["USMF"]
    now = desk.http.get(url, timeout=10).headers["ETag"]
    assert desk.http.put(f"{url}/limits", json={}, headers={"If-Match": now}, timeout=10).status_code == 200
    assert desk.http.patch(url, json={"companies": []}, headers={"If-Match": "*"}, timeout=10).status_code == 200


def test_a_job_is_sent_once_for_each_change(desk, url):
    job = f"{desk.url}/api/v1/jobs/{desk.client.test_endpoint('A1')['id']}"
    tag = desk.http.get(job, timeout=10).headers["ETag"]
    assert desk.http.get(job, headers={"If-None-Match": tag}, timeout=10).status_code == 304
    desk.http.post(f"{job}/cancel", timeout=10)
    assert desk.http.get(job, headers={"If-None-Match": tag}, timeout=10).status_code == 200
