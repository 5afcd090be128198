"""What AX's data dictionary adds: keys, lengths, labels, what may be edited, how far rows reach, what may be repeated."""

import pytest

from connector.errors import PlanRefused
from connector.plan import knowing, rows
from connector.plan.inspect import describe
from connector.plan.mapping import Mapping, parse
from connector.screen.referring import References
from connector.screen.screening import Screen
from connector.wire.dictionary import (
    DataEnum,
    DataTable,
    DeclaredService,
    Dictionary,
    EnumEntry,
    ServiceOperation,
    TableField,
    TableIndex,
    TableRelation,
)
from connector.wire.jobs import Mode
from connector.wire.metadata import Field, Metadata, Operation, Parameter, Service, Table

SYMBOLS = ("Once", "Twice", "Never")
TERM = Table(
    name="Term", fields=(Field(name="TermId"), Field(name="Text"), Field(name="Kind", symbols=SYMBOLS), Field(name="GroupId"))
)
GROUP = Table(name="TermGroup", fields=(Field(name="GroupId"), Field(name="Text")))
KIND = DataEnum(
    name="TermKind",
    entries=(
        EnumEntry(symbol="Once", number=0, label="Einmal"),
        EnumEntry(symbol="Twice", number=1, label="Öfter"),
        EnumEntry(symbol="Never", number=2, label="öfter"),
    ),
)


def known(*, table: str = "Term", enums: tuple[DataEnum, ...] = (KIND,), **more: object) -> Dictionary:
    fields = {
        "TermId": TableField(name="TermId", length=4, label="Bedingung"),
        "Text": TableField(name="Text", length=60),
        "Kind": TableField(name="Kind", type="Enum", enum="TermKind"),
        "GroupId": TableField(name="GroupId"),
        "RecId": TableField(name="RecId", type="Int64", system=True),
    }
    fields |= {field.name: field for field in more.pop("change", ())}
    return Dictionary(language="de", enums=enums, tables=(DataTable(name=table, fields=tuple(fields.values()), **more),))


@pytest.fixture
def endpoint(service) -> Metadata:
    return Metadata(fingerprint="f", services=(service(TERM), service(GROUP, key=("GroupId",))))


@pytest.fixture
def term(action):
    return action("Term", "TermId,Text,Kind", ["1", "a", "einmal"], ["1", "b", "2"])


def unique(*fields: str, name: str = "Idx", **more: bool) -> TableIndex:
    return TableIndex(name=name, fields=fields, unique=True, **more)


def test_a_key_that_nobody_told_is_that_of_the_dictionary(planned, term, endpoint) -> None:
    (guessed,) = planned(term, metadata=endpoint).steps
    assert (guessed.key_is_guess, guessed.mode) == (True, Mode.CREATE)
    indexes = (unique("RecId", name="Rec"), unique("GroupId"), unique("DataAreaId", "termid", "Text", name="Prime"))
    (step,) = planned(term, metadata=endpoint, dictionary=known(indexes=indexes, primary_index="Prime")).steps
    assert (step.layout.key, step.key_is_guess, step.mode) == (("TermId", "Text"), False, Mode.UPSERT)
    assert step.key_reason == "the primary index of Term in AX's data dictionary"


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"replacement_key": ("Text",), "indexes": (unique("TermId", alternate_key=True),)}, "the replacement key"),
        ({"indexes": (unique("TermId"), unique("Text", name="Alt", alternate_key=True))}, "an alternate key"),
        ({"indexes": (unique("Text"),)}, "a unique index"),
    ],
)
def test_the_best_key_is_taken_and_told(planned, term, endpoint, more, reason) -> None:
    (step,) = planned(term, metadata=endpoint, dictionary=known(**more)).steps
    assert (step.layout.key, step.key_reason) == (("Text",), f"{reason} of Term in AX's data dictionary")


def test_mapping_package_and_service_go_before_the_dictionary(planned, term, action, endpoint) -> None:
    dictionary = known(indexes=(unique("Text"),))
    (mapped,) = planned(term, metadata=endpoint, dictionary=dictionary, toml='[table.Term]\nkey = ["TermId"]').steps
    (told,) = planned(action("TermGroup", "GroupId,Text", ["1", "a"]), metadata=endpoint, dictionary=dictionary).steps
    assert (mapped.layout.key, told.layout.key) == (("TermId",), ("GroupId",))


