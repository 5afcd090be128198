"""What rows refer to, and what of it the package brings before."""

import pytest

from connector.screen.referring import References, on_wire
from connector.wire.codec import Row
from connector.wire.jobs import Mode
from connector.wire.metadata import Metadata, Table
from tests.plan.conftest import PAYM_TERM, field, make_action, make_service

GROUP = make_action("CustGroup", "CustGroup,PaymTermId", ["10", "N030"])
TERM = make_action("PaymTerm", "PaymTermId", ["N030"])


def known(plan, metadata):
    """The references of a plan, and its steps by entity."""
    return References(plan.steps, metadata), {step.entity: step for step in plan.steps}


def asked(references, step, *rows):
    return {
        (wire.field, wire.target.service, wire.key, wire.ask)
        for each in references.of(step.no)
        if (texts := references.doubts(each, step.layout, [Row(number, list(cells)) for number, cells in enumerate(rows, 2)]))
        for wire in [on_wire(each, texts)]
    }


def test_what_an_earlier_row_brings_is_no_doubt_however_it_is_written(planned, metadata):
    references, steps = known(planned(GROUP, TERM), metadata)
    references.bring(steps["PaymTerm"].no, [Row(2, ["N030"]), Row(3, ["n060"])])
    rows = (["10", "n030 "], ["20", "N060"], ["30", "N090"], ["40", "N090"], ["50", ""], ["60", None])
    assert asked(references, steps["CustGroup"], *rows) == {("PaymTermId", "PaymTermService", "PaymTermId", ("N090",))}


@pytest.mark.parametrize(("mode", "doubts"), [(Mode.CREATE, 0), (Mode.UPDATE, 1), (Mode.DELETE, 1)])
def test_only_rows_that_may_be_created_bring_anything(planned, metadata, mode, doubts):
    references, steps = known(planned(GROUP, TERM, mode=mode), metadata)
    references.bring(steps["PaymTerm"].no, [Row(2, ["N030"])])
    assert len(asked(references, steps["CustGroup"], ["10", "N030"])) == doubts


def test_a_table_that_the_package_does_not_load_is_asked_at_its_own_service(planned, metadata):
    references, steps = known(planned(GROUP), metadata)
    assert asked(references, steps["CustGroup"], ["10", "N030"]) == {("PaymTermId", "PaymTermService", "PaymTermId", ("N030",))}


def test_a_field_that_may_hold_an_external_code_refers_as_its_own_type_does(planned, metadata):
    customers = make_action("CustTable", "AccountNum,CustGroup", ["1", "10"])
    references, steps = known(planned(customers), metadata)
    assert asked(references, steps["CustTable"], ["1", "10"]) == {("CustGroup", "CustGroupService", "CustGroup", ("10",))}


def test_a_key_that_nobody_knows_and_a_type_that_two_tables_have_refer_to_nothing(planned, metadata, service, cust_group):
    other = Table(name="VendTerm", fields=(field("VendTermId", "AxdExtType_PaymTermId"),))
    unknown = (service(cust_group, key=("CustGroup",)), make_service(PAYM_TERM))
    two = (*unknown[:1], make_service(PAYM_TERM, key=("PaymTermId",)), make_service(other, key=("VendTermId",)))
    for services in (unknown, two):
        offered = Metadata(fingerprint="f", services=services)
        references, steps = known(planned(GROUP, metadata=offered), offered)
        assert references.of(steps["CustGroup"].no) == ()


def test_a_key_refers_to_nothing_but_itself(planned, metadata):
    references, steps = known(planned(TERM), metadata)
    assert references.of(steps["PaymTerm"].no) == ()
