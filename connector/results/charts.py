"""The charts of the workbook. They are Excel's own: they are drawn from cells, and can be changed there."""

from collections.abc import Sequence
from typing import Any, Final

from connector.results import look, told
from connector.results.look import Look

#: The sheet that holds what the chart of rows over time is drawn from.
TIMES: Final = "Throughput"


def outcomes(book: Any, sheet: Any, *, words: Sequence[str], first: int) -> None:
    """A ring of the rows by outcome, which stand in two columns of the Summary from row `first` on."""
    last = first + len(words) - 1
    chart = book.add_chart({"type": "doughnut"})
    chart.add_series(
        {
            "name": "Rows by outcome",
            "categories": ["Summary", first, 0, last, 0],
            "values": ["Summary", first, 1, last, 1],
            "points": [{"fill": {"color": told.COLOURS[word]}} for word in words],
        }
    )
    chart.set_title({"name": "Rows by outcome", "name_font": {"size": 12}})
    chart.set_legend({"position": "right"})
    sheet.insert_chart(2, 3, chart, {"description": "Ring chart of rows by outcome; the numbers stand in the table."})


def throughput(book: Any, sheet: Any, moments: Sequence[told.Moment]) -> None:
    """Rows per second over time, drawn from the sheet that `times` writes."""
    chart = book.add_chart({"type": "area"})
    last = len(moments)
    chart.add_series(
        {
            "name": "Rows per second",
            "categories": [TIMES, 1, 0, last, 0],
            "values": [TIMES, 1, 3, last, 3],
            "fill": {"color": "#90CAF9"},
            "line": {"color": "#1565C0"},
        }
    )
    chart.set_title({"name": "Rows per second", "name_font": {"size": 12}})
    chart.set_legend({"none": True})
    chart.set_x_axis({"name": "UTC", "num_format": "hh:mm:ss", "text_axis": True, "interval_unit": max(1, last // 8)})
    chart.set_y_axis({"min": 0, "num_format": "#,##0"})
    sheet.insert_chart(18, 3, chart, {"description": "Chart of rows per second; the numbers stand in the sheet Throughput."})


def times(book: Any, formats: Look, moments: Sequence[told.Moment]) -> None:
    """The sheet with rows over time."""
    columns = {"From (UTC)": 20, "Rows": 10, "Failed": 10, "Rows per second": 16}
    made = look.sheet(book, TIMES, colour=look.NOTED)
    look.head(made, formats, tuple(columns), widths=tuple(columns.values()))
    for row, each in enumerate(moments, start=1):
        look.write_row(made, row, [each.at, each.rows, each.failed], formats)
        made.write_number(row, 3, each.per_second, formats.rate)
    made.autofilter(0, 0, max(len(moments), 1), len(columns) - 1)
