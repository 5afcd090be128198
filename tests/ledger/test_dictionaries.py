"""AX's data dictionary in the ledger: laid aside, put in use as a whole, found again."""

import pytest

from connector.ledger import Ledger, dictionaries, endpoints
from connector.ledger.dictionaries import Kind
from connector.wire.dictionary import (
    DataEnum,
    DataTable,
    DeclaredClass,
    DeclaredService,
    Dictionary,
    EnumEntry,
    ServiceOperation,
    TableField,
    TableRelation,
)

GROUP = DataTable(name="CustGroup", label="Debitorengruppen", fields=(TableField(name="CustGroup", length=10, mandatory=True),))
CUSTOMER = DataTable(
    name="CustTable",
    label="Debitoren",
    fields=(TableField(name="CustGroup"), TableField(name="Blocked", type="Enum", enum="CustVendorBlocked")),
    relations=(TableRelation(name="CustGroup", table="CustGroup", fields=(("CustGroup", "CustGroup"),)),),
)
BLOCKED = DataEnum(name="CustVendorBlocked", entries=(EnumEntry(symbol="No", number=0, label="Nein"),))
NO_YES = DataEnum(name="NoYes", label="Nein/Ja")
SERVICE = DeclaredService(name="CustCustGroupService", operations=(ServiceOperation(name="create", idempotent=False),))
CLASS = DeclaredClass(name="Global", methods=("main",))
ALL = Dictionary(
    language="de", tables=(CUSTOMER, GROUP), enums=(BLOCKED, NO_YES), services=(SERVICE,), classes=(CLASS,)
)  # fmt: skip


@pytest.fixture
def ledger(ledger_url):
    opened = Ledger(ledger_url)
    with opened.write() as db:
        endpoints.add(db, endpoints.Endpoint(key="a", name="A", addresses=("net.tcp://a:8201/S",)))
    yield opened
    opened.close()


def test_nothing_is_known_before_an_import(ledger):
    with ledger.read() as db:
        assert dictionaries.known(db, "a") is None
        assert dictionaries.known(db, "a", tables=("CustGroup",)) is None
        assert dictionaries.holdings(db, "a") == []


def test_what_was_kept_is_known_by_table_in_any_case(ledger):
    with ledger.write() as db:
        dictionaries.keep(db, "a", ALL, at=7.0)
        dictionaries.keep(db, "b", Dictionary(tables=(DataTable(name="Other"),)), at=7.0)
    with ledger.read() as db:
        assert dictionaries.known(db, "a") == ALL.model_copy(update={"tables": (GROUP, CUSTOMER)})
        some = dictionaries.known(db, "a", tables=("CUSTTABLE", "NoSuchTable"))
        assert some == Dictionary(language="de", tables=(CUSTOMER,), enums=(BLOCKED,), services=(SERVICE,))
        assert dictionaries.thing(db, "a", Kind.SERVICE, "custcustgroupservice") == SERVICE
        assert dictionaries.thing(db, "a", Kind.CLASS, "GLOBAL") == CLASS
        assert dictionaries.thing(db, "a", Kind.ENUM, "CustGroup") is None
        found = [(each.kind, each.count, each.language, each.imported_at) for each in dictionaries.holdings(db, "a")]
        assert found == [
            (Kind.TABLE, 2, "de", 7.0),
            (Kind.ENUM, 2, "de", 7.0),
            (Kind.SERVICE, 1, "de", 7.0),
            (Kind.CLASS, 1, "de", 7.0),
        ]


def test_a_slice_is_in_use_only_when_its_import_is_complete(ledger):
    newer = GROUP.model_copy(update={"label": "Customer groups"})
    with ledger.write() as db:
        dictionaries.keep(db, "a", ALL, at=1.0)
        for _ in range(2):  # a slice that comes twice
            dictionaries.stage(db, "a", Dictionary(language="en-us", tables=(newer,)), job="JB-2", at=2.0)
    with ledger.read() as db:
        assert dictionaries.thing(db, "a", Kind.TABLE, "CustGroup") == GROUP
    with ledger.write() as db:
        dictionaries.adopt(db, "a", job="JB-2", replaced=tuple(Kind))
    with ledger.read() as db:
        assert dictionaries.known(db, "a") == Dictionary(language="en-us", tables=(newer,))


