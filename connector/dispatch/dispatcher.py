"""Accepts jobs and lets their batches go, a window at a time. Every decision is in the ledger before it has an effect."""

import logging
import queue
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from connector.dispatch import accepting, shelf, turns, verdicts
from connector.dispatch.clock import Watch
from connector.dispatch.gate import Gate, checked
from connector.dispatch.leases import Leases
from connector.dispatch.messages import Courses, Sender
from connector.dispatch.outbox import Outbox, Parcel
from connector.dispatch.policy import DEFAULT, Policy
from connector.errors import NotReachable, PackageRefused, Refused
from connector.intake.package import open_package
from connector.intake.values import Limits
from connector.ledger import Database, Ledger, audit, batches, endpoints, faults, jobs, limits, marks, outdated, packages, trust
from connector.meter import Meter
from connector.plan import mapping
from connector.wire import routes

log = logging.getLogger(__name__)


class Dispatcher:
    """What the API, the recorder and the reconciler call. Safe to use from several threads."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        outbox: Outbox,
        home: Path,
        call_timeout_s: float,
        lease_s: float,
        expires_in_s: float | None = None,
        policy: Policy = DEFAULT,
        stands_by: bool = False,
        package_limits: Limits = Limits(),  # noqa: B008  a frozen value
        meter: Meter | None = None,
    ) -> None:
        """Contacts nobody. One that `stands_by` only notes what is asked: the one that leads lets batches go.

        `expires_in_s`: a load for which nothing else is asked ends where no worker took anything of it in this time.
        """
        self.watch = Watch()
        self.ledger = ledger if stands_by else ledger.timed(self.watch)
        self.outbox = outbox
        self.meter = meter or Meter()
        self.leases = Leases(lease_s=lease_s, elsewhere=stands_by)
        self.stands_by = stands_by
        self.to_plan: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        """ids of jobs that may be planned; None: look which ones"""
        self.met = threading.Event()
        """the broker was asked what it knows of this ledger: before that no report is recorded"""
        self.trouble = ""
        """the sentence about the broker while it cannot be reached"""
        self._call_timeout_s = call_timeout_s
        self._expires_in_s = expires_in_s
        self.policy = policy
        self.gate = Gate(self.leases, policy)
        self.watch.followers.append(self.gate.breakers.shift)
        self.courses = Courses()
        self.package_limits = package_limits
        self.shelf = home / "packages"
        self.shelf.mkdir(parents=True, exist_ok=True)

    # -- packages

    def receive(self, name: str, chunks: Iterable[bytes], *, ceiling: int) -> packages.PackageRecord:
        """Store a package under the SHA-256 of its content, and look whether it can be read. Raises PackageRefused."""
        incoming = shelf.store(self.shelf, chunks, ceiling=ceiling)
        try:
            open_package(incoming.path, name=name, limits=self.package_limits)
        except PackageRefused:
            incoming.path.unlink(missing_ok=True)
            raise
        return self.keep(incoming, name=name)

    def keep(self, incoming: shelf.Stored, *, name: str) -> packages.PackageRecord:
        """Remember what came in, whether it is a package or belongs to one, until it is too old and no job has it."""
        if self.ledger.is_shared:
            shelf.share(incoming, self.ledger)
        record = packages.PackageRecord(sha256=incoming.sha256, name=name, size=incoming.size, received_at=time.time())
        with self.ledger.write() as db:
            if not incoming.path.exists():  # it was removed as too old at this very moment
                raise NotReachable("the package could not be kept.", advice="Upload it again.")
            packages.add(db, record)
        return record

    def package_path(self, sha256: str) -> Path:
        """Where the content of a package lies. Raises NotFound, NotReachable."""
        with self.ledger.read() as db:
            packages.get(db, sha256)
        return shelf.fetch(self.shelf, sha256, self.ledger)

    # -- endpoints

    def add_endpoint(
        self,
        *,
        name: str,
        addresses: tuple[str, ...],
        companies: tuple[str, ...],
        partition: str | None,
        contract: bytes | None,
        allowed: limits.Limits = limits.NONE,
        database: str = "",
        scope: str = "",
        virtual_companies: tuple[endpoints.VirtualCompany, ...] = (),
        service_instance: str = "Default",
        not_idempotent: tuple[str, ...] = (),
        by: str = audit.ITSELF,
    ) -> endpoints.Endpoint:
        """Register an endpoint; nobody is contacted. Raises Refused, Conflict."""
        if not routes.ENDPOINT_NAME.fullmatch(name):
            raise Refused(f"{name!r} cannot name an endpoint.", advice="Use up to 40 letters, digits, - and _.")
        for company in companies:
            accepting.check_company(company)
        accepting.check_virtual(virtual_companies)
        endpoint = endpoints.Endpoint(
            key=name.lower(),
            name=name,
            addresses=addresses,
            companies=companies,
            partition=partition,
            has_contract=contract is not None,
            added_at=time.time(),
            limits=checked(allowed),
            database=database.lower(),
            scope=scope,
            virtual_companies=virtual_companies,
            service_instance=service_instance,
            not_idempotent=not_idempotent,
        )
        with self.ledger.write() as db:
            endpoints.add(db, endpoint, contract=contract)
            told = {"addresses": addresses, "companies": companies, "partition": partition, "database": database, "scope": scope}
            told |= {"virtual companies": tuple(each.name for each in virtual_companies)}
            audit.note(db, "endpoint add", by=by, subject=endpoint.key, at=endpoint.added_at, details=told)
        return endpoint

    def remove_endpoint(self, name: str, *, by: str = audit.ITSELF) -> None:
        """Forget an endpoint. Raises NotFound, Conflict."""
        with self.ledger.write() as db:
            endpoints.remove(db, name.lower())
            audit.note(db, "endpoint remove", by=by, subject=name.lower(), at=time.time())

    def pause_endpoint(self, name: str, *, by: str = audit.ITSELF) -> endpoints.Endpoint:
        """Send nothing to an endpoint until it is resumed."""
        return self._set_paused(name, paused=True, by=by)

    def resume_endpoint(self, name: str, *, by: str = audit.ITSELF) -> endpoints.Endpoint:
        """Send work to an endpoint again, whether a person or a fault had stopped it."""
        endpoint = self._set_paused(name, paused=False, by=by)
        self.to_plan.put(None)
        self.release(endpoint.key)
        return endpoint

    def limit_endpoint(self, name: str, allowed: limits.Limits, *, by: str = audit.ITSELF) -> endpoints.Endpoint:
        """Set what an endpoint bears, all of it. Raises NotFound, Refused."""
        with self.ledger.write() as db:
            endpoint = endpoints.get(db, name)
            limits.limit(db, endpoint.key, checked(allowed))
            audit.note(db, "endpoint limit", by=by, subject=endpoint.key, at=time.time(), details=asdict(allowed))
        self.release(endpoint.key)
        return endpoint

    def _set_paused(self, name: str, *, paused: bool, by: str) -> endpoints.Endpoint:
        with self.ledger.write() as db:
            endpoint = endpoints.get(db, name)
            endpoints.pause(db, endpoint.key, paused=paused)
            told = {}
            if not paused:
                limits.go_on(db, endpoint.key)
                if marks.accept(db, endpoint.key, at=self.now()):
                    told = {"database": "accepted as it is now"}
                self.gate.breakers.forget(endpoint.key)
            what = "endpoint pause" if paused else "endpoint resume"
            audit.note(db, what, by=by, subject=endpoint.key, at=time.time(), details=told)
            return endpoints.get(db, name)

    # -- jobs

    def submit(
        self,
        *,
        endpoint: str,
        company: str | None,
        package: str,
        order: jobs.Order,
        idempotency_key: str | None,
        partition: str | None = None,
        kind: jobs.JobKind = jobs.JobKind.LOAD,
        priority: str = "normal",
        expires_in_s: float | None = None,
        by: str = audit.ITSELF,
    ) -> tuple[jobs.Job, bool]:
        """Accept a load, or a preview of one. The same idempotency key again gives the first job, and True.

        Raises NotFound, Refused, NotReachable for a preview at an endpoint that was never surveyed, and Conflict where the key
        was used for something else.
        """
        if order.mapping:
            mapping.parse(order.mapping, order.mapping_name)
        now, expires_in_s = self.now(), expires_in_s or self._expires_in_s
        digest = accepting.digest(kind, endpoint.lower(), company, partition, package, accepting.asked(order))
        with self.ledger.write() as db:
            if idempotency_key and (known := jobs.by_idempotency_key(db, idempotency_key)):
                return accepting.replayed(known, digest), True
            target = endpoints.get(db, endpoint)
            if kind == jobs.JobKind.PREVIEW and target.fingerprint is None:
                raise no_metadata(target)
            record = packages.get(db, package)
            job = jobs.Job(
                id=jobs.new_id(db),
                kind=kind,
                endpoint=target.key,
                company=accepting.accepted_company(target, company),
                partition=partition or target.partition,
                package=record.sha256,
                package_name=record.name,
                order=order,
                idempotency_key=idempotency_key,
                request_digest=digest,
                submitted_at=now,
                priority=turns.PRIORITIES.index(priority),
                expires_at=now + expires_in_s if expires_in_s else None,
            )
            jobs.add(db, job)
            jobs.say(db, job.id, f"Accepted{audit.said_by(by)}: {job.package_name}.", at=job.submitted_at)
            told = {"kind": kind, "package": job.package, "mode": order.mode, "endpoint": job.endpoint, "company": job.company}
            audit.note(db, "job submit", by=by, subject=job.id, at=job.submitted_at, details=told)
        self.to_plan.put(job.id)
        return job, False

    def test(self, endpoint: str, *, by: str = audit.ITSELF) -> jobs.Job:
        """Have a worker test its connection to the AOS. Raises NotFound."""
        return self._survey(endpoint, "test", by=by)

    def survey(self, endpoint: str, *, by: str = audit.ITSELF) -> jobs.Job:
        """Have a worker read the endpoint's contracts. Raises NotFound."""
        return self._survey(endpoint, "metadata", by=by)

    def _survey(self, name: str, kind: str, *, by: str) -> jobs.Job:
        with self.ledger.write() as db:
            job = self.add_survey(db, endpoints.get(db, name), kind)
            audit.note(db, f"endpoint {kind}", by=by, subject=job.endpoint, at=time.time(), details={"job": job.id})
        self.release(job.endpoint)
        return job

    def add_survey(self, db: Database, endpoint: endpoints.Endpoint, kind: str) -> jobs.Job:
        """The job that asks a worker about its AOS; one that is under way is not asked twice."""
        for job in jobs.unfinished(db, endpoint=endpoint.key):
            if job.kind == kind and job.order.dictionary is None:
                return job
        job = jobs.Job(id=jobs.new_id(db), kind=kind, endpoint=endpoint.key, planned=True, submitted_at=time.time())
        jobs.add(db, job)
        only = batches.NewBatch(step=0, no=1, rank=0, size=0, places=(), rows=None)
        batches.add_many(db, job=job.id, endpoint=endpoint.key, new=[only])
        return job

    def end(self, db: Database, job: jobs.Job, state: jobs.JobState, *, reason: str, advice: str = "", code: str = "") -> None:
        """Let a job end in `state` as soon as no worker holds a batch of it."""
        jobs.mark(db, job.id, ending=state)
        jobs.set_state(db, job.id, job.state, reason=reason, advice=advice, code=code)
        batches.cancel_waiting(db, job.id, held=self.leases.holds, at=time.time())
        self.close_if_done(db, jobs.get(db, job.id))

    def close_if_done(self, db: Database, job: jobs.Job) -> bool:
        """End a job whose batches all have an end."""
        if job.finished_at is not None or not (job.planned or job.ending):
            return False
        if batches.any_unfinished(db, job.id):
            return self._stop_where_asked(db, job)
        counts = jobs.totals(db, [job.id])[job.id]
        state = job.ending or verdicts.verdict(job, counts)
        reason = verdicts.closing(job, counts)
        jobs.close(db, job.id, state, at=time.time(), reason=reason, advice=job.advice, code=job.code)
        if job.kind == jobs.JobKind.PREVIEW and job.retry_of:
            verdicts.look_back(db, job)
        verdicts.tell_family(db, job)
        return True

    def _stop_where_asked(self, db: Database, job: jobs.Job) -> bool:
        """Let a job end that has as many errors as it may have. True where it has ended."""
        if job.ending or not job.order.stop_after:
            return False
        why = verdicts.too_many_errors(job, jobs.totals(db, [job.id])[job.id])
        if why:
            jobs.say(db, job.id, f"It ends: {why}.", at=time.time())
            self.end(db, job, jobs.JobState.FAILED, reason=why, advice=verdicts.STOPPED_ADVICE.format(job=job.id))
        return bool(why) and not batches.any_unfinished(db, job.id)

    # -- batches

    def release(self, endpoint: str) -> None:
        """Let go what may go now. While the broker is away batches stay marked as sent: the reconciler finds them."""
        with self.ledger.write() as db:
            parcels = self.claim(db, endpoint)
        self.send(parcels)

    def claim(self, db: Database, endpoint: str) -> list[Parcel]:
        """Mark the batches that may leave now as sent, and compose their messages."""
        target = endpoints.get(db, endpoint)
        if target.paused or self.trouble or self.stands_by or not self.met.is_set():
            return []
        readers = trust.readers(db, target.key)
        if self.outbox.letters.barred(target, readers):
            return []
        passage = self.gate.passage(target, on_way=batches.count_in_flight(db, endpoint))
        if passage.room <= 0:
            return []
        parcels: list[Parcel] = []
        for job in self._line(db, target.key, is_probing=passage.is_probing):
            most = passage.most(job.kind)
            sender = Sender(
                db=db,
                job=job,
                endpoint=target,
                courses=self.courses,
                call_timeout_s=self._call_timeout_s,
                readers=readers,
            )
            rotate = passage.is_probing
            while most > 0 and (found := batches.claim(db, job=job.id, limit=most, now=self.now(), untried_first=rotate)):
                jobs.begin(db, job, at=time.time())
                passage.passed(found)
                parcels += [sender.parcel(sending) for sending in found]
                most = passage.most(job.kind)
        return parcels

    def _line(self, db: Database, endpoint: str, *, is_probing: bool) -> list[jobs.Job]:
        """The jobs whose batches may leave, in their order. What silences an AOS must not keep others from being tried."""
        held_back = outdated.of_endpoint(db, endpoint)
        line = turns.runnable(jobs.of_database(db, endpoint=endpoint), endpoint=endpoint)
        line = [job for job in line if job.id not in held_back]
        if not is_probing:
            return line
        tried = faults.last_tried(db, endpoint)
        return sorted(line, key=lambda job: tried.get(job.id, 0.0))

    def send(self, parcels: Iterable[Parcel]) -> None:
        """Publish claimed batches."""
        for parcel in parcels:
            try:
                self.outbox.send(parcel)
            except NotReachable as error:
                self.trouble = error.message
                log.warning("a batch could not be sent", extra={"action": "send_failed", "batch": str(parcel.ref)})
                return

    def now(self) -> float:
        """The time by which the ledger's moments are kept: see `Watch`."""
        return time.time() if self.stands_by else self.watch.now()

    def healthy(self) -> dict[str, str]:
        """Each thing that this process rests on, with the sentence that says what is wrong, or ""."""
        return {"ledger": self._ask_ledger(), "broker": self._ask_broker()}

    def _ask_ledger(self) -> str:
        try:
            with self.ledger.read() as db:
                endpoints.fact(db, "epoch")
        except NotReachable as error:
            return str(error)
        return ""

    def _ask_broker(self) -> str:
        try:
            self.outbox.epoch()
        except NotReachable as error:
            return str(error)
        return ""


def no_metadata(endpoint: endpoints.Endpoint) -> NotReachable:
    """Nobody has read this endpoint's contracts yet."""
    return NotReachable(
        f"nothing is known of the services of {endpoint.name} yet.",
        advice=f"With a worker running beside it: rapidstart endpoint metadata {endpoint.name} --refresh",
    )
