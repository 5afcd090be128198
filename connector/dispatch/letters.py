"""How the dispatcher writes to workers and reads what comes from them: as it stands, or sealed where an endpoint has keys.

It decides nothing by what a message says before it is proved who wrote it. What is refused is counted in the ledger.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from connector.errors import Conflict
from connector.ledger import Database, Ledger, endpoints, trust
from connector.ledger.endpoints import Endpoint
from connector.wire import codec, keys, routes, sealing
from connector.wire.keys import Private, Public
from connector.wire.reports import REPORTS, BatchRef, Report, ref_of
from connector.wire.sealing import Sealed, Stamp, Unsealable, Way, Why

log = logging.getLogger(__name__)

#: By endpoint: the keys that count there; None: it is not sealed.
Known: TypeAlias = dict[str, tuple[Public, ...] | None]

#: In RAPIDSTART_HOME: the dispatcher's own ring of keys.
FILE: Final = "dispatcher.key"
#: Under which the ledger remembers the fingerprints of all keys that the dispatcher ever had here.
_FACT: Final = "dispatcher keys"
#: A report that was written longer ago is refused: its session may be forgotten by then, and with it what came before.
_OLDEST_S: Final = trust.SESSION_LIFE_S - 10 * 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A report that counts, and the key that it is answered to; None: its endpoint is not sealed."""

    report: Report
    key: Public | None = None


def open_letters(home: Path, ledger: Ledger, *, sealed_only: bool = False) -> "Letters":
    """The letters of the dispatcher whose key file lies in `home`; a new key where it never had one.

    The ledger remembers the keys by their fingerprints. Raises Conflict where an endpoint relies on them and none is here:
    nobody would take what is written with another one, and nothing that is on the way could be opened.
    """
    with ledger.read() as db:
        known = (endpoints.fact(db, _FACT) or "").split()
        is_needed = bool(known) and trust.any_key(db)
    try:
        if is_needed and not (home / FILE).exists():
            raise _missing(known)
        ring = keys.load_or_create(home / FILE)
    except keys.KeyUnreadable as error:
        raise Conflict(str(error), advice=f"Put {FILE} back from a backup of RAPIDSTART_HOME.") from error
    mine = [key.public.fingerprint for key in ring]
    if is_needed and not set(mine) & set(known):
        raise _missing(known)
    with ledger.write() as db:
        trust.forget_sessions(db, now=time.time())
        if not set(mine) <= set(known):
            endpoints.remember(db, _FACT, " ".join(dict.fromkeys([*known, *mine])))
    return Letters(ring, sealed_only=sealed_only)


def _missing(known: Sequence[str]) -> Conflict:
    return Conflict(
        f"the endpoints of this ledger know their dispatcher by the key {known[-1]}, which is not in RAPIDSTART_HOME.",
        advice=f"Copy {FILE} from another dispatcher of this ledger, or from a backup. It cannot be made anew.",
    )


class Letters:
    """One per dispatcher. The recorder's thread reads, any thread writes."""

    def __init__(self, ring: Sequence[Private] = (), *, sealed_only: bool = False) -> None:
        """`ring`: the dispatcher's keys, the newest last. `sealed_only`: endpoints that are not sealed are sent nothing."""
        self.ring = tuple(ring)
        self.sealed_only = sealed_only

    @property
    def public(self) -> Public | None:
        """The key that workers must know this dispatcher by; None where it has none."""
        return self.ring[-1].public if self.ring else None

    def barred(self, endpoint: Endpoint, readers: tuple[Public, ...] | None) -> str:
        """Why nothing can be sent to an endpoint of these keys; "" where it can."""
        if readers is None and self.sealed_only:
            return f"{endpoint.name} is not sealed, and RAPIDSTART_SEALED_ONLY is set; register it: rapidstart-worker register"
        if readers == ():
            return f"all keys of {endpoint.name} are revoked; register a machine: rapidstart-worker register"
        if readers and not self.ring:
            return f"this dispatcher has no key to write to {endpoint.name} with"
        return ""

    def order(self, message: codec.Message, *, endpoint: str, ref: BatchRef, readers: Sequence[Public] | None) -> str:
        """The text of an order, for these keys; plain where they are None."""
        if readers is None:
            return codec.encode(message)
        return sealing.seal(message, Stamp(way=Way.ORDER, endpoint=endpoint, ref=ref), sender=self.ring, readers=readers)

    def answer(self, message: codec.Message, *, question: Report, reader: Public | None) -> str:
        """The text of an answer to a question, for the machine that asked it."""
        if reader is None:
            return codec.encode(message)
        stamp = Stamp(way=Way.ANSWER, endpoint=question.endpoint, question=question.event_id)
        return sealing.seal(message, stamp, sender=self.ring, readers=(reader,))

    def report(self, db: Database, stream: str, text: bytes, *, is_again: bool, known: Known | None = None) -> Heard | None:
        """What came on an endpoint's stream; None where it was refused, which is counted, or heard before.

        `is_again`: the stream hands it out once more because it was not acknowledged. `known`: the keys that the ledger named
        in this transaction, which keeps others from changing them. Raises WireError for a report of an honest sender that
        cannot be understood.
        """
        endpoint = stream.removeprefix(routes.queue("")).removesuffix(":reports")
        known = {} if known is None else known
        if endpoint not in known:
            known[endpoint] = trust.readers(db, endpoint)
        readers = known[endpoint]
        if readers is None:
            return Heard(report=codec.decode(text, REPORTS))
        try:
            return self._unsealed(db, endpoint, text, readers, is_again=is_again)
        except Unsealable as refused:
            told = str(refused)
            log.warning("a report to %s is refused: %s", endpoint, told, extra={"action": "message_refused"})
            trust.refuse(db, endpoint, where="dispatcher", why=refused.why, told=told, at=time.time())
            return None

    def ref(self, text: bytes) -> BatchRef | None:
        """The batch that a report speaks of, unproved."""
        head = sealing.head_of(text)
        return head.ref if head else ref_of(text)

    def _unsealed(self, db: Database, endpoint: str, text: bytes, readers: Sequence[Public], *, is_again: bool) -> Heard | None:
        try:
            sealed = codec.decode(text, {Sealed.KIND: Sealed})
        except codec.WireError as error:
            raise Unsealable(Why.PLAIN, "a report came that is not sealed") from error
        trusted = {key.fingerprint: key for key in readers}
        head, report = sealing.unseal(sealed, way=Way.REPORT, endpoint=endpoint, trusted=trusted, ring=self.ring, kinds=REPORTS)
        if report.endpoint.lower() != endpoint:
            raise Unsealable(Why.MISDIRECTED, "a report is another endpoint's")
        return Heard(report=report, key=trusted[head.by]) if self._is_new(db, endpoint, head, is_again=is_again) else None

    def _is_new(self, db: Database, endpoint: str, head: sealing.Head, *, is_again: bool) -> bool:
        """Whether a report comes for the first time; note that it came. Raises Unsealable."""
        now = time.time()
        if head.sent_at.timestamp() < now - _OLDEST_S:
            raise Unsealable(Why.REPEATED, f"a report of {head.sent_at:%Y-%m-%d} is too old to be a new one")
        last = trust.heard(db, endpoint, head.session)
        if head.no <= last:
            if is_again:
                return False
            raise Unsealable(Why.REPEATED, f"report {head.no} of a process came after its report {last}")
        trust.hear(db, endpoint, head.session, fingerprint=head.by, no=head.no, at=now)
        return True
