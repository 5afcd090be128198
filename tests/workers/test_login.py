"""The login of a process changes: its connections sign on anew and stay; what the broker does not take changes nothing."""

import logging
import threading
import time

import pytest
import redis

from workers.errors import GiveUp
from workers.login import Login, connect, credentials, without_login


@pytest.fixture
def server(broker_url):
    """The broker, with two logins for one key."""
    found = redis.Redis.from_url(broker_url, socket_timeout=60)
    for name in ("one", "two"):
        found.execute_command("ACL SETUSER", name, "reset", "on", f">{name}-secret", "~mine*", "&*", "+@all")
    yield found
    for name in ("one", "two"):
        found.acl_deluser(name)
    found.close()


@pytest.fixture
def file(broker_url, server):
    """What the file of the login says, to be changed, and a login that follows it."""

    class File:
        url = url_of(broker_url, "one")

    File.login = Login(File.url, lambda: File.url)
    return File


def url_of(broker_url, name, place=None):
    place = place or broker_url.rpartition("@")[2]
    return f"redis://{name}:{name}-secret@{place}"


def present(server):
    """Who has connections at the broker, besides its owner: the number of them by each login."""
    users = [each["user"] for each in server.client_list()]
    return {name: users.count(name) for name in ("one", "two") if name in users}


def eventually(condition, what):
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.02)


def test_connections_sign_on_anew_and_none_ends(broker_url, server, file):
    client = connect(broker_url, login=file.login, socket_timeout=60)
    waiting = threading.Thread(target=lambda: answers.append(client.blpop(["mine"], timeout=60)))
    answers = []
    waiting.start()
    eventually(lambda: present(server) == {"one": 1}, "nobody waits")
    assert client.set("mine:idle", "1")
    assert present(server) == {"one": 2}
    ids = {each["id"] for each in server.client_list() if each["user"] == "one"}

    file.url = url_of(broker_url, "two")
    file.login.look()
    assert present(server) == {"one": 1, "two": 1}, "the idle one at once; the one that waits goes on waiting"
    server.rpush("mine", "work")
    waiting.join(60)
    assert answers == [(b"mine", b"work")]
    eventually(lambda: present(server) == {"two": 2}, "the one that waited has not signed on anew")
    assert {each["id"] for each in server.client_list() if each["user"] == "two"} == ids
    server.delete("mine:idle")


def test_a_new_connection_uses_what_holds_now(broker_url, server, file):
    file.url = url_of(broker_url, "two")
    file.login.look()
    assert connect(broker_url, login=file.login).acl_whoami() == "two"


@pytest.mark.parametrize(
    ("name", "place", "told"),
    [("three", None, "does not take the new login yet"), ("two", "127.0.0.1:1/0", "has another address")],
)
def test_what_cannot_be_used_changes_nothing_and_is_told_once(broker_url, server, file, caplog, name, place, told):
    caplog.set_level(logging.INFO)
    client = connect(broker_url, login=file.login)
    file.url = url_of(broker_url, name, place)
    for _ in range(3):
        file.login.look()
    assert client.acl_whoami() == "one"
    (said,) = [record.message for record in caplog.records if record.name == "workers.login"]
    assert told in said
    assert "secret" not in said


def test_a_file_that_cannot_be_read_changes_nothing(broker_url, server, file):
    def unreadable():
        raise GiveUp("the file cannot be read.")

    login = Login(file.url, unreadable)
    login.look()
    assert connect(broker_url, login=login).acl_whoami() == "one"


def test_who_signs_with_a_key_that_was_replaced_takes_no_new_login(broker_url, server, file, caplog):
    """It would take work, and what it reports would be refused."""
    login = Login(file.url, lambda: url_of(broker_url, "two"), is_ours=lambda: False)
    login.look()
    assert connect(broker_url, login=login).acl_whoami() == "one"
    assert "was registered anew with another key: start this process anew" in caplog.text


def test_a_connection_that_was_lost_meanwhile_begins_with_the_new_login(broker_url, server, file):
    client = connect(broker_url, login=file.login)
    assert client.ping()
    server.acl_deluser("one")
    file.url = url_of(broker_url, "two")
    file.login.look()
    assert client.acl_whoami() == "two"


def test_a_url_without_its_login_names_the_place_alone():
    url = "rediss://me:a%40b@broker:6380/2?ssl_ca_certs=/ca.pem"
    assert credentials(url) == ("me", "a@b")
    assert without_login(url) == "rediss://broker:6380/2?ssl_ca_certs=/ca.pem"
    assert without_login("sentinel://me:x@one,two:1/m/0") == "sentinel://one,two:1/m/0"
