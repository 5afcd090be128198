"""Dimensions, accounts, moments, derived and date-effective records, three levels: loaded, told, and loaded again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from connector.wire.codec import Row
from connector.wire.jobs import Layout, LoadTables, Merge, Mode, Target
from connector.wire.reports import Before, Outcomes
from tests.documents.customers import FOLDER, layout
from tests.load.conftest import Aos, Dispatcher, batch, running
from workers import aos
from workers.errors import Unfinished, Unsettled
from workers.load import preview, tables

KEYS = ("CustTable=AccountNum", "DirParty=PartyNumber", "DirPersonName=ValidFrom", "LedgerJournalTable=JournalNum",
        "LedgerJournalTrans=LineNum", "LedgerJournalTransTax=TaxCode")  # fmt: skip
OPTIONS = ("--contract", str(FOLDER), "--company", "USMF", *(option for key in KEYS for option in ("--key", key)))


@dataclass(kw_only=True)
class Ax:
    """The pretend AOS, and its services."""

    server: Aos

    def port(self, service: str) -> aos.Port:
        address = f"{self.server.url}/MicrosoftDynamicsAXAif60/Customers/xppservice.svc"
        door = aos.Door([self.server.url])
        target = Target(
            address=address, port="Customers", service=service, contract=aos.read_metadata(door, [address]).fingerprint
        )
        return aos.open_port(door, target, company="USMF", language="en-us", partition=None)

    def load(self, layout_: Layout, rows: Sequence[Row | Sequence[str | None]], *, ask: Dispatcher | None = None, **more: object):
        services = {"CustTable": "CustomerService", "LedgerJournalTable": "LedgerGeneralJournalService"}
        message = batch(layout_, rows, **more)
        return tables.run(message, port=self.port(services[layout_.table]), ask=ask or Dispatcher()).outcomes

    def held(self, table: str) -> list[dict[str, str]]:
        return self.server.records(table)


@pytest.fixture(scope="module")
def served() -> Iterator[Aos]:
    with running(*OPTIONS) as found:
        yield found


@pytest.fixture
def ax(served: Aos) -> Ax:
    served.reset()
    return Ax(server=served)


MERGE = {"DefaultDimension": {"update": Merge.MERGE}}
CUSTOMERS = ("AccountNum", "CustGroup", "DefaultDimension.Department", "DefaultDimension.CostCenter")


def customers(*columns: str, structures: dict = MERGE, **more: object) -> Layout:
    return layout("CustTable", *(columns or CUSTOMERS), key=("AccountNum",), structures=structures, **more)


def test_dimensions_are_created_told_and_found_unchanged_whatever_their_order(ax):
    rows = [["C1", "10", "010", "025"], ["C2", "10", "", ""], ["C3", "10", "011", None]]
    assert ax.load(customers(), rows).letters == "ccc"
    assert [record.get("DefaultDimension.Department") for record in ax.held("CustTable")] == ["010", None, "011"]
    assert ax.load(customers(), rows).letters == "==="
    turned = customers("AccountNum", "CustGroup", "DefaultDimension.costcenter", "DefaultDimension.DEPARTMENT")
    assert ax.load(turned, [["C1", "10", "025", "010"]]).letters == "="


def test_an_update_merges_or_replaces_as_the_mapping_says(ax):
    ax.load(customers(), [["C1", "10", "010", "025"]])
    one = ("AccountNum", "CustGroup", "DefaultDimension.department")
    asked = Dispatcher()
    assert ax.load(customers(*one), [["C1", "10", "020"]], ask=asked).letters == "u"
    held = ax.held("CustTable")[0]
    assert (held["DefaultDimension.department"], held["DefaultDimension.CostCenter"]) == ("020", "025")
    assert asked.intents[0].before[0].values == {"DefaultDimension.department": "010", "DefaultDimension.CostCenter": "025"}
    replace = customers(*one, structures={"DefaultDimension": {"update": Merge.REPLACE}})
    assert ax.load(replace, [["C1", "10", "020"]]).letters == "u"
    assert "DefaultDimension.CostCenter" not in ax.held("CustTable")[0]
    assert ax.load(replace, [["C1", "10", "020"]]).letters == "="
    assert ax.load(replace, [["C1", "10", ""]]).letters == "="


def test_blanks_clear_dimensions_one_by_one_and_the_last_with_them_all(ax):
    ax.load(customers(), [["C1", "10", "010", "025"]])
    assert ax.load(customers(), [["C1", "10", "010", ""]]).blanks_kept == 1
    clearing = customers(blank="clear")
    assert ax.load(clearing, [["C1", "10", "010", ""]]).letters == "u"
    assert "DefaultDimension.CostCenter" not in ax.held("CustTable")[0]
    assert ax.load(clearing, [["C1", "10", "", ""]]).letters == "u"
    assert not any(name.startswith("DefaultDimension") for name in ax.held("CustTable")[0])
    assert ax.load(clearing, [["C1", "10", "", ""]]).letters == "="


def test_a_row_with_a_wrong_number_of_segments_fails_alone(ax):
    structured = {"DefaultDimension": {"segments": ("Department", "CostCenter"), "delimiter": "|"}}
    shape = customers("AccountNum", "CustGroup", "DefaultDimension", structures=structured)
    outcomes = ax.load(shape, [["C1", "10", "010|025"], ["C2", "10", "010"], ["C3", "10", "|025"]])
    assert outcomes.letters == "cfc"
    (problem,) = outcomes.problems
    assert (problem.row, problem.column, problem.value, problem.code) == (1, "DefaultDimension", "010", "RSC-3123")
    assert ax.load(shape, [["C1", "10", "010|025"], ["C3", "10", "|025"]]).letters == "=="


def test_moments_are_compared_as_moments_and_keep_their_time_zone(ax):
    columns = ("AccountNum", "CustGroup", "StatementFrom", "StatementFrom.timezone")
    zone = "GMTMINUS0800PACIFICTIME"
    assert ax.load(customers(*columns), [["C1", "10", "2011-01-31T13:30:00+01:00", zone]]).letters == "c"
    held = ax.held("CustTable")[0]
    assert (held["StatementFrom"], held["StatementFrom.timezone"]) == ("2011-01-31T12:30:00Z", zone)
    assert ax.load(customers(*columns), [["C1", "10", "2011-01-31 12:30", zone]]).letters == "="
    assert ax.load(customers(*columns[:3]), [["C1", "10", "2011-01-31T07:30:00-05:00"]]).letters == "="
    assert ax.load(customers(*columns), [["C1", "10", "2011-02-28T00:00:00Z", ""]]).letters == "u"
    assert ax.held("CustTable")[0]["StatementFrom.timezone"] == zone


ADDRESS = layout("DirPartyPostalAddressView", "LocationName", "City", step=3, key=("LocationName",))
NAME = layout("DirPersonName", "ValidFrom", "FirstName", step=4, key=("ValidFrom",))
PERSON = layout(
    "DirParty", "PartyNumber", "Name", "Initials", step=2, key=("PartyNumber",), type="AxdEntity_DirParty_DirPerson",
    children=(ADDRESS, NAME),
)  # fmt: skip


def people(**more: object) -> Layout:
    known = {"key": ("AccountNum",), "children": (PERSON.model_copy(update=more),), "document": {"DocPurpose": "Original"}}
    return layout("CustTable", "AccountNum", "CustGroup", **known)


def person(name: str, *, city: str = "Oslo", names: Sequence[tuple[str, str]] = (("2011-01-31", "Ann"),)) -> Row:
    nested = [[Row(2, ["Home", city])], [Row(number, list(cells)) for number, cells in enumerate(names, 2)]]
    return Row(2, ["C1", "10"], [[Row(2, ["P1", name, "A."], nested)]])


def test_derived_and_date_effective_records_go_round_three_levels_deep(ax):
    assert ax.load(people(), [person("Ann")]).letters == "cccc"
    party = ax.held("DirParty")[0]
    assert (party["xsi:type"], party["Initials"]) == ("AxdEntity_DirParty_DirPerson", "A.")
    assert ax.held("DirPersonName")[0]["ValidTo"] == "2154-12-31T23:59:59Z"
    assert ax.load(people(), [person("Ann")]).letters == "===="
    assert ax.load(people(), [person("Anna", city="Rome")]).letters == "=uu="
    later = [("2011-01-31", "Ann"), ("2012-06-01", "Anna")]
    assert ax.load(people(), [person("Anna", city="Rome", names=later)]).letters == "====c"
    assert [name["FirstName"] for name in ax.held("DirPersonName")] == ["Ann", "Anna"]


def test_a_record_of_another_type_than_the_mapping_says_is_left_alone(ax):
    ax.load(people(), [person("Ann")])
    firm = PERSON.model_copy(update={"type": "AxdEntity_DirParty_DirOrganization", "columns": PERSON.columns[:2], "children": ()})
    shape = people().model_copy(update={"children": (firm,)})
    outcomes = ax.load(shape, [Row(2, ["C1", "10"], [[Row(2, ["P1", "Firm"])]])])
    assert outcomes.letters == "fs"
    assert "AX holds a record of the type AxdEntity_DirParty_DirPerson" in outcomes.problems[0].message


TAX = layout("LedgerJournalTransTax", "TaxCode", "TaxAmount", "TaxAccount.MainAccount", step=3, key=("TaxCode",))
ACCOUNT = {"LedgerDimension": {"segments": ("Account", "Department", "CostCenter"), "update": Merge.MERGE}}
TRANS = layout(
    "LedgerJournalTrans", "LineNum", "LedgerDimension", "AmountCurDebit", "Document", step=2, key=("LineNum",),
    structures=ACCOUNT, children=(TAX,),
)  # fmt: skip
JOURNAL = layout("LedgerJournalTable", "JournalNum", "JournalName", key=("JournalNum",), children=(TRANS,))


def lines(*rows: tuple[Sequence[str | None], Sequence[Sequence[str | None]]]) -> Row:
    nested = [
        Row(n, list(cells), [[Row(m, list(tax)) for m, tax in enumerate(taxes, 2)]]) for n, (cells, taxes) in enumerate(rows, 2)
    ]
    return Row(2, ["J1", "GenJrn"], [nested])


def test_accounts_in_lines_and_details_are_created_changed_and_left_alone(ax):
    first = lines((["1", "110180-010-", "10.50", "AAEC"], [["VAT", "2.1", "2550"]]), (["2", "401100--025", "0", ""], []))
    assert ax.load(JOURNAL, [first]).letters == "cccc"
    assert ax.held("LedgerJournalTrans")[0]["LedgerDimension.Department"] == "010"
    again = lines((["1.0", "110180-010-", "10.5", "AA EC"], [["VAT", "2.10", "2550"]]), (["2", "401100--025", "", ""], []))
    assert ax.load(JOURNAL, [again]).letters == "===="
    asked = Dispatcher()
    changed = lines(
        (["1", "110180-011-", "10.5", ""], [["VAT", "2.1", "2551"], ["SALES", "1", ""]]), (["2", "401100--025", "", ""], [])
    )
    assert ax.load(JOURNAL, [changed], ask=asked).letters == "=uuc="
    held = ax.held("LedgerJournalTrans")
    assert (held[0]["LedgerDimension.Account"], held[0]["LedgerDimension.Department"]) == ("110180", "011")
    assert [tax.get("TaxAccount.MainAccount") for tax in ax.held("LedgerJournalTransTax")] == ["2551", None]
    assert asked.intents[0].before[0].values["LedgerJournalTrans[1]/LedgerDimension.Department"] == "010"


def attempts(message: LoadTables, port: aos.Port, ask: Dispatcher) -> Outcomes:
    for _ in range(60):
        try:
            return tables.run(message, port=port, ask=ask).outcomes
        except Unfinished as unfinished:
            intent = ask.intents[-1] if isinstance(unfinished.error, Unsettled) else None
            again = intent and intent.model_validate_json(intent.model_dump_json())
            message = message.model_copy(update={"so_far": unfinished.outcomes, "open_intent": again})
    raise AssertionError("the batch never ended")


def test_an_update_of_unknown_end_is_made_again_byte_for_byte():
    with running(*OPTIONS, "--fault", "timeout_after=0.5", "--seed", "4") as server:
        ax = Ax(server=server)
        port = ax.port("LedgerGeneralJournalService")
        first = lines((["1", "110180-010-025", "1", ""], [["VAT", "2.1", "2550"]]))
        assert set(attempts(batch(JOURNAL, [first]), port, Dispatcher()).letters) == {"c"}
        ask, changed = Dispatcher(), lines((["1", "110180-011-", "1", ""], [["VAT", "2.1", "2551"]]))
        assert set(attempts(batch(JOURNAL, [changed], mode=Mode.UPDATE), port, ask).letters) <= set("=u")
        assert len({intent.message_id for intent in ask.intents}) == 1
        assert isinstance(ask.intents[0].before[0], Before)
        held = ax.held("LedgerJournalTrans")
        assert (len(held), held[0]["LedgerDimension.Department"], held[0]["LedgerDimension.CostCenter"]) == (1, "011", "025")


def test_a_call_of_unknown_end_stays_unknown_where_ax_gives_the_key():
    """The call made again is refused as seen before, and nothing tells whether its record is there."""
    with running(*OPTIONS, "--fault", "timeout_after=0.5", "--seed", "1") as server:
        ax = Ax(server=server)
        message = batch(layout("LedgerJournalTable", "JournalName", "Name"), [["GenJrn", "a"]], mode=Mode.CREATE)
        outcomes = attempts(message, ax.port("LedgerGeneralJournalService"), Dispatcher())
        assert server.stats()["duplicates_refused"] == 1
        assert outcomes.letters == "?"
        assert "no key to look it up by" in outcomes.problems[0].message


def test_lines_are_deleted_only_where_rows_say_so(ax):
    first = lines((["1", "110180-010-", "10.5", ""], [["VAT", "2.1", "2550"]]), (["2", "401100--025", "1", ""], []))
    ax.load(JOURNAL, [first])
    assert ax.load(JOURNAL, [lines((["2", "401100--025", "1", ""], []))]).letters == "=="
    assert len(ax.held("LedgerJournalTrans")) == 2
    gone = layout("LedgerJournalTrans", "LineNum", step=2, key=("LineNum",), deletes=True)
    deleting = JOURNAL.model_copy(update={"children": (gone,)})
    rows = [Row(2, ["J1", "GenJrn"], [[Row(2, ["1"]), Row(3, ["7"])]])]
    asked = Dispatcher()
    assert ax.load(deleting, rows, mode=Mode.UPDATE, ask=asked).letters == "=d="
    assert asked.intents[0].operation == "update"
    assert [line["LineNum"] for line in ax.held("LedgerJournalTrans")] == ["2"]
    assert ax.held("LedgerJournalTransTax") == []
    assert ax.load(deleting, rows, mode=Mode.UPDATE).letters == "==="


def test_a_preview_tells_what_would_become_of_parts_and_lines(ax):
    ax.load(customers(), [["C1", "10", "010", "025"]])
    told = preview.run(
        batch(customers(), [["C1", "10", "010", "026"], ["C2", "10", "1", ""]], preview=True),
        open_port=lambda _: ax.port("CustomerService"),
    )
    assert told.outcomes.letters == "uc"
    ax.load(JOURNAL, [lines((["1", "110180-010-", "10.5", ""], []), (["2", "401100--025", "1", ""], []))])
    gone = JOURNAL.model_copy(
        update={"children": (layout("LedgerJournalTrans", "LineNum", step=2, key=("LineNum",), deletes=True),)}
    )
    message = batch(gone, [Row(2, ["J1", "GenJrn"], [[Row(2, ["1"])]])], mode=Mode.UPDATE, preview=True)
    assert preview.run(message, open_port=lambda _: ax.port("LedgerGeneralJournalService")).outcomes.letters == "=d"
    assert len(ax.held("LedgerJournalTrans")) == 2
