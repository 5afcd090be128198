"""A contract folder as `endpoint add --contract` takes it: its WSDL and XSD files, and the addresses that they name."""

import base64
import io
import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click
from lxml import etree

from connector.cli import folders

#: Where an AX integration port on IIS answers.
_PORT_PATH: Final = "/MicrosoftDynamicsAXAif60/{port}/xppservice.svc"
#: Where the AOS itself answers, over net.tcp.
_SERVICE_PATH: Final = "/DynamicsAx/Services/{port}"
#: The first instance on a computer takes 8201 and 8101, the next one more, as AX' setup counts them.
_SERVICES, _WSDL = 8200, 8100
_APART: Final = _SERVICES - _WSDL
_DEFAULT_PORT: Final = "RapidStart"
_HOST: Final = re.compile(r"[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]+\]")
_SUFFIXES: Final = {".wsdl", ".xsd"}
_ADDRESSES: Final = tuple(f"{{http://schemas.xmlsoap.org/wsdl/{soap}/}}address" for soap in ("soap", "soap12"))


def packed(folder: Path) -> str:
    """The folder's WSDL and XSD files as a zip, base64. Raises click.UsageError where it holds no WSDL."""
    files = _files(folder)
    if not any(path.suffix.lower() == ".wsdl" for path in files):
        raise click.UsageError(f"{folder.name} holds no .wsdl file: name the folder of a saved contract.")
    buffer = io.BytesIO()
    folders.write_zip(buffer, files, root=folder)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def addresses(url: str, *, ports: tuple[str, ...], contract: Path | None) -> list[str]:
    """The addresses of an endpoint: a full `.svc` or `net.tcp` URL as it is, else one for each port on the URL's origin.

    Without a port named, a contract's own paths are taken, else the port RapidStart. Raises click.UsageError.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https", "net.tcp"} or not parts.hostname:
        raise click.UsageError(f"--url {url} is not an address: say it as http://HOST:PORT.")
    if parts.scheme == "net.tcp" and parts.path in {"", "/"}:
        return [f"net.tcp://{parts.netloc}{_SERVICE_PATH.format(port=port)}" for port in ports or (_DEFAULT_PORT,)]
    if parts.scheme == "net.tcp" or parts.path.lower().endswith(".svc"):
        return [url]
    origin = f"{parts.scheme}://{parts.netloc}"
    if contract is not None and not ports:
        paths = _paths(contract)
        if paths:
            return [origin + path for path in paths]
    return [origin + _PORT_PATH.format(port=port) for port in ports or (_DEFAULT_PORT,)]


def of_instance(
    host: str, *, instance: int, ports: tuple[str, ...], services_port: int | None = None, wsdl_port: int | None = None
) -> list[str]:
    """The net.tcp addresses of an AOS instance, by the ports that AX' setup gives it where none are named.

    An address says where its contract is only where that is not the usual place. Raises click.UsageError.
    """
    if not _HOST.fullmatch(host):
        raise click.UsageError(f"--host {host} is not the name of a computer: say it as aos01.contoso.com.")
    services = services_port or _SERVICES + instance
    wsdl = wsdl_port or _WSDL + instance
    told = "" if wsdl == services - _APART else f"?wsdl={wsdl}"
    return [f"net.tcp://{host}:{services}{_SERVICE_PATH.format(port=port)}{told}" for port in ports or (_DEFAULT_PORT,)]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in _SUFFIXES)


def _paths(folder: Path) -> list[str]:
    """The paths of the HTTP addresses that the folder's WSDL files name, each once."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    found: dict[str, None] = {}
    for path in _files(folder):
        if path.suffix.lower() != ".wsdl":
            continue
        try:
            tree = etree.parse(path, parser)
        except etree.XMLSyntaxError as error:
            raise click.UsageError(f"{path.name} is not a WSDL file: {error}.") from error
        for element in tree.iter(*_ADDRESSES):
            parts = urlsplit(element.get("location", ""))
            if parts.scheme in {"http", "https"}:
                found[parts.path] = None
    return list(found)
