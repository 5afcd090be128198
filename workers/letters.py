"""How this process writes to the dispatcher and reads what comes from it: as it stands, or sealed.

An endpoint whose folder holds a machine's key speaks sealed, and takes nothing else any more; one without a key speaks plain.
"""

import logging
import secrets
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from connector.wire import codec, keys, sealing
from connector.wire.jobs import ANSWERS, WORK
from connector.wire.reports import BatchRef, Report, ref_of
from connector.wire.sealing import Sealed, Stamp, Unsealable, Way, Why
from workers import keeping
from workers.errors import GiveUp

log = logging.getLogger(__name__)

#: In the folder of an endpoint: this machine's ring of keys, and the public keys of its dispatcher, one on each line.
MACHINE_FILE: Final = "machine.key"
DISPATCHER_FILE: Final = "dispatcher.pub"
#: So many of the dispatcher's keys are trusted, the newest: an older one is trusted no more.
_TRUSTED: Final = 2


class Letters(Protocol):
    """What a process needs to speak with its dispatcher. Safe to use from several threads, but for `report`."""

    is_sealed: bool

    def report(self, report: Report) -> str:
        """The text of a report as it is sent now. Reports must be sent in the order in which they were written."""

    def order(self, text: object, *, task: str, task_id: str) -> codec.Message:
        """The work that the text of a task holds. Raises Unsealable (refused), and WireError (genuine, but not understood)."""

    def answer(self, text: bytes, question: str) -> codec.Message:
        """What answers the question of this event id. Raises Unsealable, WireError."""

    def ref(self, text: object) -> BatchRef | None:
        """The batch that the text of a task speaks of, where it says so; unproved."""


class Plain:
    """Messages as they stand: whoever can write to the broker is believed."""

    is_sealed = False

    def report(self, report: Report) -> str:
        """JSON."""
        return codec.encode(report)

    def order(self, text: object, *, task: str, task_id: str) -> codec.Message:  # noqa: ARG002 - a plain text proves nothing
        """What the JSON says. Raises WireError."""
        return codec.decode(_text(text), WORK)

    def answer(self, text: bytes, question: str) -> codec.Message:  # noqa: ARG002
        """What the JSON says. Raises WireError."""
        return codec.decode(text, ANSWERS)

    def ref(self, text: object) -> BatchRef | None:
        """What the JSON says."""
        return ref_of(text) if isinstance(text, str) else None


