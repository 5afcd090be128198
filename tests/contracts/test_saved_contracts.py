"""A contract as Visual Studio saves it beside a service reference: files that import each other by the addresses they had."""

import re

import pytest

from tests.contracts.cases import LOADED
from tests.contracts.serving import ADDRESS, opened, zipped
from workers import aos
from workers.errors import GiveUp


def saved(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files under the names that Visual Studio gives them, with imports as the port itself wrote them."""
    numbers = {name: number for number, name in enumerate(files)}

    def by_address(found: re.Match[bytes]) -> bytes:
        kind = found[2].rpartition(b".")[2].decode()
        return found[1] + f"http://aos:8101/DynamicsAx/Services/Odd?{kind}={kind}{numbers[found[2].decode()]}".encode()

    return {
        f"Odd{numbers[name]}.{name.rpartition('.')[2]}": re.sub(rb'(ocation=")([A-Za-z0-9]+\.(?:xsd|wsdl))', by_address, content)
        for name, content in files.items()
    }


@pytest.mark.parametrize("name", ["plain", "three levels", "services in a group", "one word as the namespace of a service"])
def test_files_that_import_each_other_by_address_are_found_by_namespace(name: str) -> None:
    files = LOADED[name].files()
    as_saved = opened(aos.Door(), ADDRESS, contract_zip=zipped(saved(files)))
    as_published = opened(aos.Door(), ADDRESS, contract_zip=zipped(files))
    assert as_saved.found == as_published.found


def test_a_file_that_is_not_there_is_named_by_its_namespace() -> None:
    files = {name: content for name, content in saved(LOADED["plain"].files()).items() if b"AxdExtType_RecVersion" not in content}
    with pytest.raises(GiveUp, match=r"no file for http://schemas\.microsoft\.com/dynamics/2008/01/"):
        opened(aos.Door(), ADDRESS, contract_zip=zipped(files))


def test_of_two_files_of_one_namespace_none_is_guessed() -> None:
    files = saved(LOADED["plain"].files())
    twice = next(content for content in files.values() if b"AxdEnum_AxdEntityAction" in content and b"<xs:simpleType" in content)
    with pytest.raises(GiveUp, match=r"several files for http://schemas\.microsoft\.com/dynamics/2008/01/sharedtypes"):
        opened(aos.Door(), ADDRESS, contract_zip=zipped(files | {"Odd99.xsd": twice}))
