"""A dispatcher whose pages have something to show."""

import pytest

from connector.wire.reports import Check, Problem
from tests.web.pages.seen import ROWS, submit


@pytest.fixture
def shop(desk, tmp_path):
    """A dispatcher that has known an AOS for a while, and has loaded there."""
    desk.client.add_endpoint("AOS-Test", addresses=["http://aos.test/port.svc"], companies=["USMF", "DEMF"])
    desk.know("AOS-Test", checks=(Check(name="port", ok=False, detail="No answer.", advice="Start it."),))
    desk.worker("AOS-Test")
    file = tmp_path / "CustGroup.csv"
    file.write_bytes(ROWS)
    desk.package = desk.client.upload(file, name=file.name)["sha256"]
    desk.ended = submit(desk, "one")
    desk.plan(desk.ended)
    wrong = Problem(
        row=1, column="Name", field="Name", value="<b>x</b>", message="Too <long>.", advice="Shorten it.", code="RSC-1"
    )
    desk.settle(desk.ended, "cfu", problems=(wrong,))
    desk.waits = submit(desk, "two")
    return desk
