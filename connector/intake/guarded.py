"""CSV that a spreadsheet opens: what it would take for a formula stands behind an apostrophe, and is freed of it when read.

Only files that begin with the title that this module names are read so: in others an apostrophe is data. Pure.
"""

import re
from typing import Final

#: The title of the first column of a file that was written so.
TITLE: Final = "RapidStart place"

#: What a spreadsheet computes (OWASP, "CSV Injection"), but for numbers; and what already begins with an apostrophe.
_GUARDED: Final = re.compile(r"[=+@\t\r']|-(?![0-9]+([.,][0-9]+)*\Z)")


def guarded(text: str) -> str:
    """The text as it is written. A negative number stays one."""
    return f"'{text}" if _GUARDED.match(text) else text


def bare(text: str) -> str:
    """What was written, from what is read."""
    return text[1:] if text.startswith("'") and _GUARDED.match(text[1:]) else text
