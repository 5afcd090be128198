"""The import of AX's data dictionary against WCF: slices, refusals for size, ids, labels; requests against AX's own schemas."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from connector.wire.dictionary import DataTable, DeclaredClass, Dictionary, TableRelation
from tests.aos import mono
from tests.nettcp import pretended
from workers import aos
from workers.aos.dictionary import Imported, Wish, imported, metadata_service
from workers.errors import GiveUp, Retry

ROOT = Path(__file__).parents[2]
SCHEMAS = Path(os.environ.get("RAPIDSTART_SHARED", ROOT.parent / "shared")) / "ax2012" / "contracts" / "MetadataService"
#: Elements of an answer: so many that the small tables fit in one or two at a time, not all of them.
MOST = 250


class Peer:
    """A pretended MetadataService; what it knows are files in `folder`."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.address = f"net.tcp://127.0.0.1:{port}/DynamicsAx/Services/RapidStart"

    def imported(self, wish: Wish, notes: list[str] | None = None) -> list[Imported]:
        door = aos.Door([self.address])
        try:
            return list(imported(metadata_service(door, [self.address]), wish, notes=[] if notes is None else notes))
        finally:
            door.transport.close()  # WCF on Mono does not bear sessions that are dropped without a word

    @property
    def calls(self) -> list[tuple[str, str]]:
        log = self.folder / "calls.log"
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        return [(name, request) for name, _, request in (line.partition("\t") for line in lines)]


