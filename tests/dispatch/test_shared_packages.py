import pytest

from connector.dispatch import Dispatcher, Outbox, shelf
from connector.errors import NotReachable, PackageRefused
from connector.ledger import Ledger

TEXT = b"CustGroup,Name\r\n" + b"".join(b"%03d,Group\r\n" % number for number in range(500))


@pytest.fixture
def two(postgresql, tmp_path):
    """Two dispatchers of one ledger, on two computers."""
    url = postgresql.database()
    ledgers, outbox = [Ledger(url), Ledger(url)], Outbox("redis://127.0.0.1:1/0")
    made = [
        Dispatcher(ledger=ledger, outbox=outbox, home=tmp_path / name, call_timeout_s=1, lease_s=3)
        for ledger, name in zip(ledgers, ("one", "two"), strict=True)
    ]
    yield made
    outbox.close()
    for ledger in ledgers:
        ledger.close()


def test_what_one_received_the_other_has_in_parts(two, monkeypatch):
    monkeypatch.setattr(shelf, "_PART", 1000)
    one, other = two
    for _ in range(2):  # the same content again is the same package
        record = one.receive("CustGroup.csv", [TEXT], ceiling=10**6)
    path = other.package_path(record.sha256)
    assert path.read_bytes() == TEXT
    assert path != one.package_path(record.sha256)


def test_a_package_that_is_refused_leaves_nothing(two):
    one, other = two
    with pytest.raises(PackageRefused):
        one.receive("broken.xlsx", [b"PK\x03\x04 no workbook"], ceiling=10**6)
    with other.ledger.read() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM package_parts").scalar() == 0


def test_a_package_that_is_not_whole_is_said_to_be(two, monkeypatch):
    monkeypatch.setattr(shelf, "_PART", 1000)
    one, other = two
    record = one.receive("CustGroup.csv", [TEXT], ceiling=10**6)
    with other.ledger.write() as db:
        db.exec_driver_sql("DELETE FROM package_parts WHERE no = 1")
    with pytest.raises(NotReachable, match="is not whole in the ledger"):
        other.package_path(record.sha256)
    with pytest.raises(NotReachable):
        other.package_path(record.sha256)
