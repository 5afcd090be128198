"""A document service with an operation of its own beside those of its document: records and calls side by side."""

from pathlib import Path

from connector.plan import make
from connector.plan.mapping import parse
from connector.wire import codec
from connector.wire.codec import Row
from connector.wire.jobs import WORK, Blank, Mode
from connector.wire.metadata import Metadata
from connector.wire.reports import BatchRef
from tests.load.conftest import TABLES, Aos, Dispatcher, running
from tests.plan.conftest import make_action, make_package
from workers import aos
from workers.load import services, tables
from workers.simulator import definition, generate

MAPPING = '[table.Years]\ntarget = "CustGroupService.closeYear"\nfields = { "Size" = "DocumentPaging.PageSize" }'


def published(folder: Path) -> Path:
    """The contract of a generated port, on which getChangedKeys goes by another name: nobody knows what it does."""
    for name, content in generate.contract_files(definition.from_toml(TABLES)).items():
        (folder / name).write_bytes(
            content.replace(b"etChangedKeys", b"loseYear").replace(b"GloseYear", b"CloseYear").replace(b"gloseYear", b"closeYear")
        )
    return folder


def carried_out(ax: Aos, door: aos.Door, step, rows: list[list[str]]):
    message = WORK[step.kind](
        endpoint="AOSTEST",
        ref=BatchRef(job="j1", step=step.no, batch=1),
        company="USMF",
        target=step.target,
        layout=step.layout,
        rows=codec.to_text(codec.pack_rows([Row(number, row) for number, row in enumerate(rows, 2)])),
        **step.options,
    )
    port = aos.open_port(door, step.target, company="USMF", language="en-us", partition=None)
    run = tables.run if step.kind == "load.tables" else services.run
    return run(message, port=port, ask=Dispatcher()).outcomes


def test_records_are_written_and_the_operation_is_called(tmp_path: Path) -> None:
    groups, years = [["10", "Ten"]], [["2026-01-31T00:00:00Z", "5"], ["2027-01-31T00:00:00Z", "many"]]
    with running("--contract", str(published(tmp_path)), "--key", "CustGroup=CustGroup", "--company", "USMF") as ax:
        address = f"{ax.url}/MicrosoftDynamicsAXAif60/RapidStart/xppservice.svc"
        door = aos.Door([ax.url])
        found: Metadata = aos.read_metadata(door, [address])
        package = make_package(
            make_action("CustGroup", "CustGroup,Name", *groups), make_action("Years", "Changed date time,Size", *years)
        )
        first, second = make(package, found, mapping=parse(MAPPING, "m"), mode=Mode.UPSERT, blank=Blank.KEEP).steps
        assert (first.kind, first.rank, second.kind, second.rank) == ("load.tables", 1, "load.services", 2)
        assert carried_out(ax, door, first, groups).letters == "c"
        outcomes = carried_out(ax, door, second, years)
        assert outcomes.letters == "uf"
        assert outcomes.problems[0].field == "DocumentPaging.PageSize"
        assert len(ax.records("CustGroup")) == 1
        assert ax.records("closeYear") == [{"DocumentPaging.PageSize": "5", "_changedDateTime": years[0][0]}]
