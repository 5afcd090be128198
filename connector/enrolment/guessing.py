"""Slows down who guesses activation codes: short ones, which people type. The ledger counts, for every dispatcher and restart.

Once there were too many, no code is looked up for a while, be it right or wrong. Codes and tokens that only programs handle
are too long to be guessed: those are counted in each process alone, to save work.
"""

import time
from collections.abc import Sequence
from typing import Final

from connector.dispatch import Dispatcher
from connector.errors import TooOften
from connector.ledger import audit, guesses

#: Guesses within this time count, in seconds.
WINDOW_S: Final = 60.0
#: So many are let through within it from one network, and from all.
MOST: Final = 10
MOST_OF_ALL: Final = 60


def check(dispatcher: Dispatcher, network: str) -> None:
    """Raises TooOften where there were too many guesses, of this network or of all."""
    with dispatcher.ledger.read() as db:
        found = guesses.since(db, time.time() - WINDOW_S)
    if _is_too_much(found, network):
        raise TooOften("too many activation codes were tried that are not known.", advice="Wait a minute.")


def count(dispatcher: Dispatcher, network: str, *, by: str) -> None:
    """Note a code that is not known. The one that is the last for a while leaves a line that says who."""
    now = time.time()
    with dispatcher.ledger.write() as db:
        guesses.add(db, network, at=now)
        found = guesses.since(db, now - WINDOW_S)
        if _is_too_much(found, network):
            told = {"network": network, "tried": found.count(network), "within_s": WINDOW_S}
            audit.note(db, "activation guess", by=by, subject="", at=now, details=told)


def _is_too_much(found: Sequence[str], network: str) -> bool:
    return found.count(network) >= MOST or len(found) >= MOST_OF_ALL
