"""Whatever comes in whatever order, the ledger's batches are where a simple model has them, and every row is counted once."""

from dataclasses import dataclass, field

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from connector.ledger import batches, courses, grants, jobs
from connector.ledger.places import runs
from connector.wire.codec import Row, pack_rows
from connector.wire.jobs import Layout, Mode, Target
from connector.wire.reports import OUTCOME_WORDS, BatchRef, Intent, Outcome, Outcomes

COUNT, SIZE, LIMIT_S = 2, 3, 60.0
#: How many attempts a report is behind the current one; mostly none.
BEHIND = st.sampled_from([0, 0, 0, 0, 1, -1])
LETTERS = st.text("cu=f?", min_size=SIZE, max_size=SIZE)


@dataclass
class Model:
    """A batch as it should be."""

    no: int
    state: str = "planned"
    attempt: int = 0
    so_far: str = "." * SIZE
    call: str | None = None
    """the granted call that has told no end"""
    granted_at: float = 0.0
    not_before: float = 0.0
    letters: str = ""
    given: set[tuple[int, str]] = field(default_factory=set)
    """attempts and the calls that they were given leave for"""

    @property
    def may_act_until(self):
        return self.granted_at + LIMIT_S if self.call else 0.0

    def end_early(self):
        rest = Outcome.UNKNOWN if self.call else Outcome.SKIPPED
        self.letters = self.so_far.replace(".", rest)
        self.state = "cancelled"


def new_job(ledger):
    layout = Layout(step=1, entity="Groups", file="f", table="CustGroup", columns=())
    target = Target(address="http://a", port="P", service="S", contract="c")
    step = courses.Step(
        no=1, entity="Groups", file="f", sheet=None, table="T", service="S", parent=None, rank=1, reasons={}, mode="create",
        rows=0, counts={},
    )  # fmt: skip
    with ledger.write() as db:
        job = jobs.Job(id=jobs.new_id(db), endpoint="a", company="USMF", submitted_at=1.0)
        jobs.add(db, job)
        courses.add_steps(db, job.id, [(step, courses.Course(layout=layout, target=target, mode=Mode.CREATE))])
        numbers = [range(2 + SIZE * no, 2 + SIZE * (no + 1)) for no in range(COUNT)]
        new = [
            batches.NewBatch(
                step=1, no=no, rank=1, size=SIZE, places=runs((1, n) for n in rows), rows=pack_rows([Row(n, ["x"]) for n in rows])
            )
            for no, rows in enumerate(numbers, start=1)
        ]
        batches.add_many(db, job=job.id, endpoint="a", new=new)
        courses.planned(db, job_id=job.id, rows={1: COUNT * SIZE})
    return job.id


