"""What can be told of an AOS instance by the name of its host: ports, addresses, and on Windows what its setup left."""

import getpass
import platform
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from workers.errors import GiveUp

#: The first instance on a computer takes these; each further one counts one up.
_RPC, _WSDL, _SERVICES = 2712, 8101, 8201
_SITE_PATH: Final = "/MicrosoftDynamicsAXAif60/{port}/xppservice.svc"
_SERVICE_PATH: Final = "/DynamicsAx/Services/{port}"
_HOST: Final = re.compile(r"[A-Za-z0-9_.-]{1,253}")
_DEFAULT_PORT: Final = "RapidStart"
#: How Windows is asked for an account: with its domain.
_SAM_COMPATIBLE: Final = 2
#: Where the setup of AX 2012 keeps its instances, as 01, 02.
_REGISTRY: Final = r"SYSTEM\CurrentControlSet\Services\Dynamics Server\6.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An AOS instance as it is to be registered."""

    service_host: str
    aos_instance: str
    """its number, or its name where the setup told that"""
    how: str
    """where the instance was known from"""
    site: str = ""
    """the web site of its ports, where they are on IIS; "": they are on the AOS itself, over net.tcp"""
    rpc_port: int
    wsdl_port: int
    services_port: int
    ports: tuple[str, ...]
    companies: tuple[str, ...]
    partition: str

    @property
    def addresses(self) -> list[str]:
        """The addresses of its integration ports. One on net.tcp says where its contract is only where that is unusual."""
        if self.site:
            return [self.site + _SITE_PATH.format(port=port) for port in self.ports]
        usual = self.wsdl_port == self.services_port - (_SERVICES - _WSDL)
        told = "" if usual else f"?wsdl={self.wsdl_port}"
        origin = f"net.tcp://{self.service_host}:{self.services_port}"
        return [f"{origin}{_SERVICE_PATH.format(port=port)}{told}" for port in self.ports]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """An instance as the setup of AX left it on this computer."""

    number: int
    name: str
    rpc_port: int
    wsdl_port: int
    services_port: int


def find(
    service_host: str,
    *,
    aos_instance: str | None,
    ports: Sequence[str],
    companies: Sequence[str],
    partition: str,
    installed: Sequence[Instance] = (),
) -> Found:
    """Everything that the host's name tells. `installed`: the instances of this computer, where the host is this one.

    Raises GiveUp for what names no host, or an instance that is not there.
    """
    site, host = _parts(service_host)
    chosen, how = _instance(aos_instance, installed if is_here(host) else ())
    return Found(
        service_host=host,
        aos_instance=chosen.name or str(chosen.number),
        how=how,
        site=site,
        rpc_port=chosen.rpc_port,
        wsdl_port=chosen.wsdl_port,
        services_port=chosen.services_port,
        ports=tuple(ports) or (_DEFAULT_PORT,),
        companies=tuple(company.upper() for company in companies),
        partition=partition,
    )


def changed(found: Found, **told: object) -> Found:
    """The same with what was told instead; None leaves a value as it is."""
    return replace(found, **{name: value for name, value in told.items() if value is not None})  # type: ignore[arg-type]


def counted(number: int) -> Instance:
    """The ports of an instance by its number, as the setup counts them."""
    return Instance(
        number=number, name="", rpc_port=_RPC + number - 1, wsdl_port=_WSDL + number - 1, services_port=_SERVICES + number - 1
    )


def is_here(host: str) -> bool:
    """Whether a host is this computer, as far as its name tells."""
    mine = platform.node().casefold().partition(".")[0]
    return host.casefold() in {"localhost", "127.0.0.1", "::1"} or host.casefold().partition(".")[0] == mine


def account() -> str:
    r"""The account that this process runs under, as DOMAIN\user on Windows."""
    if sys.platform == "win32":
        import ctypes

        buffer = ctypes.create_unicode_buffer(256)
        size = ctypes.c_ulong(len(buffer))
        if ctypes.windll.secur32.GetUserNameExW(_SAM_COMPATIBLE, buffer, ctypes.byref(size)):
            return buffer.value
    try:
        return getpass.getuser()
    except OSError:  # it has no name
        return ""


def installed() -> list[Instance]:
    """The instances of AX 2012 that are installed on this computer; none where it is no Windows."""
    if sys.platform != "win32":
        return []
    import winreg

    def values(key: Any) -> dict[str, str]:
        count = winreg.QueryInfoKey(key)[1]
        return {name.lower(): str(value) for name, value, _ in (winreg.EnumValue(key, each) for each in range(count))}

    found = []
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _REGISTRY) as root:
            for each in [winreg.EnumKey(root, at) for at in range(winreg.QueryInfoKey(root)[0])]:
                with winreg.OpenKey(root, each) as key:
                    told = values(key)
                    with winreg.OpenKey(key, told.get("current", "")) as current:
                        found.append(of_setup(each, told, values(current)))
    except OSError:  # no AOS is installed here
        return found
    return found


def of_setup(number: str, told: Mapping[str, str], current: Mapping[str, str]) -> Instance:
    """An instance by what the setup wrote of it and of its configuration; names of values in lower case."""
    usual = counted(int(number) if number.isdigit() else 1)
    return Instance(
        number=usual.number,
        name=told.get("instancename", ""),
        rpc_port=_port(current, ("port",), usual.rpc_port),
        wsdl_port=_port(current, ("wsdlport", "wsdl_port"), usual.wsdl_port),
        services_port=_port(current, ("nettcpport", "servicesport", "nettcp_port"), usual.services_port),
    )


def _port(values: Mapping[str, str], names: Sequence[str], usual: int) -> int:
    return next((int(values[name]) for name in names if values.get(name, "").isdigit()), usual)


def _instance(wanted: str | None, installed: Sequence[Instance]) -> tuple[Instance, str]:
    if wanted is None and installed:
        others = f"; {len(installed)} instances, choose with --aos-instance" if len(installed) > 1 else ""
        return installed[0], f"found in the registry{others}"
    for each in installed:
        if wanted is not None and wanted.casefold() in {each.name.casefold(), str(each.number)}:
            return each, "found in the registry"
    if wanted is None:
        return counted(1), "the first of its computer"
    if wanted.isdigit() and 1 <= int(wanted) <= 99:
        return counted(int(wanted)), "as named; ports counted up from the first one's"
    known = ", ".join(each.name or str(each.number) for each in installed)
    raise GiveUp(
        f"the AOS instance {wanted!r} is not known here{f' (there are {known})' if known else ''}.",
        advice="Name it by its number on its computer, 1 for the first one: --aos-instance 1",
        code="RSC-5984",
    )


def _parts(service_host: str) -> tuple[str, str]:
    """The web site and the computer that a host names; the site is "" where it names the AOS itself."""
    parts = urlsplit(service_host) if "://" in service_host else urlsplit("")
    host = (parts.hostname or "") if parts.scheme else service_host
    if not _HOST.fullmatch(host) or parts.scheme not in {"", "http", "https", "net.tcp"}:
        raise GiveUp(
            f"{service_host!r} names no computer.", advice="Say it as AOSPROD01, or as http://AOSPROD01:80.", code="RSC-5984"
        )
    return (f"{parts.scheme}://{parts.netloc}", host) if parts.scheme in {"http", "https"} else ("", host)
