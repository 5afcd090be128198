"""Answers as DataContractSerializer writes them where it preserves references, and answers that are no such thing."""

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from workers.aos.dictionary import reading

NAMESPACES = (
    'xmlns="http://tempuri.org/" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:b="urn:b" '
    'xmlns:z="http://schemas.microsoft.com/2003/10/Serialization/"'
)


def answered(inside: str) -> etree._Element:
    return etree.fromstring(f"<GetResponse {NAMESPACES}><GetResult>{inside}</GetResult></GetResponse>")


def test_what_was_told_before_is_told_by_its_number():
    (told,) = reading.things(
        answered(
            '<b:TableMetadata z:Id="i1"><b:Fields><b:DataFieldMetadata z:Id="i2"><b:FieldId>7</b:FieldId><b:Name>Code</b:Name>'
            '</b:DataFieldMetadata></b:Fields><b:Indices><b:IndexMetadata z:Id="i3"><b:Fields>'
            '<b:DataFieldMetadata z:Ref="i2"/></b:Fields><b:Name>Idx</b:Name></b:IndexMetadata></b:Indices>'
            '<b:Name>T</b:Name><b:PrimaryIndex z:Ref="i3"/><b:ReplacementKey z:Ref="i3"/></b:TableMetadata>'
        )
    )
    found = reading.table(told)
    assert [(field.id, field.name) for field in found.fields] == [(7, "Code")]
    assert (found.primary_index, found.replacement_key, found.indexes[0].fields) == ("Idx", ("Code",), ("Code",))


def test_null_is_nothing_and_a_list_may_be_null_or_hold_nulls():
    first, second = reading.things(
        answered(
            '<b:T i:nil="true"/><b:T><b:Name i:nil="true"/><b:Fields i:nil="true"/><b:PrimaryIndex i:nil="true"/></b:T>'
            '<b:T><b:Name>X</b:Name><b:Fields><b:F i:nil="true"/><b:F><b:Name>A</b:Name></b:F></b:Fields></b:T>'
        )
    )
    empty = reading.table(first)
    assert (empty.name, empty.fields, empty.primary_index, empty.replacement_key, empty.id) == ("", (), "", (), 0)
    assert [field.name for field in reading.table(second).fields] == ["A"]


def test_whether_an_operation_is_idempotent_is_not_guessed():
    (told,) = reading.things(
        answered(
            "<b:S><b:Name>S</b:Name><b:Operations><b:O><b:Name>a</b:Name></b:O><b:O><b:EnableIdempotence>true</b:EnableIdempotence>"
            "<b:Name>b</b:Name></b:O><b:O><b:EnableIdempotence>false</b:EnableIdempotence><b:Name>c</b:Name></b:O></b:Operations></b:S>"
        )
    )
    assert [(each.name, each.idempotent) for each in reading.service(told).operations] == [("a", None), ("b", True), ("c", False)]


NAMES = st.sampled_from(["Name", "Fields", "Indices", "Id", "PrimaryIndex", "FieldExtendedProperty", "StringSize", "Entries"])
ATTRIBUTES = st.sampled_from(["", ' z:Id="i1"', ' z:Ref="i1"', ' z:Ref="i9"', ' i:nil="true"', ' i:type="b:Other"'])
TREES = st.recursive(
    st.builds(lambda name, more, text: f"<b:{name}{more}>{text}</b:{name}>", NAMES, ATTRIBUTES, st.sampled_from(["", "x", "-5"])),
    lambda inside: st.builds(
        lambda name, more, parts: f"<b:{name}{more}>{''.join(parts)}</b:{name}>", NAMES, ATTRIBUTES, st.lists(inside, max_size=4)
    ),
    max_leaves=25,
)


@given(inside=st.lists(TREES, max_size=4).map("".join))
def test_no_answer_whatever_breaks_it(inside: str):
    for told in reading.things(answered(inside)):
        for read in (reading.table, reading.enum, reading.service, reading.declared_class, reading.label, reading.language):
            read(told)
