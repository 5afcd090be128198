"""Rows become calls of an operation: each is made once, and told by what AX answered; what cannot be proved is unknown."""

import json

import pytest

from connector.wire.codec import Row
from connector.wire.reports import Intent, Outcome, Outcomes
from tests.actions.conftest import SERVED, batch, class_batch, layout, opened
from tests.load.conftest import Aos, Dispatcher, running
from workers.errors import GiveUp, Refusal, Replaced, Retry, Unfinished, Unsettled
from workers.load import actions, classes, services

LIMITS = layout("setLimit", "_custAccount", "_limit")
ROWS = [["C1", "100"], ["C2", "200"], ["C3", "300"]]
RUN = layout("runClass", "_arguments.Customer", "_arguments.Days", constants={"_className": "CustPost", "_methodName": "run"})


def called(ax: Aos, operation: str) -> int:
    return ax.stats()["invoked"].get(f"JournalService.{operation}", 0)


def test_a_call_for_each_row_with_its_answer(ax: Aos) -> None:
    result = services.run(batch(LIMITS, ROWS, outcome=Outcome.CREATED), port=opened(ax), ask=Dispatcher())
    assert result.outcomes.letters == "ccc"
    assert result.calls == 3
    assert [answer.rpartition(" ")[0] for answer in result.outcomes.answers.values()] == ["response"] * 3
    assert ax.records("setLimit") == [{"_custAccount": row[0], "_limit": row[1]} for row in ROWS]
    assert called(ax, "setLimit") == 3


def test_equal_rows_are_two_calls(ax: Aos) -> None:
    result = services.run(batch(LIMITS, [ROWS[0], ROWS[0]]), port=opened(ax), ask=Dispatcher())
    assert result.outcomes.letters == "uu"
    assert called(ax, "setLimit") == 2


def test_a_contract_with_nested_rows_and_texts(ax: Aos) -> None:
    lines = layout("_contract.Lines", "Account", "Amount", step=2)
    fields = ("_contract.parmJournalName", "_contract.Total", "_contract.Kind", "_contract.Tags", "_contract.Address.City")
    journals = layout("postJournal", *fields, children=[lines])
    rows = [
        Row(2, ["J1", "15.50", "5", "a; b", "Zürich"], [[Row(2, ["110", "10.50"]), Row(3, ["120", "5"])]]),
        Row(3, ["J2", "0", "", "", ""], [[]]),
    ]
    result = services.run(batch(journals, rows), port=opened(ax), ask=Dispatcher())
    assert result.outcomes.letters == "uuuu"
    first, second = ax.records("postJournal")
    assert first == {
        "_contract.Address.City": "Zürich",
        "_contract.Kind": "Approval",
        "_contract.Lines.JournalLine[1].Account": "110",
        "_contract.Lines.JournalLine[1].Amount": "10.50",
        "_contract.Lines.JournalLine[2].Account": "120",
        "_contract.Lines.JournalLine[2].Amount": "5",
        "_contract.Tags.string[1]": "a",
        "_contract.Tags.string[2]": "b",
        "_contract.Total": "15.50",
        "_contract.parmJournalName": "J1",
    }
    assert second == {"_contract.Total": "0", "_contract.parmJournalName": "J2"}
    answer = json.loads(result.outcomes.answers[0])
    assert answer["Total"] == "15.50"
    assert isinstance(answer["Messages"], list)


def test_rows_that_ax_refuses_fail_in_its_words_and_the_others_go_on(ax: Aos) -> None:
    result = services.run(batch(LIMITS, [ROWS[0], ["fail me", "1"], ROWS[2]]), port=opened(ax), ask=Dispatcher())
    assert result.outcomes.letters == "ufu"
    (problem,) = result.outcomes.problems
    assert "fail me" in problem.message
    assert (problem.row, problem.column, problem.field, problem.value) == (1, "The _custAccount", "_custAccount", "fail me")
    assert set(result.outcomes.answers) == {0, 2}


def test_cells_that_do_not_fit_are_never_sent(ax: Aos) -> None:
    asked = Dispatcher()
    result = services.run(batch(LIMITS, [["C1", "much"], ["C2", "2"], ["C\x02", "3"]]), port=opened(ax), ask=asked)
    assert result.outcomes.letters == "fuf"
    assert [problem.field for problem in result.outcomes.problems] == ["_limit", "_custAccount"]
    assert len(asked.intents) == 1


def test_a_mandatory_number_must_be_there_and_a_mandatory_text_may_be_null(ax: Aos) -> None:
    notes = layout("addNote", "_note", "_level")
    result = services.run(batch(notes, [["", "1"], ["a", ""]]), port=opened(ax), ask=Dispatcher())
    assert result.outcomes.letters == "uf"
    assert result.outcomes.problems[0].code == "RSC-3105"
    assert ax.records("addNote") == [{"_level": "1"}]


