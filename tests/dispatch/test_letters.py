"""What the dispatcher takes for a report of a sealed endpoint, and what it sends there."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from connector.dispatch import letters
from connector.dispatch.letters import Letters
from connector.errors import Conflict, NotFound
from connector.ledger import Ledger, endpoints, trust
from connector.wire import codec, keys, routes, sealing
from connector.wire.reports import BatchRef, WorkerAlive
from connector.wire.sealing import Stamp, Way

REF = BatchRef(job="JB-2222", step=1, batch=1)
DISPATCHER, MACHINE, REVOKED, OTHERS = (keys.Private(bytes([n]) * 32) for n in (1, 2, 3, 4))
ALIVE = WorkerAlive(endpoint="A1", worker="w")


class Desk:
    """The letters of a dispatcher with two sealed endpoints and a plain one, over a real ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.letters = ledger, Letters((DISPATCHER,))
        with ledger.write() as db:
            for name in ("A1", "A2", "Plain"):
                endpoints.add(db, endpoints.Endpoint(key=name.lower(), name=name, addresses=("http://aos/x",)))
            for name, key in (("A1", MACHINE), ("A1", REVOKED), ("A2", OTHERS)):
                trust.admit(db, name, key.public, machine="AOS01", at=1.0)
            assert trust.revoke(db, "A1", REVOKED.public.fingerprint, at=2.0)

    def text(self, no=1, *, sender=MACHINE, session="s", report=ALIVE, endpoint="A1") -> bytes:
        stamp = Stamp(way=Way.REPORT, endpoint=endpoint, session=session, no=no)
        return sealing.seal(report, stamp, sender=(sender,), readers=(DISPATCHER.public,)).encode()

    def hears(self, text: bytes, *, on="A1", is_again=False) -> bool:
        with self.ledger.write() as db:
            return self.letters.report(db, routes.report_stream(on), text, is_again=is_again) is not None

    def fails_after(self, text: bytes) -> None:
        with self.ledger.write() as db:
            assert self.letters.report(db, routes.report_stream("A1"), text, is_again=False)
            endpoints.get(db, "nobody")

    def refused(self, endpoint="A1") -> dict[str, int]:
        with self.ledger.read() as db:
            return {each.why: each.count for each in trust.refused(db, endpoint)}


@pytest.fixture
def desk(ledger_url):
    ledger = Ledger(ledger_url)
    yield Desk(ledger)
    ledger.close()


def test_a_report_is_heard_once(desk) -> None:
    text = desk.text()
    assert desk.hears(text)
    assert not desk.hears(text)
    assert desk.refused() == {"repeated": 1}


def test_what_the_stream_hands_out_again_is_no_replay_and_is_not_heard_twice(desk) -> None:
    text = desk.text()
    assert desk.hears(text, is_again=True)
    assert not desk.hears(text, is_again=True)
    assert desk.refused() == {}


def test_reports_of_a_session_count_in_their_order_and_sessions_apart(desk) -> None:
    assert desk.hears(desk.text(5))
    assert not desk.hears(desk.text(4))
    assert desk.hears(desk.text(6))
    assert desk.hears(desk.text(4, session="other"))
    assert desk.refused() == {"repeated": 1}


def test_a_number_that_was_rolled_back_was_not_heard(desk) -> None:
    text = desk.text()
    with pytest.raises(NotFound):
        desk.fails_after(text)
    assert desk.hears(text)


def test_a_plain_report_to_a_sealed_endpoint_is_refused(desk) -> None:
    plain = codec.encode(ALIVE).encode()
    assert not desk.hears(plain)
    assert not desk.hears(b"rubbish")
    assert desk.refused() == {"plain": 2}


def test_a_plain_endpoint_is_heard_as_before(desk) -> None:
    plain = codec.encode(ALIVE.model_copy(update={"endpoint": "Plain"})).encode()
    assert desk.hears(plain, on="Plain")
    assert desk.hears(plain, on="Plain")
    with pytest.raises(codec.WireError):
        desk.hears(b"rubbish", on="Plain")


def test_neither_a_revoked_key_nor_anothers_counts(desk) -> None:
    assert not desk.hears(desk.text(sender=REVOKED))
    assert not desk.hears(desk.text(sender=OTHERS))
    assert desk.refused() == {"forged": 2}


