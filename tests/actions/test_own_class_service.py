"""Class actions without a word in the mapping about the service: this project's own (deploy/ax) stands for it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.plan import make
from connector.plan.mapping import parse
from connector.wire import codec
from connector.wire.codec import Row
from connector.wire.jobs import WORK, Blank, Layout, LoadClasses, Mode
from connector.wire.metadata import Metadata
from connector.wire.reports import BatchRef
from tests.load.conftest import TABLES, Aos, Dispatcher, running
from tests.plan.conftest import make_action, make_package
from workers import aos
from workers.errors import GiveUp, Unfinished
from workers.load import classes
from workers.load.result import Result

CONTRACT = Path(__file__).parents[2] / "deploy" / "ax" / "contract"
MAPPING = """
[table.Postings]
call = "class"
target = "RapidStartDemo.{method}"
fields = {{ "Journal" = "journal", "Days" = "days:Integer" }}
"""


@pytest.fixture(scope="module")
def ax() -> Iterator[Aos]:
    with running("--tables", str(TABLES), "--contract", str(CONTRACT), "--company", "USMF") as found:
        yield found


def called(ax: Aos, method: str, rows: list[list[str]]) -> Result:
    """Rows planned and carried out, as the dispatcher and a worker do it."""
    address = f"{ax.url}/MicrosoftDynamicsAXAif60/RapidStartTables/xppservice.svc"
    door = aos.Door([ax.url])
    found: Metadata = aos.read_metadata(door, [address], company="USMF")
    action = make_action("Postings", "Journal,Days", *rows)
    (step,) = make(
        make_package(action), found, mapping=parse(MAPPING.format(method=method), "m.toml"), mode=Mode.UPSERT, blank=Blank.KEEP
    ).steps
    assert (step.target.service, step.target.operation) == ("RapidStartTableService", "invoke")
    layout: Layout = step.layout
    message = WORK[step.kind](
        endpoint="AOSTEST",
        ref=BatchRef(job="j1", step=1, batch=1),
        company="USMF",
        target=step.target,
        layout=layout,
        rows=codec.to_text(codec.pack_rows([Row(number, row) for number, row in enumerate(rows, 2)])),
        **step.options,
    )
    assert isinstance(message, LoadClasses)
    port = aos.open_port(door, step.target, company="USMF", language="en-us", partition=None)
    return classes.run(message, port=port, ask=Dispatcher())


def test_parameters_travel_with_their_types(ax: Aos) -> None:
    result = called(ax, "types", [["J1", "30"], ["", "5"]])
    assert result.outcomes.letters == "uu"
    assert [json.loads(answer)["Value"] for answer in result.outcomes.answers.values()] == [
        "String J1; Integer 30",
        "String ; Integer 5",
    ]


def test_an_error_of_the_method_is_told_in_ax_words(ax: Aos) -> None:
    result = called(ax, "post", [["J1", "1"], ["fail", "1"], ["J3", "much"]])
    assert result.outcomes.letters == "uff"
    first, second = result.outcomes.problems
    assert "does not balance" in first.message
    assert "much" in second.message or "days" in second.message
    assert ax.stats()["invoked"]["RapidStartDemo.post"] == 1


def test_a_method_that_is_not_there_ends_the_step(ax: Aos) -> None:
    """No row is at fault, and none of the others would go in."""
    with pytest.raises(Unfinished, match="no method") as caught:
        called(ax, "nothing", [["J1", "1"], ["J2", "2"]])
    assert isinstance(caught.value.error, GiveUp)
    assert caught.value.settled
    assert caught.value.outcomes.letters == ".."
