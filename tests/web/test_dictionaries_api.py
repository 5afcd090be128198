"""`/endpoints/{name}/dictionary` over real HTTP."""

import pytest

from connector import api
from connector.ledger import dictionaries
from connector.wire.dictionary import DataTable, Dictionary


@pytest.fixture
def known(desk):
    desk.client.add_endpoint("AOS-1", addresses=["net.tcp://aos:8201/DynamicsAx/Services/S"])
    tables = tuple(DataTable(name=f"Table{number}", label="Café" if number == 3 else "") for number in range(5))
    with desk.ledger.write() as db:
        dictionaries.keep(db, "aos-1", Dictionary(language="de", tables=tables), at=1.0)
    return desk


def get(desk, path, **params):
    return desk.http.get(f"{desk.url}{api.PREFIX}/endpoints/{path}", params=params, timeout=30)


def test_what_is_known_is_told_kind_by_kind(known):
    assert get(known, "aos-1/dictionary").json() == {
        "endpoint": "AOS-1",
        "kinds": [{"kind": "table", "count": 5, "language": "de", "imported_at": "1970-01-01T00:00:01.000Z"}],
        "under_way": None,
    }
    known.client.add_endpoint("New", addresses=["http://aos/port.svc"])
    assert get(known, "New/dictionary").json()["kinds"] == []


def test_a_list_comes_page_by_page(known):
    first = get(known, "AOS-1/dictionary/table", limit=3).json()
    assert [each["name"] for each in first["items"]] == ["Table0", "Table1", "Table2"]
    second = get(known, "AOS-1/dictionary/table", limit=3, cursor=first["next"]).json()
    assert [each["name"] for each in second["items"]] == ["Table3", "Table4"]
    assert second["next"] is None
    assert [each["label"] for each in get(known, "AOS-1/dictionary/table", text="Caf").json()["items"]] == ["Café"]
    assert get(known, "AOS-1/dictionary/form").status_code in (400, 422)


def test_a_thing_is_told_whole_or_is_not_there(known):
    found = get(known, "AOS-1/dictionary/table/TABLE3").json()
    assert (found["kind"], found["name"], found["fields"]) == ("table", "Table3", [])
    assert get(known, "AOS-1/dictionary/table/No%2Fsuch").status_code == 404
    missing = get(known, "AOS-1/dictionary/enum/Table3")
    assert missing.status_code == 404
    assert "no enum named Table3" in missing.text


@pytest.mark.parametrize(
    "body", [{"language": "d e"}, {"tables": [""]}, {"tables": ["x"] * 1001}, {"other": 1}, {"address": "http://a/b"}]
)
def test_an_order_that_makes_no_sense_is_refused(known, body):
    answer = known.http.post(f"{known.url}{api.PREFIX}/endpoints/AOS-1/dictionary", json=body, timeout=30)
    assert answer.status_code in (400, 422)


def test_an_import_is_a_job_that_is_told_while_it_is_under_way(known):
    body = {"language": "de", "tables": ["CustGroup"]}
    job = known.http.post(f"{known.url}{api.PREFIX}/endpoints/AOS-1/dictionary", json=body, timeout=30).json()
    assert (job["kind"], job["state"] in api.FINAL_STATES) == ("metadata", False)
    assert get(known, "AOS-1/dictionary").json()["under_way"] == job["id"]


def test_an_excerpt_holds_tables_with_what_they_are_derived_from(desk):
    desk.client.add_endpoint("AOS-1", addresses=["http://aos/port.svc"])
    url = f"{desk.url}{api.PREFIX}/endpoints/AOS-1/dictionary/excerpt"
    assert desk.http.post(url, json={"tables": ["Person"]}, timeout=30).json() == {}
    person, party, other = DataTable(name="Person", parent="Party"), DataTable(name="Party"), DataTable(name="Other")
    with desk.ledger.write() as db:
        dictionaries.keep(db, "aos-1", Dictionary(language="de", tables=(person, party, other)), at=1.0)
    found = Dictionary.model_validate(desk.http.post(url, json={"tables": ["PERSON"]}, timeout=30).json())
    assert (found.language, found.tables) == ("de", (party, person))


def test_only_an_administrator_names_an_address_that_the_endpoint_does_not_have(known):
    made = known.http.post(f"{known.url}{api.PREFIX}/tokens", json={"name": "ci", "role": "operator"}, timeout=30).json()
    url = f"{known.url}{api.PREFIX}/endpoints/AOS-1/dictionary"
    body = {"address": "net.tcp://aos:8201/DynamicsAx/Services/MetadataService"}
    bearer = {"Authorization": f"Bearer {made['secret']}"}
    assert known.http.post(url, json=body, headers=bearer, timeout=30).status_code == 403
    assert known.http.post(url, json={}, headers=bearer, timeout=30).status_code == 202
