import base64
import io
import zipfile

import pytest

from connector.errors import Conflict, NotFound, NotReachable, Refused
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
    answer = desk.http.post(f"{desk.url}/api/v1/endpoints", json=body, timeout=10)

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


def test_what_is_told_of_an_endpoint_is_changed_and_the_rest_stays(desk):
    added = desk.client.add_endpoint("A1", addresses=ADDRESSES, companies=["USMF"], partition="initial", scope="company")
    desk.know("A1")
    known = desk.client.endpoint("A1")
    shared = {"VIR": ["USMF", "DEMF"]}
    changed = desk.client.change_endpoint(
        "a1", companies=["USMF", "DEMF"], database="AXPROD", virtual_companies=shared, scope="virtual company"
    )

    told = {"companies": ["USMF", "DEMF"], "database": "axprod", "virtual_companies": shared, "scope": "virtual company"}
    assert changed == known | told == desk.client.endpoint("A1")
    assert (changed["name"], changed["added_at"]) == ("A1", added["added_at"])
    assert desk.client.change_endpoint("A1", scope="", database="", virtual_companies={})["scope"] == ""
    assert desk.client.metadata("A1")["fingerprint"] == "f1"


@pytest.mark.parametrize("what", ["addresses", "contract"])
def test_of_other_addresses_or_another_contract_nothing_is_known(desk, what):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("port.wsdl", "<definitions/>")
    desk.client.add_endpoint("A1", addresses=ADDRESSES)
    desk.know("A1", checks=(Check(name="Port", ok=True, detail="fine"),))
    other = {"addresses": ["http://new.test/port.svc"], "contract": base64.b64encode(buffer.getvalue()).decode()}
    assert desk.client.change_endpoint("A1", addresses=ADDRESSES)["surveyed_at"]

    changed = desk.client.change_endpoint("A1", **{what: other[what]})
    assert (changed["surveyed_at"], changed["fingerprint"], changed["checks"]) == (None, None, [])
    assert changed["contract"] is (what == "contract")
    with pytest.raises(NotReachable, match="--refresh"):
        desk.client.metadata("A1")


def test_an_endpoint_is_not_changed_while_it_has_unfinished_jobs(desk):
    desk.client.add_endpoint("A1", addresses=ADDRESSES)
    desk.client.test_endpoint("A1")
    with pytest.raises(Conflict, match="unfinished jobs"):
        desk.client.change_endpoint("A1", companies=["DEMF"])
    assert desk.client.endpoint("A1")["companies"] == []


@pytest.mark.parametrize(
    "change", [{"addresses": []}, {"companies": ["TOOLONG"]}, {"virtual_companies": {"V": ["USMF"]}}, {"colour": "red"}]
)
def test_a_wrong_change_is_refused(desk, change):
    desk.client.add_endpoint("A1", addresses=ADDRESSES)
    before = desk.client.endpoint("A1")
    with pytest.raises(Refused):
        desk.client.change_endpoint("A1", **change)
    assert desk.client.endpoint("A1") == before


def test_a_change_is_audited_and_an_unknown_endpoint_refused(desk):
    desk.client.add_endpoint("A1", addresses=ADDRESSES)
    desk.client.change_endpoint("A1", companies=["DEMF"], virtual_companies={"VIR": ["USMF", "DEMF"]})
    line = desk.client.audit(subject="A1")[0]
    assert (line["what"], line["details"]) == ("endpoint change", {"companies": ["DEMF"], "virtual_companies": ["VIR"]})
    with pytest.raises(NotFound, match="no endpoint is named B1"):
        desk.client.change_endpoint("B1", companies=["DEMF"])
