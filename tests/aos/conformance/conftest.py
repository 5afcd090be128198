"""The targets of the conformance cases: the simulator, WCF on Mono (HTTP, net.tcp), a real AOS where AOS_URL names one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.aos import mono
from tests.aos.conformance.targets import CONTRACT, OURS, REAL, Target, delete, over_net_tcp, real, zipped
from tests.load.conftest import running
from workers import aos

_PATH = "MicrosoftDynamicsAXAif60/PaymentSchedules/xppservice.svc"


@pytest.fixture(scope="session")
def simulated() -> Iterator[Target]:
    with running("--contract", str(CONTRACT), "--key", "PaymSched=Name", "--company", "USMF", "--company", "DEMF") as ax:
        yield Target(kind="simulator", address=f"{ax.url}/{_PATH}", company="USMF", subject=OURS, door=aos.Door([ax.url]))


@pytest.fixture(scope="session")
def wcf_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sources = [mono.PEERS / f"{name}.cs" for name in ("Messages", "Schedules", "Records", "Faults", "Host")]
    try:
        return mono.compiled("Host", *sources, folder=tmp_path_factory.mktemp("wcf"))
    except mono.NotInstalled as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def wcf(wcf_program: Path) -> Iterator[Target]:
    with mono.running(wcf_program, str(CONTRACT)) as port:
        url = f"http://127.0.0.1:{port}"
        contract = zipped(CONTRACT)  # Mono's own WSDL is of no use for such messages
        yield Target(
            kind="wcf", address=f"{url}/{_PATH}", company="USMF", subject=OURS, door=aos.Door([url]), contract_zip=contract
        )


@pytest.fixture(scope="session")
def wcf_tcp(wcf_program: Path) -> Iterator[Target]:
    with _over_tcp(wcf_program, streamed=False) as target:
        yield target


@pytest.fixture(scope="session")
def wcf_streamed(wcf_program: Path) -> Iterator[Target]:
    with _over_tcp(wcf_program, streamed=True) as target:
        yield target


@contextmanager
def _over_tcp(program: Path, *, streamed: bool) -> Iterator[Target]:
    ports = [mono.free_port(), mono.free_port()]
    with mono.running(program, str(CONTRACT), *map(str, ports)):
        url = f"net.tcp://127.0.0.1:{ports[streamed]}"
        yield Target(
            kind="wcf net.tcp streamed" if streamed else "wcf net.tcp",
            address=f"{url}/DynamicsAx/Services/PaymentSchedules",
            company="USMF",
            subject=OURS,
            door=aos.Door([url]),
            contract_zip=over_net_tcp(CONTRACT, streamed=streamed),
        )


@pytest.fixture(scope="session")
def real_aos() -> Target:
    return real()


@pytest.fixture(params=["simulated", "wcf", "wcf_tcp", "wcf_streamed", *(["real_aos"] if REAL in os.environ else [])])
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """What a case speaks to. What it created on a real AOS is deleted again."""
    found: Target = request.getfixturevalue(request.param)
    yield found
    if found.kind == "aos":
        port = found.open()
        for keys in found.issued:
            if left := port.find_keys(found.between(keys)):
                delete(port, left)
    found.issued.clear()


@pytest.fixture
def port(target: Target) -> aos.Port:
    """The service, open for the company that is tried."""
    return target.open()
