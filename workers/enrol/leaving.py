"""Tells the dispatcher that this computer leaves: a letter that its own key signs, which needs no broker and no login."""

import platform
import secrets
from pathlib import Path

from connector.wire import keys, sealing
from connector.wire.keys import KeyUnreadable
from connector.wire.machines import MachineLeaves
from workers import letters
from workers.enrol.device import Dispatcher
from workers.enrol.membership import Membership
from workers.errors import GiveUp


def leave(folder: Path, mine: Membership, *, ca_file: str | None) -> None:
    """Have the dispatcher trust this computer's key no more. Raises GiveUp where it refuses, Retry where it is away."""
    try:
        ring = keys.load(folder / letters.MACHINE_FILE)
        known = [keys.Public.of_text(line) for line in (folder / letters.DISPATCHER_FILE).read_text(encoding="ascii").split()]
    except (KeyUnreadable, OSError, UnicodeDecodeError) as error:
        raise GiveUp("the keys of this computer cannot be used.", advice="Forget it here: --force.", code="RSC-5980") from error
    stamp = sealing.Stamp(way=sealing.Way.REPORT, endpoint=mine.endpoint, session=secrets.token_hex(8), no=1)
    told = MachineLeaves(endpoint=mine.endpoint, machine=platform.node())
    letter = sealing.seal(told, stamp, sender=ring, readers=known)
    dispatcher = Dispatcher(mine.dispatcher, ca_file=ca_file, allow_plain_http=True)  # a sealed letter may be read on the way
    dispatcher.tell(letter, endpoint=mine.endpoint)
