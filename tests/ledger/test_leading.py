import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from connector.errors import Conflict, NotLeading, NotReachable
from connector.ledger import Ledger, endpoints, leading, store

ROOT = Path(__file__).parents[2]


def take(ledger, holder, known=None):
    with ledger.write() as db:
        return leading.take(db, known or leading.seen(db), holder=holder)


def seen(ledger):
    with ledger.read() as db:
        return leading.seen(db)


def test_each_lead_has_a_higher_number_whoever_takes_it(ledger):
    first = take(ledger, "one")
    second = take(ledger, "two")
    assert (first.number, second.number) == (1, 2)
    assert seen(ledger) == second == leading.Lead(number=2, holder="two")


def test_a_lead_that_moved_since_it_was_seen_is_not_taken(ledger):
    known = take(ledger, "one")
    with ledger.write() as db:
        leading.beat(db, number=known.number)
    assert take(ledger, "two", known) is None
    assert seen(ledger).holder == "one"


def test_a_guarded_ledger_writes_until_another_leads_and_reads_on(ledger):
    mine = take(ledger, "one")
    guarded = ledger.guarded(partial(leading.check, number=mine.number))
    with guarded.write() as db:
        endpoints.remember(db, "n", "1")
    take(ledger, "two")
    with pytest.raises(NotLeading, match="two does"), guarded.write() as db:
        endpoints.remember(db, "n", "2")
    with guarded.read() as db:
        assert endpoints.fact(db, "n") == "1"
    with ledger.write() as db:  # what the API writes is nobody's lead
        endpoints.remember(db, "n", "3")


def test_who_was_replaced_neither_beats_nor_lays_down(ledger):
    mine = take(ledger, "one")
    theirs = take(ledger, "two")
    for act in (leading.beat, leading.lay_down):
        with pytest.raises(NotLeading), ledger.write() as db:
            act(db, number=mine.number)
    assert seen(ledger) == theirs


def test_a_lead_that_was_laid_down_has_no_holder(ledger):
    mine = take(ledger, "one")
    with ledger.write() as db:
        leading.lay_down(db, number=mine.number)
    assert seen(ledger) == leading.Lead(number=1, beats=1)


def test_a_ledger_in_a_file_takes_one_dispatcher_and_another_when_that_has_died(tmp_path):
    file = tmp_path / "ledger.db"
    holding = (
        "from pathlib import Path; from connector.ledger import leading; import sys, time\n"
        "kept = leading.hold_alone(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", holding, str(file)], stdout=subprocess.PIPE, cwd=ROOT) as other:
        assert other.stdout.readline().strip() == b"held"
        with pytest.raises(Conflict, match="another dispatcher runs on this ledger"):
            leading.hold_alone(file)
        other.kill()
        other.wait()
    with leading.hold_alone(file):
        pass


def test_which_ledgers_can_be_shared(ledger, ledger_url):
    assert ledger.is_shared == ledger_url.startswith("postgresql")
    assert (ledger.file is None) == ledger.is_shared


def test_a_writer_that_freezes_in_the_middle_does_not_keep_the_others_from_writing(postgresql, monkeypatch):
    monkeypatch.setattr(store, "_FROZEN_S", 1.0)
    url = postgresql.database()
    frozen, other = Ledger(url), Ledger(url)

    def freeze_while_another_writes():
        with frozen.write() as db:
            endpoints.remember(db, "n", "1")
            with other.write() as theirs:  # waits for the turn that the first one does not give up
                endpoints.remember(theirs, "n", "2")
            endpoints.remember(db, "n", "3")

    begun = time.monotonic()
    with pytest.raises(NotReachable, match="ledger cannot be used"):
        freeze_while_another_writes()
    assert 0.9 < time.monotonic() - begun < 10
    with other.read() as db:
        assert endpoints.fact(db, "n") == "2"
    frozen.close()
    other.close()
