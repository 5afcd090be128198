import pytest

from connector.ledger import dictionaries
from connector.wire.dictionary import DataTable, Dictionary, TableField


def test_tables_need_no_dispatcher(run, groups):
    ran = run("package", "tables", groups, "--json")
    assert ran.code == 0
    assert ran.lines == [
        {
            "entity": "CustGroup",
            "table": "CustGroup",
            "key": ["CustGroup"],
            "columns": [{"column": "CustGroup", "field": "CustGroup"}, {"column": "Name", "field": "Name"}],
        }
    ]
    assert "CustGroup" in run("package", "tables", groups).out


def test_a_package_is_inspected_by_itself(run, groups):
    ran = run("package", "inspect", groups)
    assert ran.code == 0
    assert "a guess" in ran.out
    assert "--endpoint" in ran.out, "what an endpoint would add is told"
    (described,) = run("package", "inspect", groups, "--json").lines
    assert [column["column"] for column in described["entities"][0]["columns"]] == ["CustGroup", "Name"]


def test_a_package_is_inspected_against_an_endpoint(run, office, groups):
    ran = run("package", "inspect", groups, "--endpoint", "AOS-1")
    assert ran.code == 0
    assert "→ RapidStart/CustGroupService.CustGroup" in ran.out


def test_a_mapping_is_obeyed(run, groups, tmp_path):
    mapping = tmp_path / "m.toml"
    mapping.write_text('[table.CustGroup]\nkey = ["Name"]\n')
    (described,) = run("package", "inspect", groups, "--mapping", mapping, "--json").lines
    assert described["entities"][0]["key"] == ["Name"]


@pytest.mark.parametrize(
    ("content", "code"), [(b"[table.CustGroup]\nkye = []", 3), (b"not toml", 3), (b"# \xff latin", 3), (b"", 0)]
)
def test_a_mapping_that_cannot_be_read_is_refused(run, groups, tmp_path, content, code):
    mapping = tmp_path / "m.toml"
    mapping.write_bytes(content)
    assert run("package", "inspect", groups, "--mapping", mapping).code == code


def test_an_endpoint_without_metadata_ends_with_4(run, office, groups):
    office.client.add_endpoint("NEW", addresses=["http://aos.test/port.svc"])
    ran = run("package", "inspect", groups, "--endpoint", "NEW")
    assert (ran.code, ran.out) == (4, "")
    assert "rapidstart endpoint metadata NEW --refresh" in ran.err


def test_what_is_no_package_is_refused(run, tmp_path):
    file = tmp_path / "package.xls"
    file.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600))
    for verb in ("inspect", "tables"):
        ran = run("package", verb, file)
        assert (ran.code, "package.xls" in ran.err) == (3, True)


def test_a_package_is_inspected_by_what_the_data_dictionary_says(run, office, groups):
    code = TableField(name="CustGroup", length=10, mandatory=True, label="Debitorengruppe")
    told = DataTable(name="CustGroup", label="Debitorengruppen", fields=(code,), replacement_key=("CustGroup",))
    with office.ledger.write() as db:
        dictionaries.keep(db, "aos-1", Dictionary(language="de", tables=(told,)), at=1.0)
    ran = run("package", "inspect", groups, "--endpoint", "AOS-1", "--json")
    (entity,) = ran.lines[0]["entities"]
    assert entity["known"] == "'Debitorengruppen', per company; unique by CustGroup"
    assert entity["columns"][0]["known"] == "'Debitorengruppe', String of 10, mandatory"
    shown = " ".join(run("package", "inspect", groups, "--endpoint", "AOS-1").out.split())
    assert "known 'Debitorengruppen', per company; unique by CustGroup (AX's data dictionary)" in shown
