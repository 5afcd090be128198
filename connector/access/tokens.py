"""API tokens: made once, told once, known by their digest, and worth nothing from the moment they are revoked."""

import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from connector.access import secret
from connector.access.principal import Principal
from connector.errors import NotAllowed, NotReachable, NotSignedIn, Refused
from connector.ledger import Ledger, audit, credentials
from connector.ledger.credentials import Credential, Kind
from connector.rights import Role

_NAME: Final = re.compile(r"[\w][\w .@-]{0,59}")

#: Uses within this time of the last one are not noted, in seconds: reading must not mean writing.
_NOTED_S: Final = 60.0

_SIGN_IN: Final = "Sign in, or name a token: RAPIDSTART_TOKEN_FILE. An administrator makes one: rapidstart token create NAME"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A credential that was just made, with the secret that nobody can tell again."""

    credential: Credential
    secret: str = field(repr=False)


def create(
    ledger: Ledger,
    name: str,
    *,
    role: Role,
    service_instances: Sequence[str] | None,
    days: float | None,
    maker: Principal,
) -> Made:
    """Make a token for a program. Raises Refused, Conflict for a name that is taken, NotAllowed for more than the maker sees."""
    check_name(name)
    instances = tuple(service_instances) if service_instances else None
    if not maker.covers(instances):
        raise NotAllowed("you cannot give away more than you have.", advice="Name service instances of yours: rapidstart whoami")
    now, text = time.time(), secret.new()
    made = Credential(
        key=name.lower(),
        kind=Kind.TOKEN,
        digest=secret.digest(text),
        name=name,
        role=role,
        service_instances=instances,
        made_at=now,
        made_by=maker.name,
        expires_at=now + days * 86400 if days else None,
    )
    with ledger.write() as db:
        credentials.add(db, made)
        told = {"role": role, "service instances": instances, "days": days}
        audit.note(db, "token create", by=maker.by, subject=name, at=now, details=told)
    return Made(credential=made, secret=text)


def revoke(ledger: Ledger, name: str, *, maker: Principal) -> None:
    """Make a token worthless, at once. Raises NotFound, NotAllowed."""
    with ledger.write() as db:
        found = credentials.revoke_token(db, name)
        if not maker.covers(found.service_instances):
            raise NotAllowed("you may not revoke what reaches further than you.", advice="Ask an administrator of all of it.")
        audit.note(db, "token revoke", by=maker.by, subject=found.name, at=time.time())


def principal(ledger: Ledger, text: str, *, address: str) -> Principal:
    """Whose token this is. Raises NotSignedIn for one that is unknown, revoked or expired."""
    now = time.time()
    with ledger.read() as db:
        found = credentials.by_digest(db, secret.digest(text))
    if found is None or found.kind not in {Kind.TOKEN, Kind.LOCAL}:
        raise NotSignedIn("the token is not known here, or was revoked.", advice=_SIGN_IN)
    if found.expires_at is not None and found.expires_at <= now:
        raise NotSignedIn(f"the token {found.name} has expired.", advice=_SIGN_IN)
    note_use(ledger, found, at=now)
    return Principal(name=found.name, role=found.role, service_instances=found.service_instances, key=found.key, address=address)


def nobody() -> NotSignedIn:
    """What is said to who shows nothing."""
    return NotSignedIn("nobody is signed in.", advice=_SIGN_IN)


def note_use(ledger: Ledger, credential: Credential, *, at: float) -> None:
    """Keep when a credential was used last, to the minute. A use that cannot be noted is a use all the same."""
    if at - (credential.used_at or 0.0) < _NOTED_S:
        return
    with suppress(NotReachable), ledger.write() as db:
        credentials.used(db, credential.key, at=at)


def check_name(name: str) -> None:
    """Raises Refused for what cannot name a token or a person."""
    if not _NAME.fullmatch(name):
        raise Refused("this cannot be a name.", advice="Use up to 60 letters, digits, blanks, and . @ - _")
