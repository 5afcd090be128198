"""What a call changes, and what it leaves alone."""

import threading

import pytest

from connector.wire.jobs import Blank
from tests.aos.conformance.targets import (
    CONTEXT_NS,
    LIMIT_S,
    LINES,
    Target,
    by_hand,
    create,
    delete,
    in_order,
    new_id,
    post,
    record,
    table,
    update,
    written,
)
from workers import aos
from workers.aos import envelope, faults, nettcp
from workers.errors import Refusal


def test_created_records_have_their_keys_in_the_order_of_the_request(target: Target, port: aos.Port):
    keys = target.keys(20)
    shuffled = [*keys[10:], *reversed(keys[:10])]
    rows = [{target.subject.key: key, target.subject.text: f"text of {key}"} for key in shuffled]
    answered = create(target, port, rows)
    assert len(answered) == len(shuffled)
    read = port.read(answered)
    assert [found.values[target.subject.key] for found in read] == shuffled
    assert [found.values[target.subject.text] for found in read] == [f"text of {key}" for key in shuffled]


def test_one_is_found_by_equal_and_many_by_range(target: Target, port: aos.Port):
    subject, keys = target.subject, target.keys(5)
    create(target, port, [{subject.key: key, subject.text: "x"} for key in keys])
    equal = [aos.Criterion(table(port), subject.key, aos.Operator.EQUAL, keys[2])]
    middle = [aos.Criterion(table(port), subject.key, aos.Operator.RANGE, keys[1], keys[3])]
    assert [found.values[subject.key] for found in port.find(equal)] == [keys[2]]
    assert len(port.find_keys(equal)) == 1
    read = port.read(port.find_keys(middle))
    assert sorted(found.values[subject.key] or "" for found in read) == keys[1:4]


def test_a_partial_update_keeps_what_it_does_not_mention(target: Target, port: aos.Port):
    subject, (key,) = target.subject, target.keys(1)
    if not subject.memo:
        pytest.skip("the service has no second text")
    keys = create(target, port, [{subject.key: key, subject.text: "old", subject.memo: "kept"}])
    (old,) = port.read(keys)
    assert old.hash
    update(target, port, keys[0], old=old, new={subject.text: "new"})
    (new,) = port.read(keys)
    assert (new.values[subject.text], new.values[subject.memo]) == ("new", "kept")
    assert new.hash != old.hash


def test_a_stale_hash_is_refused_and_changes_nothing(target: Target, port: aos.Port):
    subject, (key,) = target.subject, target.keys(1)
    keys = create(target, port, [{subject.key: key, subject.text: "one"}])
    (old,) = port.read(keys)
    update(target, port, keys[0], old=old, new={subject.text: "two"})
    with pytest.raises(Refusal) as stale:
        update(target, port, keys[0], old=old, new={subject.text: "three"})
    assert stale.value.code == faults.STALE_HASH
    assert port.read(keys)[0].values[subject.text] == "two"


def test_an_update_without_an_action_clears_what_it_does_not_mention(target: Target, port: aos.Port):
    """Why every record that a load updates says action="update"."""
    subject, (key,) = target.subject, target.keys(1)
    keys = create(target, port, [{subject.key: key, subject.text: "lost"}])
    (old,) = port.read(keys)
    bare = record(port, in_order(port, {"_DocumentHash": old.hash, subject.key: key, **subject.constants}), action=None)
    body = by_hand(port, "Update", bare, keys=envelope.key_list(keys))
    port.update(body, message_id=new_id(), time_limit_s=LIMIT_S)
    assert not port.read(keys)[0].values.get(subject.text)


def test_an_update_without_a_hash_is_refused(target: Target, port: aos.Port):
    subject, (key,) = target.subject, target.keys(1)
    keys = create(target, port, [{subject.key: key, subject.text: "kept"}])
    bare = record(port, in_order(port, {subject.key: key, subject.text: "new", **subject.constants}), action="update")
    with pytest.raises(Refusal):
        port.update(by_hand(port, "Update", bare, keys=envelope.key_list(keys)), message_id=new_id(), time_limit_s=LIMIT_S)
    assert port.read(keys)[0].values[subject.text] == "kept"