class Sealing:
    """Sealed messages, between one machine of an endpoint and its dispatcher."""

    is_sealed = True

    def __init__(self, folder: Path, *, endpoint: str) -> None:
        """Reads the keys in the endpoint's folder. Raises GiveUp."""
        self._endpoint = endpoint.lower()
        self._file = folder / DISPATCHER_FILE
        try:
            self._ring = keeping.ring(folder / MACHINE_FILE)
            self._trusted = tuple(keys.Public.of_text(line) for line in self._file.read_text(encoding="ascii").split())
        except (keys.KeyUnreadable, OSError, UnicodeDecodeError) as error:
            why = str(error) if isinstance(error, keys.KeyUnreadable) else f"the file {DISPATCHER_FILE} cannot be read."
            raise GiveUp(f"the keys of endpoint {endpoint} cannot be used: {why}", advice=_ADVICE, code="RSC-5980") from error
        if not self._trusted:
            raise GiveUp(f"the file {DISPATCHER_FILE} of endpoint {endpoint} is empty.", advice=_ADVICE, code="RSC-5980")
        self._session, self._no = secrets.token_hex(8), 0
        self._lock = threading.Lock()

    def report(self, report: Report) -> str:
        """Sealed for the dispatcher's newest keys, numbered within this process."""
        with self._lock:
            self._no += 1
            no, readers = self._no, self._trusted
        ref = getattr(report, "ref", None)
        stamp = Stamp(way=Way.REPORT, endpoint=self._endpoint, ref=ref, session=self._session, no=no)
        return sealing.seal(report, stamp, sender=self._ring, readers=readers)

    def order(self, text: object, *, task: str, task_id: str) -> codec.Message:
        """Work that the dispatcher sealed for this endpoint, this task and this attempt. Raises Unsealable, WireError."""
        head, message = self._opened(text, Way.ORDER, WORK)
        if head.kind != task or head.ref is None or task_id != _task_id(head.ref):
            raise Unsealable(Why.MISDIRECTED, f"the work {head.kind} of {head.ref} came as the task {task[:40]}")
        return message

    def answer(self, text: bytes, question: str) -> codec.Message:
        """What the dispatcher sealed as the answer to this very question. Raises Unsealable, WireError."""
        head, message = self._opened(text, Way.ANSWER, ANSWERS)
        if head.question != question:
            raise Unsealable(Why.MISDIRECTED, "an answer is to another question")
        return message

    def ref(self, text: object) -> BatchRef | None:
        """What the head says."""
        head = sealing.head_of(text) if isinstance(text, str) else None
        return head.ref if head else None

    def _opened(self, text: object, way: Way, kinds: "Mapping[str, type[codec.Message]]") -> "tuple[sealing.Head, codec.Message]":
        try:
            sealed = codec.decode(_text(text), {Sealed.KIND: Sealed})
        except codec.WireError as error:
            raise Unsealable(Why.PLAIN, "a message came that is not sealed") from error
        self._follow(sealed)
        trusted = {key.fingerprint: key for key in self._trusted}
        return sealing.unseal(sealed, way=way, endpoint=self._endpoint, trusted=trusted, ring=self._ring, kinds=kinds)

    def _follow(self, sealed: Sealed) -> None:
        """Trust the dispatcher's next keys from now on, where those that are trusted vouch for them."""
        new = sealing.followed(sealed, self._trusted)
        if not new:
            return
        with self._lock:
            self._trusted = (*self._trusted, *new)[-_TRUSTED:]
            text = "".join(f"{key.text}\n" for key in self._trusted)
        log.info("the dispatcher has a new key: %s", new[-1].fingerprint, extra={"action": "dispatcher_key_new"})
        try:
            keeping.put(self._file, text)
        except GiveUp as error:
            told = "the dispatcher's new key is not kept, and heard of again when the worker starts anew: %s"
            log.warning(told, error, extra={"action": "dispatcher_key_not_kept"})


def trust(folder: Path, *, dispatcher: str) -> keys.Public:
    """Make this computer a machine of the endpoint whose folder it is, and have it trust one dispatcher's public key.

    A key that the folder holds is kept. The machine's public key, for the dispatcher. Raises KeyUnreadable, GiveUp.
    """
    known = keys.Public.of_text(dispatcher)
    mine = keeping.ring_or_new(folder / MACHINE_FILE)[-1].public
    keeping.put(folder / DISPATCHER_FILE, f"{known.text}\n")
    return mine


def fingerprint(folder: Path) -> str:
    """That of the machine's key in an endpoint's folder; "" where there is none that can be used."""
    try:
        return keeping.ring(folder / MACHINE_FILE)[-1].public.fingerprint
    except keys.KeyUnreadable:
        return ""


def open_letters(folder: Path, *, endpoint: str) -> Letters:
    """Sealed where the endpoint's folder holds a machine's key, else plain. Raises GiveUp where the keys cannot be used."""
    return Sealing(folder, endpoint=endpoint) if (folder / MACHINE_FILE).exists() else Plain()


_ADVICE: Final = "Register this computer again: rapidstart-worker register."


def _text(text: object) -> str | bytes:
    if isinstance(text, str | bytes):
        return text
    raise codec.WireError("a task holds no message")


def _task_id(ref: BatchRef) -> str:
    """As the dispatcher names the task of an attempt."""
    return f"{ref.job}.{ref.step}.{ref.batch}.{ref.attempt}"
