"""Data packages: the manifest decides which file is which entity; what it does not cover is said."""

import io
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from connector.errors import PackageRefused
from connector.intake.package import count_rows, open_package
from connector.intake.values import Order

NS = "http://schemas.microsoft.com/dynamics/2015/01/DataManagement"


def entity(
    label: str,
    file: str,
    *,
    target: str = "",
    sheet: str = "",
    order: tuple[int, int, int] | None = (1, 1, 1),
    fields: tuple[str, ...] = (),
    disable: str = "false",
) -> str:
    maps = "".join(
        f"<EntityMap><EntityField>{f.partition('=')[2] or f}</EntityField><XMLField>{f.partition('=')[0]}</XMLField></EntityMap>"
        for f in fields
    )
    numbers = (
        ""
        if order is None
        else "".join(
            f"<{name}>{value}</{name}>"
            for name, value in zip(("ExecutionUnit", "LevelInExecutionUnit", "SequenceInLevel"), order, strict=True)
        )
    )
    return (
        f"<DataManagementPackageEntityData><Disable>{disable}</Disable><EntityMapList>{maps}</EntityMapList><EntityName>{label}</EntityName>"
        f"<ExcelSheetName>{sheet}</ExcelSheetName>{numbers}<InputFilePath>{file}</InputFilePath><SourceFormat>Anything</SourceFormat>"
        f"{f'<TargetEntity>{target}</TargetEntity>' if target else ''}</DataManagementPackageEntityData>"
    )


def workbook(**sheets: list[list[str]]) -> bytes:
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                for column, value in enumerate(row):
                    sheet.write_string(number, column, value)
    return data.getvalue()


def package(tmp_path: Path, entities: list[str], files: dict[str, bytes | str], *, header: bool = True, encoding: str = "utf-16"):
    root = "DataManagementPackageManifest"
    manifest = f'<{root} xmlns="{NS}"><PackageEntityList>{"".join(entities)}</PackageEntityList></{root}>'
    path = tmp_path / "Starter.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Manifest.xml", manifest.encode(encoding))
        if header:
            archive.writestr("PackageHeader.xml", f'<DataManagementPackageHeader xmlns="{NS}"/>'.encode("utf-16"))
        for name, data in files.items():
            archive.writestr(name, data)
    return open_package(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8"])
def test_entities_come_in_the_manifests_order_under_their_target_names(tmp_path: Path, encoding: str) -> None:
    opened = package(
        tmp_path,
        [entity("Later", "b.csv", target="LaterEntity", order=(1, 20, 1)), entity("First", "a.csv", order=(1, 10, 5))],
        {"a.csv": "A\n01\n", "b.csv": "B\n02\n"},
        encoding=encoding,
    )
    assert opened.format == "datapackage"
    assert [(action.entity, action.order) for action in opened.actions] == [
        ("First", Order(1, 10, 5)),
        ("LaterEntity", Order(1, 20, 1)),
    ]
    assert opened.notices == ()


def test_files_are_found_by_path_and_never_by_the_sheets_name(tmp_path: Path) -> None:
    opened = package(
        tmp_path,
        [
            entity("Queue A", "Queue A.xlsx", sheet="Workflow_queue$"),
            entity("Queue B", "queue b.XLSX", sheet="Workflow_queue$"),
            entity("Main account", "Main account.xlsx", sheet="MainAccount$"),
        ],
        {
            "Queue A.xlsx": workbook(Workflow_queue=[["A"], ["1"]]),
            "Queue B.xlsx": workbook(Workflow_queue=[["A"], ["2"]]),
            "Main account.xlsx": workbook(Other=[["A"], ["3"]], Second=[["B"]]),
        },
    )
    assert [next(action.rows()).cells for action in opened.actions] == [["1"], ["2"], ["3"]]
    assert [notice for notice in opened.notices if "'MainAccount'" in notice and "'Other'" in notice]


def test_what_is_missing_disabled_or_unmapped_is_left_out_and_said(tmp_path: Path) -> None:
    opened = package(
        tmp_path,
        [
            entity("Gone", "Gone.xlsx"),
            entity("Off", "a.csv", disable="true"),
            entity("Terms", "a.csv", fields=("CODE", "NAME=DESCRIPTION")),
        ],
        {"a.csv": "CODE,ENDDATE,Name\n01,2011-01-31,Net\n,2012-01-31,\n"},
        header=False,
    )
    (terms,) = opened.actions
    assert (terms.columns, terms.aliases) == (("CODE", "Name"), {"Name": "DESCRIPTION"})
    assert [(row.number, row.cells) for row in terms.rows()] == [(2, ["01", "Net"])]
    said = " ".join(opened.notices)
    assert all(word in said for word in ("Gone.xlsx", "Off is disabled", "ENDDATE", "PackageHeader.xml is missing"))


def test_xml_fields_are_elements_or_attributes_and_absent_is_not_empty(tmp_path: Path) -> None:
    records = (
        '<Document xmlns:i="http://www.w3.org/2001/XMLSchema-instance">'
        '<E><A>01 </A><B/></E><E><B>x</B><C>y</C></E><E A="7" C="&lt;z"><B i:nil="true"/></E><E><A/><B> </B></E></Document>'
    )
    opened = package(tmp_path, [entity("E", "e.xml", target="E")], {"e.xml": b"\xef\xbb\xbf" + records.encode()})
    assert opened.actions[0].columns == ("A", "B", "C")
    assert [(row.number, row.cells) for row in opened.actions[0].rows()] == [
        (1, ["01 ", "", None]),
        (2, [None, "x", "y"]),
        (3, ["7", None, "<z"]),
    ]


def test_a_composite_entity_is_refused_and_a_document_type_too(tmp_path: Path) -> None:
    with pytest.raises(PackageRefused, match="nests LINE"):
        package(tmp_path, [entity("E", "e.xml")], {"e.xml": "<Document><E><LINE><A>1</A></LINE></E></Document>"})
    evil = '<!DOCTYPE Document [<!ENTITY a SYSTEM "file:///etc/passwd">]><Document><E><A>&a;</A></E></Document>'
    with pytest.raises(PackageRefused, match="document type"):
        package(tmp_path, [entity("E", "e.xml")], {"e.xml": evil})


def test_an_old_manifest_without_numbers_keeps_its_own_order(tmp_path: Path) -> None:
    opened = package(
        tmp_path, [entity("Z", "z.csv", order=None), entity("A", "a.csv", order=None)], {"a.csv": "A\n1\n", "z.csv": "A\n1\n2\n"}
    )
    assert [(action.entity, action.order) for action in opened.actions] == [("Z", None), ("A", None)]
    assert count_rows(opened) == (2, 1)


def test_a_damaged_manifest_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("Manifest.xml", "<DataManagementPackageManifest>")
    with pytest.raises(PackageRefused, match="malformed"):
        open_package(path)
