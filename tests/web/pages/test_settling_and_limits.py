"""Rows that nobody could prove are settled, and limits are set, by forms of their pages."""

import pytest
from lxml import html

from connector.wire.reports import Problem
from tests.web.pages.seen import get, page, post, submit


@pytest.fixture
def doubtful(shop):
    """A load of whose rows two are unknown."""
    told = [
        Problem(row=no, column=None, field=None, value=None, message="No answer.", advice="Look.", code="RSC-1") for no in (1, 2)
    ]
    shop.plan(shop.waits)
    shop.settle(shop.waits, "c??", problems=tuple(told))
    return shop


def settle(desk, **form):
    return post(desk, f"/jobs/{desk.waits}/results/settle", data=form)


def test_rows_that_are_ticked_are_settled_and_others_are_not(doubtful):
    found = page(doubtful, f"/jobs/{doubtful.waits}/results")
    ticks = found.xpath("//input[@type='checkbox' and @form='settle']/@value")
    assert len(ticks) == 2
    assert found.xpath("//form[@id='settle']//input[@name='way']/@value") == ["lookup", "done", "skip", "retry"]
    answer = settle(doubtful, way="skip", meant="ticked", row=[ticks[0]])
    assert answer.headers["Location"] == f"/jobs/{doubtful.waits}/results"
    rows = doubtful.client.job(doubtful.waits)["rows"]
    assert (rows["skipped"], rows["unknown"], rows["created"]) == (1, 1, 1)


def test_all_rows_are_settled_at_once(doubtful):
    settle(doubtful, way="done", meant="all")
    assert doubtful.client.job(doubtful.waits)["rows"]["unknown"] == 0
    assert not page(doubtful, f"/jobs/{doubtful.waits}/results").xpath("//form[@id='settle']")


@pytest.mark.parametrize(("way", "kind"), [("lookup", "preview"), ("retry", "load")])
def test_what_is_a_job_of_its_own_leads_there(doubtful, way, kind):
    made = settle(doubtful, way=way, meant="all").headers["Location"].rsplit("/", 1)[1]
    assert (doubtful.client.job(made)["kind"], made != doubtful.waits) == (kind, True)


@pytest.mark.parametrize(
    ("row", "status"),
    [([], 422), (["{}"], 422), (["no json"], 422), (['{"file": "CustGroup.csv", "sheet": null, "row": 2}'], 404)],
)
def test_rows_that_are_none_to_settle_are_refused(doubtful, row, status):
    answer = settle(doubtful, way="done", meant="ticked", row=row)
    assert answer.status_code == status
    assert html.fromstring(answer.text).xpath("//*[@role='alert']")
    assert doubtful.client.job(doubtful.waits)["rows"]["unknown"] == 2


def test_a_viewer_sees_the_command_and_no_form(doubtful):
    secret = doubtful.accounts.create_token("looker", role="viewer")["secret"]
    doubtful.http.headers["Authorization"] = f"Bearer {secret}"
    found = page(doubtful, f"/jobs/{doubtful.waits}/results")
    assert f"rapidstart job resolve {doubtful.waits} --all --as lookup" in found.xpath("//code/text()")
    assert found.xpath("//form[@id='settle'] | //input[@type='checkbox']") == []
    assert settle(doubtful, way="done", meant="all").status_code == 403


def test_the_page_of_a_job_leads_to_the_rows_to_settle_and_names_the_commands(doubtful):
    found = page(doubtful, f"/jobs/{doubtful.waits}")
    assert found.xpath("//main//a[@href=$to]", to=f"/jobs/{doubtful.waits}/results#settle-them")
    assert f"rapidstart job resolve {doubtful.waits} --all --as lookup" in found.xpath("//code/text()")
    assert f"rapidstart job retry {doubtful.ended}" in page(doubtful, f"/jobs/{doubtful.ended}").xpath("//code/text()")


def limits(desk, **form):
    return post(desk, "/deployments/AOS-Test/workers/limits", data=form)


def test_limits_are_set_shown_and_taken_away_with_their_command(shop):
    hours = "weekdays 20:00-06:00 Europe/Berlin"
    limits(shop, concurrency="2", rows_per_second="0.5", hours=hours, shortest="1", longest="9.5")
    told = shop.client.endpoint("AOS-Test")["limits"]
    assert (told["concurrency"], told["rows_per_second"], told["hours"], told["call_seconds"]) == (2, 0.5, hours, [1.0, 9.5])
    found = page(shop, "/deployments/AOS-Test")
    (form,) = found.xpath("//form[contains(@action, '/workers/limits')]")
    assert dict(form.fields) == {
        "concurrency": "2", "rows_per_second": "0.5", "hours": hours, "shortest": "1.0", "longest": "9.5"
    }  # fmt: skip
    command = (
        f'rapidstart endpoint limit AOS-Test --clear --concurrency 2 --rows-per-second 0.5 --hours "{hours}" --call-seconds 1-9.5'
    )
    assert command in found.xpath("//code/text()")
    limits(shop)
    told = shop.client.endpoint("AOS-Test")["limits"]
    assert not any((told["concurrency"], told["rows_per_second"], told["hours"], told["call_seconds"]))


@pytest.mark.parametrize(
    "form",
    [
        {"hours": "now and then"},
        {"shortest": "1"},
        {"shortest": "9", "longest": "1"},
        {"rows_per_second": "0"},
        {"concurrency": "x"},
    ],
)
def test_limits_that_make_no_sense_are_refused_and_the_old_ones_stay(shop, form):
    limits(shop, concurrency="3")
    answer = limits(shop, **form)
    assert answer.status_code == 422, answer.text
    assert html.fromstring(answer.text).xpath("//*[@role='alert']")
    assert shop.client.endpoint("AOS-Test")["limits"]["concurrency"] == 3


def test_what_is_wished_of_workers_stands_there_as_a_command(shop):
    command = "rapidstart endpoint scale AOS-Test"
    assert f"{command} --unset" in get(shop, "/deployments/AOS-Test").text
    post(shop, "/deployments/AOS-Test/workers/scale", data={"workers": "2", "concurrency": "3"})
    assert f"{command} --workers 2 --concurrency 3" in get(shop, "/deployments/AOS-Test").text


def test_a_form_for_one_load_is_not_of_another(doubtful):
    other = submit(doubtful, "other")
    assert post(doubtful, f"/jobs/{other}/results/settle", data={"way": "done", "meant": "all"}).status_code == 409
