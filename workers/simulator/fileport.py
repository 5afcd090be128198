"""A pretend integration port with the file system adapter: it reads message files from a folder and answers in another.

Files are taken in the order of their names, as one run of AX' batch jobs does; each message is one call to the port's service.
"""

import re
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

from workers.simulator import namespaces as ns
from workers.simulator.aos import Aos, Dropped
from workers.simulator.contract import Port

_MESSAGE: Final = "http://schemas.microsoft.com/dynamics/2011/01/documents/Message"
_POLL_S: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Letter:
    message_id: str
    company: str
    action: str
    document: etree._Element | None


class FilePort:
    """Reads the folder `in` of a folder, and answers in its `out`, until the process ends; errors do not stop a batch."""

    def __init__(self, aos: Aos, folder: Path) -> None:
        self._aos, self._inbound, self._outbound = aos, folder / "in", folder / "out"
        for each in (self._inbound, self._outbound):
            each.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """Begin to read."""
        threading.Thread(target=self._forever, name="file port", daemon=True).start()

    def _forever(self) -> None:
        while True:
            for path in sorted(self._inbound.glob("*.xml")):
                self._take(path)
            time.sleep(_POLL_S)

    def _take(self, path: Path) -> None:
        root = etree.fromstring(path.read_bytes(), etree.XMLParser(resolve_entities=False, no_network=True))
        for number, letter in enumerate(_letters(root)):
            self._carry_out(letter, f"{path.stem}-{number:04d}")
        path.unlink()

    def _carry_out(self, letter: _Letter, name: str) -> None:
        """Make the call and answer."""
        port, service, namespace, operation = self._service(letter.action)
        if port is None or letter.document is None:
            self._answer(letter, name, _fault("RequestFailed", f"The action {letter.action} is not valid."))
            return
        request = f"{service}{operation[:1].upper()}{operation[1:]}Request"
        body = f'<{request} xmlns="{namespace}">{etree.tostring(letter.document, encoding="unicode")}</{request}>'
        context = f"<Company>{escape(letter.company)}</Company><MessageId>{escape(letter.message_id)}</MessageId>"
        message = (
            f'<s:Envelope xmlns:s="{ns.SOAP}"><s:Header><CallContext xmlns="{ns.CALL_CONTEXT}">{context}</CallContext></s:Header>'
            f"<s:Body>{body}</s:Body></s:Envelope>"
        )
        try:
            answer = self._aos.post(port, letter.action, message.encode())
        except Dropped:  # AX lost it: there is no answer
            return
        self._answer(letter, name, _parts(answer.body))

    def _service(self, action: str) -> tuple[Port | None, str, str, str]:
        for port in self._aos.ports.values():
            service = port.services.get(action)
            if service is not None:
                return port, service.name, service.namespace, service.operations[action]
        return None, "", "", ""

    def _answer(self, letter: _Letter, name: str, parts: str) -> None:
        asked = letter.message_id.strip("{}")
        text = (
            f'<?xml version="1.0" encoding="UTF-8"?><Envelope xmlns="{_MESSAGE}">'
            f"<Header><MessageId>{{{uuid.uuid4()}}}</MessageId>"
            f"<Action>{escape(letter.action)}</Action><RequestMessageId>{{{asked.upper()}}}</RequestMessageId></Header>"
            f"<Body><MessageParts>{parts}</MessageParts></Body></Envelope>"
        )
        aside = self._outbound / f"{name}.tmp"
        aside.write_text(text, encoding="utf-8")
        aside.replace(self._outbound / f"{name}.xml")


def _letters(root: etree._Element) -> Iterator[_Letter]:
    for envelope in root.iter("{*}Envelope"):
        parts = envelope.find("{*}Body/{*}MessageParts")
        yield _Letter(
            message_id=(envelope.findtext("{*}Header/{*}MessageId") or "").strip(),
            company=(envelope.findtext("{*}Header/{*}Company") or "").strip(),
            action=(envelope.findtext("{*}Header/{*}Action") or "").strip(),
            document=parts[0] if parts is not None and len(parts) else None,
        )


def _parts(soap: bytes) -> str:
    """What stands in the answer's envelope: the key list, or a fault with the reason that a log would tell."""
    root = etree.fromstring(soap)
    fault = root.find("{*}Body/{*}Fault")
    if fault is None:
        keys = next(root.iter("{*}EntityKeyList"), None)
        return "" if keys is None else etree.tostring(keys, encoding="unicode")
    codes = [code.text for code in fault.iter("{*}Code") if code.text]
    texts = [text.text for text in fault.iter("{*}FaultMessage") for text in text.iter("{*}Message") if text.text]
    duplicate = next((code for code in codes if code == "DuplicateMessage"), None)
    said = " ".join(texts) or "Request Failed. See the Exception Log for details."
    return _fault(duplicate or "RequestFailed", re.sub(r"\s+", " ", said))


def _fault(code: str, text: str) -> str:
    return f'<Fault xmlns="{ns.FAULT}"><Code>{code}</Code><Reason><Text xml:lang="EN-US">{escape(text)}</Text></Reason></Fault>'
