"""Services of Windows, by its service control manager. The only other place that knows pywin32 is `workers.service.hosted`."""

import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pywintypes
import win32con
import win32evtlogutil
import win32security
import win32service
import winerror

from workers.errors import GiveUp
from workers.service import rights
from workers.service.definition import Definition, Found, State, Stopped
from workers.service.events import SOURCE

log = logging.getLogger(__name__)

PREFIX: Final = "RapidStartConnector$"
#: Microsoft's own, as its installer named it.
ORIGINAL: Final = "RapidStartConnectorService"
#: Whom a service runs as where no account is named: the one that Windows has for each service. It has no password and no rights
#: on this computer, and is the computer's own account on others.
ACCOUNTS: Final = "NT SERVICE"
#: After a failure it is started again so much later, in milliseconds; a day without one, and it counts anew.
_AGAIN_MS: Final = (5_000, 30_000, 60_000)
_FORGET_S: Final = 86_400
#: How often a service that starts or stops is looked at, in seconds; how long it may take to start.
_LOOK_S: Final = 0.2
_START_S: Final = 90.0
_STATES: Final = {
    win32service.SERVICE_RUNNING: State.RUNNING,
    win32service.SERVICE_START_PENDING: State.STARTING,
    win32service.SERVICE_STOP_PENDING: State.STOPPING,
}


class WindowsServices:
    """The services of a Windows computer."""

    def name(self, instance: str) -> str:
        """As RapidStartConnector$AX60_PROD."""
        return f"{PREFIX}{instance}"

    def install(self, service: Definition) -> None:
        """It starts with the computer, after the AOS where one is here, and again after a failure. Raises GiveUp."""
        name = self.name(service.instance)
        account = service.account or rf"{ACCOUNTS}\{name}"
        command = _command(service)
        with _told("installed"), _manager() as manager:
            settings = (
                win32service.SERVICE_WIN32_OWN_PROCESS,
                win32service.SERVICE_AUTO_START,
                win32service.SERVICE_ERROR_NORMAL,
                command,
                None,
                False,
                _aos_services(manager, service.aos),
                account,
                service.password or "",
                service.title,
            )
            if self.status(service.instance) is State.MISSING:
                rest = settings[:-1]
                made = win32service.CreateService(manager, name, service.title, win32service.SERVICE_ALL_ACCESS, *rest)
                win32service.CloseServiceHandle(made)
            with _opened(manager, name) as handle:
                win32service.ChangeServiceConfig(handle, *settings)
                _make_lasting(handle)
            # The messages of the event log are in a library of pywin32: this installation's.
            win32evtlogutil.AddSourceToRegistry(SOURCE)
        _let_in(account, service, sid=_allowed(service.account) if service.account else rights.sid_of_service(name))

    def move(self, service: Definition) -> None:
        """Raises GiveUp."""
        same = win32service.SERVICE_NO_CHANGE
        with _told("moved"), _manager() as manager, _opened(manager, self.name(service.instance)) as handle:
            rest = (None, False, None, None, None, None)
            win32service.ChangeServiceConfig(handle, same, same, same, _command(service), *rest)
            win32evtlogutil.AddSourceToRegistry(SOURCE)

    def start(self, instance: str) -> None:
        """Raises GiveUp, also where it ends at once."""
        with _told("started"), _manager() as manager, _opened(manager, self.name(instance)) as handle:
            if win32service.QueryServiceStatus(handle)[1] == win32service.SERVICE_RUNNING:
                return
            win32service.StartService(handle, None)
            _await(handle, win32service.SERVICE_RUNNING, within_s=_START_S)

    def stop(self, instance: str, *, within_s: float) -> None:
        """Raises GiveUp, Stopped."""
        with _told("stopped"), _manager() as manager, _opened(manager, self.name(instance)) as handle:
            _end(handle, within_s=within_s)

    def status(self, instance: str) -> State:
        """Raises GiveUp."""
        with _told("looked at"), _manager(win32service.SC_MANAGER_CONNECT) as manager:
            try:
                with _opened(manager, self.name(instance), win32service.SERVICE_QUERY_STATUS) as handle:
                    return _STATES.get(win32service.QueryServiceStatus(handle)[1], State.STOPPED)
            except pywintypes.error as error:
                if error.winerror == winerror.ERROR_SERVICE_DOES_NOT_EXIST:
                    return State.MISSING
                raise

    def uninstall(self, instance: str) -> None:
        """Raises GiveUp."""
        with _told("removed"), _manager() as manager, _opened(manager, self.name(instance)) as handle:
            win32service.DeleteService(handle)

    def found(self) -> list[Found]:
        """Raises GiveUp."""
        with _told("listed"), _manager(win32service.SC_MANAGER_ENUMERATE_SERVICE) as manager:
            every = win32service.EnumServicesStatus(manager, win32service.SERVICE_WIN32, win32service.SERVICE_STATE_ALL)
            mine = [each for each in every if each[0].startswith(PREFIX) or each[0] == ORIGINAL]
            return [_found(manager, name, status) for name, _, status in mine]

    def remove(self, found: Found) -> None:
        """Raises GiveUp, Stopped."""
        with _told("removed"), _manager() as manager, _opened(manager, found.name) as handle:
            _end(handle, within_s=_START_S * 2)
            win32service.DeleteService(handle)


