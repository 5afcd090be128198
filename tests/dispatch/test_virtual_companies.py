"""Loads into companies that share tables by a virtual company go one after the other, and say so."""

from connector.ledger.endpoints import VirtualCompany

SHARED = 'scope = "virtual company"'


def test_a_load_waits_for_one_into_a_company_that_shares_a_virtual_company(ring, until):
    ring.add_endpoint(virtual_companies=(VirtualCompany(name="VIR", companies=("USMF", "DEMF")),))
    ring.know_metadata()
    ring.alive()
    first = ring.load(rows=2, mapping=SHARED)
    message = ring.take()
    second = ring.load(rows=2, company="DEMF", mapping=SHARED)
    why = f"waiting: {first} is loading USMF, which shares tables with DEMF in the virtual company VIR"
    until(lambda: ring.job(second).reason == why)
    assert ring.redis.llen("aos.a1") == 0
    ring.done(message)
    assert ring.take().ref.job == second


def test_loads_of_tables_that_are_not_shared_run_side_by_side(ring, until):
    ring.add_endpoint(virtual_companies=(VirtualCompany(name="VIR", companies=("USMF", "DEMF")),))
    ring.know_metadata()
    ring.alive()
    mapping = 'scope = "company"'
    jobs = [ring.load(rows=2, company=company, mapping=mapping) for company in ("USMF", "DEMF")]
    assert {ring.take().ref.job, ring.take().ref.job} == set(jobs)
