"""Every page as HTML: it is there, it can be read by everybody, and it asks for nothing that is not ours."""

import hashlib
import time
import tomllib
from importlib.resources import files
from urllib.parse import urlsplit

from lxml import html

from connector.dispatch.outbox import task_id
from connector.ledger import batches, jobs
from connector.web.pages import drawing
from connector.wire.reports import Check
from tests.web.pages.seen import ROWS, get, page, submit

STATIC = files("connector.web.pages").joinpath("static")


def addresses(desk):
    workbook = desk.home / "results.xlsx"
    desk.client.workbook(desk.ended, workbook)
    corrected = desk.client.upload(workbook, name=workbook.name)["sha256"]
    return [
        "/",
        "/deployments",
        "/deployments/aos-test",
        "/deployments/aos-test?q=cust&service=RapidStart/CustGroupService",
        "/load",
        f"/load?package={corrected}",
        f"/load?package={desk.package}&endpoint=AOS-Test&company=USMF&partition=p&mode=create&blank=clear",
        f"/load?package={desk.package}",
        f"/load?package={desk.package}&endpoint=AOS-Test&company=USMF&check={desk.ended}&test={desk.waits}",
        "/jobs",
        "/jobs?state=failed&q=nothing",
        f"/jobs/{desk.ended}",
        f"/jobs/{desk.waits}",
        f"/jobs/{desk.ended}/results",
        f"/jobs/{desk.waits}/results",
        "/activate",
        "/signin",
        "/signin/me",
    ]


def test_every_page_has_landmarks_labels_and_one_heading(shop):
    for address in addresses(shop):
        found = page(shop, address)
        assert found.get("lang") == "en", address
        assert len(found.xpath("//main")) == len(found.xpath("//h1")) == 1, address
        assert found.xpath("//title")[0].text.strip(" -"), address
        for field in found.xpath("//input[not(@type='hidden')] | //select | //textarea"):
            assert field.xpath("ancestor::label | @aria-label"), (address, html.tostring(field))
        ids = found.xpath("//@id")
        assert len(ids) == len(set(ids)), address
        for button in found.xpath("//button | //a[@role='button']"):
            assert button.text_content().strip() or button.get("aria-label"), address


def test_no_page_has_a_script_or_style_of_its_own_or_asks_another_origin(shop):
    for address in addresses(shop):
        answer = get(shop, address)
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        found = html.fromstring(answer.text)
        assert not found.xpath("//style | //*[@style] | //script[not(@src)]"), address
        assert not [
            name for each in found.iter() if isinstance(each.tag, str) for name in each.attrib if name.startswith(("on", "hx-on"))
        ]
        for asked in found.xpath("//@src | //link/@href | //form/@action | //@hx-get | //@sse-connect"):
            assert not urlsplit(asked).netloc, (address, asked)


def test_what_packages_and_ax_say_is_shown_as_text(shop):
    found = page(shop, f"/jobs/{shop.ended}/results")
    told = found.text_content()
    assert "Too <long>." in told
    assert "<b>x</b>" in told
    assert "CustGroup.csv!3" in told


def test_a_row_that_failed_is_found_by_its_message(shop):
    (link,) = page(shop, f"/jobs/{shop.ended}").xpath("//ul[@class='checks']//a/@href")
    assert "Too <long>." in page(shop, link).xpath("//div[@id='rows']")[0].text_content()
    none = page(shop, f"/jobs/{shop.ended}/results?q=nowhere")
    assert none.xpath("//div[@id='rows']//tbody") == []


def test_jobs_are_filtered_sorted_and_counted(shop):
    def ids(query):
        return list(page(shop, f"/jobs{query}").xpath("//tbody//td[1]/a/text()"))

    assert ids("") == [shop.waits, shop.ended]
    assert ids("?sort=submitted") == [shop.ended, shop.waits]
    assert ids("?state=partly_succeeded") == [shop.ended]
    assert ids(f"?q={shop.waits.lower()}") == [shop.waits]
    assert ids("?company=DEMF") == []
    assert ids("?endpoint=aos-TEST&kind=load") == [shop.waits, shop.ended]
    assert ids("?sort=nonsense") == [shop.waits, shop.ended]
    tabs = page(shop, "/jobs").xpath("//ul[@class='tabs']/li//data/@value")
    assert tabs[0] == "2"


