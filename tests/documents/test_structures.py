"""Dimensions, accounts, and dates with a time zone: written as the schema wants them, read back as their parts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from connector.wire.codec import Row
from connector.wire.jobs import Merge
from connector.wire.metadata import Document, Field, FieldType, Service, Table
from connector.wire.reports import Before
from tests.documents.customers import JOURNAL, SHARED, layout, port
from workers import aos, documents
from workers.aos import answers
from workers.errors import GiveUp, Reject
from workers.load import compare

CUSTOMERS = port("CustomerService")
JOURNALS = port("LedgerGeneralJournalService")
ROOT = layout("LedgerJournalTable", "JournalName")


def journal(*columns: str, **more: object) -> documents.Writer:
    """A writer of lines with these columns."""
    line = layout("LedgerJournalTrans", *columns, step=2, **more)
    return documents.Writer(JOURNALS.service, ROOT.model_copy(update={"children": (line,)}))


def line(*cells: str | None) -> Row:
    return Row(2, ["GenJrn"], [[Row(3, list(cells))]])


def told(body: documents.Body) -> dict[str, str | None]:
    """The first line of a document as AX would tell it."""
    (record,) = answers.records(etree.fromstring(body.request), JOURNALS.service.document)
    return record.children["LedgerJournalTrans"][0].values


def created(writer: documents.Writer, row: Row) -> documents.Body:
    return writer.create([writer.record(row)])


def test_a_column_for_each_dimension_and_the_account():
    writer = journal("LedgerDimension.Account", "LedgerDimension.Department", "LedgerDimension.CostCenter", "Txt")
    body = created(writer, line("110180", "010", "", "rent"))
    assert JOURNALS.invalid(body.document) == []
    assert told(body) == {
        "LedgerDimension.DisplayValue": "",
        "LedgerDimension.Account": "110180",
        "LedgerDimension.Department": "010",
        "Txt": "rent",
    }
    element = next(etree.fromstring(body.document).iter(f"{JOURNAL}LedgerDimension"))
    assert [part.tag for part in element] == [f"{SHARED}DisplayValue", f"{SHARED}Account", f"{SHARED}Values"]


SEGMENTS = {"LedgerDimension": {"segments": ("Account", "Department", "CostCenter"), "delimiter": "-"}}


def test_a_delimited_text_is_taken_apart_an_empty_segment_is_no_value():
    writer = journal("LedgerDimension", structures=SEGMENTS)
    body = created(writer, line("110180--025"))
    assert JOURNALS.invalid(body.document) == []
    assert told(body)["LedgerDimension.CostCenter"] == "025"
    assert "LedgerDimension.Department" not in told(body)


@pytest.mark.parametrize("text", ["110180", "110180-010", "1-2-3-4", "-"])
def test_a_wrong_number_of_segments_is_told_with_its_cell(text):
    writer = journal("LedgerDimension", structures=SEGMENTS)
    with pytest.raises(Reject, match="segments"):
        writer.record(line(text))
    (problem,) = documents.cell_problems(writer.shape, line(text), index=0, creating=True)
    assert (problem.row, problem.column, problem.value) == (1, "LedgerDimension", text)
    assert "the mapping names 3" in problem.message


def test_a_part_that_the_schema_demands_is_told_as_missing():
    writer = journal("LedgerDimension.Account", "LedgerDimension.Department")
    (problem,) = documents.cell_problems(writer.shape, line("", "010"), index=0, creating=True)
    assert (problem.row, problem.field) == (1, "LedgerDimension.Account")
    (problem,) = documents.cell_problems(writer.shape, line("", ""), index=0, creating=True)
    assert (problem.field, "mandatory" in problem.message) == ("LedgerDimension", True)
    assert not writer.written([line("", "010")]).sure


def test_constants_fill_parts_too():
    writer = journal(
        "LedgerDimension.Account", constants={"LedgerDimension.Department": "010", "LedgerDimension.DisplayValue": "x"}
    )
    values = told(created(writer, line("1")))
    assert (values["LedgerDimension.Department"], values["LedgerDimension.DisplayValue"]) == ("010", "x")


def test_all_parts_empty_leave_the_structure_out():
    writer = journal("DefaultDimension.Department", "LedgerDimension.Account")
    assert "DefaultDimension" not in created(writer, line("", "1")).document.decode()
    assert "DefaultDimension" not in created(writer, line(None, "1")).document.decode()


CELL = st.sampled_from(["", None, "010", "a&<b", "x" * 30, "ß-ö"])


@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=5))
@settings(max_examples=100, deadline=None)
def test_what_is_surely_taken_the_schema_takes_and_rows_do_not_mix(cells):
    columns = ("LedgerDimension.Account", "LedgerDimension.Department", "DefaultDimension.CostCenter")
    rows = [line(*three) for three in cells]
    written = journal(*columns).written(rows)
    assert written.records == [journal(*columns).record(row) for row in rows]
    invalid = JOURNALS.invalid(journal(*columns).create(written.records).document)
    if written.sure:
        examples = {written.records[place] for place in written.structures.values()}
        assert bool(invalid) == bool(JOURNALS.invalid(journal(*columns).create(examples).document))


def changed(writer: documents.Writer, row: Row, **old: str | None) -> dict[str, str | None]:
    before = Before(hash="h", values={f"LedgerJournalTrans[1]/{name.replace('__', '.')}": text for name, text in old.items()})
    body = writer.update([{"JournalNum": "1"}], [writer.changed(row, before)])
    again = before.model_validate_json(before.model_dump_json())
    assert writer.update([{"JournalNum": "1"}], [writer.changed(row, again)]).request == body.request
    return told(body)


OLD = {
    "LedgerDimension__DisplayValue": "110180-009-025",
    "LedgerDimension__Account": "110180",
    "LedgerDimension__Department": "009",
    "LedgerDimension__CostCenter": "025",
}


def test_an_update_merges_what_the_row_says_into_what_ax_holds():
    writer = journal("LedgerDimension.Department", structures={"LedgerDimension": {"update": Merge.MERGE}})
    assert changed(writer, line("010"), **OLD) == {
        "LedgerDimension.DisplayValue": "",
        "LedgerDimension.Account": "110180",
        "LedgerDimension.Department": "010",
        "LedgerDimension.CostCenter": "025",
    }


def test_an_update_replaces_the_set_where_the_mapping_says_so():
    writer = journal("LedgerDimension.Department", structures={"LedgerDimension": {"update": Merge.REPLACE}})
    assert changed(writer, line("010"), **OLD) == {
        "LedgerDimension.DisplayValue": "",
        "LedgerDimension.Account": "110180",
        "LedgerDimension.Department": "010",
    }


def test_a_blank_takes_a_dimension_away_only_where_blanks_clear():
    keep, clear = (journal("LedgerDimension.Department", "LedgerDimension.Project", blank=blank) for blank in ("keep", "clear"))
    assert changed(keep, line("", "P1"), **OLD)["LedgerDimension.Department"] == "009"
    assert "LedgerDimension.Department" not in changed(clear, line("", "P1"), **OLD)


def test_the_last_dimension_that_is_cleared_makes_the_field_null():
    writer = journal("DefaultDimension.Department", blank="clear")
    assert changed(writer, line(""), DefaultDimension__Department="010") == {"DefaultDimension": None}


def test_blanks_of_lines_clear_where_those_of_the_header_do_not_and_only_where_ax_hears_of_it():
    line_ = layout("LedgerJournalTrans", "DefaultDimension.Department", step=2, blank="clear")
    root, before = ROOT.model_copy(update={"children": (line_,)}), "LedgerJournalTrans[1]/DefaultDimension.Department"
    for service, hears in ((JOURNALS.service, True), (without_flag(JOURNALS.service), False)):
        writer = documents.Writer(service, root)
        if hears:
            body = writer.update([{"JournalNum": "1"}], [writer.changed(line(""), Before(hash="h", values={before: "010"}))])
            assert etree.fromstring(body.document)[0].tag == f"{JOURNAL}ClearNilFieldsOnUpdate"
        else:
            with pytest.raises(Reject, match="no ClearNilFieldsOnUpdate"):
                writer.changed(line(""), Before(hash="h", values={before: "010"}))


def without_flag(service: Service) -> Service:
    document = service.document.model_copy(update={"order": service.document.order[1:]})
    return service.model_copy(update={"document": document})


def test_an_update_without_a_part_that_is_demanded_is_refused_in_words():
    writer = journal("LedgerDimension.Department")
    with pytest.raises(Reject, match="no Account"):
        changed(writer, line("010"), LedgerDimension__Department=None)


def test_a_moment_carries_its_attributes_where_they_are_given():
    shape = layout(
        "CustTable", "AccountNum", "CustGroup", "StatementFrom", "StatementFrom.timezone", "StatementFrom.localDateTime"
    )
    writer = documents.Writer(CUSTOMERS.service, shape)
    zone = "GMTPLUS0100_AMSTERDAM_BERLIN_BERN_ROME"
    row = Row(2, ["C1", "10", "2011-01-31T13:30:00+01:00", zone.lower(), "2011-01-31 13:30:00"])
    body = created(writer, row)
    assert CUSTOMERS.invalid(body.document) == []
    (record,) = answers.records(etree.fromstring(body.request), CUSTOMERS.service.document)
    assert record.values["StatementFrom"] == "2011-01-31T12:30:00Z"
    assert record.values["StatementFrom.timezone"] == zone
    assert record.values["StatementFrom.localDateTime"] == "2011-01-31T13:30:00"
    (problem,) = documents.cell_problems(writer.shape, Row(2, ["C1", "10", "", zone, ""]), index=0, creating=True)
    assert "no moment" in problem.message


def test_a_moment_that_is_cleared_takes_its_time_zone_along():
    shape = layout("CustTable", "AccountNum", "CustGroup", "StatementFrom", "StatementFrom.timezone", blank="clear")
    old = {"StatementFrom": "2011-01-31T12:30:00Z", "StatementFrom.timezone": "GMTMINUS0800PACIFICTIME"}
    for row in (Row(2, ["C1", "10", "", None]), Row(2, ["C1", "10", "", ""])):
        writer = documents.Writer(CUSTOMERS.service, shape)
        body = writer.update([{"AccountNum": "C1"}], [writer.changed(row, Before(hash="h", values=old))])
        assert CUSTOMERS.invalid(body.document) == []
        (record,) = answers.records(etree.fromstring(body.request), CUSTOMERS.service.document)
        assert record.values["StatementFrom"] is None
        assert documents.cell_problems(writer.shape, row, index=0, creating=False) == []


def test_a_mandatory_moment_goes_back_with_its_time_zone_where_the_row_says_nothing_of_it():
    zone = Field(name="timezone", symbols=("CET", "PST"))
    since = Field(name="Since", type=FieldType.DATETIME, mandatory=True, nillable=False, attributes=(zone,))
    table = Table(name="Rate", fields=(Field(name="Id"), Field(name="Name"), since))
    document = Document(name="Rates", namespace="urn:r", tables=(table,))
    service = Service(address="", port="p", name="RateService", namespace="urn:s", operations=(), document=document)
    record = aos.Record(table="Rate", values={"Id": "1", "Name": "a", "Since": "2011-01-31T12:30:00Z", "Since.timezone": "PST"})
    for columns in (("Id", "Name"), ("Id", "Name", "Since")):
        writer = documents.Writer(service, layout("Rate", *columns, key=("Id",)))
        row = Row(2, ["1", "b", "2011-01-31T13:30:00+01:00"][: len(columns)])
        difference = compare.difference(writer.shape, row, record)
        body = writer.update([{"Id": "1"}], [writer.changed(row, difference.before)])
        (written,) = answers.records(etree.fromstring(body.request), document)
        assert written.values == record.values | {"Name": "b"}
        assert not compare.difference(writer.shape, Row(2, ["1", "a"]), record)
    assert "<Since>2011-01-31T12:30:00Z</Since>" in writer.record(row)


def test_a_part_that_the_contract_does_not_have_ends_the_batch():
    with pytest.raises(GiveUp, match="StatementFrom"):
        documents.Writer(CUSTOMERS.service, layout("CustTable", "AccountNum", "StatementFrom.zone"))