def test_a_class_method_takes_its_arguments_in_order(ax: Aos) -> None:
    result = classes.run(class_batch(RUN, [["C1", "30"], ["", "10"]]), port=opened(ax), ask=Dispatcher())
    assert result.outcomes.letters == "uu"
    first, second = ax.records("runClass")
    assert first == {
        "_className": "CustPost",
        "_methodName": "run",
        "_arguments.MethodArgument[1].Argument": "Customer",
        "_arguments.MethodArgument[1].Text": "C1",
        "_arguments.MethodArgument[2].Argument": "Days",
        "_arguments.MethodArgument[2].Text": "30",
    }
    assert second["_arguments.MethodArgument[1].Text"] == ""
    assert isinstance(json.loads(result.outcomes.answers[0]), list)


def test_a_contract_that_lacks_a_parameter_is_no_matter_of_rows(ax: Aos) -> None:
    with pytest.raises(Unfinished) as caught:
        services.run(batch(layout("setLimit", "_gone"), [["1"]]), port=opened(ax), ask=Dispatcher())
    assert isinstance(caught.value.error, GiveUp)
    assert caught.value.settled


# --- calls whose end nobody knows


def lost(folder, message, run=services.run) -> tuple[list[Intent], Unfinished | Outcomes]:
    """A batch whose calls AX carries out and never answers."""
    asked = Dispatcher()
    with running(*SERVED, "--data", str(folder)) as ax:
        port, address = opened(ax), ax.url
    with running(*SERVED, "--data", str(folder), "--fault", "timeout_after=1", "--port", address.rpartition(":")[2]):
        try:
            return asked.intents, run(message, port=port, ask=asked).outcomes
        except Unfinished as unfinished:
            return asked.intents, unfinished


def test_an_idempotent_call_is_made_again_with_the_same_bytes_and_takes_effect_once(tmp_path) -> None:
    intents, ended = lost(tmp_path, batch(LIMITS, ROWS, idempotent=True))
    assert isinstance(ended, Unfinished)
    assert isinstance(ended.error, Unsettled)
    assert not ended.settled
    asked = Dispatcher()
    with running(*SERVED, "--data", str(tmp_path)) as ax:
        again = batch(LIMITS, ROWS, idempotent=True, open_intent=intents[-1], so_far=ended.outcomes, attempt=2)
        result = services.run(again, port=opened(ax), ask=asked)
        assert result.outcomes.letters == "uuu"
        assert result.outcomes.answers[0] == actions.ANSWERED_BEFORE
        assert asked.intents[0] == intents[0]
        assert [record["_custAccount"] for record in ax.records("setLimit")] == ["C1", "C2", "C3"]
        assert ax.stats()["duplicates_refused"] == 1


@pytest.mark.parametrize(("run", "make"), [(services.run, batch), (classes.run, class_batch)])
def test_any_other_call_without_an_end_is_unknown_and_never_repeated(tmp_path, run, make) -> None:
    """And the rows behind it wait: what swallows one answer may swallow them all."""
    rows = LIMITS if make is batch else RUN
    _, ended = lost(tmp_path, make(rows, ROWS), run)
    assert isinstance(ended, Unfinished)
    assert type(ended.error) is Retry
    assert ended.settled
    assert ended.outcomes.letters == "?.."
    assert all(problem.code == "RSC-3128" and problem.advice for problem in ended.outcomes.problems)
    with running(*SERVED, "--data", str(tmp_path)) as ax:
        assert len(ax.records(rows.table)) == 1
        result = run(make(rows, ROWS, so_far=ended.outcomes, attempt=2), port=opened(ax), ask=Dispatcher())
        assert result.outcomes.letters == "?uu"
        assert len(ax.records(rows.table)) == 3


def test_the_last_call_of_a_batch_keeps_nothing_waiting(tmp_path) -> None:
    _, ended = lost(tmp_path, batch(LIMITS, ROWS[:1]))
    assert isinstance(ended, Outcomes)
    assert ended.letters == "?"


@pytest.mark.parametrize(("run", "make"), [(services.run, batch), (classes.run, class_batch)])
def test_a_call_that_a_killed_worker_began_is_unknown(ax: Aos, run, make) -> None:
    rows = layout("setLimit", "_custAccount", "_limit") if make is batch else RUN
    asked = Dispatcher(grants=0)
    with pytest.raises(Replaced):
        run(make(rows, ROWS), port=opened(ax), ask=asked)
    result = run(make(rows, ROWS, open_intent=asked.intents[0], attempt=2), port=opened(ax), ask=Dispatcher())
    assert result.outcomes.letters == "?uu"
    assert called(ax, rows.table) == 2


def test_bytes_that_have_changed_are_unknown(ax: Aos) -> None:
    asked = Dispatcher(grants=0)
    with pytest.raises(Replaced):
        services.run(batch(LIMITS, ROWS, idempotent=True), port=opened(ax), ask=asked)
    changed = batch(LIMITS, [["C1", "999"], *ROWS[1:]], idempotent=True, open_intent=asked.intents[0])
    assert services.run(changed, port=opened(ax), ask=Dispatcher()).outcomes.letters == "?uu"


