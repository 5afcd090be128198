"""Kerberos and NTLM against Microsoft's own NegotiateStream, in a domain of MIT's KDC."""

import contextlib
import io
import socket
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import kdc
from tests.aos import mono
from tests.aos.conformance.targets import CONTRACT, OURS, Target, create, over_net_tcp
from tests.nettcp import negotiatestream
from tests.nettcp.scripted import ACK, Caller, Peer, listening
from tests.nettcp.test_channels import MESSAGE, REPLY, polite
from workers import aos
from workers.aos import nettcp
from workers.aos.nettcp import encoding
from workers.errors import GiveUp

pytest.importorskip("gssapi", reason="the package gssapi is not installed here (pip install gssapi krb5)")

SPN, UPN, NTLM, AUTO = (nettcp.TargetName(name) for name in ("spn", "upn", "ntlm", "auto"))
ACCOUNT = f"axservice@{kdc.REALM}"
USER = f"loader@{kdc.REALM}"
PASSWORD = "Se cret+1"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return negotiatestream.compiled(tmp_path_factory.mktemp("acceptor"))
    except negotiatestream.NotInstalled as missing:
        pytest.skip(str(missing))


@contextmanager
def running(folder: Path, monkeypatch: pytest.MonkeyPatch, *, ahead_s: int = 0) -> Iterator[kdc.Domain]:
    """A domain with one account that loads, which this process finds; no AOS is known in it yet."""
    try:
        with kdc.running(folder, ahead_s=ahead_s) as started:
            started.account("loader", PASSWORD)
            for name, value in started.environment.items():
                monkeypatch.setenv(name, value)
            yield started
    except kdc.NotInstalled as missing:
        pytest.skip(str(missing))


@pytest.fixture
def domain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[kdc.Domain]:
    with running(tmp_path, monkeypatch) as started:
        yield started


@pytest.fixture
def guard(program: Path, domain: kdc.Domain, tmp_path: Path) -> Iterator[Callable[[Peer], negotiatestream.Acceptor]]:
    """Puts NegotiateStream before a peer. NTLM knows the account too."""
    accounts = tmp_path / "accounts"
    accounts.write_text(f"CONTOSO:loader:{PASSWORD}\n:{USER}:{PASSWORD}\n", encoding="utf-8")
    given = domain.environment | {"NTLM_USER_FILE": str(accounts)}
    with ExitStack() as running:
        yield lambda peer: running.enter_context(negotiatestream.running(program, port_of(peer.address), given))


@pytest.fixture
def peer() -> Iterator[Peer]:
    with listening(polite) as found:
        yield found


def channels(target: nettcp.TargetName = AUTO, *, user: str | None = USER, password: str | None = PASSWORD) -> nettcp.Channels:
    credentials = aos.Credentials(user=user, password=password)
    return nettcp.Channels(credentials=credentials, connect_timeout_s=10, max_answer=2_000_000, target_name=target)


def post(used: nettcp.Channels, address: str, *, message: bytes = MESSAGE, upn: str = ACCOUNT) -> bytes:
    return used.post(address, message, way=nettcp.Way(upn=upn), is_shown=True, time_limit_s=30, writes=True)


def greet(used: nettcp.Channels, address: str) -> str:
    return used.greet(address, way=nettcp.Way(upn=ACCOUNT), is_shown=True, time_limit_s=30)


def port_of(address: str) -> int:
    return urlsplit(address).port or 0


