"""Asks the dispatcher who may do what: tokens of programs, and people who may sign in."""

from collections.abc import Sequence
from urllib.parse import quote

from connector import rights
from connector.client import Client


class Accounts:
    """Tokens and people, by a client that proves to be an administrator. Every method raises RapidStartError."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def whoami(self) -> rights.Identity:
        """Who this client is, as it was proved."""
        return self._client.ask(rights.Identity, "GET", "/whoami")

    def create_token(
        self, name: str, *, role: str, service_instances: Sequence[str] = (), days: float | None = None
    ) -> rights.NewToken:  # fmt: skip
        """Make a token for a program, for these service instances (none named: all); its secret is told this once."""
        body = {"name": name, "role": role, "service_instances": list(service_instances) or None, "days": days}
        return self._client.ask(rights.NewToken, "POST", "/tokens", json=body)

    def tokens(self) -> list[rights.Token]:
        """All tokens, by name, without their secrets."""
        return list(self._client.pages("/tokens", rights.TokenPage))

    def revoke_token(self, name: str) -> None:
        """Make a token worthless, at once."""
        self._client.tell("DELETE", f"/tokens/{quote(name, safe='')}")

    def people(self) -> list[rights.Person]:
        """Who may sign in, by name."""
        return list(self._client.pages("/people", rights.PersonPage))

    def link_person(self, name: str, *, role: str | None = None, service_instances: Sequence[str] = ()) -> rights.SigninLink:
        """Make a link that signs a person in, once, within the hour."""
        body = {"name": name, "role": role, "service_instances": list(service_instances) or None}
        return self._client.ask(rights.SigninLink, "POST", "/people", json=body)

    def remove_person(self, name: str) -> None:
        """Let somebody sign in no more, and end their sessions."""
        self._client.tell("DELETE", f"/people/{quote(name, safe='')}")