def test_a_report_counts_on_its_own_stream_and_for_its_own_endpoint(desk) -> None:
    assert not desk.hears(desk.text(sender=OTHERS, endpoint="A2"))
    for_another = ALIVE.model_copy(update={"endpoint": "A2"})
    assert not desk.hears(desk.text(report=for_another))
    assert desk.refused() == {"forged": 1, "misdirected": 1}


def written(desk, monkeypatch, *, by: timedelta) -> bytes:
    """A report of a computer whose clock is off."""

    class Other(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(UTC) + by

    monkeypatch.setattr(sealing, "datetime", Other)
    text = desk.text()
    monkeypatch.undo()
    return text


def test_what_is_older_than_any_session_that_is_remembered_is_refused(desk, monkeypatch) -> None:
    assert not desk.hears(written(desk, monkeypatch, by=timedelta(days=-95)))
    assert desk.refused() == {"repeated": 1}


@pytest.mark.parametrize("hours", [-25, -1, 1, 25])
def test_a_machine_whose_clock_is_off_is_heard_once(desk, monkeypatch, hours) -> None:
    text = written(desk, monkeypatch, by=timedelta(hours=hours))
    assert desk.hears(text)
    assert not desk.hears(text)


def test_sessions_are_forgotten_after_a_long_time(desk) -> None:
    desk.hears(desk.text(5))
    with desk.ledger.write() as db:
        trust.forget_sessions(db, now=time.time() + 99 * 86400)
        assert trust.heard(db, "A1", "s") == 5
        assert trust.last_heard(db, "A1", MACHINE.public.fingerprint) == pytest.approx(time.time(), abs=60)
        trust.forget_sessions(db, now=time.time() + 101 * 86400)
        assert trust.heard(db, "A1", "s") == 0


def test_orders_are_sealed_for_the_keys_that_count(desk) -> None:
    with desk.ledger.read() as db:
        readers = trust.readers(db, "A1")
        assert trust.readers(db, "Plain") is None
    assert readers == (MACHINE.public,)
    text = desk.letters.order(ALIVE, endpoint="a1", ref=REF, readers=readers)
    head = sealing.head_of(text)
    assert head is not None
    assert set(head.keys) == {MACHINE.public.fingerprint}
    assert sealing.head_of(desk.letters.order(ALIVE, endpoint="plain", ref=REF, readers=None)) is None


def test_who_is_sent_nothing(desk) -> None:
    with desk.ledger.write() as db:
        trust.revoke(db, "A2", OTHERS.public.fingerprint, at=3.0)
        a1, a2, plain = (endpoints.get(db, name) for name in ("A1", "A2", "Plain"))
        told = {each.name: desk.letters.barred(each, trust.readers(db, each.key)) for each in (a1, a2, plain)}
        strict = Letters((DISPATCHER,), sealed_only=True)
        assert "RAPIDSTART_SEALED_ONLY" in strict.barred(plain, None)
        assert strict.barred(a1, (MACHINE.public,)) == ""
        assert "has no key" in Letters().barred(a1, (MACHINE.public,))
    assert told["A1"] == told["Plain"] == ""
    assert "all keys of A2 are revoked" in told["A2"]


def test_an_endpoint_that_is_added_anew_after_its_removal_is_another_one(desk) -> None:
    desk.hears(b"rubbish")
    with desk.ledger.write() as db:
        endpoints.remove(db, "a1")
        assert trust.readers(db, "a1") is None
        assert trust.refused(db, "a1") == []


def test_a_dispatcher_keeps_its_key_and_never_replaces_one_that_is_relied_on(desk, tmp_path) -> None:
    made = letters.open_letters(tmp_path, desk.ledger)
    assert letters.open_letters(tmp_path, desk.ledger).public == made.public
    new = keys.rotate(tmp_path / letters.FILE)
    assert letters.open_letters(tmp_path, desk.ledger).public == new
    other = tmp_path / "other"
    with pytest.raises(Conflict, match=new.fingerprint):
        letters.open_letters(other, desk.ledger)
    keys.save(other / letters.FILE, (keys.generate(),))
    with pytest.raises(Conflict, match=new.fingerprint):
        letters.open_letters(other, desk.ledger)
    assert len(keys.load(other / letters.FILE)) == 1
