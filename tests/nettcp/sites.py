"""An AOS with a document service of WCF beside its own services, and what a worker's task does and tells there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.wire import codec
from connector.wire.codec import Row
from connector.wire.jobs import Column, Grant, Layout, LoadTables, Target
from connector.wire.reports import BatchRef, Report
from tests.aos.conformance.targets import CONTRACT, over_net_tcp
from workers import tasks


@dataclass
class Home:
    """What a worker's reports reach: every intent is granted."""

    endpoint: str = "AOSTEST"
    told: list[Report] = field(default_factory=list)

    def sender(self) -> dict[str, Any]:
        return {"endpoint": self.endpoint, "worker": "w"}

    def tell(self, report: Report) -> None:
        self.told.append(report)

    def ask(self, question: Report, _: object) -> Grant:
        self.told.append(question)
        return Grant(granted=True)


@dataclass(frozen=True, kw_only=True)
class Site:
    """An AOS with a document service beside its own."""

    address: str
    home: Home
    bench: tasks.Bench

    def load(self, job: str, *names: str, mode: str = "create") -> list[Report]:
        """Loads schedules of these names, as a worker's task does; what it told."""
        return self.load_rows(job, ["Name"], [[name] for name in names], mode=mode)

    def load_rows(self, job: str, fields: Sequence[str], rows: Sequence[list[str | None]], **more: Any) -> list[Report]:
        """The same with these fields."""
        contract = over_net_tcp(CONTRACT)
        (read,) = self.bench.door.contracts([self.address], contract_zip=contract)
        place = Target(address=self.address, port="p", service="PaymSchedService", contract=read.fingerprint)
        layout = Layout(
            step=1,
            entity="E",
            file="f",
            table="PaymSched",
            columns=tuple(Column(name=name, field=name) for name in fields),
            key=("Name",),
        )
        packed = codec.to_text(codec.pack_rows([Row(number, cells) for number, cells in enumerate(rows, 2)]))
        ref = BatchRef(job=job, step=1, batch=1)
        work = LoadTables(endpoint="AOSTEST", ref=ref, company="USMF", target=place, layout=layout, rows=packed, **more)
        self.home.told.clear()
        tasks._load_tables(self.bench, work)
        return list(self.home.told)
