"""The simulator, as a WCF client of the same contract understands it: its answers are read by .NET's own serializer."""

import subprocess

import pytest

from tests.aos import mono
from tests.aos.conformance.targets import CONTRACT
from tests.load.conftest import running


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the client tells of each call."""
    folder = tmp_path_factory.mktemp("client")
    try:
        program = mono.compiled(
            "Client",
            *(mono.PEERS / f"{name}.cs" for name in ("Messages", "Schedules", "Records", "Faults", "Client")),
            folder=folder,
        )
    except mono.NotInstalled as missing:
        pytest.skip(str(missing))
    with running("--contract", str(CONTRACT), "--key", "PaymSched=Name", "--company", "USMF") as ax:
        address = f"{ax.url}/MicrosoftDynamicsAXAif60/PaymentSchedules/xppservice.svc"
        done = subprocess.run(["mono", str(program), address], capture_output=True, timeout=60, check=True)
    lines = done.stdout.decode("utf-8").splitlines()
    return {what: text for what, _, text in (line.partition(": ") for line in lines)}


def test_keys_come_in_the_order_of_the_records(told: dict[str, str]):
    assert told["created"] == "Name=W2 Name=W1"


def test_records_come_with_their_values_and_lines(told: dict[str, str]):
    one, two = ("W1=漢字 <W1>/1.50/Fixed_Amount/1", "W2=漢字 <W2>/1.50/Fixed_Amount/1")
    assert told["read"] == f"{one} {two}"
    assert told["found"] in (f"{one} {two}", f"{two} {one}")  # find promises no order
    assert told["keys"] == "Name=W2"


def test_a_typed_fault_says_code_place_field_and_infolog(told: dict[str, str]):
    duplicate = "Duplicate message. Message has already been processed."
    assert told["again"] == f"AifFault DuplicateMessage|||{duplicate} [Error {duplicate}]"
    where, _, said = told["exists"].partition("Cannot create a record")
    assert where == "AifFault |/PaymSchedule/PaymSched[2]|Name|"
    assert "The record already exists." in said
    assert told["missing"].startswith("AifFault ")
    assert "XX" in told["nowhere"]


def test_an_update_with_the_hash_that_was_read_is_taken(told: dict[str, str]):
    assert told["updated"] == "W1=changed <&> Ж/1.50/Fixed_Amount/1"
    assert told["deleted"] == "done"
