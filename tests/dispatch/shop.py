"""A dispatcher with one endpoint that plans loads step by step; the test plays worker and planner."""

import io
import zipfile

from connector.dispatch import control
from connector.dispatch.planner import Planner
from connector.ledger import batches, courses, jobs, results
from connector.wire.codec import unpack_rows
from connector.wire.jobs import flatten
from connector.wire.metadata import Document, Field, FieldType, Metadata, Service, Table
from connector.wire.reports import Problem


def service(table, *fields, key, children=()):
    document = Document(name=f"{table}Doc", namespace="urn:d", tables=(Table(name=table, fields=fields, children=children),))
    return Service(
        address="http://aos/p.svc", port="P", name=f"{table}Service", namespace="urn:s", operations=("create",),
        document=document, key=key,
    )  # fmt: skip


LINE = Table(name="PurchLine", fields=(Field(name="PurchId"), Field(name="ItemId"), Field(name="Qty", type=FieldType.INTEGER)))
METADATA = Metadata(
    fingerprint="f",
    services=(
        service("CustGroup", Field(name="CustGroup", max_length=4), Field(name="Name"), key=("CustGroup",)),
        service("PurchTable", Field(name="PurchId"), Field(name="Name"), key=("PurchId",), children=(LINE,)),
    ),
)
LINES = 'table.PurchLine.parent = { target = "PurchTable", on = { PurchId = "PurchId" } }'


class Shop:
    """Loads packages as a dispatcher with one endpoint would, two root rows in a batch."""

    def __init__(self, desk):
        self.desk, self.ledger, self.dispatcher = desk, desk.ledger, desk.dispatcher
        self.endpoint = "A1"
        desk.client.add_endpoint("A1", addresses=["http://aos/p.svc"], companies=["USMF"])

    def load(self, mapping=None, /, *, strict=False, **files):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as package:
            for name, lines in files.items():
                package.writestr(f"{name}.csv", "\r\n".join(lines))
        received = self.dispatcher.receive("p.zip", [content.getvalue()], ceiling=10**6)
        order = jobs.Order(mapping=mapping, mapping_name="m.toml" if mapping else "", strict=strict)
        job, _ = self.dispatcher.submit(
            endpoint=self.endpoint, company="USMF", package=received.sha256, order=order, idempotency_key=None
        )  # fmt: skip
        return self.plan(job.id)

    def plan(self, job_id, metadata=METADATA):
        with self.ledger.read() as db:
            job = jobs.get(db, job_id)
        path = self.dispatcher.package_path(job.package)
        Planner(ledger=self.ledger, batch_rows=2).plan(
            job, path, metadata, then=lambda db: self.dispatcher.close_if_done(db, jobs.get(db, job_id))
        )
        return job_id

    def retry(self, job_id, **choice):
        return self.plan(control.retry(self.dispatcher, job_id, **choice).id)

    def travelling(self, job_id):
        """(step, row number) of all rows that would be sent, batch by batch; they stay planned."""
        found = []
        with self.ledger.write() as db:
            for sending in batches.claim(db, job=job_id, limit=99, now=1.0):
                layout = courses.course(db, job_id, sending.ref.step).layout
                rows = unpack_rows(sending.rows)
                found += [(part.step, nested.number) for row in rows for part, nested in flatten(layout, row)]
                batches.replace(db, sending.ref, now=1.0, reason="the test put it back")
        return found

    def cells(self, job_id):
        """The cells of all root rows that would be sent; they stay planned."""
        found = []
        with self.ledger.write() as db:
            for sending in batches.claim(db, job=job_id, limit=99, now=1.0):
                found += [list(row.cells) for row in unpack_rows(sending.rows)]
                batches.replace(db, sending.ref, now=1.0, reason="the test put it back")
        return found

    def job(self, job_id):
        with self.ledger.read() as db:
            return jobs.get(db, job_id)

    def failures(self, job_id):
        with self.ledger.read() as db:
            return results.failures(db, job_id)

    def log(self, job_id):
        with self.ledger.read() as db:
            return [text for _, _, text in jobs.log_of(db, job_id)]

    def totals(self, job_id):
        with self.ledger.read() as db:
            return {word: n for word, n in jobs.totals(db, [job_id])[job_id].items() if n}

    def settle(self, job_id, *letters, code="RSC-1"):
        bad = [tuple(_problem(at, code) for at, letter in enumerate(each) if letter in "fs?") for each in letters]
        for each, problems in zip(letters, bad, strict=True):
            self.desk.settle(job_id, each, problems=problems)


def _problem(row, code):
    return Problem(row=row, message="No.", advice="Correct it.", code=code)


def groups(*names):
    return ["CustGroup,Name", *(f"{name},Group {name}" for name in names)]
