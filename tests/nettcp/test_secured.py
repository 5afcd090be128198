"""Windows credentials over net.tcp: who is shown, by which name, what is encrypted, and what a refusal leads to."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.nettcp.guarded import guarding, logged_on
from tests.nettcp.scripted import ACK, Caller, listening
from tests.nettcp.test_channels import MESSAGE, REPLY, polite
from workers import aos
from workers.aos import nettcp
from workers.errors import GiveUp, Retry, Unsettled


@pytest.fixture(autouse=True)
def _accounts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "accounts").write_text("CONTOSO:loader:secret\n", encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "accounts"))
    (tmp_path / "krb5.conf").write_text("[libdefaults]\ndns_lookup_kdc = false\n", encoding="utf-8")
    monkeypatch.setenv("KRB5_CONFIG", str(tmp_path / "krb5.conf"))  # this computer is in no domain


def channels(password: str = "secret", target: nettcp.TargetName = nettcp.TargetName.AUTO, **changed: float) -> nettcp.Channels:
    credentials = aos.Credentials(user=r"CONTOSO\loader", password=password)
    given = {"connect_timeout_s": 2.0, "max_answer": 2_000_000, **changed}
    return nettcp.Channels(credentials=credentials, target_name=target, **given)  # type: ignore[arg-type]


def post(used: nettcp.Channels, address: str, *, message: bytes = MESSAGE, shown: bool = True, upn: str = "") -> bytes:
    way = nettcp.Way(upn=upn)
    return used.post(address, message, way=way, is_shown=shown, time_limit_s=10, writes=True)


def port_of(address: str) -> int:
    return urlsplit(address).port or 0


@pytest.mark.parametrize("target", [nettcp.TargetName.AUTO, nettcp.TargetName.NTLM])
def test_an_account_is_let_in_and_all_that_follows_is_wrapped(target: nettcp.TargetName):
    seen: list[str] = []
    with listening(polite) as plain, listening(guarding(port_of(plain.address), seen=seen)) as guard:
        used = channels(target=target)
        assert [post(used, guard.address, upn="ax@contoso.example") for _ in range(3)] == [b"<r>ok</r>"] * 3
        assert seen == [r"CONTOSO\loader by ntlm"]
        assert guard.callers == 1
        assert not guard.failures


def test_a_message_of_many_frames_arrives_whole():
    arrived: list[int] = []

    def counting(caller: Caller) -> None:
        caller.preamble()
        caller.say(b"\x0b")
        arrived.append(len(caller.envelope()))
        caller.say(REPLY)

    message = MESSAGE.replace(b"1", b"x" * 300_000)
    with listening(counting) as plain, listening(guarding(port_of(plain.address))) as guard:
        assert post(channels(), guard.address, message=message) == b"<r>ok</r>"
    assert arrived[0] > 300_000


def test_a_wrong_password_is_tried_once_and_then_spared():
    with listening(polite) as plain, listening(guarding(port_of(plain.address))) as guard:
        used = channels("wrong")
        with pytest.raises(GiveUp, match="refuses this worker's account") as first:
            post(used, guard.address)
        assert first.value.code == "RSC-5910"
        assert "wrong" not in first.value.message + first.value.advice
        assert guard.callers == 1  # a domain locks accounts that fail often
        with pytest.raises(GiveUp, match="a short while ago"):
            post(used, guard.address)
        assert guard.callers == 1
        assert plain.callers == 0


def test_an_aos_that_is_not_configured_is_shown_nobody():
    seen: list[bytes] = []

    def nosy(caller: Caller) -> None:
        seen.append(caller.preamble())

    with listening(nosy) as peer, pytest.raises(Retry):
        post(channels(), peer.address, shown=False)
    assert seen[0].endswith(b"\x0c")


def test_a_target_name_that_the_contract_does_not_tell_is_no_target_name():
    with pytest.raises(GiveUp, match="names no account"):
        post(channels(target=nettcp.TargetName.UPN), "net.tcp://127.0.0.1:9/G")


def test_basic_is_nothing_for_net_tcp():
    credentials = aos.Credentials(user="loader", password="secret", authentication=aos.Authentication.BASIC)
    used = nettcp.Channels(credentials=credentials, connect_timeout_s=1, max_answer=1000)
    with pytest.raises(GiveUp, match="Windows accounts only"):
        post(used, "net.tcp://127.0.0.1:9/G")


@pytest.mark.parametrize("target", [nettcp.TargetName.SPN, nettcp.TargetName.UPN])
def test_a_name_that_kerberos_does_not_know_is_not_made_up_for_by_ntlm(target: nettcp.TargetName):
    with listening(polite) as plain, listening(guarding(port_of(plain.address))) as guard:
        with pytest.raises(GiveUp, match=rf"net\.tcp; {target}: ") as told:
            post(channels(target=target), guard.address, upn="ax@contoso.example")
        assert "ntlm:" not in told.value.message
        assert guard.callers == 0


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0x8009030C, "does not take the account, or its password"),
        (0x80090322, "runs under another account"),
        (0x80090324, "more than 5 minutes apart"),
        (0x80004005, "the AOS ended the logon"),
    ],
)
def test_the_code_with_which_the_aos_ends_a_logon_is_read(code: int, words: str):
    def refusing(caller: Caller) -> None:
        caller.preamble()
        caller.say(b"\x0a")
        caller.take(int.from_bytes(caller.take(5)[3:], "big"))
        caller.say(b"\x15\x01\x00\x00\x08" + code.to_bytes(8, "big"))
        caller.take(1)

    with listening(refusing) as peer, pytest.raises(GiveUp, match=words):
        post(channels(target=nettcp.TargetName.NTLM), peer.address)
    assert peer.callers == 1


def test_a_frame_that_was_changed_on_the_way_is_not_believed():
    frames: list[int] = []

    def spoil(wrapped: bytes) -> bytes:
        frames.append(len(wrapped))
        return wrapped if len(frames) == 1 else wrapped[:-1] + bytes([wrapped[-1] ^ 1])  # the first says that all is well

    with (
        listening(polite) as plain,
        listening(guarding(port_of(plain.address), spoil=spoil)) as guard,
        pytest.raises(Unsettled),
    ):
        post(channels(), guard.address)


def test_a_frame_of_four_gigabytes_is_not_waited_for():
    def script(caller: Caller) -> None:
        caller.preamble()
        caller.say(b"\x0a")
        assert logged_on(caller)
        caller.say(b"\xff\xff\xff\xff")
        caller.take(1 << 20)

    with listening(script) as peer, pytest.raises(GiveUp, match=r"4,294,967,295 bytes are announced"):
        post(channels(), peer.address)


def saying(*pieces: bytes):
    """A peer that lets everybody in, and then says these pieces, each in a frame of its own."""

    def script(caller: Caller) -> None:
        caller.preamble()
        caller.say(b"\x0a")
        context = logged_on(caller)
        assert context
        caller.frame()
        for piece in pieces:
            wrapped = context.wrap(piece).data
            caller.say(len(wrapped).to_bytes(4, "little") + wrapped)
        caller.take(1 << 20)

    return script


def test_an_answer_that_is_announced_inside_the_encryption_has_a_ceiling_too():
    """No frame is large, but all of them together would be."""
    with (
        listening(saying(ACK, b"\x06\xff\xff\xff\xff\x07", *[b"x" * 60_000] * 40)) as peer,
        pytest.raises(GiveUp, match=r"2,147,483,647 bytes are announced"),
    ):
        channels().post(peer.address, MESSAGE, way=nettcp.Way(), is_shown=True, time_limit_s=10, writes=False)


def test_a_channel_on_which_more_was_said_than_was_asked_is_replaced():
    """A second answer behind the first, in the same frame, must not be taken for that to the next call."""

    def script(caller: Caller) -> None:
        caller.preamble()
        caller.say(b"\x0a")
        context = logged_on(caller)
        assert context
        for piece in (ACK, REPLY + REPLY.replace(b"ok", b"no")):
            caller.frame()
            wrapped = context.wrap(piece).data
            caller.say(len(wrapped).to_bytes(4, "little") + wrapped)
        caller.take(1 << 20)

    with listening(script) as peer:
        used = channels()
        assert [post(used, peer.address) for _ in range(2)] == [b"<r>ok</r>"] * 2
        assert peer.callers == 2


def test_a_peer_that_dies_in_the_middle_of_a_frame_leaves_a_write_unsettled():
    def script(caller: Caller) -> None:
        caller.preamble()
        caller.say(b"\x0a")
        context = logged_on(caller)
        assert context
        wrapped = context.wrap(ACK).data
        caller.frame()
        caller.say(len(wrapped).to_bytes(4, "little") + wrapped)
        caller.frame()
        wrapped = context.wrap(REPLY).data
        caller.say(len(wrapped).to_bytes(4, "little") + wrapped[:-3])

    with listening(script) as peer, pytest.raises(Unsettled):
        post(channels(), peer.address)
