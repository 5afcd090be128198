"""What the recorder keeps in mind from one report to the next is what the ledger was told, and no more."""

import pytest

from connector.recorder.kinds import Kinds, Turn
from connector.wire import codec, routes
from connector.wire.reports import BatchRef, BatchTaken


class Failed(Exception):
    pass


def test_a_step_whose_beginning_was_rolled_back_is_told_again(ring, until):
    ring.add_endpoint()
    ring.know_metadata()
    job = ring.load(2)
    until(lambda: ring.job(job).planned)
    kinds = Kinds(ring.dispatcher)
    taken = codec.encode(BatchTaken(endpoint="A1", worker="w1", ref=BatchRef(job=job, step=1, batch=1)))

    def turn(*, fails):
        with ring.ledger.write() as db:
            made = Turn(db=db, now=ring.dispatcher.now(), letters=ring.dispatcher.outbox.letters, writes=True)
            kinds.take(made, routes.report_stream("A1"), taken, is_again=False)
            kinds.tell_started(made)
            if fails:
                raise Failed
        kinds.committed(made)

    with pytest.raises(Failed):
        turn(fails=True)
    assert ring.job(job).started_at is None
    turn(fails=False)
    assert ring.job(job).started_at is not None
