"""What can be checked of the X++ source without AX: its form, its names, and that contract, source and words say the same."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

FOLDER = Path(__file__).parents[2] / "deploy" / "ax"
FILES = sorted(FOLDER.glob("*.xpo"))
CONTRACT = (FOLDER / "CONTRACT.md").read_text(encoding="utf-8")
SERVICE = "RapidStartTableService"
XSD = "{http://www.w3.org/2001/XMLSchema}"
XPP_TYPES = {"xs:string": "str", "xs:boolean": "boolean", "xs:int": "int", "xs:long": "int64"}
#: Lines that open a section, and what closes each.
SECTIONS = {
    name: f"END{name}"
    for name in (
        *("CLASS", "PROPERTIES", "METHODS", "SOURCE", "ENUMTYPE", "TYPEELEMENTS", "TABLE", "FIELDS", "GROUPS", "INDICES"),
        *("INDEXFIELDS", "FULLTEXTINDICES", "REFERENCES", "DELETEACTIONS"),
    )
}


@dataclass(frozen=True)
class Method:
    owner: str
    name: str
    source: str

    @property
    def code(self) -> str:
        """The source without comments and texts."""
        return re.sub(r"'[^']*'", "''", re.sub(r"//[^\n]*", "", self.source))

    @property
    def parameters(self) -> list[tuple[str, str, bool]]:
        """Type, name, and whether it may be left out."""
        head = self.code.split("\n{", 1)[0]
        declared = re.search(rf"\b{self.name}\((.*)\)\s*$", head, re.DOTALL)
        assert declared, self
        parts = [part.strip() for part in re.split(r",(?![^()]*\))", declared[1]) if part.strip()]
        return [(*part.split("=")[0].strip().rsplit(" ", 1), "=" in part) for part in parts]  # type: ignore[misc]


@cache
def methods() -> dict[str, dict[str, Method]]:
    """Every method by class (or table) and name; the declaration of a class is its method classDeclaration."""
    found: dict[str, dict[str, Method]] = {}
    for path in FILES:
        owner = ""
        for block in re.finditer(
            r"(?m)^  (?:CLASS|TABLE) #(\w+)$|^      SOURCE #(\w+)\n((?:        #.*\n)*)      ENDSOURCE$", path.read_text()
        ):
            owner = block[1] or owner
            of_owner = found.setdefault(owner, {})
            if block[2]:
                assert block[2] not in of_owner, f"{owner}.{block[2]} stands twice"
                of_owner[block[2]] = Method(owner, block[2], re.sub(r"(?m)^        #", "", block[3]))
    return found


@cache
def enumerations() -> dict[str, list[str]]:
    text = (FOLDER / "RapidStartTypes.xpo").read_text()
    blocks = re.finditer(r"(?ms)^  ENUMTYPE #(\w+)$.*?^    TYPEELEMENTS$(.*?)^    ENDTYPEELEMENTS$", text)
    return {block[1]: re.findall(r"(?m)^      #(\w+)$", block[2]) for block in blocks}


def every_method() -> Iterator[Method]:
    for of_owner in methods().values():
        yield from of_owner.values()


def types() -> etree._ElementTree:
    return etree.parse(str(FOLDER / "contract" / "xppservice2.xsd"))


def wrappers() -> etree._ElementTree:
    return etree.parse(str(FOLDER / "contract" / "xppservice4.xsd"))


def data_contracts() -> list[str]:
    found = [kind.get("name", "") for kind in types().iterfind(f"{XSD}complexType")]
    return [name for name in found if not name.startswith("ArrayOf")]


def xpp_type(element: etree._Element) -> str:
    kind = element.get("type", "")
    local = kind.partition(":")[2]
    return XPP_TYPES.get(kind) or ("List" if local.startswith("ArrayOf") else local)


def item_of(element: etree._Element) -> str | None:
    """What AifCollectionTypeAttribute must say of a list."""
    item = element.get("type", "").partition(":")[2]
    if not item.startswith("ArrayOf"):
        return None
    return "Types::String" if item == "ArrayOfstring" else f"Types::Class, classStr({item.removeprefix('ArrayOf')})"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_sections_are_balanced(path: Path) -> None:
    text = path.read_text()
    assert text.startswith("Exportfile for AOT version 1.0 or later\nFormatversion: 1\n")
    assert text.endswith("***Element: END\n")
    open_sections: list[str] = []
    for line in text.splitlines():
        word = line.split(" #")[0].strip()
        if open_sections and open_sections[-1] == "SOURCE" and word != "ENDSOURCE":
            assert line.startswith("        #"), line
        elif word in SECTIONS:
            open_sections.append(word)
        elif word in SECTIONS.values():
            assert SECTIONS[open_sections.pop()] == word
    assert open_sections == []


def test_ax_can_read_the_line_ends() -> None:
    for path in FILES:
        content = path.read_bytes()
        assert content.count(b"\n") == content.count(b"\r\n"), path.name
        assert content.isascii(), path.name


@pytest.mark.parametrize("method", list(every_method()), ids=lambda method: f"{method.owner}.{method.name}")
def test_a_method_is_whole_and_fits_a_screen(method: Method) -> None:
    assert '"' not in method.source
    assert "\\" not in method.source
    for opening, closing in ("{}", "()", "[]"):
        assert method.code.count(opening) == method.code.count(closing)
    lines = method.source.splitlines()
    body = method.code.split("\n{", 1)[-1]
    assert len(body.splitlines()) <= 40
    assert max(map(len, lines)) <= 145
    if method.name != "classDeclaration":
        assert re.search(rf"\b{method.name}\(", method.code.split("\n{", 1)[0])


def test_nothing_goes_past_the_rules_of_tables_and_transactions() -> None:
    forbidden = (
        r"(?i)\b(unchecked|doInsert|doUpdate|doDelete|skip\w+|ttsAbort|insert_recordset|update_recordset|delete_from|runAs)\b"
    )
    assert [(m.owner, m.name) for m in every_method() if re.search(forbidden, m.code)] == []
    for method in every_method():
        assert len(re.findall(r"(?i)\bttsBegin\b", method.code)) == len(re.findall(r"(?i)\bttsCommit\b", method.code))


def test_everything_that_is_named_exists() -> None:
    known = {*methods(), *enumerations()}
    for method in every_method():
        for name, member in re.findall(r"\b(RapidStart\w+)(?:::(\w+))?", method.code):
            assert name in known, f"{method.owner}.{method.name} names {name}"
            if member:
                members = enumerations().get(name) or methods()[name]
                assert member in members, f"{method.owner}.{method.name} names {name}::{member}"
        for member in re.findall(r"\bthis\.(\w+)\(", method.code):
            assert member in methods()[method.owner], f"{method.owner}.{method.name} calls this.{member}"


#: Words of X++ that stand where a variable could.
WORDS = frozenset(
    re.findall(
        r"\w+",
        "if else while switch case return throw try catch for new this true false select firstOnly where from infolog div break "
        "str int int64 boolean container real date utcDateTime anytype ttsBegin ttsCommit",
    )
)


def test_every_variable_is_declared_and_every_parameter_used() -> None:
    for of_owner in methods().values():
        members = declared(of_owner["classDeclaration"].code) if "classDeclaration" in of_owner else {}
        for name, method in of_owner.items():
            if name == "classDeclaration":
                continue
            body = method.code.split("\n{", 1)[1]
            parameters = {parameter: kind for kind, parameter, _ in method.parameters}
            known = {**members, **parameters, **declared(body)}
            used = set(re.findall(r"(?<![\w.:#'])([a-z_]\w*)\b(?!\s*\()", body))
            assert used - set(known) - WORDS == set(), f"{method.owner}.{name}"
            assert set(parameters) <= used, f"{method.owner}.{name}"
            for variable, member in re.findall(r"\b(\w+)\.(\w+)\(", body):
                assert member in methods().get(known.get(variable, ""), {member: method}), f"{method.owner}.{name}: {member}"


def declared(code: str) -> dict[str, str]:
    """Variables at the head of a body, or of a class, with their types."""
    found = re.findall(r"(?m)^    ([A-Za-z]\w*)\s+(\w+)(?:\s*=[^=][^;]*)?;", code)
    return {name: kind for kind, name in found if kind != "return"}


def test_calls_have_as_many_arguments_as_methods_have_parameters() -> None:
    for method in every_method():
        for name, member, arguments in calls(method.code):
            owner = name or method.owner
            if member not in methods().get(owner, {}):
                continue
            parameters = methods()[owner][member].parameters
            needed = sum(not optional for _, _, optional in parameters)
            assert needed <= arguments <= len(parameters), f"{method.owner}.{method.name} calls {owner}::{member}"


def calls(code: str) -> Iterator[tuple[str, str, int]]:
    """Class (or "" for this), method, and number of arguments of each call to a method of ours."""
    for found in re.finditer(r"(?:\b(RapidStart\w+)::|\bthis\.)(\w+)\(", code):
        depth, arguments, start = 1, 0, found.end()
        for position in range(start, len(code)):
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(code[position], 0)
            arguments += depth == 1 and code[position] == ","
            if depth == 0:
                arguments += bool(code[start:position].strip())
                break
        yield found[1] or "", found[2], arguments


def test_operations_are_the_contracts() -> None:
    wsdl = etree.parse(str(FOLDER / "contract" / "RoutingService.wsdl"))
    names = {
        operation.get("name")
        for binding in wsdl.iterfind("{*}binding")
        if binding.get("name") == f"BasicHttpBinding_{SERVICE}"
        for operation in binding.iterfind("{*}operation")
    }
    offered = {name for name, method in methods()[SERVICE].items() if "SysEntryPointAttribute(true)" in method.source}
    assert offered == names == set(methods()[SERVICE]) - {"classDeclaration"}
    assert names & {"create", "update", "delete", "find"} == set()
    for name in sorted(names):
        assert f"`{name}`" in CONTRACT


@pytest.mark.parametrize("operation", sorted(set(methods()[SERVICE]) - {"classDeclaration"}))
def test_an_operation_takes_and_answers_what_the_contract_says(operation: str) -> None:
    method = methods()[SERVICE][operation]
    wrapper = f"{SERVICE}{operation[0].upper()}{operation[1:]}"
    (request,) = (e for e in wrappers().iterfind(f"{XSD}element") if e.get("name") == f"{wrapper}Request")
    (response,) = (e for e in wrappers().iterfind(f"{XSD}element") if e.get("name") == f"{wrapper}Response")
    members = list(request.iterfind(f".//{XSD}element"))
    assert [(kind, name) for kind, name, _ in method.parameters] == [(xpp_type(m), m.get("name")) for m in members]
    (answer,) = response.iterfind(f".//{XSD}element")
    assert re.search(rf"\bpublic {xpp_type(answer)} {operation}\(", method.code)
    wanted = {(member.get("name"), item_of(member)) for member in members if item_of(member)}
    wanted |= {("return", item_of(answer))} if item_of(answer) else set()
    assert collections(method) == wanted


def collections(method: Method) -> set[tuple[str, str]]:
    return {(name, item) for name, item in re.findall(r"AifCollectionTypeAttribute\('(\w+)', (.+?)\)(?=[,\]])", method.source)}


def test_data_contracts_are_the_contracts() -> None:
    declared = {
        owner
        for owner, of in methods().items()
        if "[DataContractAttribute]" in of.get("classDeclaration", Method("", "", "")).source
    }
    assert declared == set(data_contracts())


@pytest.mark.parametrize("name", data_contracts())
def test_a_data_contract_has_the_members_of_the_schema(name: str) -> None:
    (kind,) = (k for k in types().iterfind(f"{XSD}complexType") if k.get("name") == name)
    members = {member.get("name", ""): member for member in kind.iterfind(f".//{XSD}element")}
    assert list(members) == sorted(members)  # as a DataContractSerializer writes and wants them
    of_class = {n: m for n, m in methods()[name].items() if n != "classDeclaration"}
    assert set(of_class) == {f"parm{member}" for member in members}
    for member, element in members.items():
        method, xpp = of_class[f"parm{member}"], xpp_type(element)
        assert f"DataMemberAttribute('{member}')" in method.source
        ((kind_, parameter, optional),) = method.parameters
        assert (kind_, optional) == (xpp, True)
        assert re.search(rf"\bpublic {xpp} parm{member}\(", method.code)
        assert re.search(rf"(?m)^    {xpp}\s+{parameter[1:]};$", methods()[name]["classDeclaration"].source)
        item = item_of(element)
        assert collections(method) == ({(parameter, item), ("return", item)} if item else set())


def test_enumerations_are_the_contracts() -> None:
    for kind in types().iterfind(f"{XSD}simpleType"):
        symbols = [each.get("value") for each in kind.iter(f"{XSD}enumeration")]
        assert enumerations()[kind.get("name", "")] == symbols
        for symbol in symbols:
            assert re.search(rf"\b{symbol}\b", CONTRACT), f"CONTRACT.md does not tell {symbol}"


def test_every_fault_is_in_the_contract() -> None:
    raised = {
        code for method in methods()["RapidStartFault"].values() for code in re.findall(r"'(RapidStart\w+)'", method.source)
    }
    assert raised == set(re.findall(r"(?m)^\| `(RapidStart\w+)` \|", CONTRACT))


def test_it_says_that_nobody_has_run_it() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert "not been compiled" in readme
    assert "Not compiled and not run on AX" in methods()[SERVICE]["classDeclaration"].source


@pytest.mark.parametrize(
    "name", ["describe", "companies", "databaseMark", "readRows", "createRows", "updateRows", "deleteRows", "invoke"]
)
def test_the_way_in_is_described_for_every_operation(name: str) -> None:
    assert f"`{name}`" in (FOLDER / "README.md").read_text(encoding="utf-8")
