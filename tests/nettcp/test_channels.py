"""What channels do when the peer dies, is silent, lies about sizes, or was left alone for too long."""

import contextlib
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.aos import mono
from tests.nettcp.scripted import ACK, Caller, listening
from workers.aos import nettcp
from workers.errors import GiveUp, Refusal, Retry, Unsettled, WorkerError

MESSAGE = b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><q>1</q></s:Body></s:Envelope>'
#: <r>ok</r> without strings of a session
_DOCUMENT = b"\x00\x40\x01r\x99\x02ok"
REPLY = b"\x06" + bytes([len(_DOCUMENT)]) + _DOCUMENT
FAULTS = "http://schemas.microsoft.com/ws/2006/05/framing/faults/"


def channels(**changed: float) -> nettcp.Channels:
    given = {"connect_timeout_s": 2.0, "max_answer": 100_000, **changed}
    return nettcp.Channels(credentials=None, **given)  # type: ignore[arg-type]


def post(used: nettcp.Channels, address: str, *, writes: bool = True, limit_s: float = 5.0, streamed: bool = False) -> bytes:
    way = nettcp.Way(streamed=streamed)
    return used.post(address, MESSAGE, way=way, is_shown=False, time_limit_s=limit_s, writes=writes)


def polite(caller: Caller) -> None:
    caller.preamble()
    caller.say(ACK)
    while True:
        caller.envelope()
        caller.say(REPLY)


def after_the_request(reply: bytes):
    def script(caller: Caller) -> None:
        caller.preamble()
        caller.say(ACK)
        caller.envelope()
        caller.say(reply)

    return script


def test_calls_of_a_thread_share_a_channel_and_threads_do_not():
    with listening(polite) as peer:
        used, answers = channels(), []

        def call() -> None:
            answers.extend(post(used, peer.address) for _ in range(3))
            used.close()

        call()
        assert peer.callers == 1
        threads = [threading.Thread(target=call) for _ in range(8)]
        [thread.start() for thread in threads]
        [thread.join(10) for thread in threads]
        assert answers == [b"<r>ok</r>"] * 27
        assert peer.callers == 9


def test_the_preamble_says_what_wcf_says():
    seen: list[bytes] = []

    def script(caller: Caller) -> None:
        seen.append(caller.preamble())
        caller.say(ACK)
        caller.envelope()
        caller.say(REPLY)

    with listening(script) as peer:
        post(channels(), f"{peer.address}?wsdl=8105")
        via = peer.address.encode()
        assert seen == [b"\x00\x01\x00\x01\x02\x02" + bytes([len(via)]) + via + b"\x03\x08\x0c"]


def test_a_channel_that_rested_too_long_is_replaced():
    with listening(polite) as peer:
        used = channels(idle_s=0.0)
        post(used, peer.address)
        post(used, peer.address)
        assert peer.callers == 2


def test_a_channel_that_the_peer_has_closed_is_replaced_before_anything_is_sent():
    """An AOS that restarts between two calls must not leave a write unsettled."""
    gone = threading.Event()

    def once(caller: Caller) -> None:
        after_the_request(REPLY)(caller)
        assert gone.wait(5)

    with listening(once) as peer:
        used = channels()
        post(used, peer.address)
        (channel,) = used._kept().values()
        gone.set()
        while channel.is_usable(idle_s=60):  # until the end of the connection has arrived
            time.sleep(0.001)
        assert post(used, peer.address) == b"<r>ok</r>"
        assert peer.callers == 2


def test_a_channel_on_which_more_was_said_than_was_asked_is_replaced():
    with listening(after_the_request(REPLY + REPLY.replace(b"ok", b"no"))) as peer:
        used = channels()
        assert [post(used, peer.address) for _ in range(2)] == [b"<r>ok</r>"] * 2
        assert peer.callers == 2


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"\x06",
        REPLY[:-1],
        b"\x07",
        b"\x06\xff\xff\xff\xff\x07",
        b"\x06\xff\xff\xff\xff\xff\xff",
        b"\x06\x90\xa1\x0f" + b"\x00" * 300,
        b"\x42",
        b"\x06\x01\xff",
        b"\x06\x03\x00\x01\x01",
        b"\x08\x80",
        b"\x08\x02\xff\xff",
        b"\x05\x02ab",
    ],
)
def test_a_broken_answer_leaves_a_write_unsettled_and_a_reading_call_to_be_made_again(reply: bytes):
    """The peer dies in the middle of a frame, or announces gigabytes, or says what makes no sense."""
    with listening(after_the_request(reply)) as peer:
        used = channels()
        started = time.monotonic()
        with pytest.raises(Unsettled):
            post(used, peer.address)
        with pytest.raises((Retry, GiveUp)) as read:
            post(used, peer.address, writes=False)
        assert not isinstance(read.value, Unsettled)
        assert time.monotonic() < started + 30
        assert peer.callers == 2  # a channel that had an error is not used again


def test_a_peer_that_announces_two_gigabytes_is_believed_nothing():
    with listening(after_the_request(b"\x06\xff\xff\xff\xff\x07")) as peer, pytest.raises(GiveUp, match="more than is read"):
        post(channels(), peer.address, writes=False)


