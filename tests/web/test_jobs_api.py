import json
from datetime import datetime

import pytest

from connector import api
from connector.errors import Conflict, NotFound, Refused
from connector.wire.reports import Problem

GROUPS = b"CustGroup,Name\r\n10,Wholesale\r\n20,Retail\r\n30,Export\r\n"


@pytest.fixture
def package(desk, tmp_path):
    desk.client.add_endpoint("AOS-Test", addresses=["http://aos.test/port.svc"], companies=["USMF"])
    file = tmp_path / "CustGroup.csv"
    file.write_bytes(GROUPS)
    return desk.client.upload(file, name=file.name)


def submit(desk, package, /, *, key="k1", **more):
    order = {"endpoint": "aos-TEST", "company": "usmf", "package": package["sha256"]} | more
    return desk.client.submit(idempotency_key=key, **order)


def test_a_job_is_accepted_with_its_location(desk, package):
    body = {"endpoint": "aos-test", "company": "USMF", "package": package["sha256"]}
    answer = desk.http.post(f"{desk.url}/api/v1/jobs", json=body, headers={"Idempotency-Key": "k"}, timeout=10)

    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/v1/jobs/{answer.json()['id']}"
    assert api.REPLAYED not in answer.headers


def test_the_job_object_has_its_stable_keys(desk, package):
    job = submit(desk, package)

    wanted = {"id", "kind", "state", "reason", "endpoint", "company", "package", "rows", "steps", "submitted_at", "started_at"}
    assert wanted | {"finished_at"} <= job.keys()
    assert job["endpoint"] == "AOS-Test"  # as it was registered, whatever the request's case of letters
    assert job["company"] == "USMF"
    assert job["package"] == {"name": "CustGroup.csv", "sha256": package["sha256"]}
    assert job["rows"] == dict.fromkeys(job["rows"], 0)
    assert job["submitted_at"].endswith("Z")
    assert datetime.fromisoformat(job["submitted_at"]).tzinfo is not None


def test_the_same_key_again_gives_the_first_job(desk, package):
    first = submit(desk, package)
    body = {"endpoint": "aos-test", "company": "USMF", "package": package["sha256"]}
    headers = {"Idempotency-Key": "other"}
    one, two = (desk.http.post(f"{desk.url}/api/v1/jobs", json=body, headers=headers, timeout=10) for _ in range(2))

    assert one.json()["id"] == two.json()["id"] != first["id"]
    assert two.headers[api.REPLAYED] == "true"
    assert submit(desk, package)["id"] == first["id"]
    assert len(desk.client.jobs()) == 2


def test_the_same_key_for_something_else_is_refused(desk, package):
    submit(desk, package)
    with pytest.raises(Refused, match="asked for something else") as refused:
        submit(desk, package, mode="create")
    assert not isinstance(refused.value, Conflict)


def test_a_job_without_a_key_is_refused(desk, package):
    body = {"endpoint": "aos-test", "company": "USMF", "package": package["sha256"]}
    answer = desk.http.post(f"{desk.url}/api/v1/jobs", json=body, timeout=10)

    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["detail"]
    assert desk.client.jobs() == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"endpoint": "nowhere"}, "no endpoint is named nowhere"),
        ({"package": "0" * 64}, "no package 000000000000"),
        ({"company": "DEMF"}, "has no company DEMF"),
        ({"mode": "replace"}, "mode"),
        ({"colour": "red"}, "colour"),
        ({"mapping": "[table.X]\nkye = ['A']"}, "kye"),
    ],
)
def test_a_wrong_order_is_refused_and_leaves_nothing(desk, package, change, said):
    with pytest.raises(Refused, match=said):
        submit(desk, package, **change)
    assert desk.client.jobs() == []


def test_steps_and_rows_follow_the_ledger(desk, package):
    job_id = submit(desk, package)["id"]
    desk.plan(job_id)
    planned = desk.client.job(job_id)
    assert planned["planned"]
    assert [(step["entity"], step["state"], step["rows"]["total"]) for step in planned["steps"]] == [("CustGroup", "queued", 3)]
    assert planned["steps"][0]["reasons"]["target"]

    problem = Problem(row=1, column="Name", field="Name", value="<b>", message="Too long.", advice="Shorten it.", code="RSC-1")
    desk.settle(job_id, "cfu", problems=(problem,))

    ended = desk.client.job(job_id.lower())
    assert ended["state"] == "partly_succeeded"
    assert (ended["rows"]["total"], ended["rows"]["created"], ended["rows"]["failed"], ended["rows"]["updated"]) == (3, 1, 1, 1)
    assert ended["steps"][0]["state"] == "partly_succeeded"
    assert ended["finished_at"] is not None
    (failure,) = desk.client.failures(job_id)
    assert (failure["file"], failure["sheet"], failure["row"]) == ("CustGroup.csv", None, 3)
    assert (failure["field"], failure["value"], failure["message"]) == ("Name", "<b>", "Too long.")


