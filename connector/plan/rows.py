"""The rows of a step, their cells in the order of its layout."""

from collections.abc import Iterator, Mapping

from connector.intake.values import Package
from connector.plan.values import Step
from connector.wire.codec import Row
from connector.wire.jobs import Layout


def rows(package: Package, step: Step) -> Iterator[Row]:
    """The step's rows without nested ones. `link` and `unit` of the step are indexes into their cells.

    Cells beyond the layout's columns serve link and unit only: see `trimmed`. Labels that AX's data dictionary knows are
    told by their symbols. Raises PackageRefused.
    """
    found = _rows(package, step)
    return (_spelled(row, step.spellings) for row in found) if step.spellings else found


def _spelled(row: Row, spellings: Mapping[int, Mapping[str, str]]) -> Row:
    cells = list(row.cells)
    for place, symbols in spellings.items():
        if place < len(cells) and (text := cells[place]):
            cells[place] = symbols.get(text.strip().casefold(), text)
    return row._replace(cells=cells)


def _rows(package: Package, step: Step) -> Iterator[Row]:
    action = package.actions[step.action_index]
    carried = step.carried
    if carried == tuple(range(len(action.columns))):
        yield from action.rows()
        return
    for number, cells, _ in action.rows():
        yield Row(number, [cells[index] for index in carried])


def trimmed(layout: Layout, row: Row) -> Row:
    """The row, and the rows nested in it, with the layout's columns only: what may travel."""
    width = len(layout.columns)
    children = row.children
    if children:
        pairs = zip(layout.children, children, strict=True)
        children = [[trimmed(child, nested) for nested in group] for child, group in pairs]
    return Row(row.number, row.cells[:width] if len(row.cells) > width else row.cells, children)
