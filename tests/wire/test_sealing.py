"""Sealed messages: opened by their addressee as they were sealed, refused in every other form and at every other place."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.wire import codec, keys, sealing
from connector.wire.jobs import ANSWERS, Grant
from connector.wire.reports import REPORTS, BatchDone, BatchRef, Outcomes
from connector.wire.sealing import Sealed, Stamp, Way, Why

DISPATCHER, MACHINE, OTHER = (keys.Private(bytes([n]) * 32) for n in (1, 2, 3))
REF = BatchRef(job="JB-2222", step=1, batch=2, attempt=3)
SECRET = "the value of a row"
REPORT = BatchDone(endpoint="A1", worker="w", ref=REF, outcomes=Outcomes(letters="c", answers={0: SECRET}))
STAMP = Stamp(way=Way.REPORT, endpoint="A1", ref=REF, session="s", no=7)


def sealed(message=REPORT, stamp=STAMP, *, sender=(MACHINE,), readers=(DISPATCHER.public,)) -> Sealed:
    return codec.decode(sealing.seal(message, stamp, sender=sender, readers=readers), {Sealed.KIND: Sealed})


def unsealed(what, *, way=Way.REPORT, endpoint="a1", trusted=(MACHINE.public,), ring=(DISPATCHER,), kinds=REPORTS):
    known = {each.fingerprint: each for each in trusted}
    return sealing.unseal(what, way=way, endpoint=endpoint, trusted=known, ring=ring, kinds=kinds)


def refused(what, **where) -> Why:
    with pytest.raises(sealing.Unsealable) as error:
        unsealed(what, **where)
    assert SECRET not in str(error.value)
    return error.value.why


def test_a_message_arrives_as_it_was_sealed() -> None:
    head, message = unsealed(sealed())
    assert message == REPORT.model_copy(update={"kind": "batch.done"})
    assert (head.ref, head.session, head.no, head.kind) == (REF, "s", 7, "batch.done")


def test_nothing_of_the_body_can_be_read_on_the_way() -> None:
    text = sealed().model_dump_json()
    assert SECRET not in text
    assert SECRET.encode() not in base64.b64decode(sealed().body)


def test_what_can_be_read_is_enough_to_know_which_batch_it_is() -> None:
    head = sealing.head_of(codec.encode(sealed()))
    assert head is not None
    assert head.ref == REF
    assert sealing.head_of(codec.encode(REPORT)) is None
    assert sealing.head_of("rubbish") is None


def test_two_seals_of_one_message_are_not_alike() -> None:
    assert sealed().body != sealed().body


def test_each_reader_opens_it_and_nobody_else_does() -> None:
    for_two = sealed(readers=(DISPATCHER.public, OTHER.public))
    assert unsealed(for_two, ring=(OTHER,))[1] == unsealed(for_two)[1]
    assert refused(sealed(), ring=(OTHER,)) is Why.NOT_FOR_US


def test_an_older_key_of_the_ring_still_opens() -> None:
    assert unsealed(sealed(), ring=(DISPATCHER, OTHER))[1].ref == REF


def test_a_message_of_a_stranger_is_forged() -> None:
    assert refused(sealed(sender=(OTHER,))) is Why.FORGED


def test_a_message_is_good_on_its_own_way_and_at_its_own_endpoint_alone() -> None:
    assert refused(sealed(), way=Way.ORDER) is Why.MISDIRECTED
    assert refused(sealed(), endpoint="a2") is Why.MISDIRECTED


def test_the_kind_that_can_be_read_is_the_kind_inside() -> None:
    with pytest.raises(codec.WireError, match=r"kind 'batch\.done'"):
        unsealed(sealed(), kinds=ANSWERS)


def test_parts_of_two_messages_make_no_third() -> None:
    """Both are genuine, of one sender: head, body, data key and signature belong together."""
    one, other = sealed(), sealed(REPORT.model_copy(update={"event_id": "x"}))
    for name in ("head", "body", "signature"):
        assert refused(one.model_copy(update={name: getattr(other, name)})) is Why.ALTERED
    keys_of_other = json.loads(one.head) | {"keys": json.loads(other.head)["keys"]}
    assert refused(one.model_copy(update={"head": json.dumps(keys_of_other)})) is Why.ALTERED


def test_another_machine_cannot_pass_off_what_it_cannot_read() -> None:
    """A trusted key that signs another's body anew: the body opens under the head that it was sealed with alone."""
    mine = sealed()
    head = json.dumps(json.loads(mine.head) | {"by": OTHER.public.fingerprint})
    signature = OTHER.signs.sign(sealing._signed(head, base64.b64decode(mine.body))).signature
    stolen = mine.model_copy(update={"head": head, "signature": base64.b64encode(signature).decode()})
    assert refused(stolen, trusted=(MACHINE.public, OTHER.public)) is Why.ALTERED