@pytest.fixture(scope="session")
def dictionary_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return mono.compiled("Dictionary", mono.PEERS / "Dictionary.cs", folder=tmp_path_factory.mktemp("dictionary"))
    except mono.NotInstalled as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def _running(dictionary_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    folder = tmp_path_factory.mktemp("known")
    with mono.running(dictionary_program, str(folder), str(MOST)) as port:
        yield Peer(folder, port)


@pytest.fixture
def peer(_running: Peer) -> Peer:
    for each in _running.folder.iterdir():
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    pretended.write(_running.folder)
    return _running


def whole(slices: list[Imported]) -> Dictionary:
    """All slices as one."""
    parts = [each.part for each in slices]
    return Dictionary(
        language=parts[0].language,
        tables=tuple(one for part in parts for one in part.tables),
        enums=tuple(one for part in parts for one in part.enums),
        services=tuple(one for part in parts for one in part.services),
        classes=tuple(one for part in parts for one in part.classes),
    )


def table(found: Dictionary, name: str) -> DataTable:
    told = found.table(name)
    assert told is not None
    return told


def test_everything_is_imported_whatever_fits_in_an_answer(peer: Peer):
    notes: list[str] = []
    slices = peer.imported(Wish(language="DE"), notes)
    found = whole(slices)
    assert notes == []
    assert sorted(one.name for one in found.tables) == sorted(pretended.TABLE_IDS)
    assert {one.name for one in found.enums} == {"NoYes", "CustVendorBlocked"}
    assert found.classes == (DeclaredClass(name="CustPost", methods=("main",)), DeclaredClass(name="Global", methods=("main",)))
    assert {one.name: one.operations[0].idempotent for one in found.services} == {
        "CustCustGroupService": True, "PartnerService": False,
    }  # fmt: skip
    assert (slices[-1].done, slices[-1].total) == (18, 18)
    asked = [request for name, request in peer.calls if name == "GetTableMetadataByName"]
    assert max(request.count("</x:string>") for request in asked) == 12  # all at once: refused, and halved
    assert len(asked) > 3


def test_a_table_is_told_with_names_in_place_of_ids_and_texts_in_place_of_labels(peer: Peer):
    found = whole(peer.imported(Wish(language="de")))
    group = table(found, "CustGroup")
    assert (group.label, group.primary_index, group.replacement_key) == ("Debitorengruppe", "GroupIdx", ("CustGroup",))
    assert group.unique_keys == (("CustGroup",),)
    code, name, term, rec_id = group.fields
    assert (code.length, code.mandatory, code.allow_edit, code.allow_edit_on_create) == (10, True, False, True)
    assert [code.label, name.label, term.label] == ["Debitorengruppe", "Plain", "Zahlungsbedingung Ж"]
    assert (rec_id.name, rec_id.type, rec_id.system, rec_id.length) == ("RecId", "Int64", True, None)
    customer = table(found, "CustTable")
    assert [(each.name, each.type, each.enum) for each in customer.fields][2:5] == [
        ("Blocked", "Enum", "CustVendorBlocked"), ("Party", "Int64", ""), ("Memo", "String", ""),
    ]  # fmt: skip
    assert customer.relations == (
        TableRelation(name="CustGroup", table="CustGroup", fields=(("CustGroup", "CustGroup"),)),
        TableRelation(name="Party", table="DirParty", fields=(("Party", "RecId"),), fixed=(("Blocked", 0),)),
    )  # one leads to a table that AX does not tell of
    assert table(found, "PaymTerm").relations[0].table == "PaymSched"
    assert table(found, "PaymSched").relations[0].table == "PaymTerm"
    assert table(found, "DirPerson").parent == "DirParty"
    assert (table(found, "DirParty").abstract, table(found, "DirParty").per_company) == (True, False)
    assert (table(found, "CustView").is_view, table(found, "TmpLedger").is_temporary) == (True, True)
    assert table(found, "TmpLedger").date_effective
    inherited = table(found, "PaymTerm").fields[0], table(found, "VendTable").fields[1]  # of a data type, of an enumeration
    assert [(each.name, each.label) for each in inherited] == [("PaymTermId", "Zahlungsbedingung Ж"), ("Active", "Ja")]
    document = next(one for one in found.services if one.name == "CustCustGroupService")
    assert (document.table, document.key) == ("CustGroup", ("CustGroup",))
    (no_yes,) = [one for one in found.enums if one.name == "NoYes"]
    assert [(one.symbol, one.number, one.label) for one in no_yes.entries] == [("No", 0, "Nein"), ("Yes", 1, "Ja")]


def test_labels_come_in_the_language_that_was_chosen(peer: Peer):
    assert table(whole(peer.imported(Wish(language="en-us"))), "CustGroup").label == "Customer group"
    with pytest.raises(GiveUp, match="no labels in fr; it has them in de, en-us") as told:
        peer.imported(Wish(language="fr"))
    assert told.value.code == "RSC-5935"


def test_some_tables_are_imported_alone_with_the_names_of_those_that_they_refer_to(peer: Peer):
    slices = peer.imported(Wish(language="de", tables=("custtable", "CustGroup", "CUSTTABLE")))
    found = whole(slices)
    assert sorted(one.name for one in found.tables) == ["CustGroup", "CustTable"]
    assert [one.name for one in found.enums] == ["CustVendorBlocked"]
    assert [one.table for one in table(found, "CustTable").relations] == ["CustGroup", "DirParty"]
    assert table(found, "CustGroup").relations[0].table == "PaymTerm"
    assert (found.services, found.classes, slices[-1].total) == ((), (), 2)


def test_a_table_that_ax_does_not_have_is_told_with_those_that_sound_like_it(peer: Peer):
    with pytest.raises(GiveUp, match=r"no table CustGruop\. Similar names: CustGroup") as told:
        peer.imported(Wish(tables=("CustGruop",)))
    assert told.value.code == "RSC-5936"


def test_services_alone_need_neither_tables_nor_a_language(peer: Peer):
    (found,) = peer.imported(Wish(language="xx", services_only=True))
    assert len(found.part.services) == 2
    assert found.part.services[0].class_name == "CustCustGroupServiceClass"
    assert {name for name, _ in peer.calls} == {"GetServiceNames", "GetServiceMetadataByName"}


def test_what_cannot_be_read_is_told_and_the_rest_is_imported(peer: Peer):
    (peer.folder / "Table" / "VendTable.xml").write_text("!The metadata of VendTable is corrupt.", encoding="utf-8")
    notes: list[str] = []
    found = whole(peer.imported(Wish(language="de"), notes))
    assert sorted(one.name for one in found.tables) == sorted(pretended.TABLE_IDS.keys() - {"VendTable"})
    assert notes == ["The table VendTable could not be read: The metadata of VendTable is corrupt."]


def test_an_aos_that_is_gone_is_asked_again_later():
    address = f"net.tcp://127.0.0.1:{mono.free_port()}/DynamicsAx/Services/RapidStart"
    service = metadata_service(aos.Door([address]), [address])
    with pytest.raises(Retry, match="nothing answers there"):
        list(imported(service, Wish(), notes=[]))


def test_an_endpoint_without_net_tcp_has_no_dictionary():
    with pytest.raises(GiveUp, match=r"net\.tcp alone") as told:
        metadata_service(aos.Door(), ["http://aos/MicrosoftDynamicsAXAif60/RapidStart/xppservice.svc"])
    assert told.value.code == "RSC-5934"


def test_requests_and_what_the_peer_answers_are_valid_by_ax_own_schemas(peer: Peer, monkeypatch: pytest.MonkeyPatch):
    if not SCHEMAS.is_dir():
        pytest.skip(f"the contract of AX' MetadataService is not in {SCHEMAS}; RAPIDSTART_SHARED names another place")
    schema = etree.XMLSchema(etree.parse(SCHEMAS / "MetadataService1.xsd"))
    answered: list[etree._Element] = []
    ask = aos.systemservice.SystemService.ask  # type: ignore[attr-defined]

    def kept(self: object, *given: object, **named: object) -> etree._Element:
        answered.append(ask(self, *given, **named))
        return answered[-1]

    monkeypatch.setattr("workers.aos.systemservice.SystemService.ask", kept)
    peer.imported(Wish(language="de"))
    peer.imported(Wish(language="de", tables=("CustTable",)))
    assert len({name for name, _ in peer.calls}) == 13
    for _, request in peer.calls:
        schema.assertValid(etree.fromstring(request))
    for answer in answered:
        schema.assertValid(answer)
