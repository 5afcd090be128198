"""Whatever tables name one another: a plan that is made loads every row into an AX that refuses what names no record."""

from dataclasses import dataclass

from hypothesis import event, given
from hypothesis import strategies as st

from connector.errors import PlanRefused
from connector.plan import make, passes, rows
from connector.plan.mapping import Mapping
from connector.wire.dictionary import DataTable, Dictionary, TableField, TableRelation
from connector.wire.jobs import Blank, Mode
from connector.wire.metadata import Field, Metadata, Table
from tests.plan.conftest import make_action, make_package, make_service

NAMES = "ABCD"
ROWS = 3


@dataclass(frozen=True)
class Names:
    """A field of one table that names records of another."""

    table: str
    other: str
    no: int
    mandatory: bool
    constant: bool

    @property
    def field(self) -> str:
        return f"{self.other}{self.no}"


RELATIONS = st.lists(
    st.builds(
        Names, table=st.sampled_from(NAMES), other=st.sampled_from(NAMES), no=st.integers(0, 1), mandatory=st.booleans(),
        constant=st.booleans(),
    ),
    max_size=8, unique_by=lambda each: (each.table, each.field),
)  # fmt: skip


class Ax:
    """Tables whose records name others that must be there, or themselves."""

    def __init__(self, relations: list[Names]) -> None:
        self.relations = relations
        self.held: dict[str, dict[str, dict[str, str]]] = {name: {} for name in NAMES}

    def write(self, table: str, values: dict[str, str], *, new: bool) -> None:
        key = values["Id"]
        assert (key not in self.held[table]) is new
        for each in self.relations:
            if each.table == table and (named := values.get(each.field)):
                assert named in self.held[each.other] or named == key, (
                    f"{table} {key}: {each.field} names {named}, which is not there"
                )
        if new:
            assert all(values.get(each.field) for each in self.relations if each.table == table and each.mandatory)
        self.held[table].setdefault(key, {}).update({field: text for field, text in values.items() if text})


@given(relations=RELATIONS, draw=st.data())
def test_every_row_goes_in_or_the_plan_is_refused(relations: list[Names], draw: st.DataObject) -> None:
    filled = {name: [each for each in relations if each.table == name] for name in NAMES}
    wanted = {name: [_row(name, no, filled[name], draw) for no in range(ROWS)] for name in NAMES}
    columns = {name: ["Id", *(each.field for each in filled[name] if not each.constant)] for name in NAMES}
    package = make_package(
        *(
            make_action(name, ",".join(columns[name]), *([row[c] for c in columns[name]] for row in wanted[name]))
            for name in NAMES
        )
    )
    constants = {name: {each.field: f"{each.other}0" for each in filled[name] if each.constant} for name in NAMES}
    mapping = Mapping.model_validate({"table": {name: {"constants": told} for name, told in constants.items()}})
    known = _dictionary(filled)
    stuck = {(each.other, each.table) for each in relations if each.mandatory and each.other != each.table}
    try:
        plan = make(package, _endpoint(filled), mapping=mapping, mode=Mode.UPSERT, blank=Blank.KEEP, dictionary=known)
    except PlanRefused:
        event("refused")
        assert goes_round(stuck, NAMES)
        return
    event("two passes" if any(step.later for step in plan.steps) else "one pass")
    ax = Ax(relations)
    first = [(step.rank, 0, step) for step in plan.steps]
    second = [(step.last_rank, 1, step) for step in plan.steps if step.later]
    for _, again, step in sorted((*first, *second), key=lambda each: each[:2]):
        part = (passes.second_layout if again else passes.first_layout)(step.layout, step.later)
        for row in passes.cut(rows(package, step), step.layout, part):
            cells = dict(zip((column.field for column in part.columns), row.cells, strict=True))
            ax.write(step.table, {**part.constants, **cells}, new=not again)
    for name in NAMES:
        whole = [{field: text for field, text in {**constants[name], **row}.items() if text} for row in wanted[name]]
        assert list(ax.held[name].values()) == whole


def goes_round(edges: set[tuple[str, str]], names: str) -> bool:
    """Whether some edges (before, then) make a circle: something is left once all that nothing stands before is taken away."""
    left = set(names)
    while free := {name for name in left if not any(then == name and before in left for before, then in edges)}:
        left -= free
    return bool(left)


def _row(table: str, no: int, fields: list[Names], draw: st.DataObject) -> dict[str, str]:
    """A row; those that must name a record of their own table name one before them, or themselves where there is none."""
    row = {"Id": f"{table}{no}"}
    for each in fields:
        if each.constant:
            continue
        named = [f"{each.other}{other}" for other in range(ROWS)]
        if each.mandatory and each.other == table:
            named = named[: no or 1]
        row[each.field] = draw.draw(st.sampled_from([*named, *([] if each.mandatory else [""])]))
    return row


def _endpoint(filled: dict[str, list[Names]]) -> Metadata:
    tables = [Table(name=name, fields=(Field(name="Id"), *(Field(name=each.field) for each in filled[name]))) for name in NAMES]
    return Metadata(fingerprint="f", services=tuple(make_service(table, key=("Id",)) for table in tables))


def _dictionary(filled: dict[str, list[Names]]) -> Dictionary:
    return Dictionary(
        tables=tuple(
            DataTable(
                name=name,
                fields=tuple(TableField(name=each.field, mandatory=each.mandatory) for each in fields),
                relations=tuple(
                    TableRelation(name=each.field, table=each.other, fields=((each.field, "Id"),)) for each in fields
                ),
            )
            for name, fields in filled.items()
        )
    )