def test_a_deadlock_gives_the_batch_back_and_the_next_attempt_calls_under_a_new_id(tmp_path) -> None:
    """A port that notes the ids of calls that it rolled back: under the same id nothing would ever be carried out."""
    asked = Dispatcher()
    with running(*SERVED, "--data", str(tmp_path), "--fault", "deadlock=1", "--burn-failed-ids") as ax:
        with pytest.raises(Unfinished) as caught:
            services.run(batch(LIMITS, ROWS, idempotent=True), port=opened(ax), ask=asked)
        assert type(caught.value.error) is Retry
        assert caught.value.settled
    with running(*SERVED, "--data", str(tmp_path)) as ax:
        result = services.run(batch(LIMITS, ROWS, idempotent=True, attempt=2), port=opened(ax), ask=Dispatcher())
        assert result.outcomes.letters == "uuu"
        assert ax.stats()["duplicates_refused"] == 0
        assert len(ax.records("setLimit")) == 3


def test_rows_that_were_proved_before_stay_with_their_answers(ax: Aos) -> None:
    so_far = Outcomes(letters="u..", answers={0: "done"})
    result = services.run(batch(LIMITS, ROWS, so_far=so_far), port=opened(ax), ask=Dispatcher())
    assert result.outcomes.letters == "uuu"
    assert result.outcomes.answers[0] == "done"
    assert called(ax, "setLimit") == 2


def test_a_silent_port_proves_nothing_of_a_call_that_is_made_again(tmp_path) -> None:
    intents, ended = lost(tmp_path, batch(LIMITS, ROWS[:1], idempotent=True))
    assert isinstance(ended, Unfinished)
    with running(*SERVED, "--data", str(tmp_path), "--no-fault-detail") as ax:
        again = batch(LIMITS, ROWS[:1], idempotent=True, open_intent=intents[0], attempt=2)
        result = services.run(again, port=opened(ax), ask=Dispatcher())
    assert result.outcomes.letters == "?"


FAULTS = ("--fault", "timeout_after=0.2", "--fault", "reset=0.15", "--fault", "http503=0.1", "--fault", "deadlock=0.15")


def to_its_end(ax: Aos, rows: list[list[str]], *, idempotent: bool) -> Outcomes:
    """Attempt after attempt, as the dispatcher sends them, until every row has an outcome."""
    so_far, intent = None, None
    for attempt in range(1, 200):
        asked = Dispatcher()
        message = batch(LIMITS, rows, idempotent=idempotent, attempt=attempt, so_far=so_far, open_intent=intent)
        try:
            return services.run(message, port=opened(ax), ask=asked).outcomes
        except Unfinished as unfinished:
            so_far = unfinished.outcomes
            intent = None if unfinished.settled else asked.intents[-1] if asked.intents else intent
    raise AssertionError("the batch has no end")


@pytest.mark.parametrize("idempotent", [True, False])
def test_whatever_goes_wrong_no_call_takes_effect_twice(idempotent: bool) -> None:
    rows = [[f"C{number}", "1"] for number in range(25)]
    with running(*SERVED, *FAULTS, "--seed", "7") as ax:
        ended = to_its_end(ax, rows, idempotent=idempotent)
        called_for = [record["_custAccount"] for record in ax.records("setLimit")]
    assert len(called_for) == len(set(called_for))
    told = {f"C{place}" for place, letter in enumerate(ended.letters) if letter == "u"}
    unknown = {f"C{place}" for place, letter in enumerate(ended.letters) if letter == "?"}
    assert told <= set(called_for) <= told | unknown
    assert len(told) + len(unknown) == 25
    assert bool(unknown) is not idempotent


def test_an_operation_that_knows_no_message_ids(tmp_path) -> None:
    """Whether AX looks at MessageIds is a property of each operation."""
    same = {"message_id": "7f1c2c1e-52a1-4f0e-9a3c-0d8b6a1f3c55", "time_limit_s": 10.0}
    with running(*SERVED, "--not-idempotent", "setLimit") as ax:
        port = opened(ax)
        name, namespace = port.element("setLimit")
        request = f'<{name} xmlns="{namespace}"><_custAccount>C1</_custAccount></{name}>'.encode()
        for _ in range(2):
            port.call("setLimit", request, **same)
        assert called(ax, "setLimit") == 2
        note = request.replace(b"SetLimit", b"DeleteJournal").replace(b"_custAccount", b"_journalId")
        other = same | {"message_id": "0c0e51b3-9f0d-49f5-8a0e-6a4c1a4c9d11"}
        assert port.call("deleteJournal", note, **other) == "true"
        with pytest.raises(Refusal) as caught:
            port.call("deleteJournal", note, **other)
        assert caught.value.duplicate
