"""`rapidstart ledger show`: what a restored ledger lacks, in words."""

from connector.cli.ledger import _told


def state(*held, waiting=()):
    return {
        "restored": {"at": "2026-01-01T00:00:00.000Z", "missing_s": 131, "waiting": list(waiting)},
        "held_back": list(held),
    }


JOB = {"id": "JB-1", "kind": "load", "endpoint": "A1", "company": "USMF", "in_flight": 1, "planned": 1200, "calls": 0}
JOB |= {"ended": False}


def test_a_ledger_that_was_never_restored(run, office):
    assert run("ledger", "show").out == "The ledger was never restored from a backup, as far as the broker knows.\n"


def test_a_job_that_waits_says_what_is_not_known_of_it():
    lines = _told(state(JOB, waiting=[{"endpoint": "A1", "reports": 1, "batches": 2}]))
    assert "about 02:11 before that" in lines[1]
    assert lines[2] == "On the broker lay 1 report of A1 that it had not recorded, and 2 batches that no worker had taken."
    assert "By the ledger 1,200 batches of it were not sent, and 1 batch had no end; since then more may" in lines[3]
    assert lines[-1].endswith("Go on: rapidstart job resume JB-1")
    assert not any("Look in AX" in line for line in lines)


def test_calls_that_are_not_made_again_are_told():
    one = _told(state(JOB | {"calls": 1}))
    assert one[-2].startswith("  1 batch of it calls operations or methods: nobody can tell whether they took effect")
    assert one[-1].startswith(
        "  Look in AX, and settle their rows, once it has ended: rapidstart job resolve JB-1 --all --as done"
    )
    assert any("  3 batches of it call operations or methods" in line for line in _told(state(JOB | {"calls": 3})))


def test_a_job_that_has_ended_but_for_its_calls():
    lines = _told(state(JOB | {"calls": 2, "ended": True}))
    assert lines[-3] == "JB-1 for A1, company USMF, has ended."
    assert lines[-1].startswith("  Look in AX, and settle their rows: rapidstart job resolve JB-1")


def test_nothing_waits_any_more():
    assert _told(state())[-1] == "No job waits for a person because of that any more."
