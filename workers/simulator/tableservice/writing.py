"""createRows, updateRows, deleteRows: every row is looked at first; either all of them are written, or none."""

from collections.abc import Callable

from lxml import etree

from workers.simulator.model import Table
from workers.simulator.tableservice import datacontracts as dc
from workers.simulator.tableservice import rows
from workers.simulator.tableservice.request import TableCall
from workers.simulator.tableservice.rows import Plan

Planner = Callable[[TableCall, Table, etree._Element, int], Plan]


def create_rows(call: TableCall) -> str:
    """Insert rows. Raises AifError."""
    return _carry_out(call, rows.plan_create, _insert)


def update_rows(call: TableCall) -> str:
    """Change the given fields of rows. Raises AifError."""
    return _carry_out(call, rows.plan_update, _replace)


def delete_rows(call: TableCall) -> str:
    """Delete rows, with what is nested in them. Raises AifError."""
    return _carry_out(call, rows.plan_delete, _delete)


def _carry_out(call: TableCall, planner: Planner, write: Callable[[TableCall, Plan], str]) -> str:
    table = call.table()
    given = dc.items(call.request, "_rows", "RapidStartRow")
    call.at_most(len(given))
    plans = rows.without_twins([planner(call, table, row, number) for number, row in enumerate(given, 1)])
    if dc.truth(call.request, "_validateOnly") or any(plan.wrong for plan in plans):
        return dc.response(_told(plan) for plan in plans)
    return dc.response([write(call, plan) for plan in plans])


def _insert(call: TableCall, plan: Plan) -> str:
    name = plan.table.name
    rec_id = call.store.insert(name, company=call.company, parent=plan.parent, index=plan.index, body=plan.body)
    call.tally["rows_created"] += 1
    return _result(plan, "Created", rec_id=rec_id, version=1)


def _replace(call: TableCall, plan: Plan) -> str:
    call.store.replace(plan.row, index=plan.index, body=plan.body)
    call.tally["rows_updated"] += 1
    return _result(plan, "Updated", rec_id=plan.row.rec_id, version=plan.row.version + 1)


def _delete(call: TableCall, plan: Plan) -> str:
    call.tally["rows_deleted"] += call.store.delete(plan.row.rec_id)
    return _result(plan, "Deleted", rec_id=plan.row.rec_id, version=plan.row.version)


def _told(plan: Plan) -> str:
    before = plan.before
    outcome = "Refused" if plan.wrong else "NotWritten"
    return _result(plan, outcome, rec_id=before.rec_id if before else 0, version=before.version if before else 0)


def _result(plan: Plan, outcome: str, *, rec_id: int, version: int) -> str:
    messages = [dc.record("RapidStartMessage", Severity="Error", Text=sentence) for _, sentence in plan.wrong]
    field = next((name for name, _ in plan.wrong if name), "")
    return dc.record(
        "RapidStartRowResult",
        Field=field,
        Index=plan.number,
        Messages=messages,
        Outcome=outcome,
        RecId=rec_id,
        RecVersion=version,
    )