def test_an_update_needs_a_key_for_each_record(target: Target, port: aos.Port):
    subject, (key,) = target.subject, target.keys(1)
    keys = create(target, port, [{subject.key: key, subject.text: "kept"}])
    (old,) = port.read(keys)
    one = record(port, in_order(port, {"_DocumentHash": old.hash, subject.key: key, subject.text: "new"}), action="update")
    with pytest.raises(Refusal):
        port.update(by_hand(port, "Update", one), message_id=new_id(), time_limit_s=LIMIT_S)
    assert port.read(keys)[0].values[subject.text] == "kept"


def test_absent_keeps_empty_clears_and_null_clears(target: Target, port: aos.Port):
    subject, keys = target.subject, target.keys(3)
    created = create(target, port, [{subject.key: key, subject.text: "old"} for key in keys])
    contents = ("", f"<{subject.text}/>", f'<{subject.text} xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>')
    for entity_key, key, old, content in zip(created, keys, port.read(created), contents, strict=True):
        parts = in_order(port, {"_DocumentHash": old.hash, subject.text: "@", subject.key: key, **subject.constants})
        said = record(port, parts.replace(f"<{subject.text}>@</{subject.text}>", content), action="update")
        body = by_hand(port, "Update", said, keys=envelope.key_list([entity_key]))
        port.update(body, message_id=new_id(), time_limit_s=LIMIT_S)
    assert [found.values.get(subject.text) or "" for found in port.read(created)] == ["old", "", ""]


def test_clearing_a_field_is_a_change_like_another(target: Target, port: aos.Port):
    subject, (key,) = target.subject, target.keys(1)
    keys = create(target, port, [{subject.key: key, subject.text: "gone"}])
    (old,) = port.read(keys)
    update(target, port, keys[0], old=old, new={subject.text: ""}, blank=Blank.CLEAR)
    assert not port.read(keys)[0].values.get(subject.text)


def test_deleted_records_are_gone_and_others_stay(target: Target, port: aos.Port):
    subject, keys = target.subject, target.keys(3)
    created = create(target, port, [{subject.key: key, subject.text: "x"} for key in keys])
    delete(port, created[:2])
    assert port.find_keys(target.between(keys)) == created[2:]


def test_a_delete_of_what_is_not_there_deletes_nothing(target: Target, port: aos.Port):
    subject, keys = target.subject, target.keys(2)
    created = create(target, port, [{subject.key: key, subject.text: "x"} for key in keys])
    delete(port, created[1:])
    with pytest.raises(Refusal):
        delete(port, created)
    assert len(port.find_keys(target.between(keys))) == 1


def test_what_is_not_there_cannot_be_read(target: Target, port: aos.Port):
    (created,) = create(target, port, [{target.subject.key: target.keys(1)[0], target.subject.text: "x"}])
    delete(port, [created])
    with pytest.raises(Refusal):
        port.read([created])


def test_one_call_is_one_transaction(target: Target, port: aos.Port):
    """The last record exists already, so none of the others stays."""
    subject, keys = target.subject, target.keys(6)
    create(target, port, [{subject.key: keys[-1], subject.text: "first"}])
    with pytest.raises(Refusal):
        create(target, port, [{subject.key: key, subject.text: "second"} for key in keys])
    (left,) = port.find(target.between(keys))
    assert (left.values[subject.key], left.values[subject.text]) == (keys[-1], "first")


def test_a_message_id_takes_effect_once(target: Target, port: aos.Port):
    subject, (first, second) = target.subject, target.keys(2)
    message_id = new_id()
    create(target, port, [{subject.key: first, subject.text: "x"}], message_id=message_id)
    with pytest.raises(Refusal) as refused:
        create(target, port, [{subject.key: second, subject.text: "x"}], message_id=message_id)
    assert refused.value.duplicate
    assert [found.values[subject.key] for found in port.find(target.between([first, second]))] == [first]


