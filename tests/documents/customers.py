"""A contract in the manner of a real port: dimensions, accounts, derived and date-effective records, three levels."""

import io
import zipfile
from pathlib import Path

from connector.wire.jobs import Layout, Target
from connector.wire.metadata import Metadata, Service
from workers import aos, documents

FOLDER = Path(__file__).parent / "contracts" / "Customers"
ADDRESS = "http://aos.example/MicrosoftDynamicsAXAif60/Customers/xppservice.svc"
SHARED = "{http://schemas.microsoft.com/dynamics/2008/01/sharedtypes}"
CUSTOMER = "{http://schemas.microsoft.com/dynamics/2008/01/documents/Customer}"
JOURNAL = "{http://schemas.microsoft.com/dynamics/2008/01/documents/LedgerGeneralJournal}"


def zipped() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(FOLDER.iterdir()):
            archive.writestr(path.name, path.read_bytes())
    return packed.getvalue()


def read() -> tuple[Metadata, aos.Door]:
    door = aos.Door([])
    return aos.read_metadata(door, [ADDRESS], contract_zip=zipped()), door


def port(service: str) -> aos.Port:
    found, door = read()
    target = Target(address=ADDRESS, port="Customers", service=service, contract=found.fingerprint)
    return aos.open_port(door, target, company="USMF", language="en-us", partition=None, contract_zip=zipped())


def layout(table: str, *columns: str, step: int = 1, **more: object) -> Layout:
    """A layout whose columns are called `Field` or `Field.Part`."""
    made = [{"name": name, "field": name.partition(".")[0], "part": name.partition(".")[2]} for name in columns]
    known = {"step": step, "entity": table, "file": f"{table}.csv", "table": table, "columns": made}
    return Layout.model_validate(known | more)


def writer(service: Service, layout_: Layout) -> documents.Writer:
    return documents.Writer(service, layout_)