def test_some_kinds_are_replaced_and_others_stay(ledger):
    service, group = DeclaredService(name="NewService"), GROUP.model_copy(update={"label": "Changed"})
    with ledger.write() as db:
        dictionaries.keep(db, "a", ALL, at=1.0)
        dictionaries.stage(db, "a", Dictionary(tables=(group,), services=(service,)), job="JB-3", at=2.0)
        dictionaries.adopt(db, "a", job="JB-3", replaced=(Kind.SERVICE,))
    with ledger.read() as db:
        found = dictionaries.known(db, "a")
    assert found is not None
    assert found.services == (service,)
    assert found.tables == (group, CUSTOMER)
    assert found.enums == ALL.enums


def test_half_an_import_is_dropped_and_a_removed_endpoint_leaves_nothing(ledger):
    with ledger.write() as db:
        dictionaries.keep(db, "a", Dictionary(classes=(CLASS,)), at=1.0)
        dictionaries.stage(db, "a", ALL, job="JB-4", at=2.0)
        dictionaries.stage(db, "a", ALL, job="JB-5", at=3.0)
        dictionaries.discard(db, "a", but="JB-5")
        dictionaries.adopt(db, "a", job="JB-4", replaced=tuple(Kind)[:1])
        assert dictionaries.known(db, "a") == Dictionary(classes=(CLASS,))
        dictionaries.adopt(db, "a", job="JB-5", replaced=())
        assert dictionaries.thing(db, "a", Kind.TABLE, "CustGroup") == GROUP
        endpoints.remove(db, "a")
        assert dictionaries.holdings(db, "a") == []


def test_tables_are_searched_by_name_and_label_page_by_page(ledger):
    many = tuple(DataTable(name=f"Table{number:03d}", label="100%") for number in range(30))
    with ledger.write() as db:
        dictionaries.keep(db, "a", Dictionary(language="de", tables=(GROUP, CUSTOMER, *many)), at=1.0)
    with ledger.read() as db:
        assert [each.name for each in dictionaries.search(db, "a", Kind.TABLE, text="custT")] == ["CustTable"]
        assert [each.name for each in dictionaries.search(db, "a", Kind.TABLE, text="DEBITOREN")] == ["CustGroup", "CustTable"]
        assert len(dictionaries.search(db, "a", Kind.TABLE, text="0%")) == 30
        first = dictionaries.search(db, "a", Kind.TABLE, limit=20)
        rest = dictionaries.search(db, "a", Kind.TABLE, after=first[-1].name, limit=20)
        assert [each.name for each in (*first, *rest)] == ["CustGroup", "CustTable", *(table.name for table in many)]
        assert (first[0].label, first[0].language, first[0].imported_at) == ("Debitorengruppen", "de", 1.0)


@pytest.mark.parametrize(
    ("name", "external", "operations", "again"),
    [
        ("S", "", [("Create", False)], True),
        ("AotName", "S", [("Read", True), ("Update", False)], True),
        ("S", "", [("Create", True), ("Find", False), ("Custom", False), ("Delete", None)], False),
        ("Other", "Another", [("Create", False)], False),
    ],
)
def test_a_service_of_which_ax_carries_a_write_out_again_is_known(ledger, name, external, operations, again):
    told = tuple(ServiceOperation(name=kind.lower(), kind=kind, idempotent=is_so) for kind, is_so in operations)
    with ledger.write() as db:
        assert not dictionaries.carries_out_again(db, "a", "S")
        dictionaries.keep(
            db, "a", Dictionary(services=(DeclaredService(name=name, external_name=external, operations=told),)), at=1.0
        )
        assert dictionaries.carries_out_again(db, "a", "S") is again
        assert not dictionaries.carries_out_again(db, "b", "S")


def test_the_dictionary_of_another_computer_is_forgotten_and_that_of_another_port_is_not(ledger):
    with ledger.write() as db:
        dictionaries.keep(db, "a", ALL, at=1.0)
        endpoint = endpoints.get(db, "a")
        endpoints.change(db, endpoint, {"addresses": ("http://A:81/Port/xppservice.svc", "net.tcp://a:8202/Other")})
        assert dictionaries.known(db, "a") is not None
        endpoints.change(db, endpoints.get(db, "a"), {"addresses": ("net.tcp://b:8201/S",)})
        assert dictionaries.known(db, "a") is None
