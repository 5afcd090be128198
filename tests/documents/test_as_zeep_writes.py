"""Structures and derived records stand in a request as another SOAP library writes them from the same contract."""

from datetime import UTC, datetime

import pytest
import zeep
from lxml import etree

from connector.wire.codec import Row
from tests.contracts.canonical import by_zeep, infoset
from tests.documents.customers import CUSTOMER, FOLDER, SHARED, layout, port
from workers import documents

TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
ENTITY = {"class": "entity", "action": "create"}


@pytest.fixture(scope="module")
def client() -> zeep.Client:
    return zeep.Client(str(FOLDER / "root.wsdl"))


def without_prefixes(element: etree._Element) -> object:
    for typed in element.iter():
        if kind := typed.get(TYPE):
            typed.set(TYPE, kind.rpartition(":")[2])
    return infoset(element)


def dimensions(**values: str) -> dict[str, object]:
    return {"Value": [{"Name": name, "Value": value} for name, value in values.items()]}


def test_a_journal_with_accounts_and_dimensions(client):
    ledger = port("LedgerGeneralJournalService").service
    tax = layout("LedgerJournalTransTax", "TaxCode", "TaxAccount.MainAccount", step=3)
    columns = ("LineNum", "LedgerDimension.Account", "LedgerDimension.Department", "DefaultDimension.CostCenter")
    lines = layout("LedgerJournalTrans", *columns, step=2, children=(tax,))
    writer = documents.Writer(ledger, layout("LedgerJournalTable", "JournalName", children=(lines,)))
    row = Row(2, ["GenJrn"], [[Row(2, ["1.5", "110180", "010", "025"], [[Row(2, ["VAT", "2550"])]])]])
    line = {
        **ENTITY,
        "LineNum": "1.5",
        "LedgerDimension": {"DisplayValue": "", "Account": "110180", "Values": dimensions(Department="010")},
        "DefaultDimension": {"Values": dimensions(CostCenter="025")},
        "LedgerJournalTransTax": [{**ENTITY, "TaxCode": "VAT", "TaxAccount": {"DisplayValue": "", "MainAccount": "2550"}}],
    }
    journal = {"LedgerJournalTable": [{**ENTITY, "JournalName": "GenJrn", "LedgerJournalTrans": [line]}]}
    ours = etree.fromstring(writer.create([writer.record(row)]).request)
    assert infoset(ours) == infoset(by_zeep(client, ledger, "create", LedgerGeneralJournal=journal))


def test_a_customer_who_is_a_person_since_a_moment(client):
    service = port("CustomerService").service
    zone = "GMTPLUS0100_AMSTERDAM_BERLIN_BERN_ROME"
    name = layout("DirPersonName", "FirstName", "ValidFrom", "ValidFrom.timezone", step=3)
    person = layout("DirParty", "Name", "Initials", step=2, type="AxdEntity_DirParty_DirPerson", children=(name,))
    root = layout("CustTable", "AccountNum", "CustGroup", children=(person,), document={"ValidTimeStateType": "AsOf"})
    writer = documents.Writer(service, root)
    row = Row(2, ["C1", "10"], [[Row(2, ["Ann", "A."], [[Row(2, ["Ann", "2011-01-31T13:30:00+01:00", zone])]])]])
    since = client.get_type(f"{SHARED}AxdType_DateTime")(datetime(2011, 1, 31, 12, 30, tzinfo=UTC), timezone=zone)
    kind = client.get_type(f"{CUSTOMER}AxdEntity_DirParty_DirPerson")
    party = kind(Name="Ann", Initials="A.", DirPersonName=[{**ENTITY, "FirstName": "Ann", "ValidFrom": since}], **ENTITY)
    customer = {
        "ValidTimeStateType": "AsOf",
        "CustTable": [{**ENTITY, "AccountNum": "C1", "CustGroup": "10", "DirParty": [party]}],
    }
    ours = etree.fromstring(writer.create([writer.record(row)]).request)
    assert without_prefixes(ours) == without_prefixes(by_zeep(client, service, "create", Customer=customer))
