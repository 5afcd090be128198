"""What a failure on a net.tcp connection means for the worker: one of its errors."""

from typing import Final

from workers.aos import situations
from workers.aos.nettcp import borrowed
from workers.aos.nettcp.borrowed import Excess
from workers.errors import GiveUp, Refusal, Retry, Unsettled, WorkerError

_AGAIN: Final = "The same call is made again with the same MessageId."
#: Framing faults [MC-NMF 2.2.4.4] of an AOS that is not ready; nothing was handed to a service.
_BUSY: Final = frozenset({"EndpointUnavailable", "ServerTooBusy", "ServiceActivationFailed", "ConnectionDispatchFailed"})


def translated(error: Exception, url: str, time_limit_s: float, *, writes: bool) -> WorkerError:
    """The workers' error for what `Channel` raises. `writes`: a message that writes went out, or may have."""
    fault = borrowed.fault_of(error)
    if fault:
        return _of_fault(fault, url, writes=writes)
    if isinstance(error, Excess) and not writes:
        return GiveUp(f"{url} answered with more than is read: {error}.", advice="Use smaller batches.", code="RSC-5906")
    what = _what(error, time_limit_s)
    if writes:
        return Unsettled(f"{url} {what} after the request was sent.", advice=_AGAIN)
    return Retry(f"{url} {what}.", advice="Check that the AOS runs, and its load.")


def _of_fault(fault: str, url: str, *, writes: bool) -> WorkerError:
    """The peer says itself why it goes no further, before a service has seen anything."""
    if fault == "MaxMessageSizeExceededFault":
        return Refusal(
            f"{url}: the message is larger than a quota of the AOS allows.",
            advice="It is sent in smaller calls. A larger maxReceivedMessageSize on the port would save them.",
            too_large=True,
            code=situations.TOO_LARGE,
        )
    if fault in _BUSY:
        return Retry(f"{url} takes no calls just now ({fault}).", advice="The AOS may be starting, or its ports being activated.")
    if writes:
        return Unsettled(f"{url} ended the connection ({fault}) after the request was sent.", advice=_AGAIN)
    if fault == "EndpointNotFound":
        return GiveUp(
            f"There is no service at {url}.",
            advice="Check the name of the port or service group in the endpoint's address, and that it is active in AX.",
            code="RSC-5902",
        )
    return GiveUp(
        f"{url} does not speak net.tcp as this worker does ({fault}).",
        advice="Check that the port uses NetTcpBinding, and RAPIDSTART_AOS_AUTHENTICATION (AX asks for windows).",
        code="RSC-5903",
    )


def _what(error: Exception, time_limit_s: float) -> str:
    if isinstance(error, TimeoutError):
        return f"did not answer within {time_limit_s:g} s"
    if isinstance(error, Excess):
        return f"answered with more than is read ({error})"
    if isinstance(error, ConnectionRefusedError):
        return "cannot be reached: nothing answers there"
    if isinstance(error, OSError):
        return f"cannot be reached: {(error.strerror or 'the connection was lost').lower()}"
    return "closed the connection, or sent what cannot be read"
