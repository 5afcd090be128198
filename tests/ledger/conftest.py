import pytest

from connector.ledger import Ledger, batches, courses, endpoints, jobs
from connector.ledger.places import runs
from connector.wire.codec import Row, pack_rows
from connector.wire.jobs import Layout, Mode, Target


@pytest.fixture
def ledger(ledger_url):
    opened = Ledger(ledger_url)
    yield opened
    opened.close()


@pytest.fixture
def job(ledger):
    """A job of two steps: headers with nested lines, one batch of two orders with one and two lines."""
    lines = Layout(step=2, entity="Lines", file="f", table="PurchLine", columns=())
    layout = Layout(step=1, entity="Orders", file="f", table="PurchTable", columns=(), children=(lines,))
    target = Target(address="http://a", port="P", service="S", contract="c")
    steps = [
        (_step(1, "Orders", parent=None), courses.Course(layout=layout, target=target, mode=Mode.CREATE)),
        (_step(2, "Lines", parent=1), courses.Course(layout=lines, target=target, mode=Mode.CREATE)),
    ]
    rows = [Row(2, ["A"], [[Row(2, ["x"])]]), Row(3, ["B"], [[Row(3, ["y"]), Row(4, ["z"])]])]
    places = [(1, 2), (2, 2), (1, 3), (2, 3), (2, 4)]
    with ledger.write() as db:
        endpoints.add(db, endpoints.Endpoint(key="a", name="A", addresses=("http://a",)))
        made = jobs.Job(id=jobs.new_id(db), endpoint="a", company="USMF", submitted_at=1.0)
        jobs.add(db, made)
        courses.add_steps(db, made.id, steps)
        new = batches.NewBatch(step=1, no=1, rank=1, size=5, places=runs(places), rows=pack_rows(rows))
        batches.add_many(db, job=made.id, endpoint="a", new=[new])
        courses.planned(db, job_id=made.id, rows={1: 2, 2: 3})
    return made


def _step(no, entity, *, parent):
    return courses.Step(
        no=no, entity=entity, file="f", sheet=None, table=entity, service="S", parent=parent, rank=1, reasons={}, mode="create",
        rows=0, counts={},
    )  # fmt: skip
