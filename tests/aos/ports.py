"""A port of an AOS as the tests need it: it serves a contract folder at `?wsdl`, and answers calls as it is told."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.aos.peer import Request, answer

FOLDER = Path(__file__).parent / "conformance" / "contract"
SERVICES = "http://schemas.microsoft.com/dynamics/2008/01/services"

_ENVELOPE = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'


def folder(path: Path = FOLDER) -> dict[str, bytes]:
    """The files of a contract."""
    return {file.name: file.read_bytes() for file in path.iterdir()}


@dataclass
class Port:
    """Serves `files`; imports name the host that the server believes to have. `reply` answers calls."""

    files: dict[str, bytes] = field(default_factory=folder)
    root: str = "RoutingService.wsdl"
    own: str = "http://internal:81/MicrosoftDynamicsAXAif60/Inner/xppservice.svc"
    reply: Callable[[Request], bytes] = lambda _: keys()
    fetched: list[str] = field(default_factory=list)
    """queries that were asked, in order"""

    def __call__(self, request: Request) -> bytes:
        query = request.target.partition("?")[2]
        if request.method == "POST":
            return self.reply(request)
        self.fetched.append(query)
        name = self.root if query == "wsdl" else query.partition("=")[2]
        if name not in self.files:
            return answer("404 Not Found")
        return answer("200 OK", "Content-Type: text/xml", body=self._served(self.files[name]))

    def _served(self, content: bytes) -> bytes:
        def absolute(found: re.Match[str]) -> str:
            kind = "wsdl" if found[2].endswith(".wsdl") else "xsd"
            return f'{found[1]}="{self.own}?{kind}={found[2]}"'

        text = re.sub(r'(schemaLocation|location)="([^":?]+)"', absolute, content.decode())
        return text.encode()


def soap(body: str, status: str = "200 OK") -> bytes:
    """A SOAP message as an answer."""
    return answer(status, "Content-Type: text/xml; charset=utf-8", body=_ENVELOPE.format(body).encode())


def keys() -> bytes:
    """The answer to a create that wrote nothing."""
    return soap(f'<PaymSchedServiceCreateResponse xmlns="{SERVICES}"/>')


def fault(code: str, text: str) -> bytes:
    """A fault of WCF."""
    return soap(f"<s:Fault><faultcode>{code}</faultcode><faultstring>{text}</faultstring></s:Fault>", "500 Internal Server Error")
