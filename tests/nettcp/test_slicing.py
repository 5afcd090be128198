"""Asking slice by slice: whatever is refused, everything that can be had is had, once and in order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.aos.dictionary.slicing import sliced
from workers.errors import GiveUp, Refusal, Retry, WorkerError

ERRORS = (
    Refusal("Maximum number of items", advice=""),
    Retry("closed the connection", advice=""),
    GiveUp("more than is read", advice="", code="RSC-5906"),
)


@given(
    keys=st.lists(st.integers(0, 1000), unique=True, max_size=60),
    most=st.integers(1, 40),
    size=st.integers(1, 30),
    bad=st.sets(st.integers(0, 1000), max_size=10),
    error=st.sampled_from(ERRORS),
)
def test_all_that_is_not_refused_for_itself_comes_once_and_in_order(
    keys: list[int], most: int, size: int, bad: set[int], error: WorkerError
) -> None:
    skipped: list[int] = []
    asked: list[int] = []

    def read(some: list[int]) -> list[int]:
        asked.append(len(some))
        if len(some) > most or bad & set(some):
            raise error
        return [key * 2 for key in some]

    found = list(sliced(keys, read, size=size, is_there=lambda: None, skip=lambda key, _: skipped.append(key)))

    assert [key for some, _ in found for key in some] == [key for key in keys if key not in bad]
    assert [value for _, values in found for value in values] == [key * 2 for key in keys if key not in bad]
    assert skipped == [key for key in keys if key in bad]
    assert max(asked, default=0) <= size


def test_larger_slices_are_tried_again_once_smaller_ones_went_well() -> None:
    asked: list[int] = []

    def read(some: list[int]) -> list[int]:
        asked.append(len(some))
        if asked == [16]:
            raise ERRORS[0]
        return some

    found = [key for some, _ in sliced(range(200), read, size=16, is_there=lambda: None, skip=_never) for key in some]
    assert found == list(range(200))
    assert asked[:11] == [16, *[8] * 8, 16, 16]


def test_an_aos_that_answers_nothing_any_more_ends_it_at_once() -> None:
    asked: list[int] = []

    def read(some: list[int]) -> list[int]:
        asked.append(len(some))
        raise ERRORS[1]

    def is_there() -> None:
        raise Retry("cannot be reached", advice="")

    with pytest.raises(Retry, match="cannot be reached"):
        list(sliced(range(200), read, size=16, is_there=is_there, skip=_never))
    assert asked == [16]


@pytest.mark.parametrize("error", [GiveUp("not let in", advice="", code="RSC-5910"), Retry("stopping", code="RSC-5490")])
def test_what_no_smaller_question_helps_is_raised_as_it_is(error: WorkerError) -> None:
    def read(_: list[int]) -> list[int]:
        raise error

    with pytest.raises(type(error), match=error.message):
        list(sliced(range(9), read, size=4, is_there=lambda: pytest.fail("nobody is asked"), skip=_never))


def _never(key: object, reason: str) -> None:
    pytest.fail(f"{key} was skipped: {reason}")
