"""Logins on another server than the embedded one: an older Redis knows fewer commands, and refuses rules that name another."""

import shutil
import subprocess

import pytest
import redis

from connector.enrolment import logins
from tests.journeys.driving import eventually

DIGEST = "a" * 64


@pytest.fixture
def server(tmp_path):
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed (Debian's package of that name has it)")
    address = tmp_path / "socket"
    command = [program, "--port", "0", "--unixsocket", str(address), "--dir", str(tmp_path), "--save", "", "--logfile", "log"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    client = redis.Redis(unix_socket_path=str(address), db=3)
    eventually(address.exists, what="a listening server")
    yield client
    client.close()
    process.terminate()
    process.wait(10)


def knows_setinfo(server):
    try:
        return server.client_setinfo("lib-name", "test") is True
    except redis.ResponseError:
        return False


def test_a_server_takes_the_rules_that_are_made_for_it(server):
    words = logins._rules(server)("A1", DIGEST)
    server.execute_command("ACL SETUSER", "aos.a1", *words)
    assert server.acl_getuser("aos.a1")["passwords"] == [DIGEST]
    assert ("+client|setinfo" in words) == knows_setinfo(server)
    assert "+select" in words


def test_a_server_that_does_not_tell_its_version_is_taken_for_a_new_one(server):
    server.execute_command("ACL SETUSER", "blind", "on", "nopass", "~*", "+@all", "-info")
    place = server.connection_pool.connection_kwargs["path"]
    blind = redis.Redis(unix_socket_path=place, username="blind", password="")
    with pytest.raises(redis.exceptions.NoPermissionError):
        blind.info("server")
    assert "+client|setinfo" in logins._rules(blind)("A1", DIGEST)
    away = redis.Redis(port=1, socket_connect_timeout=1)
    assert "+client|setinfo" in logins._rules(away)("A1", DIGEST)
