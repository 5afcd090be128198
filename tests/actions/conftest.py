"""A port of a custom service as AX publishes one: read, opened on a pretend AOS, and called by batches of rows."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from connector.wire import codec
from connector.wire.codec import Row
from connector.wire.jobs import Column, Layout, LoadClasses, LoadServices, Target
from connector.wire.metadata import Metadata, Parameter
from connector.wire.reports import BatchRef
from tests.contracts.serving import zipped
from tests.load.conftest import Aos, running
from workers import aos

CONTRACT = Path(__file__).parent / "contract"
PORT = "Journals"
ADDRESS = f"http://aos.example/MicrosoftDynamicsAXAif60/{PORT}/xppservice.svc"
SERVED = ("--contract", str(CONTRACT), "--company", "USMF")


def packed() -> bytes:
    return zipped({path.name: path.read_bytes() for path in CONTRACT.iterdir()})


@pytest.fixture(scope="session")
def metadata() -> Metadata:
    return aos.read_metadata(aos.Door(), [ADDRESS], contract_zip=packed())


def parameters_of(metadata: Metadata, operation: str) -> tuple[Parameter, ...]:
    (service,) = metadata.services
    return next(one.parameters for one in service.calls if one.name == operation)


@pytest.fixture(scope="session")
def shared_service() -> Iterator[Aos]:
    with running(*SERVED) as found:
        yield found


@pytest.fixture
def ax(shared_service: Aos) -> Aos:
    shared_service.reset()
    return shared_service


def opened(ax: Aos) -> aos.Port:
    """The custom service at a running AOS."""
    address = f"{ax.url}/MicrosoftDynamicsAXAif60/{PORT}/xppservice.svc"
    door = aos.Door([ax.url])
    found = aos.read_metadata(door, [address])
    target = Target(address=address, port=PORT, service="JournalService", contract=found.fingerprint)
    return aos.open_port(door, target, company="USMF", language="en-us", partition=None)


def layout(operation: str, *fields: str, step: int = 1, **more: object) -> Layout:
    columns = tuple(Column(name=f"The {field}", field=field) for field in fields)
    known = {"step": step, "entity": operation, "file": f"{operation}.csv", "table": operation, "columns": columns}
    return Layout.model_validate(known | more)


def batch(
    layout: Layout, rows: Sequence[Row | Sequence[str | None]], *, kind: type[LoadServices] = LoadServices, **more: object
) -> LoadServices:
    numbered = [row if isinstance(row, Row) else Row(number, list(row)) for number, row in enumerate(rows, 2)]
    known = {
        "endpoint": "AOSTEST",
        "ref": BatchRef(job="j1", step=1, batch=1, attempt=more.pop("attempt", 1)),
        "company": "USMF",
        "target": Target(address="", port=PORT, service="JournalService", operation=layout.table, contract=""),
        "layout": layout,
        "rows": codec.to_text(codec.pack_rows(numbered)),
        "call_timeout_s": 20.0,
    }
    return kind.model_validate(known | more)


def class_batch(layout: Layout, rows: Sequence[Sequence[str | None]], **more: object) -> LoadServices:
    """A batch of class actions, through the operation `runClass`."""
    names = {"parameters": "_arguments", "name": "Argument", "value": "Text"}
    return batch(layout, rows, kind=LoadClasses, **(names | more))