def test_a_file_that_is_no_package_is_refused_with_what_to_do(shop):
    answer = shop.http.post(f"{shop.url}/load/package", files={"file": ("x.xlsx", b"PK\3\4 no zip")}, timeout=20)
    assert answer.status_code == 422
    told = html.fromstring(answer.text)
    assert told.xpath("//*[@role='alert']")


def test_jobs_are_steered_from_their_page(shop):
    def post(verb, **form):
        return shop.http.post(f"{shop.url}/jobs/{shop.waits}/{verb}", data=form, timeout=20)

    assert post("pause").status_code == 200
    assert shop.client.job(shop.waits)["state"] == "paused"
    post("resume")
    post("priority", priority="high")
    assert shop.client.job(shop.waits)["priority"] == "high"
    post("cancel")
    assert shop.client.job(shop.waits)["state"] == "cancelled"
    refused = post("pause")
    assert refused.status_code == 409
    assert "has ended" in refused.text


def test_a_viewer_is_offered_nothing_that_they_may_not_do(shop):
    secret = shop.accounts.create_token("looker", role="viewer")["secret"]
    headers = {"Accept": "text/html", "Authorization": f"Bearer {secret}"}

    def looked(path):
        return html.fromstring(shop.http.get(f"{shop.url}{path}", headers=headers, timeout=20).text)

    for path in ("/", "/deployments/AOS-Test", f"/jobs/{shop.waits}", f"/jobs/{shop.ended}/results"):
        assert looked(path).xpath("//form[@method='post' and @action!='/signout']") == [], path
    refused = shop.http.get(f"{shop.url}/load", headers=headers, timeout=20)
    assert refused.status_code == 403


