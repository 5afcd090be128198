"""How far a load reaches, by mapping, metadata or endpoint; and which endpoints share a database."""

import pytest

from connector.errors import PlanRefused, Refused
from connector.ledger import jobs
from tests.dispatch.shop import METADATA, Shop, groups


@pytest.fixture
def shop(desk):
    return Shop(desk)


def scope_of(shop, mapping=None, *, per_company=None):
    job = shop.load(mapping, CustGroup=groups("A"))
    (group, *others) = METADATA.services
    document = group.document
    tables = tuple(table.model_copy(update={"per_company": per_company}) for table in document.tables)
    told = group.model_copy(update={"document": document.model_copy(update={"tables": tables})})
    shop.plan(job, METADATA.model_copy(update={"services": (told, *others)}))
    return shop.job(job).scope


@pytest.mark.parametrize(
    ("mapping", "scope"),
    [
        (None, ""),
        ('scope = "company"', "company"),
        ('table.CustGroup.scope = "installation"', "installation"),
        ('scope = "company"\ntable.CustGroup.scope = "partition"', "partition"),
    ],
)
def test_the_mapping_says_it(shop, mapping, scope):
    assert scope_of(shop, mapping) == scope


@pytest.mark.parametrize(("per_company", "scope"), [(True, "company"), (False, "partition"), (None, "")])
def test_the_metadata_say_it_where_the_mapping_does_not(shop, per_company, scope):
    assert scope_of(shop, per_company=per_company) == scope
    assert scope_of(shop, 'table.CustGroup.scope = "installation"', per_company=per_company) == "installation"


def test_the_endpoint_says_it_for_tables_of_which_nobody_else_does(shop):
    shop.desk.client.add_endpoint("A2", addresses=["http://aos/p.svc"], companies=["USMF"], scope="company")
    shop.endpoint = "A2"
    assert scope_of(shop) == "company"
    assert scope_of(shop, per_company=False) == "partition"


def test_one_table_of_which_nobody_says_it_is_enough(shop):
    job = shop.load('table.CustGroup.scope = "company"', CustGroup=groups("A"), PurchTable=["PurchId,Name", "P1,one"])
    assert shop.job(job).scope == ""


def test_a_word_that_is_no_scope_is_refused(shop):
    with pytest.raises(PlanRefused, match="scope"):
        shop.load('scope = "world"', CustGroup=groups("A"))


def test_jobs_of_all_endpoints_of_one_database_are_looked_at_together(shop):
    for name, database in (("A2", "AXPROD"), ("A3", "axprod"), ("A4", "Other")):
        added = shop.desk.client.add_endpoint(name, addresses=["http://aos/p.svc"], companies=["USMF"], database=database)
        assert added["database"] == database.lower()
    ids = {}
    for name in ("A1", "A2", "A3", "A4"):
        shop.endpoint = name
        ids[name] = shop.load(CustGroup=groups("A"))
    with shop.ledger.read() as db:
        found = {name: [job.id for job in jobs.of_database(db, endpoint=name.lower())] for name in ids}
    assert found == {"A1": [ids["A1"]], "A2": [ids["A2"], ids["A3"]], "A3": [ids["A2"], ids["A3"]], "A4": [ids["A4"]]}


@pytest.mark.parametrize(
    ("mapping", "per_company", "scope"),
    [
        ('scope = "virtual company"', None, "virtual company"),
        ('table.CustGroup.scope = "company"', True, "company"),
        ('scope = "company"', True, "company"),
        (None, True, "virtual company"),
        (None, None, ""),
        (None, False, "partition"),
    ],
)
def test_companies_may_share_what_a_load_writes_by_a_virtual_company(shop, mapping, per_company, scope):
    shared = {"VIR": ["DEMF", "usmf"], "V2": ["USMF", "FRSI"], "V3": ["DEMF", "GBSI"]}
    added = shop.desk.client.add_endpoint(
        "A2", addresses=["http://aos/p.svc"], companies=["USMF", "DEMF"], virtual_companies=shared
    )
    assert added["virtual_companies"] == shared
    shop.endpoint = "A2"
    assert scope_of(shop, mapping, per_company=per_company) == scope
    with shop.ledger.read() as db:
        (*_, job) = jobs.unfinished(db, endpoint="a2")
    assert job.shares_with == ((("DEMF", "VIR"), ("FRSI", "V2")) if scope == "virtual company" else ())


def test_a_virtual_company_that_no_endpoint_names_counts_as_the_whole_partition(shop):
    job = shop.load('scope = "virtual company"', CustGroup=groups("A"))
    assert shop.job(job).scope == "partition"
    assert any("names no virtual companies" in line for line in shop.log(job))


@pytest.mark.parametrize(
    "wrong", [{"VIR": ["USMF"]}, {"VIR": ["USMF", "usmf"]}, {" ": ["USMF", "DEMF"]}, {"VIR": ["USMF", "TOOLONG"]}]
)
def test_what_is_no_virtual_company_is_refused(shop, wrong):
    with pytest.raises(Refused):
        shop.desk.client.add_endpoint("A2", addresses=["http://aos/p.svc"], virtual_companies=wrong)