def overhearing(port: int, heard: bytearray):
    """The script of somebody between a caller and a port of this computer, who keeps all that passes."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                heard.extend(data)
                sink.sendall(data)

    def script(caller: Caller) -> None:
        with socket.create_connection(("127.0.0.1", port)) as behind:
            threading.Thread(target=pump, args=(behind, caller.socket), daemon=True).start()
            pump(caller.socket, behind)

    return script


def let_in(acceptor: negotiatestream.Acceptor) -> str:
    """Who was let in first, in the words of .NET (which calls NTLM Kerberos too, but by another form of the name)."""
    lines: list[str] = []
    while not (found := [line for line in lines if line.startswith("LET IN")]):
        lines = acceptor.said(len(lines) + 1)
    return found[0].removeprefix("LET IN ")


@pytest.mark.parametrize(
    ("target", "known", "way", "before"),
    [
        (SPN, f"host/{kdc.HOST}", "Kerberos (target name: spn)", ()),
        (UPN, "axservice", "Kerberos (target name: upn)", ()),
        (NTLM, "", "NTLM (target name: ntlm)", ()),
        (AUTO, f"host/{kdc.HOST}", "Kerberos (target name: spn)", ()),
        (AUTO, "axservice", "Kerberos (target name: upn)", (f"spn: Server host/{kdc.HOST}@{kdc.REALM} not found",)),
        (AUTO, "", "NTLM (target name: ntlm)", (f"spn: Server host/{kdc.HOST}@", f"upn: Server {ACCOUNT} not found")),
    ],
)
def test_an_account_is_let_in_by_each_name(domain, guard, peer, target, known, way, before):
    domain.service(*([known] if known else []))
    acceptor, used = guard(peer), channels(target, user=r"CONTOSO\loader" if target is NTLM else USER)
    assert [post(used, acceptor.address) for _ in range(2)] == [b"<r>ok</r>"] * 2
    assert peer.callers == 1  # the name that worked is remembered, and the channel kept
    name = USER if "Kerberos" in way else "loader" if target is AUTO else r"CONTOSO\loader"
    assert name in let_in(acceptor)
    assert let_in(acceptor).endswith("encrypted signed")
    told = greet(used, acceptor.address)
    assert f"lets this worker's account in by {way}" in told
    assert all(reason in told for reason in before)
    assert bool(before) == ("Before:" in told)


def test_the_tickets_of_the_process_do_without_a_password(domain, guard, peer):
    domain.service(f"host/{kdc.HOST}")
    domain.log_on("loader", PASSWORD)
    acceptor = guard(peer)
    assert post(channels(SPN, user=None, password=None), acceptor.address) == b"<r>ok</r>"
    assert USER in let_in(acceptor)


@pytest.mark.parametrize(
    ("target", "changed", "reason"),
    [
        (AUTO, {"password": "wrong"}, "spn: the domain does not take the password"),
        (SPN, {"user": f"nobody@{kdc.REALM}"}, f"spn: Client 'nobody@{kdc.REALM}' not found in Kerberos database"),
        (SPN, {"user": r"FABRIKAM\loader"}, 'spn: Cannot find KDC for realm "FABRIKAM"'),
        (SPN, {"user": None, "password": None}, "spn: No Kerberos credentials available"),
        (UPN, {}, f"upn: Server {ACCOUNT} not found in Kerberos database"),
        (NTLM, {"password": "wrong"}, "ntlm: "),
    ],
)
def test_a_refusal_says_why_and_spares_the_account(domain, guard, peer, target, changed, reason):
    domain.service(f"host/{kdc.HOST}")
    acceptor, used = guard(peer), channels(target, **changed)
    with pytest.raises(GiveUp) as told:
        post(used, acceptor.address)
    assert told.value.code == "RSC-5910"
    assert reason in told.value.message
    assert told.value.message.count(": ") <= 4  # one reason, not those of names that were tried in vain after it
    assert "wrong" not in told.value.message + told.value.advice
    with pytest.raises(GiveUp, match="a short while ago"):
        post(used, acceptor.address)
    assert peer.callers == 0


def test_a_wrong_password_is_shown_to_the_domain_once(domain, guard, peer):
    """Domains count failures, and lock accounts: no other name is tried, and NTLM neither."""
    domain.service(f"host/{kdc.HOST}", "axservice")
    with pytest.raises(GiveUp):
        post(channels(password="wrong"), guard(peer).address)
    assert domain.refusals() == 1


def test_nothing_of_a_message_can_be_read_on_the_way(domain, guard):
    domain.service(f"host/{kdc.HOST}")
    message = MESSAGE.replace(b"1", "Überweisung-Наименование".encode() * 20_000)  # many frames
    arrived: list[bytes] = []

    def keeping(caller: Caller) -> None:
        caller.preamble()
        caller.say(ACK)
        arrived.append(caller.envelope())
        caller.say(REPLY)

    with listening(keeping) as plain:
        acceptor = guard(plain)
        with listening(overhearing(acceptor.port, heard := bytearray())) as between:
            address = between.address.replace("127.0.0.1", "localhost")
            assert post(channels(SPN), address, message=message) == b"<r>ok</r>"
    assert len(arrived[0]) > 600_000
    assert len(heard) > 600_000
    assert arrived[0].count("Überweisung".encode()) == 20_000
    for word in ("Überweisung", "Наименование", "Envelope", PASSWORD):
        assert word.encode() not in heard
        assert word.encode("utf-16-le") not in heard


def test_an_answer_of_many_frames_comes_whole(domain, guard):
    domain.service(f"host/{kdc.HOST}")
    size = 1_000_000

    def long(caller: Caller) -> None:
        caller.preamble()
        caller.say(ACK)
        caller.envelope()
        body = b"\x40\x01r\x9d" + size.to_bytes(4, "little") + b"x" * size
        caller.say(b"\x06" + encoding.borrowed.number(len(body) + 1) + b"\0" + body)

    with listening(long) as plain:
        assert post(channels(SPN), guard(plain).address) == b"<r>" + b"x" * size + b"</r>"


def test_each_of_several_threads_logs_on_for_itself(domain, guard, peer):
    domain.service(f"host/{kdc.HOST}")
    acceptor, used, answers = guard(peer), channels(SPN), []

    def call() -> None:
        answers.extend(post(used, acceptor.address) for _ in range(5))
        used.close()

    threads = [threading.Thread(target=call) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join(60) for thread in threads]
    assert answers == [b"<r>ok</r>"] * 40
    assert peer.callers == 8
    assert len([line for line in acceptor.said(8) if USER in line]) == 8


def test_a_channel_whose_ticket_ran_out_is_replaced_before_anything_is_sent(domain, guard, peer):
    domain.account("brief", PASSWORD, life_s=3)
    domain.service(f"host/{kdc.HOST}")
    acceptor, used = guard(peer), channels(SPN, user=f"brief@{kdc.REALM}")
    assert post(used, acceptor.address) == b"<r>ok</r>"
    (channel,) = used._kept().values()
    assert channel.logon is not None
    until = time.monotonic() + 60
    while channel.logon.lasts_s > 0:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert post(used, acceptor.address) == b"<r>ok</r>"
    assert peer.callers == 2


def test_tickets_that_ran_out_are_told(domain, guard, peer):
    domain.account("brief", PASSWORD, life_s=1)
    domain.service(f"host/{kdc.HOST}")
    domain.log_on("brief", PASSWORD)
    until = time.monotonic() + 60
    while domain.has_tickets():
        assert time.monotonic() < until
        time.sleep(0.05)
    with pytest.raises(GiveUp, match=r"spn: the Kerberos tickets of this process have run out"):
        post(channels(SPN, user=None, password=None), guard(peer).address)


@pytest.mark.parametrize("is_followed", [True, False])
def test_clocks_that_are_too_far_apart_are_named(program, peer, tmp_path, monkeypatch, is_followed):
    """The domain's clock runs ahead of this computer's and the AOS'. MIT's library may follow it: then the AOS refuses."""
    with running(tmp_path, monkeypatch, ahead_s=3600) as skewed:
        skewed.service(f"host/{kdc.HOST}")
        if not is_followed:
            skewed.follow_no_clock()
        with (
            negotiatestream.running(program, port_of(peer.address), skewed.environment) as acceptor,
            pytest.raises(GiveUp, match=r"spn: .*clock.*more than 5 minutes") as told,
        ):
            post(channels(SPN), acceptor.address)
    assert ("the AOS ended the logon" in told.value.message) == is_followed


def test_an_endpoint_is_tested_by_the_account_that_its_contract_names(domain, guard, peer):
    domain.service("axservice")
    target = _behind(guard(peer))
    checks = {check.name: check for check in aos.check(target.door, [target.address], aos.Scope(contract_zip=told()))}
    assert checks["net.tcp"].ok, checks
    assert "by Kerberos (target name: upn)" in checks["net.tcp"].detail


@pytest.mark.slow
@pytest.mark.parametrize("streamed", [False, True])
def test_a_load_by_kerberos_reaches_wcf(domain, program, tmp_path, streamed):
    """The AOS is known by its account alone, which its contract tells. A streamed call logs on for itself."""
    domain.service("axservice")
    sources = [mono.PEERS / f"{name}.cs" for name in ("Messages", "Schedules", "Records", "Faults", "Host")]
    tcp = [mono.free_port(), mono.free_port()]
    host = mono.compiled("Host", *sources, folder=tmp_path)
    with (
        mono.running(host, str(CONTRACT), *map(str, tcp)),
        negotiatestream.running(program, tcp[streamed], domain.environment) as acceptor,
    ):
        target = _behind(acceptor, streamed=streamed)
        port, keys = target.open(), target.keys(400)
        rows = {key: f"Überweisung Наименование {key}" for key in keys}
        made = create(target, port, [{OURS.key: key, OURS.text: text} for key, text in rows.items()])
        assert {found.values[OURS.key]: found.values[OURS.text] for found in port.read(made)} == rows
        assert USER in let_in(acceptor)


def told(*, streamed: bool = False) -> bytes:
    """The contract over net.tcp, with the account of the AOS as AX tells it."""
    identity = "http://schemas.xmlsoap.org/ws/2006/02/addressingidentity"
    upn = f'<i:Identity xmlns:i="{identity}"><i:Upn>{ACCOUNT}</i:Upn></i:Identity></wsdl:port>'
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(over_net_tcp(CONTRACT, streamed=streamed))) as plain, zipfile.ZipFile(packed, "w") as archive:
        for name in plain.namelist():
            archive.writestr(name, plain.read(name).decode().replace("</wsdl:port>", upn))
    return packed.getvalue()


def _behind(acceptor: negotiatestream.Acceptor, *, streamed: bool = False) -> Target:
    address = f"net.tcp://localhost:{acceptor.port}/DynamicsAx/Services/PaymentSchedules"
    credentials = aos.Credentials(user=USER, password=PASSWORD)
    return Target(
        kind="wcf net.tcp",
        address=address,
        company="USMF",
        subject=OURS,
        door=aos.Door([address], credentials=credentials, target_name=UPN),
        credentials=credentials,
        contract_zip=told(streamed=streamed),
    )