class Course(RuleBasedStateMachine):
    """Claims, grants, ends, returns, losses and orders, drawn in any order; reports of any attempt that ever was."""

    def __init__(self, ledger):
        super().__init__()
        self.ledger = ledger
        self.job = new_job(ledger)
        self.models = {no: Model(no=no) for no in range(1, COUNT + 1)}
        self.now = 100.0
        self.paused = self.ending = False

    def ref(self, batch, attempt):
        return BatchRef(job=self.job, step=1, batch=batch, attempt=attempt)

    def current(self, batch, attempt):
        model = self.models[batch]
        return model if model.state == "sent" and model.attempt == attempt else None

    @rule(seconds=st.floats(0.1, 20.0))
    def time_passes(self, seconds):
        self.now += seconds

    @precondition(lambda self: not self.paused and not self.ending)
    @rule(most=st.integers(1, COUNT))
    def batches_are_claimed(self, most):
        due = [model for model in self.models.values() if model.state == "planned" and model.not_before <= self.now][:most]
        with self.ledger.write() as db:
            found = batches.claim(db, job=self.job, limit=most, now=self.now)
        assert [sending.ref.batch for sending in found] == [model.no for model in due]
        for model, sending in zip(due, found, strict=True):
            model.state, model.attempt = "sent", model.attempt + 1
            assert sending.ref.attempt == model.attempt
            assert (sending.open_intent.message_id if sending.open_intent else None) == model.call
            assert (sending.so_far.letters if sending.so_far else "." * SIZE) == model.so_far

    @rule(batch=st.integers(1, COUNT), behind=BEHIND, call=st.sampled_from("xy"), proved=st.integers(0, SIZE - 1))
    def leave_to_write_is_asked(self, batch, behind, call, proved):
        attempt = self.models[batch].attempt - behind
        model = self.current(batch, attempt)
        so_far = "c" * proved + "." * (SIZE - proved)
        intent = Intent(message_id=call, operation="create", documents=(0,), digest="d", time_limit_s=LIMIT_S)
        with self.ledger.write() as db:
            refused = grants.grant(db, self.ref(batch, attempt), intent=intent, so_far=Outcomes(letters=so_far), at=self.now)
        if model is None:
            assert refused, "an attempt that was replaced got leave to write"
            return
        if model.call != call and (attempt, call) in model.given:
            assert refused, "a report of old, come again, took the place of the call that was granted since"
            return
        stops = (self.paused or self.ending) and model.call != call
        assert bool(refused) == stops
        if not stops and model.call != call:
            model.given.add((attempt, call))
        model.so_far = so_far
        model.call, model.granted_at = (None, 0.0) if stops else (call, self.now)

    @rule(batch=st.integers(1, COUNT), behind=BEHIND, letters=LETTERS)
    def an_end_is_told(self, batch, behind, letters):
        attempt = self.models[batch].attempt - behind
        model = self.current(batch, attempt)
        with self.ledger.write() as db:
            counted = batches.done(
                db, self.ref(batch, attempt), outcomes=Outcomes(letters=letters), calls=1, seconds=0.1, at=self.now
            )
        assert counted == (model is not None)
        if model:
            model.letters, model.state = letters, "unknown" if "?" in letters else "done"

    @rule(batch=st.integers(1, COUNT), behind=BEHIND, settled=st.booleans(), pause=st.sampled_from([0.0, 5.0]))
    def a_batch_comes_back(self, batch, behind, settled, pause):
        attempt = self.models[batch].attempt - behind
        model = self.current(batch, attempt)
        ref, due = self.ref(batch, attempt), self.now + pause if pause else 0.0
        with self.ledger.write() as db:
            if self.ending:
                counted = batches.end_early(db, ref, at=self.now, so_far=None, settled=settled)
            else:
                counted = batches.returned(db, ref, so_far=None, settled=settled, not_before=due, reason="away")
        assert counted == (model is not None)
        if model is None:
            return
        if not self.ending:
            model.state, model.not_before = "planned", due if settled else max(due, model.may_act_until)
        if settled:
            model.call = None
        if self.ending:
            model.end_early()

    @precondition(lambda self: not self.ending)
    @rule(batch=st.integers(1, COUNT), behind=BEHIND)
    def a_worker_is_lost(self, batch, behind):
        attempt = self.models[batch].attempt - behind
        model = self.current(batch, attempt)
        with self.ledger.write() as db:
            due = batches.replace(db, self.ref(batch, attempt), now=self.now, reason="lost")
        assert (due is not None) == (model is not None)
        if model:
            model.state = "planned"
            model.not_before = max(self.now, model.may_act_until) if model.call else 0.0
            assert due == model.not_before

    @precondition(lambda self: not self.ending)
    @rule(paused=st.booleans())
    def it_is_paused_or_goes_on(self, paused):
        self.paused = paused
        with self.ledger.write() as db:
            jobs.mark(db, self.job, paused=paused)

    @rule(held=st.sets(st.integers(1, COUNT)))
    def it_is_cancelled(self, held):
        self.ending = True
        with self.ledger.write() as db:
            jobs.mark(db, self.job, ending=jobs.JobState.CANCELLED)
            batches.cancel_waiting(db, self.job, held=lambda ref: ref.batch in held, at=self.now)
        for model in self.models.values():
            if model.state == "planned" or (model.state == "sent" and model.no not in held):
                model.end_early()

    @invariant()
    def the_ledger_is_where_the_model_is(self):
        with self.ledger.read() as db:
            (step,) = courses.steps_of(db, self.job)
            flying = {(each.ref.batch, each.ref.attempt) for each in batches.in_flight(db) if each.ref.job == self.job}
            unfinished = batches.any_unfinished(db, self.job)
        told = "".join(model.letters for model in self.models.values())
        assert step.counts == {word: told.count(letter) for letter, word in OUTCOME_WORDS.items()}
        assert sum(step.counts.values()) <= COUNT * SIZE
        assert flying == {(model.no, model.attempt) for model in self.models.values() if model.state == "sent"}
        assert unfinished == any(model.state in {"planned", "sent"} for model in self.models.values())


def test_the_ledger_follows_the_model(ledger):
    rounds = settings(
        max_examples=60,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    run_state_machine_as_test(lambda: Course(ledger), settings=rounds)
