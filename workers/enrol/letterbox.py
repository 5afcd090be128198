"""Letters to the dispatcher that this computer's own key signs: they need no broker and no login, and nobody else reads them."""

import platform
import secrets
from collections.abc import Sequence
from pathlib import Path

from connector.wire import codec, sealing
from connector.wire.codec import Message, WireError
from connector.wire.keys import KeyUnreadable, Private, Public
from connector.wire.machines import LETTER_ANSWERS, Login, LoginKept, LoginWanted, MachineLeaves
from connector.wire.sealing import Sealed, Stamp, Way
from workers import keeping, letters
from workers.enrol.device import Dispatcher, Given
from workers.enrol.membership import Membership, with_own_files
from workers.errors import GiveUp

_KEYS = "Register this computer again: rapidstart-worker register."


def leave(folder: Path, mine: Membership, *, ca_file: str | None) -> None:
    """Have the dispatcher trust this computer's key no more. Raises GiveUp where it refuses, Retry where it is away."""
    _send(folder, mine, MachineLeaves(endpoint=mine.endpoint, machine=platform.node()), ca_file=ca_file)


def renew(folder: Path, mine: Membership, *, ca_file: str | None) -> None:
    """Have a new login at the broker, and keep it: workers that start use it, those that run go over to it.

    Raises GiveUp where it is refused, Retry where the dispatcher is away: nothing is changed then.
    """
    ring, known = _keys(folder)
    text = _send(folder, mine, LoginWanted(endpoint=mine.endpoint), ca_file=ca_file)
    found = login_in(text, ring, known, endpoint=mine.endpoint)
    before = keeping.login(folder) or ""
    keeping.keep(folder / keeping.LOGIN_FILE, with_own_files(found, before))


def login_for(key_file: Path, given: Given) -> str:
    """The broker's URL that a registration has brought. Raises GiveUp."""
    try:
        ring, known = keeping.ring(key_file), Public.of_text(given.dispatcher_key)
    except KeyUnreadable as error:
        raise GiveUp(str(error), advice=_KEYS, code="RSC-5980") from error
    return login_in(given.letter, ring, (known,), endpoint=given.endpoint)


def login_in(text: str, ring: Sequence[Private], known: Sequence[Public], *, endpoint: str) -> str:
    """The broker's URL that a letter of the dispatcher holds, for one of these keys. Raises GiveUp."""
    try:
        sealed = codec.decode(text, {Sealed.KIND: Sealed})
        trusted = {key.fingerprint: key for key in (*known, *sealing.followed(sealed, known))}
        head, answer = sealing.unseal(sealed, way=Way.ANSWER, endpoint=endpoint, trusted=trusted, ring=ring, kinds=LETTER_ANSWERS)
    except WireError as error:
        raise GiveUp(f"the dispatcher's answer is refused: {error}.", advice=_KEYS, code="RSC-5988") from error
    if not isinstance(answer, Login) or head.question != ring[-1].public.fingerprint:
        raise GiveUp("the dispatcher's answer is to another question.", advice=_KEYS, code="RSC-5988")
    return answer.broker_url


def finish(folder: Path, mine: Membership, *, ca_file: str | None) -> None:
    """Tell that nobody here uses the login of before any more. Raises GiveUp where it refuses, Retry where it is away."""
    _send(folder, mine, LoginKept(endpoint=mine.endpoint), ca_file=ca_file)


def _send(folder: Path, mine: Membership, letter: Message, *, ca_file: str | None) -> str:
    ring, known = _keys(folder)
    stamp = Stamp(way=Way.REPORT, endpoint=mine.endpoint, session=secrets.token_hex(8), no=1)
    text = sealing.seal(letter, stamp, sender=ring, readers=known)
    dispatcher = Dispatcher(mine.dispatcher, ca_file=ca_file, allow_plain_http=True)  # a sealed letter may be read on the way
    return dispatcher.tell(text, endpoint=mine.endpoint)


def _keys(folder: Path) -> tuple[Sequence[Private], Sequence[Public]]:
    """This computer's keys, and its dispatcher's. Raises GiveUp."""
    try:
        known = [Public.of_text(line) for line in (folder / letters.DISPATCHER_FILE).read_text(encoding="ascii").split()]
        return keeping.ring(folder / letters.MACHINE_FILE), known
    except (KeyUnreadable, OSError, UnicodeDecodeError) as error:
        raise GiveUp("the keys of this computer cannot be used.", advice=_KEYS, code="RSC-5980") from error
