"""AX's own services as WCF hosts them on Mono, behind one port as an AOS has them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.aos import mono
from tests.aos.conformance.targets import CONTRACT
from tests.nettcp.fronting import front
from tests.nettcp.sites import Home, Site
from workers import aos, tasks
from workers.exchange import Exchange


@dataclass(frozen=True, kw_only=True)
class Systems:
    """A pretended AOS' own services; what they know are files in `folder`."""

    folder: Path
    origin: str
    behind: Mapping[str, int]
    """their own ports, by name"""

    @property
    def address(self) -> str:
        """A port of that AOS, beside which the services lie."""
        return f"{self.origin}/DynamicsAx/Services/RapidStart"

    def table(self, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[str | None]]) -> None:
        """Gives it a table: columns with their .NET types, rows of texts. None is null."""
        lines = ["\t".join(f"{column}:{kind}" for column, kind in columns.items())]
        lines += ["\t".join("\\N" if text is None else text for text in row) for row in rows]
        (self.folder / f"{name}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def answers(self, operation: str, body: str) -> None:
        """Lets an operation answer with this element."""
        (self.folder / f"{operation}.xml").write_text(body, encoding="utf-8")

    def refuses(self, operation: str, reason: str) -> None:
        """Lets an operation end in a fault."""
        (self.folder / f"{operation}.fault").write_text(reason, encoding="utf-8")

    @property
    def calls(self) -> list[tuple[str, str]]:
        """What was asked: operation and request element."""
        return [(name, request) for name, _, request in self._logged()]

    def header(self, operation: str) -> str:
        """The CallContext that an operation was called with last; "" where it had none."""
        return [context for name, context, _ in self._logged() if name == operation][-1]

    def _logged(self) -> list[list[str]]:
        log = self.folder / "calls.log"
        return [line.split("\t") for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []


@pytest.fixture(scope="session")
def systems_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return mono.compiled("Queries", mono.PEERS / "Queries.cs", folder=tmp_path_factory.mktemp("systems"))
    except mono.NotInstalled as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def _running(systems_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Systems]:
    folder = tmp_path_factory.mktemp("known")
    with ExitStack() as stack:
        zone = stack.enter_context(pytest.MonkeyPatch.context())
        zone.setenv("TZ", "Asia/Tokyo")  # .NET adds the zone of its computer to times that have none
        buffered = mono.free_port()
        streamed = stack.enter_context(mono.running(systems_program, str(buffered), str(folder)))
        behind = {"QueryService": streamed, "UserSessionService": buffered}
        yield Systems(folder=folder, origin=stack.enter_context(front(behind)), behind=behind)


@pytest.fixture
def systems(_running: Systems) -> Systems:
    """The services, which know nothing yet."""
    for file in _running.folder.iterdir():
        file.unlink()
    return _running


@pytest.fixture(scope="session")
def schedules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A document service of WCF on net.tcp; its port."""
    sources = [mono.PEERS / f"{name}.cs" for name in ("Messages", "Schedules", "Records", "Faults", "Host")]
    try:
        program: Path = mono.compiled("Host", *sources, folder=tmp_path_factory.mktemp("schedules"))
    except mono.NotInstalled as missing:
        pytest.skip(str(missing))
    tcp = mono.free_port()
    with mono.running(program, str(CONTRACT), str(tcp)):
        yield tcp


@pytest.fixture
def site(systems: Systems, schedules: int) -> Iterator[Site]:
    with ExitStack() as stack:
        origin = stack.enter_context(front({**systems.behind, "PaymentSchedules": schedules}))
        home, door = Home(), aos.Door()
        stack.callback(door.transport.close)
        bench = tasks.Bench(door=door, exchange=Exchange(), reporter=home)  # type: ignore[arg-type]
        yield Site(address=f"{origin}/DynamicsAx/Services/PaymentSchedules", home=home, bench=bench)
