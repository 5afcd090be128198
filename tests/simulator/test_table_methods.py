"""Class methods through the X++ service: the answer, how often they ran, and how they fail."""

from uuid import uuid4

from tests.simulator.table_client import DC, TableClient


def test_methods_answer_count_and_fail(tables: TableClient) -> None:
    reply = tables.invoke("RapidStartDemo", "echo", ("String", "hello"))
    assert reply.all(f"{{{DC}}}Value") == ["hello"]
    assert reply.all(f"{{{DC}}}Text") == ["Echo: hello"]
    typed = tables.invoke("rapidstartdemo", "types", ("Date", "2026-12-31"), ("Real", "1.5"), ("Int64", "5637144576"))
    assert typed.all(f"{{{DC}}}Value") == ["Date 2026-12-31; Real 1.5; Int64 5637144576"]
    assert tables.invoke("RapidStartDemo", "types", ("Date", "tomorrow")).all("f:Code") == ["RapidStartBadRequest"]
    assert tables.invoke("RapidStartDemo", "post", ("String", "J1")).status == 200
    failed = tables.invoke("RapidStartDemo", "post", ("String", "FAIL-2"))
    assert failed.messages == ["Journal 'FAIL-2' cannot be posted because it does not balance."]
    assert tables.client.rows("RapidStartDemoPosting") == [{"Journal": "J1"}]
    assert tables.client.sim("stats")["invoked"] == {
        "RapidStartDemo.echo": 1,
        "RapidStartDemo.types": 1,
        "RapidStartDemo.post": 1,
    }


def test_a_method_runs_once_for_a_message_id(tables: TableClient) -> None:
    message = str(uuid4())
    replies = [tables.invoke("RapidStartDemo", "post", ("String", "J1"), message_id=message) for _ in range(2)]
    assert [reply.status for reply in replies] == [200, 500]
    assert replies[1].all("f:Code") == ["DuplicateMessage"]
    assert tables.client.rows("RapidStartDemoPosting") == [{"Journal": "J1"}]