def test_the_outcome_of_every_row_is_streamed(desk, package):
    job_id = submit(desk, package)["id"]
    desk.plan(job_id)
    desk.settle(job_id, "c=f")

    answer = desk.http.get(f"{desk.url}/api/v1/jobs/{job_id}/rows", timeout=10)
    rows = [json.loads(line) for line in answer.text.splitlines()]

    assert [(row["entity"], row["row"], row["outcome"]) for row in rows] == [
        ("CustGroup", 2, "created"),
        ("CustGroup", 3, "unchanged"),
        ("CustGroup", 4, "failed"),
    ]


def test_failures_come_in_pages_without_gap_or_repeat(desk, package):
    job_id = submit(desk, package)["id"]
    desk.plan(job_id)
    desk.settle(job_id, "fff", problems=tuple(Problem(row=n, message=f"m{n}", advice="") for n in range(3)))

    assert [failure["message"] for failure in desk.client.failures(job_id, page=2)] == ["m0", "m1", "m2"]
    assert [failure["message"] for failure in desk.client.failures(job_id, page=3)] == ["m0", "m1", "m2"]


def test_jobs_are_listed_newest_first_in_pages_and_by_state(desk, package):
    ids = [submit(desk, package, key=f"k{n}")["id"] for n in range(3)]
    desk.fail(ids[0], reason="no such thing")

    assert [job["id"] for job in desk.client.jobs()] == ids[::-1]
    assert [job["id"] for job in desk.client.jobs(state="failed", endpoint="AOS-TEST")] == ids[:1]
    page = desk.http.get(f"{desk.url}/api/v1/jobs", params={"limit": 2}, timeout=10).json()
    rest = desk.http.get(f"{desk.url}/api/v1/jobs", params={"limit": 2, "cursor": page["next"]}, timeout=10).json()
    assert [job["id"] for job in page["items"] + rest["items"]] == ids[::-1]
    assert rest["next"] is None


def test_a_job_can_be_paused_resumed_and_cancelled(desk, package):
    job_id = submit(desk, package)["id"]

    assert desk.client.pause(job_id)["state"] == "paused"
    assert desk.client.resume(job_id)["state"] == "queued"
    assert desk.client.cancel(job_id)["state"] == "cancelled"
    with pytest.raises(Conflict, match="has ended"):
        desk.client.cancel(job_id)


def test_an_unknown_job_is_not_found(desk):
    with pytest.raises(NotFound, match="there is no job JB-NONE"):
        desk.client.job("JB-NONE")


def test_the_process_summary_is_a_workbook_and_leaves_no_file_behind(desk, package, tmp_path, monkeypatch):
    job_id = submit(desk, package)["id"]
    desk.plan(job_id)
    desk.settle(job_id, "ccc")
    server_temp = tmp_path / "server-temp"
    server_temp.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(server_temp))

    desk.client.workbook(job_id, tmp_path / "summary.xlsx")

    assert (tmp_path / "summary.xlsx").read_bytes().startswith(b"PK")
    desk.client.job(job_id)  # the next answer on the same connection comes after the file was removed
    assert list(server_temp.iterdir()) == []


def test_a_preview_is_submitted_where_loads_are(desk, package):
    desk.know("AOS-Test")
    job = submit(desk, package, kind="preview")
    assert job["kind"] == "preview"
    assert submit(desk, package, kind="preview")["id"] == job["id"]
    with pytest.raises(Refused, match="asked for something else"):
        submit(desk, package)
    assert submit(desk, package, key="k2", kind="preview", offline=True)["kind"] == "preview"


@pytest.mark.parametrize("wrong", [{"offline": True}, {"kind": "test"}])
def test_what_is_neither_a_load_nor_a_preview_is_refused(desk, package, wrong):
    with pytest.raises(Refused):
        submit(desk, package, **wrong)


def test_a_preview_needs_an_endpoint_that_was_surveyed(desk, package):
    body = {"endpoint": "aos-test", "company": "USMF", "package": package["sha256"], "kind": "preview"}
    answer = desk.http.post(f"{desk.url}/api/v1/jobs", json=body, headers={"Idempotency-Key": "k"}, timeout=10)
    assert answer.status_code == 503
    assert "rapidstart endpoint metadata AOS-Test --refresh" in answer.json()["advice"]
