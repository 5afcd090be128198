"""The package that `rapidstart demo` loads, and the tables of the AOS that it is loaded into.

Everything is the same at every call. A few rows are wrong on purpose, each in its own way: see `starter.FAULTS`.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from connector.sample import starter

PACKAGE: Final = "Contoso starter.zip"
WORKBOOK: Final = "Contoso starter.xlsx"
_EPOCH: Final = (2026, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePaths:
    """Where the sample's files were written."""

    package: Path
    """a zip of one workbook and its mapping"""
    tables: Path
    """the table definition that the simulated AOS takes with --tables"""


def write(folder: Path) -> SamplePaths:
    """Write the sample into a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    here = Path(__file__).parent
    package, tables = folder / PACKAGE, folder / "tables.toml"
    files = {WORKBOOK: starter.workbook(), "rapidstart.toml": (here / "mapping.toml").read_bytes()}
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
    tables.write_bytes((here / "tables.toml").read_bytes())
    return SamplePaths(package=package, tables=tables)
