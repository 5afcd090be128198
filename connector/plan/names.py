"""Names: which are close to one another, and how two of the same name are told apart."""

from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from connector.intake.values import Action
from connector.wire.metadata import normalized


def nearest(name: str, among: Iterable[str], *, count: int = 3, cutoff: float = 0.5) -> list[str]:
    """The closest of some names, best first, case and punctuation aside; `cutoff` is the least likeness, from 0 to 1."""
    by_form: dict[str, str] = {}
    for each in among:
        by_form.setdefault(normalized(each), each)
    return [by_form[form] for form in get_close_matches(normalized(name), by_form, n=count, cutoff=cutoff)]


def meant(name: str, among: Iterable[str]) -> str:
    """ " Did you mean A, B?", or "" when nothing is close."""
    close = nearest(name, among)
    return f"Did you mean {' or '.join(repr(each) for each in close)}?" if close else ""


def labels(actions: Sequence[Action]) -> list[str]:
    """The entities' names; with file and sheet where two actions have the same."""
    count = Counter(action.entity for action in actions)
    return [str(action) if count[action.entity] > 1 else action.entity for action in actions]
