"""A consultant imports AX's data dictionary over net.tcp, from a MetadataService that WCF hosts; a worker dies in between."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.aos import mono
from tests.journeys.driving import Site, eventually
from tests.nettcp import pretended

#: Elements of an answer: no more than some tables at once.
MOST = 250


@dataclass(frozen=True)
class Ax:
    folder: Path
    port: int


@pytest.fixture
def ax(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ax]:
    folder = tmp_path_factory.mktemp("ax")
    pretended.write(folder)
    try:
        program = mono.compiled("Dictionary", mono.PEERS / "Dictionary.cs", folder=tmp_path_factory.mktemp("program"))
    except mono.NotInstalled as missing:
        pytest.skip(str(missing))
    with mono.running(program, str(folder), str(MOST)) as port:
        yield Ax(folder, port)


def test_the_data_dictionary_is_imported_and_read_whatever_becomes_of_a_worker(site: Site, ax: Ax) -> None:
    site.start_dispatcher()
    site.json("endpoint", "add", "A1", "--host", "127.0.0.1", "--services-port", str(ax.port))
    site.start_worker("A1")
    metadata = ("endpoint", "metadata", "A1")

    wrong = site.rapidstart(*metadata, "--import", "--language", "fr", "--watch")
    assert wrong.returncode == 3
    assert "AX has no labels in fr; it has them in de, en-us." in wrong.stderr

    (ax.folder / "GetClassMetadataByName.wait").touch()
    job = site.json(*metadata, "--import", "--language", "de")
    eventually(lambda: site.job(job["id"])["reason"] == "16 of 18 read", what="an import that has only classes to read")
    assert site.api("/endpoints/A1/dictionary")["kinds"] == []
    site.kill("worker-A1")
    (ax.folder / "GetClassMetadataByName.wait").unlink()
    site.start_worker("A1")
    assert site.ended(job["id"])["state"] == "succeeded"
    asked = [line.partition("\t")[0] for line in (ax.folder / "calls.log").read_text(encoding="utf-8").splitlines()]
    assert asked.count("GetTableNames") == 2  # it was begun anew

    table = site.json(*metadata, "--table", "CustGroup")
    assert (table["label"], table["replacement_key"]) == ("Debitorengruppe", ["CustGroup"])
    assert [(each["table"], each["fields"]) for each in table["relations"]] == [("PaymTerm", [["PaymTermId", "PaymTermId"]])]
    told = site.rapidstart(*metadata, "--enum", "NoYes").stdout
    assert [line.split() for line in told.splitlines()[2:]] == [["No", "0", "Nein"], ["Yes", "1", "Ja"]]

    renewed = site.rapidstart(*metadata, "--import", "--services-only", "--watch", "--json")
    assert renewed.returncode == 0
    assert json.loads(renewed.stdout.splitlines()[-1])["state"] == "succeeded"
    assert {each["kind"]: each["count"] for each in site.api("/endpoints/A1/dictionary")["kinds"]} == {
        "table": 12, "enum": 2, "service": 2, "class": 2,
    }  # fmt: skip
