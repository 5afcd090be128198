"""A small endpoint and small packages to plan with."""

from collections.abc import Callable, Iterator, Sequence

import pytest

from connector.intake.values import Action, Order, Package, PackageFormat
from connector.plan import Plan, make
from connector.plan.mapping import parse
from connector.wire.codec import Row
from connector.wire.jobs import Blank, Mode
from connector.wire.metadata import Document, Field, FieldType, Metadata, Service, Table

Maker = Callable[..., Plan]


def make_action(entity: str, columns: str, *rows: Sequence[str | None], order: Order | None = None, file: str = "") -> Action:
    def read() -> Iterator[Row]:
        return (Row(number, list(cells)) for number, cells in enumerate(rows, start=2))

    return Action(entity=entity, file=file or f"{entity}.csv", columns=tuple(columns.split(",")), read=read, order=order)


def make_package(*actions: Action, form: PackageFormat = "zip") -> Package:
    return Package(name="pack", format=form, actions=actions)


def make_service(
    table: Table, *, key: tuple[str, ...] = (), port: str = "RapidStart", name: str = "", document: str = ""
) -> Service:
    return Service(
        address=f"http://aos/MicrosoftDynamicsAXAif60/{port}/xppservice.svc",
        port=port,
        name=name or f"{table.name}Service",
        namespace="http://schemas.microsoft.com/dynamics/2008/01/services",
        operations=("create", "read", "update"),
        key=key,
        document=Document(name=document or f"Axd{table.name}", namespace="urn:x", tables=(table,)),
    )


def field(name: str, type_name: str = "", **more: object) -> Field:
    return Field(name=name, type_name=type_name, **more)


CUST_GROUP = Table(
    name="CustGroup",
    fields=(field("CustGroup", "AxdExtType_CustGroupId", mandatory=True), field("Name", "AxdExtType_Description"),
            field("PaymTermId", "AxdExtType_PaymTermId"), field("RecId", "AxdExtType_RecId"),
            field("DefaultDimension", type=FieldType.COMPLEX)),
)  # fmt: skip
PAYM_TERM = Table(
    name="PaymTerm", fields=(field("PaymTermId", "AxdExtType_PaymTermId"), field("Description", "AxdExtType_Description"))
)
CUST_TABLE = Table(
    name="CustTable",
    fields=(field("AccountNum", "AxdExtType_CustAccount"), field("Name"),
            field("CustGroup", "AxdUnion_AxdExtType_CustGroupId_AxdType_ExtCodeValue")),
)  # fmt: skip
PURCH = Table(
    name="PurchTable",
    fields=(field("PurchId", "AxdExtType_PurchId"), field("OrderAccount", "AxdExtType_VendAccount")),
    children=(Table(name="PurchLine", fields=(field("ItemId", "AxdExtType_ItemId"), field("Qty", type=FieldType.DECIMAL))),),
)


@pytest.fixture
def metadata() -> Metadata:
    services = (
        make_service(CUST_GROUP, key=("CustGroup",)), make_service(PAYM_TERM, key=("PaymTermId",), document="PaymentTerms"),
        make_service(CUST_TABLE, key=("AccountNum",), name="CustomerService"), make_service(PURCH, key=("PurchId",)),
    )  # fmt: skip
    return Metadata(fingerprint="abc", services=services)


@pytest.fixture
def planned(metadata: Metadata) -> Maker:
    def planned(*actions: Action, toml: str = "", mode: Mode = Mode.UPSERT, form: PackageFormat = "zip", **more: object) -> Plan:
        known = more.pop("metadata", metadata)
        return make(
            make_package(*actions, form=form), known, mapping=parse(toml, "map.toml"), mode=mode, blank=Blank.KEEP, **more
        )

    return planned


@pytest.fixture
def action() -> Callable[..., Action]:
    """An action of an entity: its columns as "A,B", and its rows."""
    return make_action


@pytest.fixture
def package() -> Callable[..., Package]:
    return make_package


@pytest.fixture
def service() -> Callable[..., Service]:
    return make_service


@pytest.fixture
def cust_group() -> Table:
    return CUST_GROUP
