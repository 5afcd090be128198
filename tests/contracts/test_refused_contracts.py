"""What a contract does not allow ends in a sentence for the user: never in a traceback, never in a record that is half there."""

from pathlib import Path

import pytest

from connector.wire.reports import Outcomes
from tests.contracts import xsd
from tests.contracts.cases import EMPTY, LOADED, REFUSED
from tests.contracts.drawing import Drawn
from tests.contracts.serving import ADDRESS, served, zipped
from workers import aos
from workers.errors import GiveUp, Unfinished, WorkerError


def two_rows(*fields: str) -> list[Drawn]:
    return [Drawn(table="Head", values={"Id": f"K{n}", **dict.fromkeys(fields, f"Text {n}")}, below={}) for n in (1, 2)]


def loaded(folder: Path, name: str) -> tuple[Outcomes, str, int]:
    """What became of two rows, what was said, and how many records there are."""
    invented = REFUSED[name][0]
    first = invented.write(folder) and invented.services[0]
    (record,) = xsd.read(invented.files()).roots(f"{{{first.document_namespace}}}{first.document}")
    with served(folder, record) as ax:
        known = [part.name for part in record.fields if part.name != "Id"]
        try:
            outcomes = ax.load(two_rows(*known)).outcomes
        except Unfinished as unfinished:
            return unfinished.outcomes, unfinished.error.message, len(ax.held("Head"))
        return outcomes, " ".join(problem.message for problem in outcomes.problems), len(ax.held("Head"))


@pytest.mark.parametrize("name", REFUSED)
def test_rows_that_a_contract_does_not_take_are_refused_with_a_sentence(tmp_path: Path, name: str) -> None:
    outcomes, said, there = loaded(tmp_path, name)
    assert REFUSED[name][1] in said
    assert set(outcomes.letters) == {"f"}
    assert all(problem.message and problem.advice and problem.code for problem in outcomes.problems)
    assert there == 0


@pytest.mark.parametrize("name", EMPTY)
def test_a_service_without_records_is_no_document_service(name: str) -> None:
    found = aos.read_metadata(aos.Door(), [ADDRESS], contract_zip=zipped(EMPTY[name].files()))
    assert [service.document for service in found.services] == [None]
    assert set(found.services[0].operations) >= {"create", "find", "read"}


def broken(files: dict[str, bytes], name: str, old: bytes, new: bytes) -> bytes:
    assert old in files[name]
    return zipped(files | {name: files[name].replace(old, new)})


#: What may be wrong with a file of a contract.
WRONG = {
    "a type that is not declared": ("document0.xsd", b'type="tns:AxdEntity_Head"', b'type="tns:AxdEntity_Nobody"'),
    "a type of a file that is not imported": ("document0.xsd", b"<xs:import", b"<!-- --><xs:annotation/><xs:import"),
    "an element that is not declared": ("services0.xsd", b'ref="q:Odd"', b'ref="q:Even"'),
    "a message that is not declared": ("services0.wsdl", b'message="tns:OddServiceCreateRequest"', b'message="tns:Nothing"'),
    "a port type that is not declared": ("root.wsdl", b'type="i0:OddService"', b'type="i0:EvenService"'),
    "a prefix that is not bound": ("root.wsdl", b'type="i0:OddService"', b'type="zz:OddService"'),
    "a binding that is not declared": ("root.wsdl", b'binding="tns:BasicHttpBinding_OddService"', b'binding="tns:None"'),
    "a length that is no number": ("shared.xsd", b'<xs:maxLength value="4"/>', b'<xs:maxLength value="four"/>'),
    "no call context": ("callcontext.xsd", b'name="CallContext"', b'name="Other"'),
    "a file that is another": ("document0.xsd", b"targetNamespace=", b"id="),
    "a file that is cut off": ("shared.xsd", b"</xs:schema>", b""),
}


def why(contract_zip: bytes) -> WorkerError | None:
    """Why a contract cannot be read; None where it can."""
    try:
        aos.read_metadata(aos.Door(), [ADDRESS], contract_zip=contract_zip)
    except WorkerError as error:
        return error
    return None


@pytest.mark.parametrize("name", WRONG)
def test_a_contract_that_is_wrong_is_refused_with_a_sentence_or_read_as_far_as_it_goes(name: str) -> None:
    error = why(broken(LOADED["plain"].files(), *WRONG[name]))
    assert error is None or isinstance(error, GiveUp)
    assert error is None or (error.message.endswith(".") and error.advice and error.code)
