"""Under a real broker: what the login of one endpoint's machine may do, and that nothing of another one's is in its reach."""

import sys

import pytest
import redis

from tests.enrolment.fence import fenced
from tests.journeys.driving import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
NO_RIGHT = redis.exceptions.NoPermissionError


@pytest.fixture
def fence(tmp_path):
    with fenced(tmp_path, "A", "B") as found:
        yield found


def test_a_worker_needs_no_more_than_its_login_may_do(fence):
    """Its whole work, killed in the middle and restored by another process, leaves nothing in the broker's list of denials."""
    fence.start("A")
    job = fence.load("A", 100)
    eventually(lambda: fence.machines["A"].stats("A")["rows_created"] >= 10, what="rows in the AOS")
    fence.machines["A"].kill("worker")
    fence.start("A")
    assert fence.site.ended(job, within_s=240)["state"] == "succeeded"
    assert fence.machines["A"].stats("A")["rows_created"] == 100
    assert fence.site.json("endpoint", "test", "A")["job"]["state"] == "succeeded"
    fence.machines["A"].running.pop("worker").terminate()
    service = [sys.executable, "-m", "workers", "service", "run", "--endpoint", "A", "--max-workers", "1"]
    fence.machines["A"].start("crew", *service[2:])
    assert fence.site.ended(fence.load("A", 20, start=500))["state"] == "succeeded"
    assert fence.denials() == []


#: What the machine of A tries on the broker: everything that is B's, everybody's, or the server's.
TRIES = [
    "BRPOP aos.b 1",
    "LPUSH aos.b x",
    "RPUSH aos.b x",
    "LRANGE aos.b 0 -1",
    "LLEN aos.b",
    "DEL aos.b",
    "LMOVE aos.b aos.a LEFT LEFT",
    "RENAME aos.b aos.a",
    "COPY aos.b aos.a",
    "DUMP aos.b",
    "HGET aos.b:unacked x",
    "HGETALL aos.b:unacked",
    "HSET aos.b:unacked x y",
    "HDEL aos.b:unacked x",
    "ZRANGE aos.b:unacked_index 0 -1",
    "ZADD aos.b:unacked_index 1 x",
    "ZREM aos.b:unacked_index x",
    "SET aos.b:unacked_mutex x",
    "GET aos.b:unacked_mutex",
    "XADD aos.b:reports * m x",
    "XREAD COUNT 1 STREAMS aos.b:reports 0",
    "XRANGE aos.b:reports - +",
    "XINFO GROUPS aos.b:reports",
    "XGROUP CREATE aos.b:reports g 0",
    "XDEL aos.b:reports 1-1",
    "XTRIM aos.b:reports MAXLEN 0",
    "BLPOP aos.b:reply:x 1",
    "LPUSH aos.b:reply:x y",
    "XREAD COUNT 1 STREAMS aos.a:reports 0",
    "XREADGROUP GROUP recorder me STREAMS aos.a:reports >",
    "XACK aos.a:reports recorder 1-1",
    "XDEL aos.a:reports 1-1",
    "DEL aos.a:reports",
    "XINFO STREAM aos.a:reports",
    "RPUSH aos.a:reply:x y",
    "GET rapidstart:epoch",
    "SET rapidstart:epoch x",
    "DEL rapidstart:epoch",
    "SET rapidstart:pulse x",
    "SMEMBERS _kombu.binding.celeryev",
    "SADD _kombu.binding.celeryev x",
    "SADD _kombu.binding.celery.pidbox x",
    "SET anything x",
    "GET unacked_mutex",
    "HGETALL unacked",
    "PUBLISH /0.celery.pidbox x",
    "PUBLISH /0.reply.celery.pidbox x",
    "SUBSCRIBE /0.celeryev/worker.heartbeat",
    "PSUBSCRIBE /0.celeryev/*",
    "PSUBSCRIBE *",
    "PUBSUB CHANNELS",
    "KEYS *",
    "SCAN 0",
    "RANDOMKEY",
    "DBSIZE",
    "INFO",
    "MONITOR",
    "CONFIG GET *",
    "CONFIG SET dir /tmp",
    "ACL WHOAMI",
    "ACL LIST",
    "ACL SETUSER me on nopass ~* +@all",
    "ACL GETUSER rapidstart",
    "CLIENT LIST",
    "CLIENT KILL TYPE normal",
    "CLIENT PAUSE 1000",
    "FLUSHALL",
    "FLUSHDB",
    "SHUTDOWN NOSAVE",
    "SAVE",
    "BGREWRITEAOF",
    "REPLICAOF 127.0.0.1 1",
    "MIGRATE 127.0.0.1 1 aos.b 0 100",
    "MODULE LIST",
    "FUNCTION LIST",
    "SLOWLOG GET",
    "LATENCY DOCTOR",
    "MEMORY STATS",
    "COMMAND COUNT",
    "SORT aos.a BY aos.b",
    "OBJECT ENCODING aos.b",
    "EXISTS aos.b",
    "TYPE aos.b",
    "EXPIRE aos.b 1",
    "EVAL return(redis.call('get','rapidstart:epoch')) 0",
    "SCRIPT FLUSH",
    "SWAPDB 0 1",
    "SELECT 1",
    "WAIT 1 1",
]


def test_nothing_of_another_endpoint_or_of_the_server_is_in_its_reach(fence):
    stranger, master = fence.login("A"), fence.master
    fence.start("B")
    assert fence.site.ended(fence.load("B", 1))["state"] == "succeeded"
    fence.machines["B"].kill("worker")
    job = fence.load("B", 20, start=100)  # nobody takes it: its batches lie on the queue of B
    eventually(lambda: master.llen("aos.b"), what="batches on the queue of B")
    master.acl_log_reset()
    allowed = []
    for tried in TRIES:
        words = tried.split()
        try:
            allowed.append((tried, stranger.execute_command(*words)))
        except NO_RIGHT:
            continue
        except redis.RedisError as error:
            allowed.append((tried, str(error)))
    assert allowed == []
    script = stranger.script_load("return redis.call('get', 'rapidstart:epoch')")
    with pytest.raises(redis.ResponseError, match=r"(?i)acl|permission"):
        stranger.evalsha(script, 0)  # a script that was loaded may do no more than its caller
    script = stranger.script_load("return redis.call('lrange', KEYS[1], 0, -1)")
    with pytest.raises(NO_RIGHT):
        stranger.evalsha(script, 1, "aos.b")
    assert len(fence.denials()) >= 50, "and the broker lists who tried"
    fence.start("B")
    assert fence.site.ended(job, within_s=240)["state"] == "succeeded"


def test_who_is_revoked_is_out_at_once(fence):
    mine, other = fence.login("A"), fence.login("B")
    assert mine.ping()
    done = fence.site.json("endpoint", "revoke", "A")
    assert [each["machine"] for each in done["items"]]
    with pytest.raises(redis.AuthenticationError):
        mine.ping()
    assert other.ping()


def test_logins_come_back_at_a_broker_that_lost_them(fence):
    """A server that is started anew, or promoted, knows no logins: the ledger does."""
    master = fence.master
    (login,) = [name for name in master.acl_users() if name.startswith("aos.a.")]
    master.acl_deluser(login)
    with pytest.raises(redis.AuthenticationError):
        fence.login("A").ping()
    eventually(lambda: login in fence.master.acl_users(), what="the login at the broker")
    assert fence.login("A").ping()
    master.flushall()
    assert fence.login("A").ping()
