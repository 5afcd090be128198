"""AIF's file system adapter: message files in, answers by RequestMessageId out.

An answer is an Envelope, or a Batch of them (MicrosoftDocs, "Message header", "Processing batched messages in AIF"). AX
answers errors only where the port has "Respond after error in asynchronous request".
"""

import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from lxml import etree

from workers.errors import Retry
from workers.exchange.folders import Folder

#: So many answer files are remembered as read.
_MOST_NAMES: Final = 100_000
_KEY_LIST: Final = "{http://schemas.microsoft.com/dynamics/2006/02/documents/EntityKeyList}EntityKeyList"


class OnError(StrEnum):
    """What the port does with the rest of a batch when one of its messages fails (an option of the port in AX)."""

    CONTINUE = "continue"
    HALT = "halt"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What AX answered to one message."""

    keys: tuple[dict[str, str], ...] = ()
    """the EntityKeys of the records that were created, in order"""
    fault: str = ""
    """AX's words, where the message failed"""
    code: str = ""
    """of a fault, as RequestFailed"""


@dataclass(slots=True, kw_only=True)
class FilePort:
    """An integration port with the file system adapter, as the worker's settings name it. Any thread may use it."""

    name: str
    folder: Folder
    on_error: OnError = OnError.CONTINUE
    answer_within_s: float = 3600.0
    """so long an answer is waited for"""
    _known: dict[str, Reply] = field(default_factory=dict)
    _read: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def replies(self, message_ids: Collection[str]) -> dict[str, Reply]:
        """The answers that have come to these messages (ids in lower case, without braces). Raises Retry, GiveUp."""
        with self._lock:
            for name, changed in self.folder.answers("*").items():
                if self._read.get(name) == changed or not name.lower().endswith(".xml"):
                    continue
                try:
                    replies = dict(answers_in(self.folder.answer(name)))
                except Retry:  # AX may still be writing it
                    continue
                self._read[name] = changed
                self._known |= {key: reply for key, reply in replies.items() if not _is_weaker(reply, self._known.get(key))}
            if len(self._read) > _MOST_NAMES:
                self._read.clear()
            return {key: self._known[key] for key in message_ids if key in self._known}


def answers_in(content: bytes) -> Iterator[tuple[str, Reply]]:
    """The replies in an answer file, by the id of the message that they answer; none where it is no answer."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        return
    for envelope in root.iter("{*}Envelope"):
        asked = "".join((envelope.findtext("{*}Header/{*}RequestMessageId") or "").split()).strip("{}").lower()
        parts = envelope.find("{*}Body/{*}MessageParts")
        if asked and parts is not None:
            yield asked, _reply(parts)


def _reply(parts: etree._Element) -> Reply:
    fault = parts.find("{*}Fault")
    if fault is not None:
        texts = [" ".join((text.text or "").split()) for text in fault.iterfind("{*}Reason/{*}Text")]
        code = (fault.findtext("{*}Code") or "").strip()
        return Reply(fault=" ".join(filter(None, texts)) or code or "The message failed.", code=code)
    keys = parts.find(_KEY_LIST)
    found = () if keys is None else tuple(map(_key, keys.iterfind("{*}EntityKey")))
    return Reply(keys=found)


def _key(element: etree._Element) -> dict[str, str]:
    fields = element.iter("{*}KeyField")
    return {(one.findtext("{*}Field") or "").strip(): (one.findtext("{*}Value") or "").strip() for one in fields}


def _is_weaker(reply: Reply, known: Reply | None) -> bool:
    """That a message was seen before says less than what became of it."""
    return known is not None and reply.code == "DuplicateMessage"