def _command(service: Definition) -> str:
    return subprocess.list2cmdline([*service.command(), "--hosted"])


def _make_lasting(handle: Any) -> None:
    """What has no place in a service's first settings."""
    actions = [(win32service.SC_ACTION_RESTART, pause) for pause in _AGAIN_MS]
    after = {"ResetPeriod": _FORGET_S, "RebootMsg": "", "Command": "", "Actions": actions}
    about = "Takes jobs of RapidStart Connector for an AOS of this computer, and carries them out through its services."
    settings = (
        (win32service.SERVICE_CONFIG_DESCRIPTION, about),
        (win32service.SERVICE_CONFIG_FAILURE_ACTIONS, after),
        (win32service.SERVICE_CONFIG_DELAYED_AUTO_START_INFO, True),
        (win32service.SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, True),
    )
    for level, value in settings:
        try:
            win32service.ChangeServiceConfig2(handle, level, value)
        except pywintypes.error as error:
            if error.winerror != winerror.ERROR_INVALID_LEVEL:
                raise
            log.warning("this Windows does not know setting %d of a service", level, extra={"action": "service_setting_unknown"})


def _allowed(account: str) -> str:
    """Let an account log on as a service: its number. Raises GiveUp."""
    with _told("given its account"):
        sid = win32security.LookupAccountName(None, account)[0]
        policy = win32security.LsaOpenPolicy("", win32security.POLICY_LOOKUP_NAMES | win32security.POLICY_CREATE_ACCOUNT)
        win32security.LsaAddAccountRights(policy, sid, ("SeServiceLogonRight",))
        return str(win32security.ConvertSidToStringSid(sid))


