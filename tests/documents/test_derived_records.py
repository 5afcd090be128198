"""Records that say what they are: persons and organizations; and what stands in a document before its records."""

import pytest
from lxml import etree

from connector.wire.codec import Row
from connector.wire.reports import Before
from tests.documents.customers import CUSTOMER, layout, port
from workers import documents
from workers.aos import answers
from workers.errors import GiveUp

CUSTOMERS = port("CustomerService")
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
ADDRESS = layout("DirPartyPostalAddressView", "City", "LocationName", step=4, key=("LocationName",))
NAME = layout("DirPersonName", "FirstName", "LastName", "ValidFrom", step=5)
PERSON = layout("DirParty", "Name", "Initials", step=2, type="AxdEntity_DirParty_DirPerson", children=(ADDRESS, NAME))
ROW = Row(2, ["C1", "10"], [[Row(2, ["Ann", "A."], [[Row(2, ["Oslo", "Home"])], [Row(2, ["Ann", "Lie", "2011-01-31"])]])]])


def writer(**more: object) -> documents.Writer:
    root = {"children": (PERSON,), "key": ("AccountNum",), **more}
    return documents.Writer(CUSTOMERS.service, layout("CustTable", "AccountNum", "CustGroup", **root))


def test_a_derived_record_is_written_with_its_type_and_its_own_fields_behind_those_of_its_base():
    by = writer()
    body = by.create([by.record(ROW)])
    assert CUSTOMERS.invalid(body.document) == []
    party = next(etree.fromstring(body.document).iter(f"{CUSTOMER}DirParty"))
    assert party.get(TYPE) == "AxdEntity_DirParty_DirPerson"
    names = [etree.QName(part).localname for part in party]
    assert names == ["Name", "DirPartyPostalAddressView", "Initials", "DirPersonName"]
    (record,) = answers.records(etree.fromstring(body.request), CUSTOMERS.service.document)
    (read,) = record.children["DirParty"]
    assert (read.type, read.values["Initials"]) == ("AxdEntity_DirParty_DirPerson", "A.")
    assert read.children["DirPersonName"][0].values["ValidFrom"] == "2011-01-31T00:00:00Z"


def test_an_update_says_the_type_as_well():
    by = writer()
    before = Before(hash="h", values={"DirParty[1]/Initials": "B.", "DirParty[1]/RecId": "7", "DirParty[1]/RecVersion": "1"})
    body = by.update([{"AccountNum": "C1"}], [by.changed(ROW, before)])
    assert CUSTOMERS.invalid(body.document) == []
    party = next(etree.fromstring(body.document).iter(f"{CUSTOMER}DirParty"))
    assert (party.get(TYPE), party.get("action")) == ("AxdEntity_DirParty_DirPerson", "update")


def test_a_type_that_the_contract_lacks_ends_the_batch():
    with pytest.raises(GiveUp, match="DirTeam"):
        writer(children=(PERSON.model_copy(update={"type": "AxdEntity_DirParty_DirTeam"}),))


def test_what_stands_before_the_records_is_written_in_order():
    by = writer(
        document={"ValidTimeStateType": "asof", "ValidAsOfDateTime": "2012-01-01", "DocPurpose": "Original"}, blank="clear"
    )
    body = by.update([{"AccountNum": "C1"}], [by.changed(ROW, Before(hash="h", values={"CustGroup": "20"}))])
    assert CUSTOMERS.invalid(body.document) == []
    told = {etree.QName(part).localname: part.text for part in etree.fromstring(body.document)}
    assert list(told) == ["ClearNilFieldsOnUpdate", "DocPurpose", "ValidAsOfDateTime", "ValidTimeStateType", "CustTable"]
    assert (told["ValidAsOfDateTime"], told["ValidTimeStateType"]) == ("2012-01-01T00:00:00Z", "AsOf")
    assert next(etree.fromstring(by.create([by.record(ROW)]).document).iter(f"{CUSTOMER}DocPurpose")).text == "Original"


@pytest.mark.parametrize("given", [{"Purpose": "x"}, {"DocPurpose": "Perhaps"}, {"ClearNilFieldsOnUpdate": "true"}])
def test_what_the_document_does_not_have_ends_the_batch(given):
    with pytest.raises(GiveUp):
        writer(document=given)
