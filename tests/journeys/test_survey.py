"""A consultant tests an endpoint, and reads what can be loaded into."""

from pathlib import Path

from tests.journeys.driving import Site, write_csv


def test_an_endpoint_is_tested_line_by_line_and_its_companies_and_tables_are_read(site: Site, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "CustGroup.csv", ["CustGroup", "Name"], [["10", "Wholesale"]])
    site.start_dispatcher()
    site.start_aos("A1", "--tables-from", file)
    url = f"http://127.0.0.1:{site.ports['A1']}"
    site.json("endpoint", "add", "B1", "--url", url, "--company", "USMF", "--company", "NOPE")
    site.start_worker("B1")

    found = site.json("endpoint", "test", "B1", code=4)
    assert found["job"]["state"] == "failed"
    said = {check["name"]: check for check in found["checks"]}
    assert [name for name, check in said.items() if not check["ok"]] == ["Port RapidStart, company NOPE"]
    assert {"Name", "Port", "TLS", "HTTP", "Account", "Port RapidStart, contract", "Port RapidStart, AX user"} <= said.keys()
    assert said["Port RapidStart, company NOPE"]["advice"]

    companies = site.rapidstart("endpoint", "companies", "B1").stdout.splitlines()
    assert [line.split()[:2] for line in companies] == [["USMF", "✓"], ["NOPE", "✗"]]
    metadata = site.json("endpoint", "metadata", "B1", "--refresh")
    assert metadata["surveyed_at"]
    assert "CustGroup" in site.rapidstart("endpoint", "metadata", "B1", "--show", "CustGroup").stdout
    assert site.records("A1", "CustGroup") == []