@pytest.mark.parametrize(("writes", "kind"), [(True, Unsettled), (False, Retry)])
def test_a_silent_peer_is_left_at_the_deadline(writes: bool, kind: type[WorkerError]):
    def silent(caller: Caller) -> None:
        caller.preamble()
        caller.say(ACK)
        caller.envelope()
        caller.take(1)

    with listening(silent) as peer, pytest.raises(kind, match=r"within 0\.3 s") as told:
        post(channels(), peer.address, limit_s=0.3, writes=writes)
    assert type(told.value) is kind


def test_a_peer_that_trickles_is_left_at_the_deadline():
    """A deadline is one for the whole call, not one for each byte."""

    def trickling(caller: Caller) -> None:
        caller.preamble()
        caller.say(ACK)
        caller.envelope()
        caller.say(b"\x06\xff\x7f")
        for _ in range(100):
            caller.say(b"\x00")
            time.sleep(0.05)  # the misbehaviour itself

    with listening(trickling) as peer:
        started = time.monotonic()
        with pytest.raises(Unsettled):
            post(channels(), peer.address, limit_s=0.4)
        assert time.monotonic() < started + 2


def test_what_fails_before_the_message_was_sent_did_nothing():
    def deaf(caller: Caller) -> None:
        caller.preamble()

    with listening(deaf) as peer, pytest.raises(Retry) as told:
        post(channels(), peer.address)
    assert not isinstance(told.value, Unsettled)
    with pytest.raises(Retry, match="cannot be reached") as told:
        post(channels(), f"net.tcp://127.0.0.1:{mono.free_port()}/nobody")
    assert not isinstance(told.value, Unsettled)


@pytest.mark.parametrize(
    ("fault", "kind", "word"),
    [
        ("EndpointNotFound", GiveUp, "There is no service"),
        ("ServerTooBusy", Retry, "ServerTooBusy"),
        ("EndpointUnavailable", Retry, "EndpointUnavailable"),
        ("UpgradeInvalid", GiveUp, "UpgradeInvalid"),
        ("ContentTypeInvalid", GiveUp, "ContentTypeInvalid"),
    ],
)
def test_a_fault_of_the_framing_says_what_to_do(fault: str, kind: type[WorkerError], word: str):
    uri = (FAULTS + fault).encode()

    def script(caller: Caller) -> None:
        caller.preamble()
        caller.say(b"\x08" + bytes([len(uri)]) + uri)

    with listening(script) as peer, pytest.raises(kind, match=word) as told:
        post(channels(), peer.address)
    assert type(told.value) is kind
    assert told.value.advice


def test_a_message_that_is_too_large_for_the_aos_is_sent_in_smaller_calls():
    uri = (FAULTS + "MaxMessageSizeExceededFault").encode()
    with listening(after_the_request(b"\x08" + bytes([len(uri)]) + uri)) as peer, pytest.raises(Refusal) as told:
        post(channels(), peer.address)
    assert told.value.too_large


def test_an_answer_in_chunks_is_put_together_and_has_a_ceiling():
    document = _DOCUMENT[1:]

    def chunks(caller: Caller) -> None:
        caller.preamble()
        caller.say(ACK + b"\x05\x03" + document[:3] + bytes([len(document) - 3]) + document[3:] + b"\x00\x07")

    def endless(caller: Caller) -> None:
        caller.preamble()
        caller.say(ACK + b"\x05")
        while True:
            caller.say(b"\xff\x7f" + b"\x40" * 16_383)

    with listening(chunks) as peer:
        used = channels()
        assert [post(used, peer.address, streamed=True) for _ in range(2)] == [b"<r>ok</r>"] * 2
        assert peer.callers == 2  # each streamed call has its connection
    with listening(endless) as peer, pytest.raises(Unsettled, match="more than is read"):
        post(channels(), peer.address, streamed=True)


def test_strings_that_a_peer_announces_are_known_in_later_messages():
    second = b"\x00\x42\x01\x99\x01b"

    def script(caller: Caller) -> None:
        caller.preamble()
        caller.say(ACK)
        caller.envelope()
        caller.say(b"\x06\x0c" + b"\x06\x05names" + b"\x42\x01\x99\x01a")
        caller.envelope()
        caller.say(b"\x06\x06" + second)

    with listening(script) as peer:
        used = channels()
        assert [post(used, peer.address) for _ in range(2)] == [b"<names>a</names>", b"<names>b</names>"]


_HEADS = st.sampled_from([b"", b"\x05", b"\x06", b"\x06\x05\x00", REPLY[:4], REPLY[:-2], b"\x07", b"\x08", b"\x08\x02"])


@settings(max_examples=150, deadline=None)
@given(_HEADS, st.binary(max_size=60), st.booleans())
def test_whatever_a_peer_says_ends_in_an_answer_or_in_one_of_our_errors(head: bytes, rest: bytes, streamed: bool):
    """It says it at once and hangs up, before or after it has taken the message."""

    def script(caller: Caller) -> None:
        caller.preamble()
        caller.say(ACK + head + rest)

    started = time.monotonic()
    with listening(script) as peer, contextlib.suppress(WorkerError):
        assert isinstance(post(channels(), peer.address, streamed=streamed), bytes)
    assert time.monotonic() < started + 30
