"""Letters of machines: what one says of itself apart from its work, proved by its key, whether it has a login or not."""

import time
from typing import Final

from connector.dispatch import Dispatcher
from connector.enrolment import logins
from connector.errors import NotAllowed
from connector.ledger import Database, audit, machines, trust
from connector.wire import codec, sealing
from connector.wire.codec import Message, WireError
from connector.wire.keys import Public
from connector.wire.machines import LETTERS, LoginKept, LoginWanted
from connector.wire.sealing import Sealed, Unsealable, Way, Why

#: A letter that is older is refused; so long its number is remembered at least, in seconds.
_OLDEST_S: Final = 600.0


def take(dispatcher: Dispatcher, endpoint: str, text: str, *, address: str, broker_url: str) -> str:
    """Do what a letter of an endpoint's machine asks; the sealed answer, or "".

    Raises NotAllowed for one that none of its machines has signed, or that came before; that is counted.
    """
    refused = None
    with dispatcher.ledger.write() as db:
        try:
            sender, message = _opened(dispatcher, db, endpoint, text)
        except WireError as error:
            why = error.why if isinstance(error, Unsealable) else Why.ALTERED
            if trust.readers(db, endpoint) is not None:
                trust.refuse(db, endpoint, where="dispatcher", why=why, told=str(error), at=time.time())
            refused = error
        else:
            answer = _carry_out(dispatcher, db, endpoint.lower(), sender, message, f"{sender.fingerprint}@{address}", broker_url)
    if refused is not None:
        raise NotAllowed(
            f"the letter is refused: {refused}.", advice="Register again, or forget it on that computer: unregister --force"
        )
    logins.apply_now(dispatcher)
    return answer


def _opened(dispatcher: Dispatcher, db: Database, endpoint: str, text: str) -> tuple[Public, Message]:
    """Who wrote a letter, and what it says. Raises WireError."""
    sealed = codec.decode(text, {Sealed.KIND: Sealed})
    trusted = {key.fingerprint: key for key in trust.readers(db, endpoint) or ()}
    ring = dispatcher.outbox.letters.ring
    head, message = sealing.unseal(sealed, way=Way.REPORT, endpoint=endpoint, trusted=trusted, ring=ring, kinds=LETTERS)
    if abs(time.time() - head.sent_at.timestamp()) > _OLDEST_S:
        raise Unsealable(Why.REPEATED, "a letter is too old, or the clocks of both computers differ")
    if head.no <= trust.heard(db, endpoint, head.session):
        raise Unsealable(Why.REPEATED, "a letter came before")
    trust.hear(db, endpoint, head.session, fingerprint=head.by, no=head.no, at=time.time())
    return trusted[head.by], message


def _carry_out(
    dispatcher: Dispatcher, db: Database, endpoint: str, sender: Public, message: Message, by: str, broker_url: str
) -> str:
    if isinstance(message, LoginWanted):
        return _renewed(dispatcher, db, endpoint, sender, by, broker_url)
    machine = machines.find(db, endpoint, sender.fingerprint)
    if isinstance(message, LoginKept):
        if machine is not None and machine.previous:
            logins.end_previous(db, machine, because="its machine says so", by=by)
        return ""
    logins.end(db, endpoint, sender.fingerprint, at=time.time())
    audit.note(db, "endpoint unregister", by=by, subject=endpoint, at=time.time())
    return ""


def _renewed(dispatcher: Dispatcher, db: Database, endpoint: str, sender: Public, by: str, broker_url: str) -> str:
    """A new login, sealed for who asked; the one before counts beside it, see `logins.end_changes`."""
    machine = machines.find(db, endpoint, sender.fingerprint)
    if machine is None or machine.password is None:
        return ""
    password, digest = logins.new_password()
    machine = machines.renew(db, machine, password=digest, at=time.time())
    audit.note(db, "credentials rotate", by=by, subject=endpoint, at=time.time(), details={"login": machine.users[0]})
    return logins.letter(dispatcher, machine, reader=sender, password=password, broker_url=broker_url)
