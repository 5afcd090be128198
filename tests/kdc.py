"""A throw-away Kerberos domain on a free loopback port: MIT's KDC, its principals, and the files that programs find it by."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.aos.mono import free_port

REALM = "CONTOSO.EXAMPLE"
#: By what name Kerberos knows this computer.
HOST = socket.getfqdn("localhost")
_SBIN = f"/usr/sbin{os.pathsep}/usr/local/sbin"
_ADVICE = "Debian: apt-get install krb5-kdc krb5-admin-server krb5-user libkrb5-dev gss-ntlmssp; pip install gssapi krb5"
#: The clocks of two computers may be so far apart, in seconds; also how long a ticket is taken beyond its end.
SKEW_S = 2
_CLIENT = """
[libdefaults]
default_realm = {realm}
dns_lookup_kdc = false
dns_lookup_realm = false
dns_canonicalize_hostname = false
qualify_shortname = ""
rdns = false
udp_preference_limit = 1
clockskew = {skew}
[realms]
{realm} = {{
  kdc = 127.0.0.1:{port}
}}
"""
_SERVER = """
[kdcdefaults]
kdc_listen = ""
kdc_tcp_listen = 127.0.0.1:{port}
[realms]
{realm} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
  acl_file = {folder}/acl
  max_life = 1h
}}
[logging]
kdc = FILE:{folder}/log
"""


class NotInstalled(Exception):
    """There is no KDC to start, or no library that could ask it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A KDC that runs. `keytab` holds the keys of the services."""

    folder: Path
    port: int

    @property
    def keytab(self) -> Path:
        return self.folder / "keytab"

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to find the domain, and a service its keys; no tickets of others."""
        return {
            "KRB5_CONFIG": str(self.folder / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(self.folder / "kdc.conf"),
            "KRB5_KTNAME": f"FILE:{self.keytab}",
            "KRB5CCNAME": f"FILE:{self.folder / 'tickets'}",
        }

    def account(self, name: str, password: str, *, life_s: int = 3600) -> None:
        """Makes an account; its tickets last so long."""
        self.admin(f'addprinc +requires_preauth -pw "{password}" -maxlife "{life_s} seconds" {name}')

    def service(self, *names: str) -> None:
        """Makes principals of services, with their keys in the keytab."""
        for name in names:
            self.admin(f"addprinc -randkey {name}")
            self.admin(f"ktadd -k {self.keytab} {name}")

    def admin(self, query: str) -> None:
        _run(["kadmin.local", "-q", query], self.environment)

    def refusals(self) -> int:
        """How often a password was wrong."""
        return (self.folder / "log").read_text(encoding="utf-8").count("PREAUTH_FAILED")

    def follow_no_clock(self) -> None:
        """Clients no longer reckon with a clock of the domain that differs from theirs."""
        file = self.folder / "krb5.conf"
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("[libdefaults]", "[libdefaults]\nkdc_timesync = 0"), encoding="utf-8")

    def has_tickets(self) -> bool:
        """Whether those that `log_on` got are still good."""
        return _done(["klist", "-s"], self.environment).returncode == 0

    def log_on(self, account: str, password: str) -> None:
        """What kinit does: tickets for programs that run as this account."""
        _run(["kinit", account], self.environment, told=password)


@contextmanager
def running(folder: Path, *, ahead_s: int = 0) -> Iterator[Domain]:
    """A domain without accounts. `ahead_s`: its clock is so much ahead. Raises NotInstalled."""
    command = [_found("krb5kdc"), "-n", "-P", str(folder / "pid")]
    clock = _clock(ahead_s) if ahead_s else {}
    domain = Domain(folder=folder, port=free_port())
    said = {"realm": REALM, "folder": folder, "port": domain.port, "skew": SKEW_S}
    (folder / "krb5.conf").write_text(_CLIENT.format(**said), encoding="utf-8")
    (folder / "kdc.conf").write_text(_SERVER.format(**said), encoding="utf-8")
    _run(["kdb5_util", "create", "-s", "-P", "master"], domain.environment)
    with subprocess.Popen(command, env=os.environ | domain.environment | clock, stdout=subprocess.DEVNULL) as process:
        try:
            _await(domain.port, process)
            yield domain
        finally:
            process.terminate()


def _clock(ahead_s: int) -> dict[str, str]:
    """What makes a program see another time. The command faketime would stand between us and the program that must end."""
    found = next(iter(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)
    if found is None:
        raise NotInstalled("libfaketime is not installed here (Debian: apt-get install faketime)")
    return {"LD_PRELOAD": str(found), "FAKETIME": f"{ahead_s:+}s"}


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert process.poll() is None, "the KDC has ended"
            assert time.monotonic() < until, "the KDC does not listen"
            time.sleep(0.02)


def _run(command: list[str], environment: dict[str, str], told: str = "") -> None:
    done = _done(command, environment, told)
    assert done.returncode == 0, done.stderr


def _done(command: list[str], environment: dict[str, str], told: str = "") -> subprocess.CompletedProcess[str]:
    program = [_found(command[0]), *command[1:]]
    given = os.environ | environment
    return subprocess.run(program, env=given, input=told, capture_output=True, text=True, timeout=60, check=False)


def _found(program: str) -> str:
    """Where a program is; those of administrators are not on everybody's path."""
    found = shutil.which(program) or shutil.which(program, path=_SBIN)
    if not found:
        raise NotInstalled(f"{program} is not installed here ({_ADVICE})")
    return found
