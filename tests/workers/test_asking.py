"""A worker with keys asks, and somebody else answers first."""

import pytest
import redis

from connector.wire import codec, keys, routes, sealing
from connector.wire.jobs import Grant
from connector.wire.reports import REPORTS, BatchRef, LeaveWanted, MessageRefused
from connector.wire.sealing import Sealed, Stamp, Way
from workers import letters
from workers.reporter import Reporter

REF = BatchRef(job="JB-2222", step=1, batch=1)


@pytest.mark.parametrize("forgery", ["plain", "stranger's", "of another question"])
def test_a_forged_grant_lets_no_call_go_out_and_is_told(broker_url: str, tmp_path, forgery: str) -> None:
    endpoint = f"asking-{len(forgery)}"
    dispatcher, client = keys.generate(), redis.Redis.from_url(broker_url, socket_timeout=60)
    machine = letters.trust(tmp_path, dispatcher=dispatcher.public.text)
    written = letters.open_letters(tmp_path, endpoint=endpoint)
    reporter = Reporter(broker_url, endpoint=endpoint, worker="w", concurrency=1, version="0", letters=written)
    question = LeaveWanted(**reporter.sender(), ref=REF)

    def sealed(*, sender: keys.Private, granted: bool, to: str) -> str:
        stamp = Stamp(way=Way.ANSWER, endpoint=endpoint, question=to)
        return sealing.seal(Grant(granted=granted), stamp, sender=(sender,), readers=(machine,))

    wrong = {
        "plain": codec.encode(Grant(granted=True)),
        "stranger's": sealed(sender=keys.generate(), granted=True, to=question.event_id),
        "of another question": sealed(sender=dispatcher, granted=True, to="another"),
    }[forgery]
    key = routes.reply_key(endpoint, question.event_id)
    client.rpush(key, wrong, sealed(sender=dispatcher, granted=False, to=question.event_id))
    reporter.start()
    try:
        assert not reporter.ask(question, Grant).granted
    finally:
        reporter.stop()
    found = client.xrange(routes.report_stream(endpoint))
    trusted = {machine.fingerprint: machine}
    told = [
        sealing.unseal(
            codec.decode(fields[b"m"], {Sealed.KIND: Sealed}),
            way=Way.REPORT,
            endpoint=endpoint,
            trusted=trusted,
            ring=(dispatcher,),
            kinds=REPORTS,
        )[1]
        for _, fields in found
    ]
    refused = [report for report in told if isinstance(report, MessageRefused)]
    assert [report.ref for report in refused] == [REF]
