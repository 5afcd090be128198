import base64
import io
import zipfile

import pytest
import requests

from connector.errors import Conflict, NotFound, NotReachable
from connector.ledger import endpoints
from connector.wire.reports import Check

ADDRESSES = ["http://aos.test/port.svc"]


def test_an_endpoint_is_registered_once_whatever_its_case(desk):
    added = desk.client.add_endpoint("AOS-1", addresses=ADDRESSES, companies=["USMF"], partition="initial")

    assert (added["name"], added["state"], added["addresses"]) == ("AOS-1", "new", ADDRESSES)
    assert (added["companies"], added["partition"], added["contract"]) == (["USMF"], "initial", False)
    assert desk.client.endpoints() == [added] == [desk.client.endpoint("aos-1")]
    with pytest.raises(Conflict):
        desk.client.add_endpoint("aos-1", addresses=ADDRESSES)


def test_a_contract_is_kept_byte_for_byte(desk):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("port.wsdl", "<definitions/>")
    added = desk.client.add_endpoint("A1", addresses=ADDRESSES, contract=base64.b64encode(buffer.getvalue()).decode())

    assert added["contract"]
    with desk.ledger.read() as db:
        assert endpoints.contract(db, "a1") == buffer.getvalue()


@pytest.mark.parametrize(
    "change",
    [{"name": "a/b"}, {"addresses": []}, {"companies": ["TOOLONG"]}, {"contract": "§"}, {"contract": "AAAA"}],
)
def test_a_wrong_endpoint_is_refused(desk, change):
    body = {"name": "A1", "addresses": ADDRESSES, **change}
    answer = requests.post(f"{desk.url}/api/v1/endpoints", json=body, timeout=10)

    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert desk.client.endpoints() == []


def test_the_state_tells_whether_a_worker_lives(desk):
    desk.client.add_endpoint("A1", addresses=ADDRESSES)
    desk.worker("A1", ago_s=3600)
    assert desk.client.endpoint("A1")["state"] == "offline"

    desk.worker("A1")
    online = desk.client.endpoint("A1")
    assert online["state"] == "online"
    assert [(worker["host"], worker["online"], worker["concurrency"]) for worker in online["workers"]] == [("aoshost", True, 4)]

    assert desk.client.pause_endpoint("A1")["state"] == "paused"
    assert desk.client.resume_endpoint("A1")["state"] == "online"


def test_metadata_is_what_the_survey_read(desk):
    desk.client.add_endpoint("A1", addresses=ADDRESSES)
    with pytest.raises(NotReachable, match="--refresh"):
        desk.client.metadata("A1")

    desk.know("A1", checks=(Check(name="Port", ok=True, detail="fine"),))
    assert [service["name"] for service in desk.client.metadata("A1")["services"]] == ["CustGroupService", "CurrencyService"]
    assert desk.client.endpoint("A1")["checks"] == [{"name": "Port", "ok": True, "detail": "fine", "advice": "", "tried": True}]


def test_surveys_are_jobs(desk):
    desk.client.add_endpoint("A1", addresses=ADDRESSES)

    assert (desk.client.test_endpoint("A1")["kind"], desk.client.survey_endpoint("a1")["kind"]) == ("test", "metadata")
    assert desk.client.endpoint("A1")["unfinished_jobs"] == 2
    with pytest.raises(Conflict, match="unfinished"):
        desk.client.remove_endpoint("A1")


def test_an_endpoint_is_forgotten(desk):
    desk.client.add_endpoint("A1", addresses=ADDRESSES)
    desk.client.remove_endpoint("a1")

    assert desk.client.endpoints() == []
    with pytest.raises(NotFound):
        desk.client.remove_endpoint("A1")
