"""Messages of every version that was ever released are still read: files here are added, never changed."""

from pathlib import Path

import pytest

from connector.wire import codec, jobs, keys, machines, reports, sealing

GOLDEN = Path(__file__).parent / "golden"
KINDS = jobs.WORK | jobs.ANSWERS | reports.REPORTS | {sealing.Sealed.KIND: sealing.Sealed}
KINDS = KINDS | machines.LETTERS | machines.LETTER_ANSWERS


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_an_old_message_is_read(path):
    message = codec.decode(path.read_text(encoding="utf-8"), KINDS)
    assert path.stem.startswith(f"v{message.v}-{message.KIND}")


def test_every_kind_has_a_golden_file():
    assert {path.stem for path in GOLDEN.glob("*.json")} >= {f"v1-{kind}" for kind in KINDS}


@pytest.mark.parametrize(("name", "way"), [("sealed", "order"), ("sealed-report", "report"), ("sealed-successor", "answer")])
def test_an_old_seal_is_opened(name, way):
    """The dispatcher's keys are of the seeds 01.. and 03.., the machine's of 02..; the older of a ring's keys vouches."""
    first, machine, second = (keys.Private(bytes([n]) * 32) for n in (1, 2, 3))
    sealed = codec.decode((GOLDEN / f"v1-{name}.json").read_text(encoding="utf-8"), KINDS)
    known = (first.public, machine.public)
    trusted = {each.fingerprint: each for each in (*known, *sealing.followed(sealed, known))}
    head, message = sealing.unseal(
        sealed, way=sealing.Way(way), endpoint="AOSTEST", trusted=trusted, ring=(first, machine), kinds=KINDS
    )
    assert head.kind == message.KIND
    assert (head.by == second.public.fingerprint) is (name == "sealed-successor")