@settings(max_examples=300, deadline=None)
@given(part=st.sampled_from(["head", "body", "signature"]), at=st.integers(0, 10**6), char=st.characters(max_codepoint=0x17F))
def test_every_change_of_a_character_is_refused(part: str, at: int, char: str) -> None:
    before = sealed()
    text = getattr(before, part)
    at %= len(text)
    changed = text[:at] + char + text[at + 1 :]
    if changed != text and not _same_bytes(part, changed, text):
        assert refused(before.model_copy(update={part: changed})) in {Why.ALTERED, Why.FORGED}


@settings(max_examples=100, deadline=None)
@given(part=st.sampled_from(["head", "body", "signature"]), text=st.text(max_size=200))
def test_rubbish_is_refused(part: str, text: str) -> None:
    assert refused(sealed().model_copy(update={part: text})) in {Why.ALTERED, Why.FORGED}


@settings(max_examples=50, deadline=None)
@given(worker=st.text(max_size=300), letters=st.text("cuf=", max_size=2000), readers=st.integers(1, 4))
def test_whatever_is_sealed_is_unsealed(worker: str, letters: str, readers: int) -> None:
    message = BatchDone(endpoint="A1", worker=worker, ref=REF, outcomes=Outcomes(letters=letters))
    rings = [keys.Private(bytes([n]) * 32) for n in range(10, 10 + readers)]
    what = sealed(message, readers=[each.public for each in rings])
    for ring in rings:
        found = unsealed(what, ring=(ring,))[1]
        assert (found.worker, found.outcomes.letters) == (worker, letters)


def test_a_sealed_bomb_stays_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even a sender that is known may fill the memory."""
    what = sealed(REPORT.model_copy(update={"worker": "x" * 100_000}))
    monkeypatch.setattr(codec, "MAX_TEXT", 50_000)
    with pytest.raises(codec.WireError, match="inflates to over"):
        unsealed(what)


def test_a_new_key_is_known_by_the_word_of_the_one_before() -> None:
    second, third = keys.generate(), keys.generate()
    what = sealed(Grant(granted=True), Stamp(way=Way.ANSWER, endpoint="A1"), sender=(DISPATCHER, second, third))
    assert sealing.followed(what, [DISPATCHER.public]) == (second.public, third.public)
    assert sealing.followed(what, [second.public]) == (third.public,)
    assert sealing.followed(what, [third.public]) == ()
    assert sealing.followed(what, [OTHER.public]) == ()


def test_nobody_names_a_successor_for_somebody_else() -> None:
    head = json.loads(sealed(sender=(OTHER, MACHINE)).head)
    head["successors"][0]["by"] = DISPATCHER.public.fingerprint
    what = sealed().model_copy(update={"head": json.dumps(head)})
    assert sealing.followed(what, [DISPATCHER.public]) == ()
    head["successors"][0] |= {"key": "no key", "signature": "é"}
    assert sealing.followed(what.model_copy(update={"head": json.dumps(head)}), [DISPATCHER.public]) == ()


def _same_bytes(part: str, changed: str, text: str) -> bool:
    """Base64 has spellings of its last character that mean the same bytes: nothing was changed then."""
    if part == "head":
        return False
    try:
        return base64.b64decode(changed.encode("ascii"), validate=True) == base64.b64decode(text, validate=True)
    except ValueError:
        return False
