"""Kerberos where there is no Windows: tickets by gssapi, for an AOS that is known by its computer or by its account.

It is Kerberos and nothing else: what could silently become NTLM is not offered to the AOS.
"""

from functools import cache
from types import ModuleType
from typing import Any, Final

from workers.aos.nettcp.borrowed import Garbled
from workers.aos.nettcp.naming import NotLetIn, TargetName
from workers.aos.values import Credentials

_KERBEROS: Final = "1.2.840.113554.1.2.2"
_SPNEGO: Final = "1.3.6.1.5.5.2"
#: krb5's numbers for an account that the domain itself refuses: password wrong (two), password too old, account locked.
_REFUSED: Final = {-1765328360, -1765328353, -1765328361, -1765328366}
_WRONG: Final = {-1765328360, -1765328353}
_SKEWED: Final = -1765328347
#: What WCF asks for: the peer must know it, to the last flag, else it ends the connection without a word.
_ASKED: Final = (
    "mutual_authentication",
    "replay_detection",
    "out_of_sequence_detection",
    "integrity",
    "confidentiality",
    "identify",
)


class Context:
    """A logon by Kerberos, and the encryption that comes of it. Raises NotLetIn where there is no ticket."""

    is_ntlm: Final = False

    def __init__(self, credentials: Credentials, *, target: TargetName, name: str) -> None:
        """`name`: the AOS' computer, or for the target UPN its account as user@REALM."""
        gss = _gssapi()
        kind = gss.NameType.kerberos_principal if target is TargetName.UPN else gss.NameType.hostbased_service
        try:
            self._context = gss.SecurityContext(
                name=gss.Name(name if target is TargetName.UPN else f"host@{name}", name_type=kind),
                mech=gss.OID.from_int_seq(_SPNEGO),
                creds=_tickets(gss, credentials),
                usage="initiate",
                flags=[gss.RequirementFlag[flag] for flag in _ASKED],
            )
        except gss.exceptions.GSSError as error:
            raise _not_let_in(error) from error

    @property
    def complete(self) -> bool:
        """Whether both sides are known to each other."""
        return bool(self._context.complete)

    @property
    def lasts_s(self) -> float:
        """How long the ticket is good for, in seconds."""
        try:
            return float(self._context.lifetime)
        except _gssapi().exceptions.GSSError:
            return 0.0

    def step(self, token: bytes | None = None) -> bytes | None:
        """The answer to the peer's token. Raises NotLetIn."""
        try:
            found: bytes | None = self._context.step(token)
        except _gssapi().exceptions.GSSError as error:
            raise _not_let_in(error) from error
        return found

    def wrap(self, data: bytes) -> bytes:
        """A frame, encrypted and signed. Raises Garbled."""
        try:
            sealed = self._context.wrap(data, encrypt=True)
        except _gssapi().exceptions.GSSError as error:
            raise Garbled("the logon has run out") from error
        if not sealed.encrypted:
            raise Garbled("nothing would be encrypted")
        found: bytes = sealed.message
        return found

    def unwrap(self, data: bytes) -> bytes:
        """What is in a frame. Raises Garbled."""
        try:
            found: bytes = self._context.unwrap(data).message
        except _gssapi().exceptions.GSSError as error:
            raise Garbled("a frame cannot be decrypted") from error
        return found


def principal(user: str) -> str:
    r"""An account as Kerberos writes it: DOMAIN\user is user@DOMAIN."""
    domain, parted, name = user.rpartition("\\")
    return f"{name}@{domain}" if parted else user


def _tickets(gss: ModuleType, credentials: Credentials) -> Any:
    """What the domain gives for the account; without one, the tickets of the process."""
    kerberos, spnego = gss.OID.from_int_seq(_KERBEROS), gss.OID.from_int_seq(_SPNEGO)
    user = gss.Name(principal(credentials.user), name_type=gss.NameType.kerberos_principal) if credentials.user else None

    def acquired(mechanism: Any) -> Any:
        if credentials.password is None:
            return gss.Credentials(name=user, usage="initiate", mechs=[mechanism])
        secret = credentials.password.encode()
        return gss.Credentials(gss.raw.acquire_cred_with_password(user, secret, mechs=[mechanism], usage="initiate").creds)

    _ = acquired(kerberos).lifetime  # asks the domain, which says why not; SPNEGO would only say that nothing is left
    found = acquired(spnego)
    gss.raw.set_neg_mechs(found, [kerberos])
    return found


def _not_let_in(error: Any) -> NotLetIn:
    number = error.min_code - (1 << 32) if error.min_code >> 31 else error.min_code
    said = "; ".join(error.get_all_statuses(error.min_code, False)).rstrip("\0 .")
    if isinstance(error, _gssapi().exceptions.ExpiredCredentialsError):
        return NotLetIn("the Kerberos tickets of this process have run out")
    if number == _SKEWED or "skew" in said.lower():
        return NotLetIn("the clocks of this computer and of the domain are more than 5 minutes apart")
    if number in _WRONG:
        return NotLetIn(f"the domain does not take the password ({said})", is_final=True)
    return NotLetIn(said, is_final=number in _REFUSED)


@cache
def _gssapi() -> ModuleType:
    try:
        import gssapi
        import gssapi.raw
    except (ImportError, OSError) as error:
        raise NotLetIn("Kerberos needs the package gssapi here (pip install rapidstart-connector[kerberos])") from error
    found: ModuleType = gssapi
    return found
