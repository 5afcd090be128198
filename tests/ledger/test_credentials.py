"""Credentials and people, on each of the databases that the ledger may be kept in."""

import threading

import pytest

from connector.access import people, secret, tokens
from connector.access.principal import Principal
from connector.errors import Conflict, NotSignedIn
from connector.ledger import Ledger, credentials
from connector.ledger import people as kept
from connector.rights import Role

MAKER = Principal(name="anna", role=Role.ADMINISTRATOR, key="k", address="10.0.0.5")


@pytest.fixture
def ledger(ledger_url):
    found = Ledger(ledger_url)
    yield found
    found.close()


def test_what_a_credential_says_is_kept_as_it_is(ledger):
    made = tokens.create(ledger, "CI Öst", role=Role.OPERATOR, service_instances=["A", "B"], days=2, maker=MAKER)
    with ledger.read() as db:
        assert credentials.by_digest(db, secret.digest(made.secret)) == made.credential
        assert credentials.tokens(db) == [made.credential]
    found = tokens.principal(ledger, made.secret, address="10.0.0.9")
    assert (found.name, found.role, found.service_instances, found.by) == ("CI Öst", Role.OPERATOR, ("A", "B"), "CI Öst@10.0.0.9")


def test_a_name_is_taken_in_any_case_of_letters(ledger):
    tokens.create(ledger, "CI", role=Role.VIEWER, service_instances=None, days=None, maker=MAKER)
    with pytest.raises(Conflict, match="already"):
        tokens.create(ledger, "ci", role=Role.VIEWER, service_instances=None, days=None, maker=MAKER)


def test_of_many_who_open_one_link_at_once_one_is_let_in(ledger):
    link = people.link(ledger, "Bob", role=Role.VIEWER, service_instances=None, maker=MAKER).secret
    together, let_in, refused = threading.Barrier(6), [], []

    def open_it():
        together.wait(30)
        try:
            let_in.append(people.open_link(ledger, link, password="", address="10.0.0.5"))
        except NotSignedIn:
            refused.append(1)

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(let_in), len(refused)) == (1, 5)


def test_what_has_expired_is_forgotten_and_tokens_are_not(ledger):
    people.link(ledger, "Bob", role=Role.VIEWER, service_instances=None, maker=MAKER)
    made = tokens.create(ledger, "ci", role=Role.VIEWER, service_instances=None, days=1, maker=MAKER)
    with ledger.write() as db:
        credentials.clean(db, now=made.credential.made_at + 10 * 86400)
        assert credentials.tokens(db) == [made.credential]
        assert db.exec_driver_sql("SELECT count(*) FROM credentials").scalar() == 1


def test_a_person_who_is_changed_keeps_the_password_and_the_day_they_came(ledger):
    with ledger.write() as db:
        kept.put(db, kept.Person(key="bob", name="Bob", role=Role.VIEWER, made_at=1.0))
        kept.set_password(db, "bob", "hash")
        kept.put(db, kept.Person(key="bob", name="Bob", role=Role.OPERATOR, service_instances=("A",), made_at=2.0))
        (bob,) = kept.every(db)
        assert (bob.role, bob.service_instances, bob.made_at, bob.has_password) == (Role.OPERATOR, ("A",), 1.0, True)
        assert kept.password(db, "BOB") == "hash"
        kept.remove(db, "BOB")
        assert kept.password(db, "bob") is None