def test_who_is_not_signed_in_is_led_to_where_they_can(shop):
    answer = shop.http.get(
        f"{shop.url}/jobs?state=failed", headers={"Accept": "text/html", "Authorization": ""}, allow_redirects=False, timeout=20
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/signin?next=%2Fjobs%3Fstate%3Dfailed")


def test_an_empty_dispatcher_teaches_the_next_step(desk):
    command = f"rapidstart-worker register --service-host AOSPROD01 --dispatcher {desk.url}"
    for path in ("/", "/deployments", "/activate"):
        assert command in page(desk, path).text_content(), path
    assert page(desk, "/jobs").xpath("//main//a[@href='/load']")


def test_files_of_others_are_those_of_the_manifest():
    vendored = tomllib.loads(STATIC.joinpath("vendored.toml").read_text())["file"]
    ours = {"ours.css", "ours.js", "charts.js", "icon.svg", "vendored.toml"}
    assert {each.name for each in STATIC.iterdir()} == ours | {each["name"] for each in vendored}
    for each in vendored:
        assert hashlib.sha256(STATIC.joinpath(each["name"]).read_bytes()).hexdigest() == each["sha256"]
        assert each["version"]
        assert each["licence"] in {"MIT", "0BSD"}


def test_static_files_may_be_kept_and_others_are_not_there(desk):
    answer = get(desk, drawing.address_of("ours.css"))
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Type"].startswith("text/css")
    get(desk, "/static/000000000000/ours.css", status=404)
    get(desk, drawing.address_of("ours.css").replace("ours.css", "vendored.toml"), status=404)


def test_a_corrected_workbook_is_handed_in_where_the_rows_are_told(shop, tmp_path):
    results = page(shop, f"/jobs/{shop.ended}/results")
    (form,) = results.xpath("//form[@aria-labelledby='fix']")
    assert "left alone" in results.xpath("//*[@id='fix']/following-sibling::p[1]")[0].text_content()

    def hand_in(file):
        return shop.http.post(f"{shop.url}{form.get('action')}", files={"file": file}, allow_redirects=False, timeout=20)

    refused = hand_in(("CustGroup.csv", ROWS))
    assert (refused.status_code, "no workbook of rows to correct" in refused.text) == (422, True)
    file = tmp_path / "results.xlsx"
    shop.client.workbook(shop.ended, file)
    taken = hand_in((file.name, file.read_bytes()))
    assert taken.status_code == 303
    again = taken.headers["Location"].rsplit("/", 1)[1]
    assert shop.client.job(again)["retry_of"] == shop.ended
    assert any(f"of {shop.ended}, corrected in {file.name}" in str(line) for line in shop.client.log(again))


def test_rows_that_nobody_could_prove_are_told_how_to_settle(shop):
    shop.plan(shop.waits)
    shop.settle(shop.waits, "cc?")
    command = f"rapidstart job resolve {shop.waits} --all --as lookup"
    assert command in page(shop, f"/jobs/{shop.waits}/results").xpath("//code/text()")
    assert command not in get(shop, f"/jobs/{shop.ended}/results").text


def test_workers_and_tasks_are_linked_where_flower_is_known(shop):
    shop.plan(shop.waits)
    with shop.ledger.write() as db:
        (sending,) = batches.claim(db, job=shop.waits, limit=1, now=1.0)
        batches.replace(db, sending.ref, now=1.0, reason="no answer")
    seen = ("/deployments/aos-test", f"/jobs/{shop.waits}")
    assert not any("flower" in href for address in seen for href in page(shop, address).xpath("//a/@href"))
    shop.app.state.flower_url = "http://flower.test"
    aos, job = (page(shop, address).xpath("//main//a[contains(@href, 'flower.test')]/@href") for address in seen)
    (task,) = job
    assert aos == ["http://flower.test/worker/AOS-Test.1", task]
    assert task.startswith(f"http://flower.test/task/{task_id(sending.ref).rsplit('.', 1)[0]}.")


def test_a_part_that_changes_is_drawn_without_all_that_stands_around_it(shop):
    for address, part in (
        ("/", "live"),
        ("/deployments", "live"),
        ("/deployments/aos-test", "live"),
        ("/deployments/aos-test?q=cust", "browser"),
        ("/jobs", "live"),
        (f"/jobs/{shop.waits}", "live"),
        (f"/jobs/{shop.ended}/results?q=long", "rows"),
        (f"/load?package={shop.package}&endpoint=AOS-Test&test={shop.waits}", "live"),
    ):
        whole = get(shop, address).text
        asked = shop.http.get(f"{shop.url}{address}", headers={"Accept": "text/html", "HX-Target": part}, timeout=20).text
        (fragment,) = html.fragments_fromstring(asked)
        assert fragment.get("id") == part, address
        there = html.fromstring(whole).get_element_by_id(part)
        for what in ("descendant::h2/text()", "descendant::th/text()", "descendant::td[1]//a/@href"):
            assert fragment.xpath(what) == there.xpath(what), address
        assert len(asked) < len(whole), address
    for other in ("content", "nothing"):
        asked = shop.http.get(f"{shop.url}/", headers={"Accept": "text/html", "HX-Target": other}, timeout=20).text
        assert html.fromstring(asked).xpath("//main")


def test_a_job_that_runs_tells_its_rate_of_late_and_the_time_left(shop):
    runs = submit(shop, "three", batch_rows=1)
    shop.plan(runs)
    with shop.ledger.write() as db:
        jobs.set_state(db, runs, jobs.JobState.RUNNING)
        jobs.mark(db, runs, started_at=time.time())
    shop.settle(runs, "c")
    told = page(shop, f"/jobs/{runs}").xpath("//dl[contains(@class, 'low')]//dt/text()")
    assert told[2:] == ["Rows a second, lately", "Runs for", "Time left, about"]
    (a_minute,) = page(shop, "/").xpath("//dt[.='Rows a minute']/following-sibling::dd/data/@value")
    assert int(a_minute) > 0


def test_an_aos_tells_what_is_not_well_first_and_how_fast_it_answers(shop):
    shop.know("AOS-Test", checks=(Check(name="clock", ok=True, detail="Right."), Check(name="port", ok=False, detail="Shut.")))
    shop.dispatcher.meter.called("AOS-Test", calls=4, seconds=0.8)
    told = page(shop, "/deployments/aos-test")
    assert [each.text_content().split()[-1] for each in told.xpath("//ul[@class='checks']/li")] == ["Shut.", "Right."]
    assert told.xpath("//details[@id='well']//li//strong/text()") == ["clock"]
    assert told.xpath("//dl[contains(@class, 'low')]//dd/text()") == ["0.25 ", "0.25 ", "0.25 "]
    assert told.xpath("//a[contains(@href, '/jobs?endpoint=AOS-Test')]/text()") == ["Its unfinished jobs: 1"]
    assert told.xpath("//form[@id='scale']//input[@name='workers']")
