"""TLS towards an AOS: whose certificates are believed, and what is wrong with one that is not."""

import hashlib
import ssl
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from workers.aos import timed
from workers.errors import GiveUp


def trust(ca_file: str | None) -> ssl.SSLContext:
    """Believes the authorities in a file (PEM), or else those of this computer: on Windows its certificate store.

    Raises GiveUp where the file cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise GiveUp(
            "the file of RAPIDSTART_AOS_CA_FILE holds no certificates that can be read.",
            advice="Name a PEM file with the certificate of the authority (BEGIN CERTIFICATE).",
            code="RSC-5907",
        ) from error


class Adapter(HTTPAdapter):
    """One kept connection for each origin, no retries, answers in time; certificates are checked by the given context alone."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = context
        super().__init__(pool_connections=4, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Gives the context to the connections. See HTTPAdapter."""
        super().init_poolmanager(*args, ssl_context=self._context, **options)
        self.poolmanager.pool_classes_by_scheme = timed.POOLS

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002 - the signature is requests'
        """Leaves out requests' own bundle of authorities: the context has those that count."""
        conn.cert_reqs = "CERT_REQUIRED"


def fingerprint(response: requests.Response) -> bytes:
    """What a logon over this connection is bound to, as `tls-server-end-point` of RFC 5929; empty without TLS.

    IIS asks for it where Extended Protection is on: nobody in between can pass the logon on.
    """
    socket = getattr(response.raw.connection, "sock", None)
    certificate = socket.getpeercert(binary_form=True) if isinstance(socket, ssl.SSLSocket) else None
    if not certificate:
        return b""
    from cryptography import x509

    named = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    digest = "sha256" if named is None or named.name in ("md5", "sha1") else named.name
    return b"tls-server-end-point:" + hashlib.new(digest, certificate).digest()


def refused(error: requests.exceptions.SSLError, url: str) -> GiveUp:
    """The error of a connection that was not made because of TLS."""
    reason = getattr(error.args[0], "reason", error) if error.args else error
    inner = reason.args[0] if reason.args else reason
    verdict = getattr(inner, "verify_message", "")
    said = f"the certificate is not accepted, {verdict}" if verdict else str(getattr(inner, "reason", None) or inner)
    return GiveUp(
        f"{url}: TLS failed: {said.rstrip('.')}.",
        advice="Call the server by the name in its certificate; name the certificate's authority in RAPIDSTART_AOS_CA_FILE, "
        "or let this computer trust it.",
        code="RSC-5907",
    )
