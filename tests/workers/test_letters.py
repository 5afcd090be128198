"""What a worker with keys takes for an order or an answer, and what it refuses."""

from pathlib import Path

import pytest

from connector.wire import codec, keys, sealing
from connector.wire.jobs import Grant, SurveyConnection
from connector.wire.reports import REPORTS, BatchRef, LeaveWanted
from connector.wire.sealing import Sealed, Stamp, Unsealable, Way, Why
from workers import letters
from workers.errors import GiveUp

REF = BatchRef(job="JB-2222", step=1, batch=1)
TASK = {"task": "survey.connection", "task_id": "JB-2222.1.1.1"}
ORDER = SurveyConnection(endpoint="A1", ref=REF, addresses=("http://aos/x",))


class Parties:
    """A dispatcher's ring, and a machine of A1 that trusts its first key."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ring = folder, [keys.generate()]
        self.machine = letters.trust(folder, dispatcher=self.ring[0].public.text)
        self.worker = letters.open_letters(folder, endpoint="A1")

    def order(self, **stamp) -> str:
        said = {"way": Way.ORDER, "endpoint": "A1", "ref": REF} | stamp
        return sealing.seal(ORDER, Stamp(**said), sender=self.ring, readers=(self.machine,))

    def answer(self, question: str) -> bytes:
        stamp = Stamp(way=Way.ANSWER, endpoint="A1", question=question)
        return sealing.seal(Grant(granted=True), stamp, sender=self.ring, readers=(self.machine,)).encode()

    def takes(self, text: object, **task) -> codec.Message:
        return self.worker.order(text, **(TASK | task))

    def refuses(self, text: object, **task) -> Why:
        with pytest.raises(Unsealable) as refused:
            self.takes(text, **task)
        return refused.value.why


@pytest.fixture
def parties(tmp_path: Path) -> Parties:
    return Parties(tmp_path / "a1")


def test_a_computer_without_a_key_speaks_plain(tmp_path: Path) -> None:
    plain = letters.open_letters(tmp_path, endpoint="A1")
    assert not plain.is_sealed
    assert plain.order(codec.encode(ORDER), **TASK).ref == REF
    assert plain.ref("rubbish") is None


def test_an_order_of_the_dispatcher_is_taken(parties: Parties) -> None:
    assert parties.takes(parties.order()).addresses == ORDER.addresses
    assert parties.worker.ref(parties.order()) == REF


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", 7, None, ["x"], codec.encode(ORDER)])
def test_what_is_not_sealed_is_refused(parties: Parties, text: object) -> None:
    assert parties.refuses(text) is Why.PLAIN


def test_an_order_is_for_its_task_its_attempt_and_its_endpoint_alone(parties: Parties) -> None:
    assert parties.refuses(parties.order(), task="load.tables") is Why.MISDIRECTED
    assert parties.refuses(parties.order(), task_id="JB-2222.1.1.2") is Why.MISDIRECTED
    assert parties.refuses(parties.order(ref=None)) is Why.MISDIRECTED
    assert parties.refuses(parties.order(endpoint="A2")) is Why.MISDIRECTED
    assert parties.refuses(parties.order(way=Way.ANSWER)) is Why.MISDIRECTED


def test_a_genuine_order_of_a_kind_that_is_not_known_is_not_called_forged(parties: Parties, monkeypatch) -> None:
    monkeypatch.setattr(SurveyConnection, "KIND", "survey.newer")
    text = parties.order()
    with pytest.raises(codec.WireError, match=r"survey\.newer") as error:
        parties.takes(text, task="survey.newer")
    assert not isinstance(error.value, Unsealable)


def test_an_answer_is_to_its_question_alone(parties: Parties) -> None:
    assert parties.worker.answer(parties.answer("q1"), "q1").granted
    for text in (parties.answer("q2"), codec.encode(Grant(granted=True)).encode(), parties.order().encode()):
        with pytest.raises(Unsealable):
            parties.worker.answer(text, "q1")


def test_reports_are_numbered_and_for_the_dispatcher_alone(parties: Parties) -> None:
    report = LeaveWanted(endpoint="A1", worker="w", ref=REF)
    heads = []
    for _ in range(3):
        sealed = codec.decode(parties.worker.report(report), {Sealed.KIND: Sealed})
        known = {parties.machine.fingerprint: parties.machine}
        head, _message = sealing.unseal(sealed, way=Way.REPORT, endpoint="A1", trusted=known, ring=parties.ring, kinds=REPORTS)
        heads.append(head)
    assert [head.no for head in heads] == [1, 2, 3]
    assert len({head.session for head in heads}) == 1
    other = letters.open_letters(parties.folder, endpoint="A1").report(report)
    assert sealing.head_of(other).session != heads[0].session


def test_a_worker_follows_to_the_next_key_and_lets_the_one_before_the_last_go(parties: Parties) -> None:
    first = parties.order()
    parties.ring.append(keys.generate())
    parties.takes(parties.order())
    parties.takes(first)
    parties.ring.append(keys.generate())
    parties.takes(parties.order())
    assert parties.refuses(first) is Why.FORGED
    kept = letters.open_letters(parties.folder, endpoint="A1")
    assert kept.order(parties.order(), **TASK).ref == REF
    assert (parties.folder / "dispatcher.pub").read_text().split() == [key.public.text for key in parties.ring[1:]]


def test_a_stranger_is_not_followed(parties: Parties) -> None:
    parties.ring = [keys.generate(), keys.generate()]
    assert parties.refuses(parties.order()) is Why.FORGED


def test_keys_that_cannot_be_read_are_not_taken_for_none(parties: Parties) -> None:
    """Else whoever broke a file would have turned sealing off."""
    (parties.folder / "dispatcher.pub").write_text("rubbish\n")
    with pytest.raises(GiveUp, match="base64") as error:
        letters.open_letters(parties.folder, endpoint="A1")
    assert error.value.code == "RSC-5980"
    (parties.folder / "dispatcher.pub").unlink()
    with pytest.raises(GiveUp, match=r"dispatcher\.pub cannot be read"):
        letters.open_letters(parties.folder, endpoint="A1")
