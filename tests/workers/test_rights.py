"""Whom Windows lets into which folder. `icacls` itself is not here: what it is told is."""

from pathlib import PureWindowsPath

import pytest

from workers.service import rights

HOME = PureWindowsPath(r"C:\ProgramData\RapidStart Connector")
ONE, TWO = "S-1-5-80-1", "S-1-5-80-2"


def granted(sid: str, endpoint: str) -> dict[PureWindowsPath, str]:
    """What an account is granted by its service's installation, by folder."""
    found = {}
    for folder, *words in rights.commands(HOME / "endpoints" / endpoint, sid=sid):
        found |= {PureWindowsPath(folder): word.rpartition(":")[2] for word in words if word.startswith(f"*{sid}:")}
    return found


def test_an_account_reaches_its_own_endpoint_and_reads_what_is_for_all():
    assert granted(ONE, "a1") == {
        HOME: "(OI)(NP)RX",  # NP: not on to the folders below
        HOME / "endpoints": "RX",
        HOME / "endpoints" / "a1": "(OI)(CI)M",
    }
    assert HOME / "endpoints" / "a1" not in granted(TWO, "a2")


def test_nothing_is_inherited_from_above_and_nothing_of_others_is_kept_in_the_endpoints_folder():
    home, _, forgotten, own = rights.commands(HOME / "endpoints" / "a1", sid=ONE)
    assert home[:2] == [str(HOME), "/inheritance:r"]
    assert "*S-1-5-32-544:(OI)(CI)F" in home, "administrators"
    assert "/T" not in home, "what other endpoints' folders say stays"
    assert forgotten[:3] == [str(HOME / "endpoints" / "a1"), "/reset", "/T"]
    assert own[0] == forgotten[0], "granted after it was forgotten"


@pytest.mark.parametrize("name", ["TrustedInstaller", "trustedinstaller"])
def test_the_number_of_a_services_account_is_the_one_that_windows_has(name: str):
    """Of a service of Windows itself, whose number is known everywhere."""
    assert rights.sid_of_service(name) == "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
