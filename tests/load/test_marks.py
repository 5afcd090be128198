"""The mark of the database, as the table service tells it: asked often enough, and missed where it is told no more."""

from pathlib import Path

import pytest

from connector.wire.jobs import Target
from tests.load.conftest import TABLES, running
from workers import aos
from workers.errors import Retry

CONTRACT = Path(__file__).parents[2] / "deploy" / "ax" / "contract"
OPTIONS = ("--tables", str(TABLES), "--company", "USMF")


def target(url, port="RapidStartTables"):
    address = f"{url}/MicrosoftDynamicsAXAif60/{port}/xppservice.svc"
    return Target(address=address, port=port, service="RapidStartTableService", contract="c")


def mark(ax, company="USMF", **more):
    return aos.database_mark(aos.Door([ax.url]), target(ax.url, **more), company=company, partition=None, contract_zip=None)


def surveyed(ax, *ports, company="USMF"):
    addresses = [target(ax.url, port).address for port in ports]
    return aos.surveyed_mark(aos.Door([ax.url]), addresses, company=company, partition=None, contract_zip=None)


@pytest.fixture(scope="module")
def ax():
    with running(*OPTIONS, "--contract", str(CONTRACT)) as found:
        yield found


def test_a_mark_stays_until_the_database_is_another_one(ax):
    before = mark(ax)
    assert before
    assert mark(ax) == surveyed(ax, "RapidStart", "RapidStartTables") == before
    ax.reset()
    assert mark(ax) not in ("", before)


def test_where_nobody_offers_to_tell_it_a_survey_says_so(ax):
    assert surveyed(ax, "RapidStart") == ""
    assert surveyed(ax, "RapidStartTables", company=None) is None, "nobody can be asked without a company"


def test_a_port_that_is_gone_tells_it_no_more(ax):
    assert mark(ax, port="Elsewhere") == ""


def test_a_company_that_is_not_there_says_nothing_of_the_database(ax):
    with pytest.raises(Exception, match="XXXX"):
        mark(ax, company="XXXX")


def test_an_aos_that_is_away_is_waited_for():
    with running(*OPTIONS, "--contract", str(CONTRACT)) as gone:
        door, asked = aos.Door([gone.url]), target(gone.url)
        aos.database_mark(door, asked, company="USMF", partition=None, contract_zip=None)
    with pytest.raises(Retry):
        aos.database_mark(door, asked, company="USMF", partition=None, contract_zip=None)
    addresses = [asked.address]
    assert aos.surveyed_mark(door, addresses, company="USMF", partition=None, contract_zip=None) is None


def test_it_is_asked_for_anew_after_a_moment_and_after_an_error():
    now, answers = [0.0], ["one", "two", "three"]
    marks = aos.Marks(clock=lambda: now[0])

    def ask():
        return answers.pop(0)

    def fail():
        raise Retry("away")

    assert marks.told("a", ask) == marks.told("a", fail) == "one"
    assert marks.told("b", ask) == "two", "of another address nothing is known"
    now[0] = 2.5
    with pytest.raises(Retry):
        marks.told("a", fail)
    assert marks.told("a", ask) == "three"


def test_of_an_aos_that_was_silent_it_is_asked_for_anew():
    """It may be back within a moment, with another database."""
    marks = aos.Marks()
    assert marks.told("a", lambda: "one") == "one"
    marks.forget("a")
    assert marks.told("a", lambda: "two") == "two"
    marks.forget("b")
