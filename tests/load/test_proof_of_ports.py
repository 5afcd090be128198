"""What is taken for proved, the schemas of real and of simulated ports take."""

import io
import zipfile
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.wire.codec import Row
from connector.wire.jobs import Column, Layout, Target
from connector.wire.reports import BatchRef, Outcomes
from tests.documents.test_real_contracts import ADDRESS, CONTRACTS
from tests.load import conftest
from tests.load.proofs import good, known, layout, rows, writable
from workers import aos
from workers.load import tables


@pytest.fixture(scope="module", params=["UploadInventService", "UploadCustomerService", "UploadPurchOrderService"])
def real(request) -> Iterator[aos.Port]:
    if not CONTRACTS.is_dir():
        pytest.skip("the folder of real AX 2012 contracts is not here")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in (CONTRACTS / request.param).iterdir():
            archive.write(file, file.name)
    door = aos.Door()
    found = aos.read_metadata(door, [ADDRESS], contract_zip=packed.getvalue())
    (service,) = found.services
    target = Target(address=service.address, port=service.port, service=service.name, contract=found.fingerprint)
    return aos.open_port(door, target, company="USMF", language="en-us", partition=None, contract_zip=packed.getvalue())


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_what_is_proved_a_real_schema_takes(real, data):
    (table,) = real.service.document.tables
    left = writable(real, data.draw(st.lists(rows(table), min_size=1, max_size=3)), layout(table))
    proved, valid = known(real, left, layout(table))
    assert valid or not proved


@pytest.fixture(scope="module", params=["CustGroup", "TaxRate", "Journal", "Note"])
def simulated(request, shared_aos) -> aos.Port:
    return shared_aos.open(request.param)


@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_what_is_proved_the_schema_of_a_simulated_port_takes(simulated, data):
    (table,) = simulated.service.document.tables
    left = writable(simulated, data.draw(st.lists(rows(table), min_size=1, max_size=3)), layout(table))
    proved, valid = known(simulated, left, layout(table))
    assert valid or not proved


def test_good_rows_of_a_simulated_port_are_proved(simulated):
    (table,) = simulated.service.document.tables
    lines = [[Row(2, [good(field) for field in child.fields])] * 2 for child in table.children]
    cells = [good(table.field(column.field)) for column in layout(table).columns]
    assert known(simulated, [Row(1, cells, lines)] * 3, layout(table)) == (True, True)


def test_a_batch_of_proved_structure_is_still_told_its_bad_cells(ax):
    port = ax.open("CustGroup")
    usual = {"CustGroup": "A", "Name": "Domestic", "TaxIncluded": "Yes", "Limit": "1.50", "Since": "2011-01-31"}
    bad = {"Name": "x" * 21, "Since": "2011-02-29", "Limit": "1,5", "TaxIncluded": "maybe", "CustGroup": ""}
    groups = conftest.layout("CustGroup", *usual)

    def loaded(number: int, **cells: str) -> Outcomes:
        two = [usual | {"CustGroup": f"A{number}"}, usual | {"CustGroup": f"B{number}"} | cells]
        ref = BatchRef(job="j1", step=1, batch=number)
        message = conftest.batch(groups, [list(row.values()) for row in two], mode="create", ref=ref)
        return tables.run(message, port=port, ask=conftest.Dispatcher()).outcomes

    assert loaded(1).letters == "cc"
    assert port.proved
    for number, (name, cell) in enumerate(bad.items(), 2):
        outcomes = loaded(number, **{name: cell})
        assert (name, outcomes.letters) == (name, "cf")
        assert [(problem.field, problem.value) for problem in outcomes.problems] == [(name, cell)]


def test_good_rows_of_a_real_contract_are_proved(real):
    """Unless a field is among them of which its contract asks more than is known."""
    (table,) = real.service.document.tables
    columns = tuple(Column(name=f.name, field=f.name) for f in table.fields if f.checked)
    checked = Layout(step=1, entity="e", file="f", table=table.name, columns=columns)
    cells = [good(table.field(column.field)) for column in columns]
    assert len(cells) > 30
    assert known(real, [Row(1, cells)] * 3, checked) == (True, True)
