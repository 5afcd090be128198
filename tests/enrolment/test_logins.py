"""Logins at a real broker while they change: both count for a while, and with the one before its connections end."""

import time

import pytest
import redis

from connector import broker
from connector.dispatch import Dispatcher
from connector.dispatch.letters import Letters
from connector.dispatch.outbox import Outbox
from connector.enrolment import logins
from connector.ledger import Ledger, audit, machines
from connector.ledger.machines import Machine
from connector.ledger.store import sqlite_url
from connector.wire import keys

OUT = (redis.AuthenticationError, redis.ConnectionError)
MACHINE = Machine(
    endpoint="a1",
    fingerprint="1111-2222-3333-4444",
    login="aos.a1.1",
    service_host="aos",
    aos_instance="1",
    account="",
    address="127.0.0.1",
    version="0.1.0",
    registered_at=1.0,
)


class Office:
    """A dispatcher and its broker, and one machine that is registered."""

    def __init__(self, url, folder):
        self.url = url
        self.ledger = Ledger(sqlite_url(folder / "ledger.db"))
        self.outbox = Outbox(url)
        self.outbox.letters = Letters((keys.generate(),))
        self.dispatcher = Dispatcher(ledger=self.ledger, outbox=self.outbox, home=folder, call_timeout_s=1, lease_s=3)
        with self.ledger.write() as db:
            machines.keep(db, MACHINE)

    @property
    def machine(self):
        with self.ledger.read() as db:
            return machines.find(db, "a1", MACHINE.fingerprint)

    def given(self):
        """A client of a login that the machine is given now."""
        password, digest = logins.new_password()
        with self.ledger.write() as db:
            made = machines.renew(db, self.machine, password=digest, at=time.time())
        assert logins.apply_now(self.dispatcher) == ""
        return redis.Redis.from_url(logins.told_url(self.url, login=made.users[0], password=password), socket_timeout=10)

    def look(self):
        """One turn of the keeper."""
        logins.end_changes(self.dispatcher)
        logins.compare(self.dispatcher, {})

    def close(self):
        self.outbox.close()
        self.ledger.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    started = broker.start(tmp_path_factory.mktemp("broker"))
    yield started.url
    started.stop()


@pytest.fixture
def office(server, tmp_path):
    made = Office(server, tmp_path)
    yield made
    for user in MACHINE.users:
        made.outbox.redis.acl_deluser(user)
    made.close()


def test_the_one_before_ends_when_its_machine_has_left_it(office):
    before = office.given()
    assert before.ping()
    new = office.given()
    office.look()
    assert before.ping(), "somebody uses it still, and nobody the new one"
    assert new.ping()
    office.look()
    assert before.ping(), "somebody uses it still"
    before.close()
    office.look()
    with pytest.raises(redis.AuthenticationError):
        before.ping()
    assert new.ping()
    with office.ledger.read() as db:
        (line,) = audit.lines(db, subject="a1")
    assert line.details == {"login": "aos.a1.1", "because": "its machine uses the new one"}


def test_one_that_nobody_uses_stays_until_the_new_one_was_seen(office):
    """A worker that is started by then still has it; or its computer has not read the new one yet."""
    before, new = office.given(), office.given()
    office.look()
    assert before.ping()
    before.close()
    assert new.ping()


def test_it_ends_with_its_connections_when_its_time_is_over(office):
    thief = office.given()
    assert thief.ping()
    new = office.given()
    assert new.ping()
    with office.ledger.write() as db:
        db.execute(machines.machines.update().values(changed_at=time.time() - logins.GRACE_S - 1))
    office.look()
    with pytest.raises(OUT):
        thief.ping()
    assert new.ping()


def test_a_third_one_ends_what_came_by_the_first(office):
    """It takes the first one's name at the broker, where a connection stays what it was when a password changes."""
    first, second = office.given(), office.given()
    assert first.ping()
    assert second.ping()
    third = office.given()
    with pytest.raises(OUT):
        first.ping()
    assert second.ping()
    assert third.ping()
    assert office.machine.users == ("aos.a1.1", "aos.a1.1.b")


def connections(office):
    """Those of the machine, by their numbers."""
    return {each["id"] for each in office.outbox.redis.client_list() if each["user"] == "aos.a1.1"}


def test_what_is_as_it_should_be_is_left_alone(office):
    client = office.given()
    assert client.ping()
    known = connections(office)
    assert len(known) == 1
    for _ in range(3):
        office.look()
    assert client.ping()
    assert connections(office) == known


def test_a_broker_that_does_not_say_who_is_there_is_left_the_whole_time(office):
    office.outbox.redis.execute_command("ACL SETUSER", "clerk", "reset", "on", ">clerk", "~*", "&*", "+@all", "-client|list")
    before, new = office.given(), office.given()
    assert new.ping()
    office.outbox.close()
    office.dispatcher.outbox = Outbox(f"redis://clerk:clerk@{office.url.rpartition('@')[2]}")
    office.look()
    assert before.ping(), "nobody has left, for all one knows"
    office.dispatcher.outbox.close()
    office.outbox = office.dispatcher.outbox = Outbox(office.url)
    office.outbox.redis.acl_deluser("clerk")


def test_commands_for_a_broker_that_is_not_ours_end_the_other_login_too(office):
    office.dispatcher.add_endpoint(name="A1", addresses=("http://aos/p",), companies=(), partition=None, contract=None)
    office.given().close()
    (only,) = logins.commands(office.dispatcher, "A1")
    assert (only.login, only.text.split(" reset")[0]) == ("aos.a1.1", "ACL SETUSER aos.a1.1")
    office.given().close()
    assert [each.text.split(" reset")[0] for each in logins.commands(office.dispatcher, "A1")] == [
        "ACL SETUSER aos.a1.1.b",
        "ACL SETUSER aos.a1.1",
    ]
    with office.ledger.write() as db:
        machines.end_previous(db, machines.find(db, "a1", MACHINE.fingerprint))
    assert [each.text.split(" reset")[0] for each in logins.commands(office.dispatcher, "A1")] == [
        "ACL SETUSER aos.a1.1.b",
        "ACL DELUSER aos.a1.1",
    ]
