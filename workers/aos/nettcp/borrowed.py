"""The one door to pynettcp: framing records [MC-NMF], the security stream [MS-NNS] and the table of names [MC-NBFS].

It is a young package: all else that net.tcp needs is ours, and without it everything but net.tcp works. What it leaves open
(sizes that the peer names, a deadline) is kept by the stream that it is given, see `wire`.
"""

from functools import cache
from types import ModuleType

from workers.errors import GiveUp


class Garbled(Exception):
    """The peer sent what is no net.tcp, or no message. Kept within this room."""


class Excess(Garbled):
    """The peer announced more than is read."""


@cache
def framing() -> ModuleType:
    """pynettcp.framing. Raises GiveUp where the package is not installed."""
    return _module("framing")


@cache
def security_stream() -> ModuleType:
    """pynettcp.nns. Raises GiveUp where the package is not installed."""
    return _module("nns")


@cache
def strings() -> tuple[str, ...]:
    """The table of names that every peer knows, by index. Raises GiveUp where the package is not installed."""
    found: tuple[str, ...] = _module("dictionary").STATIC_STRINGS
    return found


@cache
def errors() -> tuple[type[Exception], ...]:
    """All that a connection may fail with: what is raised for bytes that nobody expects, and the network's own."""
    return (_module("errors").PyNetTcpError, ValueError, EOFError, Garbled, OSError)


def fault_of(error: Exception) -> str:
    """The last word of the framing fault that an error is, as EndpointNotFound; "" for any other error."""
    return str(error.short) if isinstance(error, framing().FramingFault) else ""


def is_refused(error: Exception) -> bool:
    """Whether the peer ended a logon, and said so."""
    return isinstance(error, _module("nns").HandshakeFailed)


def number(value: int) -> bytes:
    """A MultiByteInt31, as lengths and ids are written."""
    found: bytes = _module("varint").encode_multibyte_int31(value)
    return found


def read_number(stream: object) -> int:
    """A MultiByteInt31 off a stream. Raises what `errors` names."""
    found: int = _module("varint").read_multibyte_int31(stream)
    return found


@cache
def _module(name: str) -> ModuleType:
    try:
        import importlib

        return importlib.import_module(f"pynettcp.{name}")
    except ImportError as error:
        raise GiveUp(
            "net.tcp needs the package pynettcp, which is not installed here.",
            advice="Install it: pip install rapidstart-connector[nettcp], or name the port's HTTP address.",
            code="RSC-5913",
        ) from error