def _let_in(account: str, service: Definition, *, sid: str) -> None:
    """The account may write into the folder of its endpoint, and nobody else's. Raises GiveUp."""
    for words in rights.commands(service.folder, sid=sid):
        done = subprocess.run(
            ["icacls", *words],  # noqa: S607 - found on the system's path
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            told = f"the service is installed, but {account} could not be let into the folder of its endpoint."
            advice = "Call this as an administrator of this computer; it can be called again."
            raise GiveUp(told, advice=advice, code="RSC-5966")


def _aos_services(manager: Any, named: str | None) -> list[str]:
    """The service of the AOS on this computer, as AOS60$01: the one that is named, or the only one."""
    every = win32service.EnumServicesStatus(manager, win32service.SERVICE_WIN32, win32service.SERVICE_STATE_ALL)
    found = sorted(name for name, _, _ in every if name.upper().startswith("AOS60$"))
    if named is not None:
        return [name for name in found if name.upper() == named.upper()]
    return found if len(found) == 1 else []  # of several it is not known which one is meant


def _found(manager: Any, name: str, status: Any) -> Found:
    with _opened(manager, name, win32service.SERVICE_QUERY_CONFIG) as handle:
        command = str(win32service.QueryServiceConfig(handle)[3])
    ours = command.strip('"').lower().startswith(sys.executable.lower())
    state = _STATES.get(status[1], State.STOPPED)
    return Found(name=name, state=state, command=command, is_ours=ours, is_original=name == ORIGINAL)


def _end(handle: Any, *, within_s: float) -> None:
    if win32service.QueryServiceStatus(handle)[1] == win32service.SERVICE_STOPPED:
        return
    try:
        win32service.ControlService(handle, win32service.SERVICE_CONTROL_STOP)
    except pywintypes.error as error:
        if error.winerror not in {winerror.ERROR_SERVICE_CANNOT_ACCEPT_CTRL, winerror.ERROR_SERVICE_NOT_ACTIVE}:
            raise  # else it is ending already
    _await(handle, win32service.SERVICE_STOPPED, within_s=within_s)


def _await(handle: Any, wished: int, *, within_s: float) -> None:
    until = time.monotonic() + within_s
    while (now := win32service.QueryServiceStatus(handle)[1]) != wished:
        if now == win32service.SERVICE_STOPPED:
            raise Stopped(
                "the service has ended at once.", advice="Its log says why: logs\\service.log in the endpoint's folder."
            )
        if time.monotonic() > until:
            raise Stopped(f"the service has not done so within {within_s:g} s.", advice="It goes on: ask again.")
        time.sleep(_LOOK_S)


_ACCOUNT: Final = "Check --account (DOMAIN\\name, or DOMAIN\\name$ of a managed account) and --password-file, and install again."
#: What to do where Windows refuses, by its number.
_ADVICE: Final = {
    winerror.ERROR_ACCESS_DENIED: "Call this as an administrator of this computer.",
    winerror.ERROR_SERVICE_DOES_NOT_EXIST: "Make it by rapidstart-worker service install; doctor lists those that there are.",
    winerror.ERROR_INVALID_SERVICE_ACCOUNT: _ACCOUNT,
    winerror.ERROR_NONE_MAPPED: _ACCOUNT,
    winerror.ERROR_SERVICE_LOGON_FAILED: _ACCOUNT,
    winerror.ERROR_SERVICE_MARKED_FOR_DELETE: "Close the services console and the event viewer, or restart, and call this again.",
    winerror.ERROR_SERVICE_DISABLED: "Install it again, which enables it: rapidstart-worker service install.",
    winerror.ERROR_SERVICE_DEPENDENCY_FAIL: "Start the AOS' own service first: it did not start.",
    winerror.ERROR_SERVICE_REQUEST_TIMEOUT: "Call this again; its log may say why: logs\\service.log in the endpoint's folder.",
}


@contextmanager
def _manager(access: int = win32con.GENERIC_ALL) -> Iterator[Any]:
    handle = win32service.OpenSCManager(None, None, access)
    try:
        yield handle
    finally:
        win32service.CloseServiceHandle(handle)


@contextmanager
def _opened(manager: Any, name: str, access: int = win32service.SERVICE_ALL_ACCESS) -> Iterator[Any]:
    handle = win32service.OpenService(manager, name, access)
    try:
        yield handle
    finally:
        win32service.CloseServiceHandle(handle)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """What Windows refuses, as a sentence."""
    try:
        yield
    except pywintypes.error as error:
        why = str(error.strerror or error.winerror).strip().rstrip(".")
        advice = _ADVICE.get(error.winerror, "Windows' event log, under System, says more.")
        raise GiveUp(f"the service cannot be {what}: {why} ({error.winerror}).", advice=advice, code="RSC-5963") from error
