"""Lists of the pages: each sorts, filters and turns its pages by what its address says."""

import time

import pytest

from connector.ledger import batches, endpoints, findings
from connector.wire.reports import Problem, WorkerAlive
from tests.web.pages.seen import page, submit

AOS = "/deployments/AOS-Test"


def column(desk, address, region, no=1):
    """The texts of a column of a table, by what the table is called."""
    cells = page(desk, address).xpath("//div[@aria-label=$region]//tbody/tr/td[position()=$no]", region=region, no=no)
    return [" ".join(each.text_content().split()) for each in cells]


@pytest.fixture
def faulty(shop):
    """Three batches came back, each with a reason of its own."""
    for no, reason in enumerate(("No answer from AX.", "Bad gateway.", "No answer in time.")):
        job = submit(shop, f"faulty {no}")
        shop.plan(job)
        with shop.ledger.write() as db:
            (sending,) = batches.claim(db, job=job, limit=1, now=float(no))
            batches.replace(db, sending.ref, now=float(no), reason=reason)
    return shop


def test_workers_are_sorted_and_the_address_says_so(shop):
    gone = WorkerAlive(endpoint="AOS-Test", worker="AOS-Test.2", host="aoshost", pid=8, version="0.1.0", concurrency=4)
    with shop.ledger.write() as db:
        endpoints.worker_seen(db, gone, at=time.time() - 300)
    assert column(shop, AOS, "Workers") == ["AOS-Test.1", "AOS-Test.2"]
    assert column(shop, f"{AOS}?workers=-name", "Workers") == ["AOS-Test.2", "AOS-Test.1"]
    assert column(shop, f"{AOS}?workers=state", "Workers") == ["AOS-Test.2", "AOS-Test.1"]
    (head,) = page(shop, f"{AOS}?workers=-name&fault=job").xpath("//th[@aria-sort='descending']/a[.='Workers']")
    assert head.get("href") == f"{AOS}?workers=name&fault=job"


def test_faults_are_sorted_and_found_by_their_words(faulty):
    def reasons(query=""):
        return column(faulty, f"{AOS}{query}", "Lately given back", 5)

    assert sorted(reasons()) == ["Bad gateway.", "No answer from AX.", "No answer in time."]
    assert reasons("?faults=reason") == ["Bad gateway.", "No answer from AX.", "No answer in time."]
    assert reasons("?faults=-reason&fault=answer") == ["No answer in time.", "No answer from AX."]
    assert reasons("?fault=nowhere") == []
    assert "Nothing matches" in page(faulty, f"{AOS}?fault=nowhere").text_content()


def test_endpoints_are_sorted_by_every_column(faulty):
    faulty.client.add_endpoint("Beside", addresses=["http://aos.test/port.svc"], companies=["AAA"])

    def names(sort):
        return column(faulty, f"/deployments?sort={sort}", "Target deployments")

    assert names("companies") == ["Beside", "AOS-Test"]
    assert names("-queued") == names("oldest") == names("version") == ["AOS-Test", "Beside"]
    heads = page(faulty, "/deployments").xpath("//div[@aria-label='Target deployments']//th")
    assert [head for head in heads if head.get("aria-sort") is None] == []


def test_services_are_sorted(shop):
    assert column(shop, f"{AOS}?sort=-service", "Services and tables") == ["CustGroupService", "CurrencyService"]
    assert column(shop, f"{AOS}?sort=service", "Services and tables") == ["CurrencyService", "CustGroupService"]


@pytest.fixture
def wrong(desk, tmp_path):
    """A load of which 120 rows failed."""
    desk.client.add_endpoint("AOS-Test", addresses=["http://aos.test/port.svc"], companies=["USMF"])
    desk.know("AOS-Test")
    file = tmp_path / "CustGroup.csv"
    file.write_text("CustGroup,Name\n" + "".join(f"{no:03},N\n" for no in range(120)))
    desk.package = desk.client.upload(file, name=file.name)["sha256"]
    desk.ended = submit(desk, "one")
    desk.plan(desk.ended)
    problems = tuple(
        Problem(
            row=no, column="Name", field="Name", value=f"v{no:03}", message="Even." if no % 2 == 0 else "Odd.", advice="", code=""
        )
        for no in range(120)
    )
    desk.settle(desk.ended, "f" * 120, problems=problems)
    return desk


def test_rows_that_are_not_in_are_sorted_and_turned_and_the_address_keeps_both(wrong):
    results = f"/jobs/{wrong.ended}/results"

    def values(query=""):
        return column(wrong, f"{results}{query}", "Rows", 6)

    assert values()[:2] == ["v000", "v001"]
    assert values("?sort=-value")[:2] == ["v119", "v118"]
    assert values("?sort=message&message=Odd.")[:2] == ["v001", "v003"]
    (turn,) = page(wrong, f"{results}?sort=-value").xpath("//a[@rel='next']/@href")
    assert "sort=-value" in turn
    second = page(wrong, turn)
    assert values(turn.removeprefix(results)) == [f"v{no:03}" for no in range(19, -1, -1)]
    assert (second.xpath("//a[@rel='next']"), len(second.xpath("//a[@rel='prev']"))) == ([], 1)
    for head in second.xpath("//div[@id='rows']//th/a/@href"):
        assert "skip" not in head


def test_a_link_to_a_row_leads_to_it_and_those_behind_it(wrong):
    results = f"/jobs/{wrong.ended}/results"
    with wrong.ledger.read() as db:
        hundredth = findings.failures(db, wrong.ended, findings.Chosen(), after=0, limit=100)[-1].id
    assert column(wrong, f"{results}?step=1&after={hundredth}", "Rows", 6) == [f"v{no}" for no in range(100, 120)]
    found = page(wrong, f"{results}?after={hundredth}")
    assert results in found.xpath("//div[@id='rows']//a/@href")
    assert not [head for head in found.xpath("//th/a/@href") if "after" in head]


def test_reasons_are_sorted(wrong):
    results = f"/jobs/{wrong.ended}/results"
    assert column(wrong, f"{results}?groups=message", "By message", 3) == ["Even.", "Odd."]
    assert column(wrong, f"{results}?groups=-message", "By message", 3) == ["Odd.", "Even."]


@pytest.mark.parametrize("address", [AOS, "/deployments", "/jobs", "/load"])
def test_every_list_tells_by_what_it_is_sorted(faulty, address):
    found = page(faulty, address)
    assert found.xpath("//th[@aria-sort='ascending' or @aria-sort='descending']/a")
    for head in found.xpath("//th[@aria-sort]"):
        (link,) = head.xpath("./a")
        page(faulty, link.get("href"))
