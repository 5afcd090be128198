"""By what name an AOS is known to Kerberos."""

from enum import StrEnum


class TargetName(StrEnum):
    """The name that a ticket is asked for; NTLM needs none. AUTO tries them in this order."""

    AUTO = "auto"
    SPN = "spn"
    """host/<full name of the computer>"""
    UPN = "upn"
    """the account that the AOS runs under, as its contract tells it"""
    NTLM = "ntlm"


class NotLetIn(Exception):
    """A logon did not succeed. Kept within this room; its text may be shown."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.is_final = is_final
        """another name for the AOS would change nothing: the peer refused the account itself"""
