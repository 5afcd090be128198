"""Signing people in by OpenID Connect: the authorization code flow with PKCE, at one identity provider.

What somebody may do stands in a claim of theirs; people of the provider are not kept here, their sessions are.
"""

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from connector.access import people, secret, tokens
from connector.errors import NotAllowed, NotReachable, NotSignedIn, Refused
from connector.ledger import Ledger, credentials
from connector.ledger import people as kept
from connector.ledger.credentials import Credential, Kind
from connector.ledger.people import Person
from connector.rights import Role

#: So long somebody may take at the provider, in seconds.
PATIENCE_S: Final = 600.0

_TIMEOUT_S: Final = 10.0
_LEEWAY_S: Final = 60
#: Signed with a key of the provider: never by our own secret, never not at all.
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What the provider knows this dispatcher by, and how its claims are read. `roles`: which value means which role."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name_claim: str
    role_claim: str
    roles: Mapping[str, Role]
    instance_claim: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A sign-in that is under way: where to send the browser, and what it must bring back."""

    url: str = field(repr=False)
    state: str = field(repr=False)


class Provider:
    """One identity provider. What it publishes of itself is asked for when it is needed first."""

    def __init__(self, registration: Registration, *, redirect_uri: str) -> None:
        """Raises Refused for an issuer that is not named by https: nobody could tell who answers."""
        parts = urlsplit(registration.issuer)
        if parts.scheme != "https" and parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
            raise Refused("the identity provider is not named by https.", advice="Correct RAPIDSTART_OIDC_ISSUER.")
        self._is, self._redirect_uri = registration, redirect_uri

    def begin(self, ledger: Ledger, *, following: str) -> Begun:
        """Begin a sign-in. Raises NotReachable, where the provider does not answer."""
        state, nonce, verifier = secret.new(), secrets.token_urlsafe(32), secrets.token_urlsafe(64)
        with self._asking() as session:
            where = self._published["authorization_endpoint"]
            url, _ = session.create_authorization_url(where, state=state, nonce=nonce, code_verifier=verifier)
        now = time.time()
        begun = Credential(
            key=f"sign-in:{secret.handle()}",
            kind=Kind.SIGN_IN,
            digest=secret.digest(state),
            name="",
            role=Role.VIEWER,
            made_at=now,
            expires_at=now + PATIENCE_S,
            details={"nonce": nonce, "verifier": verifier, "next": following},
        )
        with ledger.write() as db:
            credentials.clean(db, now=now)
            credentials.add(db, begun)
        return Begun(url=url, state=state)

    def finish(self, ledger: Ledger, *, state: str, code: str, address: str) -> tuple[str, str]:
        """A session's secret for who came back with this code, and where they wanted to go.

        Raises NotSignedIn, NotAllowed for who has no role here, NotReachable.
        """
        begun = _take(ledger, state)
        with self._asking() as session:
            told = session.fetch_token(
                self._published["token_endpoint"], code=code, code_verifier=begun["verifier"], timeout=_TIMEOUT_S
            )
            claims = self._claims(str(told["id_token"]), nonce=begun["nonce"])
        return people.admit(ledger, self._person(ledger, claims), way="OpenID Connect", address=address), begun["next"]

    def _claims(self, id_token: str, *, nonce: str) -> Mapping[str, Any]:
        """What the provider says of a person, once it is proved that it says so, to us, now, and for this sign-in."""
        keys = KeySet.import_key_set(_get(self._published["jwks_uri"]))
        claims = jwt.decode(id_token, keys, algorithms=_ALGORITHMS).claims
        expected = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": self._is.issuer},
            aud={"essential": True, "value": self._is.client_id},
            sub={"essential": True},
            exp={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        expected.validate(claims)
        return claims

    def _person(self, ledger: Ledger, claims: Mapping[str, Any]) -> Person:
        name = str(claims.get(self._is.name_claim) or claims["sub"])
        tokens.check_name(name)
        with ledger.read() as db:
            if kept.find(db, name):
                raise NotAllowed(f"{name} signs in here otherwise.", advice=f"Remove that one: rapidstart person remove {name}")
        found = [self._is.roles[value] for value in _texts(claims.get(self._is.role_claim)) if value in self._is.roles]
        role = next((each for each in (Role.ADMINISTRATOR, Role.OPERATOR, Role.VIEWER) if each in found), None)
        if role is None:
            raise NotAllowed(f"{name} has no role here.", advice="The identity provider gives one (RAPIDSTART_OIDC_ROLES).")
        instances = self._is.instance_claim and tuple(_texts(claims.get(self._is.instance_claim)))
        if instances == ():
            raise NotAllowed(f"{name} has no service instance here.", advice="The identity provider gives them, as a claim.")
        return Person(key=name.lower(), name=name, role=role, service_instances=instances or None, made_at=time.time())

    @cached_property
    def _published(self) -> Mapping[str, Any]:
        """What the provider tells of itself."""
        found: dict[str, Any] = _get(f"{self._is.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self._is.issuer:
            raise NotReachable("the identity provider calls itself otherwise.", advice="Correct RAPIDSTART_OIDC_ISSUER.")
        return found

    @contextmanager
    def _asking(self) -> Iterator[OAuth2Session]:
        """A client of the provider; what goes wrong with it, and with what it answers, is told in our words."""
        session = OAuth2Session(
            self._is.client_id,
            self._is.client_secret,
            scope="openid profile email",
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
        )
        try:
            yield session
        except requests.RequestException as error:
            raise NotReachable("the identity provider does not answer.", advice="Try again; else ask its operator.") from error
        except (AuthlibBaseError, JoseError, KeyError, ValueError) as error:
            raise NotSignedIn("the identity provider's answer proves nothing.", advice="Sign in again.") from error
        finally:
            session.close()


def _take(ledger: Ledger, state: str) -> Mapping[str, str]:
    """What was kept of a sign-in that was begun; once. Raises NotSignedIn."""
    with ledger.write() as db:
        found = credentials.by_digest(db, secret.digest(state))
        is_begun = found is not None and found.kind is Kind.SIGN_IN and time.time() < (found.expires_at or 0.0)
        if found is None or not is_begun or not credentials.remove(db, found.key):
            raise NotSignedIn("this sign-in was finished already, or took too long.", advice="Sign in again.")
    return found.details


def _get(url: str) -> Any:
    answer = requests.get(url, timeout=_TIMEOUT_S)
    answer.raise_for_status()
    return answer.json()


def _texts(claim: object) -> Sequence[str]:
    """A claim with one value or several."""
    if isinstance(claim, str):
        return [claim]
    return [each for each in claim if isinstance(each, str)] if isinstance(claim, list) else []