def test_cells_are_held_against_lengths_and_labels(planned, term, action, endpoint, package) -> None:
    rows_ = (["1", "a", "Einmal"], ["12345", "b", "Once"], ["2", "c", "öfter"], ["3", "d", "nie"])
    term = action("Term", "TermId,Text,Kind", *rows_)
    plan = planned(term, metadata=endpoint, dictionary=known())
    (step,) = plan.steps
    found = list(rows(package(term), step))
    fit, told = Screen(step, plan.steps, again=lambda: iter(found)).parted(found)
    assert [row.cells for row in fit] == [["1", "a", "Once"]]
    assert [(each.row, each.problem.message) for each in told] == [
        (3, "TermId: the text has 5 characters, TermId takes 4."),
        (4, "Kind: 'öfter' is not one value: several are called so."),
        (5, "Kind: 'nie' is not one of Once, Twice, Never."),
    ]
    assert told[1].problem.advice == "Write the symbol that is meant: Twice or Never."


def test_labels_and_numbers_travel_as_symbols(planned, action, endpoint, package) -> None:
    term = action("Term", "Kind,TermId", ["einmal ", "1"], ["2", "2"], ["Twice", "3"], [None, "4"], [])
    (step,) = planned(term, metadata=endpoint, dictionary=known()).steps
    assert [row.cells[:1] for row in rows(package(term), step)] == [["Once"], ["Never"], ["Twice"], [None], []]
    constant = action("Term", "TermId", ["1"])
    (step,) = planned(constant, metadata=endpoint, dictionary=known(), toml='table.Term.constants = { Kind = "Einmal" }').steps
    assert step.layout.constants == {"Kind": "Once"}
    (plain,) = planned(term, metadata=endpoint).steps
    assert [row.cells[0] for row in rows(package(term), plain) if row.cells] == ["einmal ", "2", "Twice", None]


def test_where_the_contract_tells_it_says_more_than_the_dictionary(planned, action, service) -> None:
    told = Table(
        name="Term", fields=(Field(name="TermId", max_length=9), Field(name="Kind", symbols=SYMBOLS, labels=("A", "B", "C")))
    )
    endpoint = Metadata(fingerprint="f", services=(service(told),))
    (step,) = planned(action("Term", "TermId,Kind", ["1", "A"]), metadata=endpoint, dictionary=known()).steps
    assert step.record.field("TermId").max_length == 9
    assert step.record.field("Kind").labels == ("A", "B", "C")
    assert step.spellings == {}


def test_an_external_code_may_be_longer_than_what_it_stands_for(planned, action, service) -> None:
    union = Field(name="TermId", type_name="AxdUnion_AxdExtType_TermId_AxdType_ExtCodeValue")
    endpoint = Metadata(fingerprint="f", services=(service(Table(name="Term", fields=(union,))),))
    (step,) = planned(action("Term", "TermId", ["12345"]), metadata=endpoint, dictionary=known()).steps
    assert step.record.field("TermId").max_length is None


def test_a_derived_table_has_what_it_inherits() -> None:
    base = DataTable(
        name="Base", parent="Derived", replacement_key=("No",), fields=(TableField(name="No"), TableField(name="A", length=1))
    )
    derived = DataTable(name="Derived", parent="base", fields=(TableField(name="A", length=2),))
    whole = knowing.whole("derived", Dictionary(tables=(base, derived)))
    assert whole is not None
    assert (whole.replacement_key, whole.field("A").length, whole.field("No") is not None) == (("No",), 2, True)


EDITS = [
    ({"allow_edit": False}, Mode.CREATE, None),
    ({"allow_edit": False}, Mode.UPSERT, "Term.Text cannot be changed later"),
    ({"allow_edit": False}, Mode.UPDATE, "Term.Text cannot be changed later"),
    ({"allow_edit_on_create": False}, Mode.UPSERT, "Term.Text cannot be set when a record is created"),
    ({"allow_edit_on_create": False}, Mode.UPDATE, None),
]


@pytest.mark.parametrize(("facts", "mode", "notice"), EDITS)
def test_what_cannot_be_edited_is_told_before_anything_is_sent(planned, term, endpoint, facts, mode, notice) -> None:
    dictionary = known(indexes=(unique("TermId"),), change=[TableField(name="Text", **facts)])
    notices = planned(term, metadata=endpoint, dictionary=dictionary, mode=mode).notices
    assert any(notice in each for each in notices) if notice else not notices


@pytest.mark.parametrize(
    ("facts", "mode"),
    [({"allow_edit_on_create": False}, Mode.CREATE), ({"allow_edit": False, "allow_edit_on_create": False}, Mode.UPDATE)],
)
def test_a_column_that_no_row_could_set_is_refused(planned, term, endpoint, facts, mode) -> None:
    dictionary = known(indexes=(unique("TermId"),), change=[TableField(name="Text", **facts)])
    with pytest.raises(PlanRefused, match=r"column 'Text' fills Term\.Text, which AX lets nobody set"):
        planned(term, metadata=endpoint, dictionary=dictionary, mode=mode)
    planned(term, metadata=endpoint, dictionary=dictionary, mode=mode, toml='table.Term.fields = { Text = "" }')


