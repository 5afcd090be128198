"""What this computer keeps of a registration: its key, its dispatcher's, its login at the broker, and what it may be told to do.

All of it lies in one folder per endpoint. A key is made before anybody is asked, and kept for the next try.
"""

import json
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from connector.wire import keys
from connector.wire.keys import KeyUnreadable
from workers import keeping, letters, policy
from workers.enrol.device import Given
from workers.enrol.finding import Found
from workers.errors import GiveUp
from workers.keeping import LOGIN_FILE

FILE: Final = "registration.json"
#: What a broker's URL says of files on the computer that uses it.
_OWN_FILES: Final = {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"}
_ADVICE: Final = "Check that this account may write to RAPIDSTART_HOME."


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """That this computer is a machine of an endpoint."""

    endpoint: str
    dispatcher: str
    """the address of its dispatcher"""
    service_host: str
    aos_instance: str


def known(home: Path) -> list[Membership]:
    """The endpoints that this computer is registered for, by name. Files that cannot be read are left out."""
    found = []
    for file in sorted((home / "endpoints").glob(f"*/{FILE}")):
        try:
            found.append(Membership(**json.loads(file.read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError):
            continue
    return found


def knows(home: Path, found: Found) -> bool:
    """Whether this computer is registered for this AOS instance already."""
    return any(_is_same(each, found) for each in known(home))


def key_for(home: Path, found: Found, *, endpoint: str) -> tuple[Path, keys.Public]:
    """The key to register with, and its file: that of the last time, where this AOS instance, or the endpoint that is named, was
    registered before.

    Raises GiveUp.
    """
    mine = endpoint or next((each.endpoint for each in known(home) if _is_same(each, found)), "")
    folder = home / "endpoints" / mine.lower()
    slug = re.sub(r"[^a-z0-9.-]", "-", f"{found.service_host}-{found.aos_instance}".lower())
    file = folder / letters.MACHINE_FILE if mine else home / "registering" / f"{slug}.key"
    if mine and not file.exists():
        file = home / "registering" / f"{slug}.key"
    try:
        return file, keeping.ring_or_new(file)[-1].public
    except KeyUnreadable as error:
        raise GiveUp(str(error), advice=_ADVICE, code="RSC-5980") from error


def settle(
    home: Path,
    given: Given,
    found: Found,
    *,
    key_file: Path,
    broker_url: str,
    dispatcher: str,
    ca_file: str | None,
    client_certificate: str | None = None,
) -> bool:
    """Keep what this computer was given. Whether a policy file was written: one that is there stays. Raises GiveUp.

    `client_certificate` is shown to the broker; its key is in the same file.
    """
    folder = home / "endpoints" / given.endpoint.lower()
    try:
        ring = keeping.ring(key_file)
        if key_file.parent != folder:
            keeping.keep_ring(folder / letters.MACHINE_FILE, ring)
        letters.trust(folder, dispatcher=given.dispatcher_key)
    except KeyUnreadable as error:
        raise GiveUp(str(error), advice=_ADVICE, code="RSC-5980") from error
    keeping.keep(folder / LOGIN_FILE, _with_files(broker_url, ca_file, client_certificate))
    is_new = not (folder / policy.FILE).exists()
    mine = Membership(
        endpoint=given.endpoint, dispatcher=dispatcher, service_host=found.service_host, aos_instance=found.aos_instance
    )
    try:
        if is_new:
            keeping.put(folder / policy.FILE, _policy(found))
        keeping.put(folder / FILE, json.dumps(asdict(mine), indent=1) + "\n")
        if key_file.parent.parent == home:  # no endpoint's
            key_file.unlink()
    except OSError as error:
        raise GiveUp(f"the endpoint's folder cannot be written: {error.strerror}.", advice=_ADVICE, code="RSC-5983") from error
    return is_new


def forget(home: Path, endpoint: str) -> None:
    """Remove what this computer keeps of an endpoint, but for its policy, which holds for whoever comes. Raises GiveUp."""
    folder = home / "endpoints" / endpoint.lower()
    try:
        for name in (letters.MACHINE_FILE, letters.DISPATCHER_FILE, LOGIN_FILE, FILE):
            (folder / name).unlink(missing_ok=True)
        shutil.rmtree(folder / "contracts", ignore_errors=True)
    except OSError as error:
        raise GiveUp(f"the endpoint's folder cannot be cleared: {error.strerror}.", advice=_ADVICE, code="RSC-5983") from error


def with_own_files(broker_url: str, before: str) -> str:
    """The URL with the files of this computer that the one before named: the dispatcher knows nothing of them."""
    mine = [(name, value) for name, value in parse_qsl(urlsplit(before).query) if name in _OWN_FILES]
    parts = urlsplit(broker_url)
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), *mine])))


def _is_same(one: Membership, found: Found) -> bool:
    mine = (one.service_host.casefold(), one.aos_instance.casefold())
    return mine == (found.service_host.casefold(), found.aos_instance.casefold())


def _with_files(broker_url: str, ca_file: str | None, client_certificate: str | None) -> str:
    """The URL with the authority of the broker's certificate, and with what it wants to see, as this computer has them."""
    named = {"ssl_ca_certs": ca_file, "ssl_certfile": client_certificate, "ssl_keyfile": client_certificate}
    mine = {name: str(Path(file).absolute()) for name, file in named.items() if file}
    if not mine or not broker_url.startswith(("rediss:", "sentinels:")):
        return broker_url
    return with_own_files(broker_url, f"rediss:?{urlencode(mine)}")


def _policy(found: Found) -> str:
    """What was shown and agreed to, and no more: the addresses, and the companies where they were named."""
    origins = sorted({f"{parts.scheme}://{parts.netloc}/*" for parts in map(urlsplit, found.addresses)})
    return policy.text(addresses=origins, companies=found.companies or ("*",))
