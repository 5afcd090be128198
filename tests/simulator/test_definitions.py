"""Tables out of a package's own description: every column a string, every column shown."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from workers.simulator import definition
from workers.simulator.model import SetupError

ENTITIES = [
    {
        "entity": "Customer groups",
        "table": "Customergroups",
        "key": ["CUSTOMERGROUPID"],
        "columns": [
            {"column": "CUSTOMERGROUPID", "field": "CUSTOMERGROUPID"},
            {"column": "Beschreibung (de)", "field": "Beschreibung_de"},
            {"column": "1st", "field": "_1st"},
        ],
    },
    {"entity": "Journal", "table": "Journal", "key": [], "columns": [{"column": "Text", "field": "Text"}]},
]


@pytest.fixture
def packaged(start: Callable[..., Any], tmp_path: Path) -> Any:
    path = tmp_path / "tables.jsonl"
    path.write_text("\n".join(json.dumps(entity) for entity in ENTITIES), encoding="utf-8")
    return start(tables_json=(path,), port="RapidStart")


def test_every_column_is_shown_in_its_own_words(packaged: Any, record: Callable[..., str]) -> None:
    rows = record("Customergroups", CUSTOMERGROUPID="0010", Beschreibung_de="Größe") + record(
        "Customergroups", CUSTOMERGROUPID="0020", _1st=" "
    )
    assert packaged.create("Customergroups", rows).keys == [{"CUSTOMERGROUPID": "0010"}, {"CUSTOMERGROUPID": "0020"}]
    expected = [
        {"CUSTOMERGROUPID": "0010", "Beschreibung (de)": "Größe", "1st": ""},
        {"CUSTOMERGROUPID": "0020", "Beschreibung (de)": "", "1st": " "},
    ]
    assert packaged.rows("Customergroups") == expected
    assert packaged.rows("Customer groups") == expected


def test_without_a_key_every_row_is_new(packaged: Any, record: Callable[..., str]) -> None:
    same = record("Journal", Text="x")
    assert packaged.create("Journal", same + same).status == 200
    assert packaged.rows("Journal") == [{"Text": "x"}, {"Text": "x"}]


def test_tables_are_listed(packaged: Any) -> None:
    assert packaged.sim("tables")["tables"][0] == {
        "table": "Customergroups",
        "entity": "Customer groups",
        "key": ["CUSTOMERGROUPID"],
        "fields": ["_1st", "Beschreibung_de", "CUSTOMERGROUPID"],
        "service": "CustomergroupsService",
        "port": "RapidStart",
    }


@pytest.mark.parametrize("text", ["", "{}", "nonsense", '{"table": "A"}'])
def test_what_describes_no_tables_is_refused(text: str) -> None:
    with pytest.raises(SetupError):
        definition.from_lines(text.splitlines(), source="the test")


@pytest.mark.parametrize(
    "text",
    [
        "port = 1",
        "[[table]]\nname = 'A'\nkey = ['X']\nfields = { Y = {} }",
        "[[table]]\nname = 'A'\nfields = { Y = { references = 'B' } }",
        "[[table]]\nname = 'A'\nfields = { Y = { type = 'colour' } }",
        "[[table",
        '[[table]]\nname = "Odd"\nfields = { "1st" = {} }',
        '[[table]]\nname = "Odd one"\nfields = { A = {} }',
    ],
)
def test_a_wrong_definition_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(SetupError, match=r"wrong\.toml"):
        definition.from_toml(path)


def test_the_tables_of_a_package_are_asked_of_the_connector(
    process: Callable[..., Any], record: Callable[..., str], tmp_path: Path
) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "Payment terms.csv").write_text("Code,Description\n0010,Ten days\n0020,Twenty days\n", encoding="utf-8")
    _, client = process("--tables-from", str(package))
    table = client.sim("tables")["tables"][0]
    assert (table["entity"], table["port"], set(table["fields"])) == ("Payment terms", "RapidStart", {"Code", "Description"})
    packaged = replace(client, port="RapidStart")
    assert packaged.create(table["table"], record(table["table"], Code="0010", Description="Ten days")).status == 200
    assert packaged.rows("Payment terms") == [{"Code": "0010", "Description": "Ten days"}]


def test_a_package_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 nonsense")
    with pytest.raises(SetupError, match=r"broken\.zip"):
        definition.from_package(tmp_path / "broken.zip")


def test_a_reference_has_the_type_of_what_it_refers_to(client: Any) -> None:
    pages = [client.http("GET", f"{client.path}?xsd=xsd{number}").body for number in range(20)]
    page = next(page for page in pages if b"documents/RsCustGroup" in page and b"AxdEntity_CustGroup" in page)
    assert b'name="PaymTermId" nillable="true" type="st:AxdExtType_PaymTerm_PaymTermId"' in page


def test_a_key_of_lines_alone_holds_within_their_parent(
    start: Callable[..., Any], tmp_path: Path, record: Callable[..., str]
) -> None:
    path = tmp_path / "orders.toml"
    path.write_text(
        """
        port = "Setup"
        [[table]]
        name = "Head"
        key = ["Id"]
        fields = { Id = { length = 5, mandatory = true } }
        [[table.lines]]
        name = "Line"
        key = ["Number"]
        fields = { Number = { type = "integer" }, Text = { length = 9 } }
        """
    )
    client = start(tables=(path,))
    line = record("Line", Number="1", Text="x")
    assert client.create("Head", record("Head", line, Id="A") + record("Head", line, Id="B")).status == 200
    assert [row["_parent"] for row in client.rows("Line")] == [{"Id": "A"}, {"Id": "B"}]
    twice = client.create("Head", record("Head", line + line, Id="C"))
    assert twice.all("f:XPath") == ["/RsHead/Head[1]/Line[2]"]
    digest = client.read("Head", {"Id": "B"}).records("Head")[0]["_DocumentHash"]
    change = record("Line", Number="1", Text="y", action="update")
    text = record("Head", change, action="update", Id="B").replace(">", f"><_DocumentHash>{digest}</_DocumentHash>", 1)
    assert client.update("Head", [{"Id": "B"}], text).status == 200
    assert [row["Text"] for row in client.rows("Line")] == ["x", "y"]