def test_a_key_is_never_changed_so_that_it_need_not_be_editable(planned, term, endpoint) -> None:
    dictionary = known(indexes=(unique("TermId"),), change=[TableField(name="TermId", allow_edit=False)])
    assert not planned(term, metadata=endpoint, dictionary=dictionary).notices


def test_what_the_dictionary_demands_and_nothing_fills_is_told(planned, term, endpoint) -> None:
    dictionary = known(indexes=(unique("TermId"),), change=[TableField(name="GroupId", mandatory=True)])
    (notice,) = planned(term, metadata=endpoint, dictionary=dictionary).notices
    assert "Term demands GroupId, which nothing fills" in notice


@pytest.mark.parametrize(
    ("more", "scope"),
    [
        ({}, "per company"),
        ({"per_company": False}, "partition"),
        ({"per_company": False, "per_partition": False}, "installation"),
    ],
)
def test_how_far_rows_reach(planned, term, endpoint, more, scope) -> None:
    assert planned(term, metadata=endpoint).steps[0].scope == ""
    assert planned(term, metadata=endpoint, dictionary=known(**more)).steps[0].scope == scope
    said = planned(term, metadata=endpoint, dictionary=known(**more), toml='[table.Term]\nscope = "virtual company"')
    assert said.steps[0].scope == "virtual company"


def test_a_value_that_no_row_before_brings_is_a_doubt_by_a_relation(planned, action, endpoint, package) -> None:
    relation = TableRelation(name="Group", table="TermGroup", fields=(("GroupId", "GroupId"), ("DataAreaId", "DataAreaId")))
    terms, groups = action("Term", "TermId,GroupId", ["1", "G"], ["2", "H"]), action("TermGroup", "GroupId", ["g"])
    pack = package(terms, groups)
    group, term = planned(terms, groups, metadata=endpoint, dictionary=known(relations=(relation,))).steps
    references = References((group, term), endpoint)
    references.bring(group.no, list(rows(pack, group)))
    (referring,) = references.of(term.no)
    assert references.doubts(referring, term.layout, list(rows(pack, term))) == ["H"]
    assert not any(References(planned(terms, groups, metadata=endpoint).steps, endpoint).of(no) for no in (1, 2))


POST = Operation(name="post", parameters=(Parameter(name="No", namespace="", field=Field(name="No")),))


@pytest.mark.parametrize(
    ("told", "said", "repeats"),
    [
        (None, "", False),
        (True, "", True),
        (False, "", False),
        (True, "idempotent = false", False),
        (False, "idempotent = true", True),
    ],
)
def test_whether_a_call_may_be_repeated_is_known_to_ax_and_the_mapping_goes_before(planned, action, told, said, repeats) -> None:
    poster = Service(address="http://aos", port="P", name="PostService", namespace="", operations=("post",), calls=(POST,))
    declared = DeclaredService(
        name="AifPost", external_name="PostService", operations=(ServiceOperation(name="Post", idempotent=told),)
    )
    (step,) = planned(
        action("Posts", "No", ["1"]),
        metadata=Metadata(fingerprint="f", services=(poster,)),
        dictionary=Dictionary(services=(declared,)),
        toml=f'[table.Posts]\ntarget = "PostService.post"\n{said}',
    ).steps
    assert step.options["idempotent"] is repeats
    assert ("as AX's data dictionary says" in step.key_reason) is (told is not None and not said)


def test_inspection_shows_what_came_from_the_dictionary(package, term, endpoint) -> None:
    relation = TableRelation(name="Group", table="TermGroup", fields=(("TermId", "TermId"),))
    dictionary = known(label="Bedingungen", indexes=(unique("TermId"),), relations=(relation,))
    (shown,) = describe(package(term), endpoint, mapping=Mapping(), dictionary=dictionary).entities
    assert shown.known == "'Bedingungen', per company; unique by TermId"
    assert [column.known for column in shown.columns] == ["'Bedingung', String of 4; names TermGroup", "String of 60", "TermKind"]
    assert shown.columns[2].takes == "Once, Twice, Never (by symbol or label or number)"
    (bare,) = describe(package(term), endpoint, mapping=parse("", "m")).entities
    assert (bare.known, {column.known for column in bare.columns}) == ("", {""})


def test_a_column_may_be_called_as_people_know_the_field(planned, action, endpoint) -> None:
    both = [TableField(name="Text", label="Name"), TableField(name="GroupId", label="name")]
    term = action("Term", "Bedingung", ["1"])
    (step,) = planned(term, metadata=endpoint, dictionary=known()).steps
    assert [column.field for column in step.layout.columns] == ["TermId"]
    for package, dictionary in ((term, None), (action("Term", "TermId,Name", ["1", "a"]), known(change=both))):
        with pytest.raises(PlanRefused, match="has no field for the column"):
            planned(package, metadata=endpoint, dictionary=dictionary)
