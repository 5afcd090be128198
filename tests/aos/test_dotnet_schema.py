"""Documents before .NET's validator, which AX uses: what the worker lets through, .NET lets through.

For real contracts where they are present, and for all that were invented.
"""

import base64
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from connector.wire.codec import Row
from connector.wire.jobs import Layout
from tests.aos import mono
from tests.contracts import drawing, xsd
from tests.contracts.cases import LOADED
from tests.contracts.conftest import SHARED
from tests.contracts.serving import ADDRESS, Read, key_fields, layout_of, opened, row_of, zipped
from tests.contracts.xsd import Record
from workers import aos
from workers.documents import Writer
from workers.errors import Reject
from workers.load.proof import Proof

REAL = {
    "UploadInventService": "TEC_STG_Invent",
    "UploadCustomerService": "QTQ_STG_Customer",
    "UploadPurchOrderService": "TEC_STG_PurchOrder",
}
SOME = settings(
    max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.reuse, Phase.generate)
)
#: What schema processors are known to disagree about, and what a spreadsheet brings.
DOUBTFUL = (
    *(
        "",
        " ",
        "1",
        " 1 ",
        "+1",
        "01",
        "1.",
        ".5",
        "-0",
        "1e5",
        "INF",
        "NaN",
        "1,5",
        "99999999999999999999",
        "0.00000000000000000001",
    ),
    *("true", "TRUE", "1 ", "Yes", " Yes", "yes", "No\n", "2012-02-29", "2013-02-29", "2012-02-29Z", "2012-2-9", "0000-01-01"),
    *("9999-12-31", "2012-02-29T24:00:00", "2012-02-29T23:59:60", "2012-02-29T00:00:00+14:00", "24:00:00", "12:00", "12:00:00.1"),
    *("A" * 10, "A" * 61, "A" * 300, "\U0001f9fe" * 6, "\U0001f9fe" * 31, "AAAA", "AAAA=", "A A A A", "{0}", "a@b", "\u00a0"),
)


class Judge:
    """.NET's validator with one schema."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def complaint(self, document: bytes) -> str | None:
        """The first thing that it finds wrong."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(base64.b64encode(document).decode() + "\n")
        stdin.flush()
        told = stdout.readline().rstrip("\n")
        assert told, "the validator ended"
        return None if told == "ok" else told


@pytest.fixture(scope="session")
def validator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return mono.compiled("Validate", mono.PEERS / "Validate.cs", folder=tmp_path_factory.mktemp("validator"))
    except mono.NotInstalled as missing:
        pytest.skip(str(missing))


@contextmanager
def judging(program: Path, schema: Path) -> Iterator[Judge]:
    command = ["mono", str(program), str(schema)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "READY\n"
            yield Judge(process)
        finally:
            process.kill()


@dataclass(frozen=True, kw_only=True, repr=False)
class Case:
    """A contract, as the worker reads it and as .NET does."""

    record: Record
    read: Read
    layout: Layout
    keys: dict[str, str]
    most: int
    judge: Judge

    def rows(self, data: st.DataObject, *, most: int) -> list[Row]:
        """Some rows."""
        drawn = data.draw(st.lists(drawing.records(self.record, keys=self.keys), min_size=1, max_size=most))
        drawing.numbered(drawn, keys=self.keys, start="K")
        return [row_of(one, self.layout) for one in drawn]

    def sent(self, *rows: Row) -> bytes | None:
        """The create document that a worker would send of these rows; None where it sends none."""
        writer = Writer(self.read.service, self.layout)
        proof = Proof(self.read.port, writer)
        try:
            written = writer.written(rows)
        except Reject:
            return None
        proof.add(written)
        document = writer.create(written.records).document
        return document if proof.holds() or not self.read.port.invalid(document) else None


@pytest.fixture(scope="module", params=[*REAL, *LOADED])
def case(request: pytest.FixtureRequest, validator: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    folder, root, place = _real(request.param) if request.param in REAL else _invented(request.param, tmp_path_factory)
    files = xsd.files_of(folder)
    (record,) = xsd.read(files).roots(root)
    read, keys = opened(aos.Door(), ADDRESS, contract_zip=zipped(files)), key_fields(record)
    with judging(validator, folder / place) as judge:
        yield Case(
            record=record,
            read=read,
            layout=layout_of(read, record, keys=keys),
            keys=keys,
            most=1 if request.param == "one record to a document" else 3,
            judge=judge,
        )


def _real(name: str) -> tuple[Path, str, str]:
    if not SHARED.is_dir():
        pytest.skip(f"real AX 2012 contracts are not in {SHARED}; RAPIDSTART_SHARED names another place")
    folder = SHARED / "contracts" / name
    namespace = f"http://schemas.microsoft.com/dynamics/2008/01/documents/{REAL[name]}"
    files = xsd.files_of(folder)
    place = next(file for file, content in files.items() if f'targetNamespace="{namespace}"'.encode() in content)
    return folder, f"{{{namespace}}}{REAL[name]}", place


def _invented(name: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    folder = LOADED[name].write(tmp_path_factory.mktemp("contract"))
    first = LOADED[name].services[0]
    return folder, f"{{{first.document_namespace}}}{first.document}", "document0.xsd"


@given(data=st.data())
@SOME
def test_dotnet_takes_what_is_written(case: Case, data: st.DataObject) -> None:
    document = case.sent(*case.rows(data, most=case.most))
    assert document is not None
    assert case.judge.complaint(document) is None


@given(data=st.data())
@SOME
def test_what_dotnet_refuses_is_found_before_it_is_sent(case: Case, data: st.DataObject) -> None:
    """A cell is replaced by a text that processors may disagree about; the worker may be stricter, never laxer."""
    (row,) = case.rows(data, most=1)
    for _ in range(40):
        column, text = data.draw(st.integers(0, len(row.cells) - 1)), data.draw(st.sampled_from(DOUBTFUL))
        cells = [*row.cells[:column], text, *row.cells[column + 1 :]]
        document = case.sent(Row(row.number, cells, row.children))
        if document is not None:
            assert case.judge.complaint(document) is None, (case.layout.columns[column].field, text)
