"""Any sequence of calls leaves what a dictionary with the rules of AX would hold."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

KEYS = st.sampled_from(["a", "A", "b", "c", "D", "d"])
TERMS = st.sampled_from([None, "N030", "n060", "none"])
NAMES = st.sampled_from([None, "", "Retail", "Größe & Co", "x" * 25])
KNOWN = {"n030", "n060"}


def fields(name: str | None, term: str | None) -> dict[str, str]:
    return {field: text for field, text in (("Name", name), ("PaymTermId", term)) if text is not None}


def machine(client: Any, record: Callable[..., str], key_list: Callable[..., str]) -> type[RuleBasedStateMachine]:
    def text(values: dict[str, str]) -> dict[str, str]:
        return {name: value.replace("&", "&amp;") for name, value in values.items()}

    class Groups(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            client.http("POST", "/_sim/reset")
            client.create("PaymTerm", record("PaymTerm", PaymTermId="N030") + record("PaymTerm", PaymTermId="N060"))
            self.held: dict[str, dict[str, str]] = {}

        @rule(rows=st.lists(st.tuples(KEYS, NAMES, TERMS), min_size=1, max_size=4))
        def create(self, rows: list[tuple[str, str | None, str | None]]) -> None:
            records = "".join(record("CustGroup", CustGroup=key, **text(fields(name, term))) for key, name, term in rows)
            after, bad = dict(self.held), None
            for number, (key, name, term) in enumerate(rows, 1):
                if key.casefold() in after or (term or "n030").casefold() not in KNOWN:
                    bad = number
                    break
                after[key.casefold()] = {"CustGroup": key, **cut(fields(name, term))}
            reply = client.create("CustGroup", records)
            assert (reply.status == 200) is (bad is None), reply.messages
            if bad is None:
                self.held = after
            else:
                assert set(reply.all("f:XPath")) == {f"/RsCustGroup/CustGroup[{bad}]"}

        @precondition(lambda self: self.held)
        @rule(data=st.data(), name=NAMES, term=TERMS, whole=st.booleans())
        def update(self, data: Any, name: str | None, term: str | None, whole: bool) -> None:
            key = data.draw(st.sampled_from(sorted(self.held)))
            old = self.held[key]
            read = client.read("CustGroup", {"CustGroup": key}).records("CustGroup")[0]
            given = fields(name, term)
            row = record("CustGroup", action=None if whole else "update", CustGroup=old["CustGroup"], **text(given))
            row = row.replace(">", f"><_DocumentHash>{read['_DocumentHash']}</_DocumentHash>", 1)
            reply = client.update("CustGroup", [{"CustGroup": key}], row)
            allowed = (term or "n030").casefold() in KNOWN
            assert (reply.status == 200) is allowed, reply.messages
            if allowed:
                self.held[key] = ({"CustGroup": old["CustGroup"]} if whole else old) | cut(given)

        @rule(keys=st.lists(KEYS, min_size=1, max_size=3, unique_by=str.casefold))
        def delete(self, keys: list[str]) -> None:
            reply = client.call("CustGroup", "delete", key_list([{"CustGroup": key} for key in keys]))
            there = all(key.casefold() in self.held for key in keys)
            assert (reply.status == 200) is there, reply.messages
            for key in keys if there else ():
                del self.held[key.casefold()]

        def teardown(self) -> None:
            found = {row["CustGroup"].casefold(): row for row in client.rows("CustGroup")}
            assert found == self.held

    return Groups


def cut(values: dict[str, str]) -> dict[str, str]:
    return {name: value[:20] for name, value in values.items()}


def test_any_sequence_of_calls(client: Any, record: Callable[..., str], key_list: Callable[..., str]) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine(client, record, key_list), settings=settings(max_examples=25, stateful_step_count=15, deadline=None)
    )


@pytest.fixture
def together() -> Callable[[Callable[[], Any], int], list[Any]]:
    """Do the same in several threads at once."""

    def run(work: Callable[[], Any], count: int) -> list[Any]:
        gate, results = threading.Barrier(count), []

        def one() -> None:
            gate.wait()
            results.append(work())

        threads = [threading.Thread(target=one) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    return run


@pytest.mark.parametrize("count", [False, True])
def test_of_equal_messages_at_once_one_is_carried_out(
    start: Callable[..., Any], definition: Any, record: Callable[..., str], together: Any, count: bool
) -> None:
    client = start(tables=(definition,), count=count)
    message_id = str(uuid4())
    replies = together(lambda: client.create("PaymTerm", record("PaymTerm", PaymTermId="A"), message_id=message_id), 8)
    assert sorted(reply.status for reply in replies) == [200] + [500] * 7
    assert client.sim("stats")["rows_created"] == 1
    assert {code for reply in replies for code in reply.all("f:Code")} == {"DuplicateMessage"}
