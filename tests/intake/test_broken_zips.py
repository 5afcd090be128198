"""Whatever was done to the bytes of a zip: it is read, or refused with a sentence, and nothing else happens."""

import io
import tempfile
import zipfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.errors import PackageRefused
from connector.intake.package import count_rows, open_package

ROWS = "".join(f"{number:03d},Group {number}\r\n" for number in range(50))


def whole() -> bytes:
    """A package as a consultant would make one: two tables, one packed and one stored, in a folder."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as package:
        package.writestr("groups/CustGroup.csv", f"CustGroup,Name\r\n{ROWS}", zipfile.ZIP_DEFLATED)
        package.writestr("Currency.csv", "CurrencyCode,Txt\r\nEUR,Euro\r\n", zipfile.ZIP_STORED)
    return written.getvalue()


WHOLE = whole()
PLACES = st.integers(0, len(WHOLE) - 1)


def read(content: bytes) -> tuple[int, ...] | None:
    """The numbers of rows; None where the package is refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "package"
        path.write_bytes(content)
        try:
            return count_rows(open_package(path, name="package.zip"))
        except PackageRefused as error:
            refused = error
    assert refused.message
    assert refused.advice
    assert folder not in f"{refused} {refused.advice}"
    return None


def test_the_whole_one_is_read():
    assert read(WHOLE) == (1, 50)


@settings(max_examples=250, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=st.dictionaries(PLACES, st.integers(0, 255), min_size=1, max_size=6))
def test_changed_bytes(changes):
    content = bytearray(WHOLE)
    for place, value in changes.items():
        content[place] = value
    read(bytes(content))


@settings(max_examples=120, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(first=PLACES, last=PLACES, again=st.booleans())
def test_a_piece_that_is_missing_or_stands_twice(first, last, again):
    first, last = sorted((first, last))
    read(WHOLE[:last] + WHOLE[first:] if again else WHOLE[:first] + WHOLE[last:])


@settings(max_examples=80, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=st.binary(max_size=60), after=st.binary(max_size=60))
def test_strange_bytes_around_it(before, after):
    read(before + WHOLE + after)
