"""The rows that are not in as CSV, for any program; a spreadsheet that opens it computes nothing of it."""

import csv
from collections.abc import Iterator
from typing import Final

from connector.errors import Place
from connector.intake import guarded
from connector.ledger import Ledger, jobs
from connector.results import told

_TITLES: Final = (
    guarded.TITLE,
    *("entity", "file", "sheet", "row", "outcome", "column", "field", "value", "message", "advice", "code", "page"),
)


class _Line:
    """Takes what the csv module writes, and hands it on."""

    def write(self, text: str) -> str:
        """A line as it was written."""
        return text


def csv_lines(ledger: Ledger, job_id: str, *, public_url: str = "") -> Iterator[str]:
    """The lines of the file, a line per thing that is wrong with a row. They are read as they are taken. Raises NotFound.

    It begins with a byte order mark: by it Excel knows that the text is UTF-8.
    """
    writer = csv.writer(_Line())  # what `write` returns, `writerow` does
    yield "\ufeff" + str(writer.writerow(_TITLES))
    with ledger.read() as db:
        job = jobs.get(db, job_id)
        for each in told.every_failure(db, job.id):
            place = Place(file=each.file, sheet=each.sheet, row=each.row)
            link = told.link(public_url.rstrip("/"), job.id, each)
            what = (each.outcome, each.column, each.field, each.value, each.message, each.advice, each.code, link)
            texts = (str(place), each.entity, each.file, each.sheet, str(each.row), *what)
            yield str(writer.writerow(guarded.guarded(text or "") for text in texts))
