"""Narrowing: whatever AX says or does not say, exactly the bad documents are left, and every good one was sent once."""

from hypothesis import given
from hypothesis import strategies as st

from workers.errors import Complaint, Refusal
from workers.load.narrow import narrowed


class Ax:
    """Takes a call whole or refuses it whole, naming its first bad record or none."""

    def __init__(self, bad: set[int], *, names: bool) -> None:
        self.bad = bad
        self.names = names
        self.taken: list[int] = []
        self.calls = 0

    def __call__(self, group):
        assert group, "an empty call was made"
        self.calls += 1
        place = next((place for place, document in enumerate(group, 1) if document in self.bad), None)
        if place is not None:
            complaints = (Complaint(message=f"no {group[place - 1]}", record=place),) if self.names else ()
            raise Refusal("Request failed.", complaints=complaints)
        self.taken += group


def run(documents, ax, **more):
    told = {}

    def refused(document, refusal, complaints):
        assert document not in told
        told[document] = [complaint.message for complaint in complaints]

    narrowed(documents, attempt=ax, refused=refused, **more)
    return told


SIZES = st.integers(0, 60).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, max(n - 1, 0)))))


@given(SIZES, st.booleans())
def test_the_bad_ones_are_told_and_the_good_ones_taken_once_and_in_order(size, names):
    count, bad = size
    ax = Ax(bad & set(range(count)), names=names)
    told = run(list(range(count)), ax)
    assert set(told) == ax.bad
    assert sorted(ax.taken) == [n for n in range(count) if n not in ax.bad]
    assert ax.taken == sorted(ax.taken)
    if names:
        assert told == {n: [f"no {n}"] for n in ax.bad}


@given(st.integers(1, 1000), st.data())
def test_one_bad_document_costs_two_calls_where_it_is_named_and_a_logarithm_where_not(count, data):
    bad = {data.draw(st.integers(0, count - 1))}
    named, silent = Ax(bad, names=True), Ax(bad, names=False)
    run(list(range(count)), named)
    run(list(range(count)), silent)
    assert named.calls <= 2
    assert silent.calls <= 2 * count.bit_length() + 1


@given(SIZES, st.integers(1, 70), st.booleans())
def test_where_calls_may_be_only_so_large_every_document_still_goes(size, most, names):
    count, bad = size
    ax = Ax(bad & set(range(count)), names=names)
    sizes = []

    def attempt(group):
        sizes.append(len(group))
        if len(group) > most:
            raise Refusal("quota", too_large=True)
        ax(group)

    told = []
    narrowed(range(count), attempt=attempt, refused=lambda document, *_: told.append(document))
    assert set(told) == ax.bad
    assert ax.taken == [n for n in range(count) if n not in ax.bad]
    too_large = [size for size in sizes if size > most]
    assert too_large == sorted(too_large, reverse=True)
    assert len(too_large) <= count.bit_length()


def test_one_that_is_too_large_alone_is_told():
    def attempt(group):
        raise Refusal("quota", too_large=True)

    told = []
    narrowed([0, 1, 2], attempt=attempt, refused=lambda document, *_: told.append(document))
    assert told == [0, 1, 2]


@given(SIZES, st.sets(st.integers(0, 60)))
def test_what_is_to_be_skipped_is_never_sent(size, skipped):
    count, bad = size
    ax = Ax(bad & set(range(count)), names=True)
    told = run(list(range(count)), ax, skip=skipped.__contains__)
    assert set(ax.taken) == set(range(count)) - bad - skipped
    assert set(told) == ax.bad - skipped


def test_a_record_that_the_call_does_not_have_is_no_name():
    def attempt(group):
        if 1 in group:
            raise Refusal("no", complaints=(Complaint(message="odd", record=99),))

    told = []
    narrowed([0, 1, 2], attempt=attempt, refused=lambda document, *_: told.append(document))
    assert told == [1]


@given(st.lists(st.integers(1, 4), max_size=15), st.data(), st.booleans())
def test_a_unit_is_sent_whole_or_not_at_all(sizes, data, names):
    unit = [number for number, size in enumerate(sizes) for _ in range(size)]
    bad = data.draw(st.sets(st.sampled_from(range(len(unit))))) if unit else set()
    ax = Ax(bad, names=names)
    told: list[int] = []

    def attempt(group):
        for number in {unit[document] for document in group}:
            assert [d for d in group if unit[d] == number] == [d for d, u in enumerate(unit) if u == number]
        ax(group)

    narrowed(range(len(unit)), attempt=attempt, refused=lambda d, *_: told.append(d), unit=unit.__getitem__)
    bad_units = {unit[document] for document in bad}
    assert ax.taken == [document for document, number in enumerate(unit) if number not in bad_units]
    assert {unit[document] for document in told} == bad_units