def test_a_message_id_counts_for_every_operation(target: Target, port: aos.Port):
    subject, (key,) = target.subject, target.keys(1)
    message_id = new_id()
    keys = create(target, port, [{subject.key: key, subject.text: "x"}], message_id=message_id)
    with pytest.raises(Refusal) as refused:
        delete(port, keys, message_id=message_id)
    assert refused.value.duplicate
    assert port.find_keys(target.between([key])) == keys


def test_a_message_id_is_the_same_in_any_spelling(target: Target, port: aos.Port):
    subject, (first, second) = target.subject, target.keys(2)
    message_id = new_id()
    create(target, port, [{subject.key: first, subject.text: "x"}], message_id=message_id)
    again = written(target, port, [{subject.key: second, subject.text: "x"}]).request
    context = (
        f'<CallContext xmlns="{CONTEXT_NS}"><Company>{target.company}</Company><MessageId>{{{message_id.upper()}}}</MessageId>'
    )
    answer = post(target, port, "create", f"{context}</CallContext>".encode(), again)
    assert answer.status == (200 if nettcp.is_one(target.address) else 500)
    assert b"uplicate" in answer.body
    assert port.find_keys(target.between([second])) == []


def test_header_and_lines_travel_together(target: Target, port: aos.Port):
    subject, keys = target.subject, target.keys(2)
    if not subject.line:
        pytest.skip("the service has no lines")
    lines = [{subject.line_key: str(n), subject.line_text: f"Ж {n}"} for n in (1, 2, 3)]
    created = create(target, port, [{subject.key: keys[0], LINES: lines}, {subject.key: keys[1], LINES: lines[:1]}])
    assert len(created) == 2, "keys are told of the root table alone"
    first, second = port.read(created)
    assert [line.values[subject.line_text] for line in first.children[subject.line]] == ["Ж 1", "Ж 2", "Ж 3"]
    assert [float(line.values[subject.line_key] or 0) for line in first.children[subject.line]] == [1, 2, 3]
    assert len(second.children[subject.line]) == 1


def test_four_threads_write_at_the_same_time(target: Target, port: aos.Port):
    subject, keys = target.subject, target.keys(40)
    wrong: list[Exception] = []

    def work(own: list[str]) -> None:
        try:
            for start in range(0, len(own), 5):
                create(target, port, [{subject.key: key, subject.text: f"мир {key}"} for key in own[start : start + 5]])
        except Exception as error:  # noqa: BLE001 - told by the thread that asserts
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(keys[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)
    assert wrong == []
    found = {record.values[subject.key]: record.values[subject.text] for record in port.find(target.between(keys))}
    assert found == {key: f"мир {key}" for key in keys}


def test_a_call_without_a_header_is_for_the_accounts_own_company(target: Target, port: aos.Port):
    """It is carried out, which is why a load never leaves the company out."""
    asked = envelope.request(
        f"{port.service.name}FindKeysRequest", port.service.namespace, envelope.criteria(target.between(target.keys(1)))
    )
    answer = post(target, port, "findKeys", b"", asked)
    assert answer.status == 200
    assert b"FindKeysResponse" in answer.body


def test_companies_are_kept_apart(target: Target, port: aos.Port):
    if target.kind == "aos":
        pytest.skip("one company of a real AOS is written to, no other")
    subject, (key,) = target.subject, target.keys(1)
    other = target.open(company="DEMF")
    create(target, other, [{subject.key: key, subject.text: "other"}])
    assert port.find_keys(target.between([key])) == []
    assert len(other.find_keys(target.between([key]))) == 1


def test_the_writer_says_class_and_action_of_every_record(target: Target, port: aos.Port):
    (key,) = target.keys(1)
    assert b'class="entity" action="create"' in written(target, port, [{target.subject.key: key}]).document
