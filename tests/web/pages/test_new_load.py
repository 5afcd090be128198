"""New load: a package is handed in, mapped, planned and loaded; a corrected workbook goes on under its job."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from connector.ledger import jobs
from tests.web.pages.seen import ROWS, get, page, post, submit

SAID = '[table.CustGroup]\nfields = { Name = "" }\n'


def led(answer):
    """Where a form leads, and what that address tells."""
    assert answer.status_code == 303, answer.text[:2000]
    address = answer.headers["Location"]
    return address, {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}


def fields_of(form):
    return [(name, value) for name, value in form.form_values() if value is not None]


def order_of(desk, job_id):
    with desk.ledger.read() as db:
        return jobs.get(db, job_id).order


def test_a_package_is_handed_in_chosen_for_and_loaded_once(shop):
    address, told = led(post(shop, "/load/package", files={"file": ("CustGroup.csv", ROWS)}))
    assert told == {"package": shop.package}
    (form,) = page(shop, address).xpath("//form[starts-with(@action, '/load/endpoint?')]")
    address, told = led(post(shop, form.get("action"), data={"endpoint": "AOS-Test"}))
    assert shop.client.job(told["test"])["kind"] == "test"
    (form,) = page(shop, address).xpath("//form[starts-with(@action, '/load/company?')]")
    assert form.xpath(".//select[@name='company']/option/text()")[1:] == ["USMF", "DEMF"]
    how = {"company": "DEMF", "partition": "p2", "mode": "create", "blank": "clear"}
    address, told = led(post(shop, form.get("action"), data=how))
    check = order_of(shop, told["check"])
    assert (shop.client.job(told["check"])["kind"], check.mode, check.blank) == ("preview", "create", "clear")
    (form,) = page(shop, address).xpath("//form[starts-with(@action, '/load?')]")
    form.fields["priority"], form.fields["expires_in"], form.fields["stop_after"] = "high", "2", "5%"
    form.xpath(".//input[@name='strict']")[0].checked = True
    first, again = (led(post(shop, form.get("action"), data=fields_of(form)))[0] for _ in range(2))
    assert first == again
    job = shop.client.job(first.rsplit("/", 1)[1])
    assert {name: job[name] for name in ("kind", "company", "partition", "priority")} == {
        "kind": "load", "company": "DEMF", "partition": "p2", "priority": "high"
    }  # fmt: skip
    assert job["expires_at"]
    order = order_of(shop, job["id"])
    assert (order.mode, order.blank, order.stop_after, order.strict) == ("create", "clear", "5%", True)


def test_what_is_chosen_anew_is_looked_at_anew_and_the_old_preview_ends(shop):
    chosen = f"package={shop.package}&endpoint=AOS-Test&company=USMF"
    address, told = led(post(shop, f"/load/company?{chosen}", data={"company": "USMF"}))
    _, anew = led(post(shop, f"/load/mapping?{urlsplit(address).query}", data={"text": SAID}))
    assert anew["check"] != told["check"]
    assert shop.client.job(told["check"])["state"] == "cancelled"
    assert order_of(shop, anew["check"]).mapping == SAID


@pytest.mark.parametrize("how", ["text", "file"])
def test_a_mapping_stands_beside_the_package_and_is_loaded_with(shop, how):
    sent = {"data": {"text": SAID}} if how == "text" else {"files": {"file": ("other.toml", SAID.encode())}}
    address, told = led(post(shop, f"/load/mapping?package={shop.package}&endpoint=AOS-Test&company=USMF", **sent))
    found = page(shop, address)
    assert found.xpath("//input[@name='left_out' and @checked]/@value") == ["Name"]
    (form,) = found.xpath("//form[starts-with(@action, '/load?')]")
    job, _ = led(post(shop, form.get("action"), data=fields_of(form)))
    assert order_of(shop, job.rsplit("/", 1)[1]).mapping == SAID
    dropped, told = led(post(shop, f"/load/mapping?{urlsplit(address).query}", data={"text": " "}))
    assert "mapping" not in told
    assert page(shop, dropped).xpath("//input[@name='left_out' and @checked]") == []


def test_what_the_plan_decided_is_seen_and_changed_for_each_entity(shop):
    found = page(shop, f"/load?package={shop.package}&endpoint=AOS-Test&company=USMF")
    (form,) = found.xpath("//form[starts-with(@action, '/load/entity?')]")
    assert form.fields["target"] == "RapidStart/CustGroupService.CustGroup"
    assert form.xpath(".//input[@name='field']/@value") == ["CustGroup", "Name"]
    assert json.loads(form.fields["shown"]) == [["CustGroup", "CustGroup"], ["Name", "Name"]]
    assert found.xpath("//datalist[@id='records']/option/@value") == [
        "RapidStart/CustGroupService.CustGroup", "RapidStart/CurrencyService.Currency"
    ]  # fmt: skip
    form.xpath(".//input[@name='left_out' and @value='Name']")[0].checked = True
    form.fields["key"] = " CustGroup "
    address, told = led(post(shop, form.get("action"), data=fields_of(form)))
    changed = page(shop, address)
    (form,) = changed.xpath("//form[starts-with(@action, '/load/entity?')]")
    assert form.xpath(".//input[@name='left_out' and @checked]/@value") == ["Name"]
    assert "the mapping says so" in form.xpath("preceding::table[1]")[0].text_content()
    order = order_of(shop, told["check"])
    assert 'key = ["CustGroup"]' in order.mapping
    form.xpath(".//input[@name='left_out' and @value='Name']")[0].checked = False
    address, _ = led(post(shop, form.get("action"), data=fields_of(form)))
    assert page(shop, address).xpath("//input[@name='left_out' and @checked]") == []


def test_a_table_of_very_many_columns_is_changed_as_well(shop):
    columns = [f"Column {no}" for no in range(450)]
    wide = f"CustGroup,{','.join(columns)}\r\n{'1,' * 450}1\r\n".encode()
    _, told = led(post(shop, "/load/package", files={"file": ("CustGroup.csv", wide)}))
    found = page(shop, f"/load?package={told['package']}&endpoint=AOS-Test&company=USMF")
    (form,) = found.xpath("//form[starts-with(@action, '/load/entity?')]")
    for box in form.xpath(".//input[@name='left_out']")[1:]:
        box.checked = True
    address, _ = led(post(shop, form.get("action"), data=fields_of(form)))
    assert page(shop, address).xpath("//form[starts-with(@action, '/load?')]")


@pytest.mark.parametrize("form", [{"shown": "x"}, {"shown": '[["CustGroup", ""]]'}, {"field": ["a"]}])
def test_a_form_that_has_not_come_whole_changes_nothing(shop, form):
    answer = post(shop, f"/load/entity?package={shop.package}", data={"entity": "CustGroup"} | form)
    assert answer.status_code == 422
    assert "Load the page anew" in answer.text


def test_the_mapping_that_says_the_same_can_be_copied_and_handed_in(shop):
    found = page(shop, f"/load?package={shop.package}&endpoint=AOS-Test&company=USMF")
    (told,) = found.xpath("//textarea[@name='text']")
    assert 'target = "RapidStart/CustGroupService.CustGroup"' in told.text
    address, _ = led(post(shop, f"/load/mapping?package={shop.package}&endpoint=AOS-Test", data={"text": told.text}))
    assert page(shop, address).xpath("//textarea[@name='text']")[0].text == told.text


def test_an_entity_without_a_record_is_named_one_on_the_page(shop):
    _, told = led(post(shop, "/load/package", files={"file": ("Money.csv", b"Code,Text\r\nEUR,Euro\r\n")}))
    found = page(shop, f"/load?package={told['package']}&endpoint=AOS-Test&company=USMF")
    assert found.xpath("//*[@role='alert']")
    assert found.xpath("//form[starts-with(@action, '/load?')]") == []
    (form,) = found.xpath("//form[starts-with(@action, '/load/entity?')]")
    form.fields["target"] = "Currency"
    columns = iter(["CurrencyCode", "Txt"])
    sent = [(name, next(columns) if name == "field" else value) for name, value in fields_of(form)]
    address, _ = led(post(shop, form.get("action"), data=sent))
    assert page(shop, address).xpath("//form[starts-with(@action, '/load?')]")


@pytest.mark.parametrize(
    ("text", "told"),
    [("table = 1\n[", "not valid TOML"), ("[table.CustGroup]\ntarged = 'x'", "targed"), (b"\xff\xfe", "no text in UTF-8")],
)
def test_a_mapping_that_cannot_be_read_is_refused_with_what_to_do(shop, text, told):
    sent = {"files": {"file": ("m.toml", text)}}
    answer = post(shop, f"/load/mapping?package={shop.package}", **sent)
    assert answer.status_code == 422
    assert told in answer.text


def test_a_corrected_workbook_is_known_and_taken_up_by_one_button(shop, tmp_path):
    file = tmp_path / "results.xlsx"
    shop.client.workbook(shop.ended, file)
    address, _ = led(post(shop, "/load/package", files={"file": (file.name, file.read_bytes())}))
    found = page(shop, address)
    assert found.xpath("//main//a[@href=$job]", job=f"/jobs/{shop.ended}")
    assert found.xpath("//dt[.='Rows that are loaded']/following-sibling::dd[1]/data/@value") == ["1"]
    assert f"rapidstart job retry {shop.ended} --fixed {file.name}" in found.xpath("//code/text()")
    (form,) = found.xpath("//main//form")
    job, _ = led(post(shop, form.get("action")))
    taken = shop.client.job(job.rsplit("/", 1)[1])
    assert taken["retry_of"] == shop.ended
    (why,) = page(shop, address).xpath("//*[@role='alert']")
    assert f"{taken['id']} is loading rows of {shop.ended}" in why.text_content()
    assert page(shop, address).xpath("//main//form") == []


def test_a_corrected_workbook_is_for_those_who_see_its_job(shop, tmp_path):
    file = tmp_path / "results.xlsx"
    shop.client.workbook(shop.ended, file)
    secret = shop.accounts.create_token("elsewhere", role="operator", service_instances=["other"])["secret"]
    shop.http.headers["Authorization"] = f"Bearer {secret}"
    address, _ = led(post(shop, "/load/package", files={"file": (file.name, file.read_bytes())}))
    get(shop, address, status=404)
    assert post(shop, f"/load/corrected?{urlsplit(address).query}").status_code == 404


def test_a_package_is_no_workbook_of_corrected_rows(shop):
    answer = post(shop, f"/load/corrected?package={shop.package}")
    assert (answer.status_code, "no workbook of rows to correct" in answer.text) == (422, True)


def test_packages_that_were_handed_in_lately_are_sorted_filtered_and_turned(shop, tmp_path):
    for no in range(25):
        post(shop, "/load/package", files={"file": (f"Terms {no:02}.csv", f"PaymTermId\r\n{no}\r\n".encode())})
    post(shop, f"/load/mapping?package={shop.package}", data={"text": SAID})

    def names(query):
        return page(shop, f"/load{query}").xpath("//div[@id='rows']//tbody//td[1]/a/text()")

    assert names("?sort=name&q=terms")[:2] == ["Terms 00.csv", "Terms 01.csv"]
    assert names("?sort=-name&q=terms+1")[0] == "Terms 21.csv"
    assert names("?q=custgroup") == ["CustGroup.csv"]
    assert names("?q=mapping") == []
    first = page(shop, "/load?sort=name")
    (turn,) = first.xpath("//a[@rel='next']/@href")
    assert "sort=name" in turn
    assert names(turn.removeprefix("/load"))[-1] == "Terms 24.csv"
    assert first.xpath("//th[@aria-sort='ascending']/a/text()") == ["Package"]
    assert submit(shop, "again", package=shop.package)
