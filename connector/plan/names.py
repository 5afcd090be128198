"""Names that are close to a name: what was probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches

from connector.wire.metadata import normalized


def nearest(name: str, among: Iterable[str], *, count: int = 3) -> list[str]:
    """The closest of some names, best first, case and punctuation aside."""
    by_form: dict[str, str] = {}
    for each in among:
        by_form.setdefault(normalized(each), each)
    return [by_form[form] for form in get_close_matches(normalized(name), by_form, n=count, cutoff=0.5)]


def meant(name: str, among: Iterable[str]) -> str:
    """ " Did you mean A, B?", or "" when nothing is close."""
    close = nearest(name, among)
    return f"Did you mean {' or '.join(repr(each) for each in close)}?" if close else ""
