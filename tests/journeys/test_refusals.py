"""Bad input: one clear error, the right exit code, nothing half-submitted."""

from pathlib import Path

import pytest

from tests.journeys.driving import Site, write_csv

GOOD = (["CustGroup", "Name"], [["10", "Wholesale"], ["20", "Retail"]])


@pytest.fixture
def busy(site: Site, tmp_path: Path) -> Site:
    """A site with a dispatcher, an AOS and its worker."""
    file = write_csv(tmp_path / "CustGroup.csv", *GOOD)
    site.start_dispatcher()
    site.start_aos("A1", "--tables-from", file)
    site.start_worker("A1")
    assert site.json("load", file, "--endpoint", "A1", "--company", "USMF", "--watch")["state"] == "succeeded"
    return site


def refused(site: Site, *arguments: str | Path, code: int) -> str:
    """What a refused command says: one line, no traceback."""
    done = site.rapidstart(*arguments)
    assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()
    return done.stderr


def test_bad_packages_are_refused_with_a_place_and_nothing_is_sent(busy: Site, tmp_path: Path) -> None:
    where = ("--endpoint", "A1", "--company", "USMF")
    corrupt = tmp_path / "corrupt.zip"
    corrupt.write_bytes(b"PK\x03\x04" + bytes(200))
    (tmp_path / "ragged").mkdir()
    ragged = tmp_path / "ragged" / "CustGroup.csv"
    ragged.write_text("CustGroup,Name\n10,Wholesale\n20,Retail,too,many\n")
    before = busy.loads()
    refused(busy, "load", corrupt, *where, code=3)
    refused(busy, "load", tmp_path / "CustGroup.csv", "--endpoint", "A2", "--company", "USMF", code=3)
    assert busy.loads() == before
    assert "row 3" in refused(busy, "load", ragged, *where, code=3)
    assert [job["state"] for job in busy.loads()] == ["failed", "succeeded"]
    assert len(busy.records("A1", "CustGroup")) == 2


def test_an_unknown_entity_names_the_nearest_ones(busy: Site, tmp_path: Path) -> None:
    """The same rows under another name are another package: a file's name is its entity's."""
    misspelt = write_csv(tmp_path / "CustGruop.csv", *GOOD)
    assert "near: CustGroup," in refused(busy, "load", misspelt, "--endpoint", "A1", "--company", "USMF", code=3)


def test_a_company_that_the_aos_does_not_have(busy: Site, tmp_path: Path) -> None:
    file = tmp_path / "CustGroup.csv"
    done = busy.rapidstart("load", file, "--endpoint", "A1", "--company", "NOPE", "--watch")
    assert done.returncode == 3, "nothing was done"
    assert "NOPE" in done.stdout
    assert len(busy.records("A1", "CustGroup")) == 2


def test_usage_and_a_dispatcher_that_is_down(site: Site, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "CustGroup.csv", *GOOD)
    assert "company" in refused(site, "load", file, "--endpoint", "A1", code=2)
    assert site.api_url in refused(site, "load", file, "--endpoint", "A1", "--company", "USMF", code=4)
    assert site.api_url in refused(site, "job", "list", code=4)
    refused(site, "flower", code=4)


def test_a_second_dispatcher_in_the_same_home_is_refused(site: Site) -> None:
    site.start_dispatcher()
    assert "another dispatcher" in refused(site, "dispatcher", code=3)
    assert site.is_ready()
