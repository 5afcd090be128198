"""A worker service under Windows' service control manager: it is told to stop, drains, and says meanwhile that it is stopping."""

import logging
import threading
from collections.abc import Callable
from typing import Any, Final, Protocol

import pywintypes
import servicemanager
import win32service
import win32serviceutil

from workers.errors import GiveUp

log = logging.getLogger(__name__)

#: While it ends it says so this often, in seconds, and asks to be waited for this long, in milliseconds.
_SAY_S: Final = 5.0
_HINT_MS: Final = 20_000
#: Windows tells services that ask for it before all others that the computer goes down, and waits up to three minutes for them.
_PRESHUTDOWN: Final = 0x0000000F
_ACCEPT_PRESHUTDOWN: Final = 0x00000100


class Runs(Protocol):
    """What is hosted: `workers.crew.Service`."""

    def run(self) -> None:
        """Work until told to end."""

    def end(self) -> None:
        """Tell it to end, from another thread."""


class _Hosted(win32serviceutil.ServiceFramework):
    """Windows makes one of these, for the one service of this process; pywin32 names its methods."""

    _svc_name_: str
    make: Callable[[], Runs]

    def __init__(self, arguments: Any) -> None:
        super().__init__(arguments)
        self._ended = threading.Event()
        self._told = threading.Event()
        self._runs: Runs | None = None

    def GetAcceptedControls(self) -> int:  # noqa: N802 - pywin32's name
        return win32service.SERVICE_ACCEPT_STOP | _ACCEPT_PRESHUTDOWN

    def SvcOtherEx(self, control: int, _type: int, _data: Any) -> None:  # noqa: N802
        if control == _PRESHUTDOWN:
            self.SvcStop()

    def SvcStop(self) -> None:  # noqa: N802
        """Returns at once: Windows waits for the answer of a service, not for its end."""
        self.ReportServiceStatus(win32service.SERVICE_STOP_PENDING, waitHint=_HINT_MS)
        self._told.set()
        if self._runs:
            self._runs.end()
        threading.Thread(target=self._say, name="stopping", daemon=True).start()

    def SvcDoRun(self) -> None:  # noqa: N802
        log.info("the worker service %s has started", self._svc_name_, extra={"action": "service_started"})
        try:
            self._runs = type(self).make()
            if self._told.is_set():  # while it was made
                self._runs.end()
            self._runs.run()
        finally:
            self._ended.set()
        log.info("the worker service %s has ended", self._svc_name_, extra={"action": "service_ended"})

    def _say(self) -> None:
        while not self._ended.wait(_SAY_S):
            self.ReportServiceStatus(win32service.SERVICE_STOP_PENDING, waitHint=_HINT_MS)


def host(name: str, make: Callable[[], Runs]) -> None:
    """Be the service of that name, until Windows stops it. Raises GiveUp where Windows has not started this process as one.

    Windows waits half a minute for a process to say that it is a service: what it runs is made only then.
    """
    named = {"_svc_name_": name, "_svc_display_name_": name, "make": staticmethod(make)}
    made = type("Hosted", (_Hosted,), named)
    servicemanager.Initialize(name, None)
    servicemanager.PrepareToHostSingle(made)
    try:
        servicemanager.StartServiceCtrlDispatcher()  # type: ignore[no-untyped-call]
    except pywintypes.error as error:
        told = "Windows has not started this process as a service."
        advice = "Start it by: rapidstart-worker service start."
        raise GiveUp(told, advice=advice, code="RSC-5967") from error
