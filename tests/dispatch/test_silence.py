"""Silence proves that a worker is lost only where somebody has listened: what waits on the streams is recorded first."""

import sqlite3
import threading

import pytest
import sqlalchemy as sa

from connector.dispatch import lost
from connector.ledger import batches, jobs
from connector.recorder import Recorder

one_ledger = pytest.mark.parametrize("ledger_url", ["sqlite"], indirect=True)
#: Of a lease of three seconds: when the reconciler has looked more than once since it ended.
LONG_OVER_S = -2.5


def listen_again(ring):
    ring.recorder = Recorder(ring.dispatcher)
    ring.recorder.start()


def log_of(ring, job):
    with ring.ledger.read() as db:
        return [text for _, _, text in jobs.log_of(db, job)]


def assert_told_by_the_first(ring, until, job):
    until(lambda: ring.job(job).finished_at)
    assert ring.totals(job) == {"created": 2}
    assert not [line for line in log_of(ring, job) if "sent again" in line]


@one_ledger
def test_an_outcome_that_waits_on_the_stream_counts_however_long_nobody_reads(ready, until):
    """The dispatcher was frozen, or its ledger away, for longer than a lease: the reconciler may come first afterwards."""
    job = ready.load(rows=2)
    message = ready.take()
    assert ready.ask(message.ref).granted
    ready.recorder.stop()
    ready.done(message)
    until(lambda: ready.dispatcher.leases.quiet([message.ref])[1] < LONG_OVER_S)
    listen_again(ready)
    assert_told_by_the_first(ready, until, job)


@one_ledger
def test_a_batch_that_was_taken_while_nobody_read_is_not_taken_for_lost(ready, until, monkeypatch):
    monkeypatch.setattr(lost, "_UNTAKEN_S", 0.2)
    ready.recorder.stop()
    job = ready.load(rows=2)
    message = ready.take()
    until(lambda: age_of(ready, job) > 3)
    listen_again(ready)
    ready.done(message)
    assert_told_by_the_first(ready, until, job)


def age_of(ring, job):
    """How long ago the job's only batch was sent that has no end."""
    with ring.ledger.read() as db:
        sent = [batch.sent_at for batch in batches.in_flight(db) if batch.ref.job == job]
    return ring.dispatcher.now() - sent[0] if sent else 0.0


class FullDisk:
    """While it is full no transaction that wrote can be committed, as SQLite says it."""

    def __init__(self, ledger):
        self.is_full = threading.Event()
        self.refused = 0
        sa.event.listen(ledger._engine, "commit", self.commit)

    def commit(self, connection):
        if self.is_full.is_set() and connection.get_execution_options()["writes"]:
            self.refused += 1
            raise sa.exc.OperationalError("COMMIT", {}, sqlite3.OperationalError("database or disk is full"))


@one_ledger
def test_what_was_told_while_the_ledgers_disk_was_full_counts(ready, until):
    """The disk fills up between a grant, which is on it, and the outcome of the call."""
    disk = FullDisk(ready.ledger)
    job = ready.load(rows=2)
    message = ready.take()
    assert ready.ask(message.ref).granted
    disk.is_full.set()
    ready.done(message)
    until(lambda: disk.refused > 2 and ready.dispatcher.leases.quiet([message.ref])[1] < LONG_OVER_S)
    assert ready.dispatcher.leases.holds(message.ref), "what was not committed has not come home"
    disk.is_full.clear()
    assert_told_by_the_first(ready, until, job)
