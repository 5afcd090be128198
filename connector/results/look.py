"""How the workbook looks, and how its cells are written: text is always text, whatever it begins with."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from connector.results.told import Cell

#: Rows of one sheet below its titles; Excel's own limit is 1,048,576.
SHEET_ROWS: Final = 1_000_000
#: The longest text of a cell, as Excel counts it: in UTF-16.
LONGEST: Final = 32_767
#: Links of one sheet; Excel's own limit is 65,530.
LINKS: Final = 65_000

#: The height of a line in points, and how many of them a row shows.
_LINE: Final = 15
_MOST_LINES: Final = 10

#: Colours of the tabs: what is told, what is to be done, what else was noted.
TOLD, TO_DO, NOTED = "#37474F", "#EF6C00", "#90A4AE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The workbook's formats."""

    title: Any
    head: Any
    label: Any
    time: Any
    wrap: Any
    text: Any
    """of a cell that a person may correct: whatever is typed there stays as it was typed"""
    wrong: Any
    link: Any
    rate: Any
    number: Any
    left: Any
    """of a number that stands below texts"""


def of(book: Any) -> Look:
    """The formats, in a workbook."""
    return Look(
        title=book.add_format({"bold": True, "font_size": 16}),
        head=book.add_format({"bold": True, "bg_color": "#ECEFF1", "bottom": 1, "text_wrap": True, "valign": "top"}),
        label=book.add_format({"bold": True, "valign": "top"}),
        time=book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left", "valign": "top"}),
        wrap=book.add_format({"text_wrap": True, "valign": "top"}),
        text=book.add_format({"num_format": "@", "valign": "top"}),
        wrong=book.add_format({"num_format": "@", "valign": "top", "bg_color": "#FFCDD2"}),
        link=book.add_format({"font_color": "#0B57D0", "underline": 1, "valign": "top"}),
        rate=book.add_format({"num_format": "0.0", "valign": "top"}),
        number=book.add_format({"valign": "top"}),
        left=book.add_format({"num_format": "#,##0.##", "align": "left", "valign": "top"}),
    )


def sheet(book: Any, title: str, *, colour: str) -> Any:
    """A sheet that prints on as many pages as it is long, and no wider than one; each page says what it is of."""
    made = book.add_worksheet(title)
    made.set_tab_color(colour)
    made.set_landscape()
    made.set_paper(9)  # A4
    made.fit_to_pages(1, 0)
    made.set_footer("&L&F  &A&RPage &P of &N")
    return made


def head(made: Any, look: Look, titles: Sequence[str], *, widths: Sequence[int]) -> None:
    """The titles of a list: they stay in sight, and are printed on each page."""
    for column, width in enumerate(widths):
        made.set_column(column, column, width)
    for column, title in enumerate(titles):
        made.write_string(0, column, title, look.head)
    made.freeze_panes(1, 0)
    made.repeat_rows(0)


def listed(
    book: Any,
    look: Look,
    rows: Iterator[Sequence[Cell]],
    *,
    title: str,
    columns: Mapping[str, int],
    colour: str,
    links: Iterator[str] | None = None,
) -> None:
    """Rows under their titles, on as many sheets as they need. `links`: one per row, for the column that is called Page."""
    cells = next(rows, None)
    number = 1
    while cells is not None or number == 1:
        made = sheet(book, title if number == 1 else f"{title} {number}", colour=colour)
        head(made, look, tuple(columns), widths=tuple(columns.values()))
        row = 0
        while cells is not None and row < SHEET_ROWS:
            row += 1
            raise_row(made, row, cells, widths=tuple(columns.values()))
            write_row(made, row, cells, look)
            if links is not None and (address := next(links, "")) and row <= LINKS:
                made.write_url(row, len(columns) - 1, address, look.link, "open")
            cells = next(rows, None)
        made.autofilter(0, 0, max(row, 1), len(columns) - 1)
        number += 1


def write_row(made: Any, row: int, cells: Sequence[Cell], look: Look) -> None:
    """Write the cells of a row, from the first column on."""
    for column, cell in enumerate(cells):
        write(made, row, column, cell, look)


def write(made: Any, row: int, column: int, cell: Cell, look: Look) -> None:
    """Write by the value's own type."""
    if cell is None or cell == "":
        return
    if isinstance(cell, str):
        made.write_string(row, column, cell if fits(cell) else cell[: LONGEST // 2], look.wrap)
    elif isinstance(cell, datetime):
        made.write_datetime(row, column, cell, look.time)
    else:
        made.write_number(row, column, cell, look.number)


def raise_row(made: Any, row: int, cells: Sequence[Cell], *, widths: Sequence[int]) -> None:
    """Make a row as high as its longest text needs, before it is written: not every program does so by itself."""
    lines = max((-(-len(cell) // width) for cell, width in zip(cells, widths, strict=False) if isinstance(cell, str)), default=1)
    if lines > 1:
        made.set_row(row, _LINE * min(lines, _MOST_LINES))


def fits(text: str) -> bool:
    """Whether a cell can hold a text."""
    return len(text) <= LONGEST // 2 or len(text.encode("utf-16-le", "surrogatepass")) // 2 <= LONGEST
