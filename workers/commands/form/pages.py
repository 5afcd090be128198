"""The settings page: on the loopback address alone, opened by a link that is good once, and by nobody else's page."""

import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

import jinja2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from workers import instances, service
from workers.commands.form import saving
from workers.commands.form.activation import Activation
from workers.errors import GiveUp

_COOKIE: Final = "rapidstart-settings"
_LINK_S: Final = 20.0
#: What registration asks for: the option of the command, and how the page calls it.
ASKED: Final = {
    "service-host": "Service host",
    "aos-instance": "AOS instance",
    "port": "Integration port",
    "wsdl-port": "WSDL port",
    "services-port": "Services port",
    "company": "Company",
    "dispatcher": "Dispatcher",
}
_GENERAL: Final = {
    "instance": "Instance (names the service)",
    "api_url": "Dispatcher",
    "concurrency": "Calls to the AOS at once",
    "max_workers": "Worker processes at most",
    "grace_s": "Grace when stopped, in seconds",
    "aos_authentication": "Authentication (none, windows, ntlm, basic)",
    "aos_user": "AX account (empty: the service's own)",
    "aos_password_file": "File of its password",
    "aos_origins": "Addresses that may see it",
}


class Desk:
    """What the page shows and does, for one endpoint or for the whole computer."""

    def __init__(self, home: Path, endpoint: str | None, *, origin: str) -> None:
        """`origin` is where it is served: nothing that comes from elsewhere is listened to."""
        self._home, self._endpoint, self.origin = home, endpoint, origin
        self.link, self._session = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self._is_opened = False
        self._activation: Activation | None = None
        source = Path(__file__).with_name("form.html").read_text(encoding="utf-8")
        self._page = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(source)

    def app(self) -> Starlette:
        """The routes."""
        return Starlette(
            routes=[
                Route("/open/{link}", self._open),
                Route("/", self._general),
                Route("/dixf", self._dixf),
                Route("/save/{tab}", self._save, methods=["POST"]),
                Route("/activate", self._activate, methods=["POST"]),
                Route("/service", self._service, methods=["POST"]),
            ]
        )

    def end(self) -> None:
        """Wait for no approval any more."""
        if self._activation:
            self._activation.end()

    def _open(self, request: Request) -> Response:
        mine = secrets.compare_digest(request.path_params["link"].encode(), self.link.encode())
        if self._is_opened or not mine or not self._is_here(request):
            return PlainTextResponse("This link was used, or is none. Call rapidstart-worker settings again.", status_code=403)
        self._is_opened = True
        answer = RedirectResponse("/", status_code=303)
        answer.set_cookie(_COOKIE, self._session, httponly=True, samesite="strict")
        return answer

    def _general(self, request: Request) -> Response:
        return self._show(request, "general")

    def _dixf(self, request: Request) -> Response:
        return self._show(request, "dixf")

    async def _save(self, request: Request) -> Response:
        if not self._may(request):
            return _refused()
        tab = "dixf" if request.path_params["tab"] == "dixf" else "general"
        names = {name for name, _, _ in self._fields(tab)}
        said = {name: str(value).strip() for name, value in (await request.form()).items() if name in names}
        before = saving.shown(self._home, self._endpoint)
        changed = {name: value for name, value in said.items() if value != before[name]}
        try:
            if changed:
                saving.save(self._home, self._endpoint, changed)
        except GiveUp as error:
            return self._show(request, tab, told=f"{error.message} {error.advice}")
        told = "Saved. It holds from the next start of the service." if changed else "Nothing was changed."
        return self._show(request, tab, told=told)

    async def _activate(self, request: Request) -> Response:
        if not self._may(request):
            return _refused()
        form = await request.form()
        said = {name: str(form.get(name, "")).strip() for name in ASKED}
        self.end()
        options = [f"--{name}={value}" for name, value in said.items() if value]
        self._activation = Activation([*options, *([f"--endpoint={self._endpoint}"] if self._endpoint else [])])
        self._activation.await_link(within_s=_LINK_S)
        return RedirectResponse("/", status_code=303)

    async def _service(self, request: Request) -> Response:
        if not self._may(request):
            return _refused()
        try:
            name = instances.find(self._home, endpoint=self._endpoint, instance=None).name
            if (await request.form()).get("do") == "stop":
                service.here().stop(name, within_s=service.BEYOND_GRACE_S)
            else:
                service.here().start(name)
        except GiveUp as error:
            return self._show(request, "general", told=f"{error.message} {error.advice}")
        return RedirectResponse("/", status_code=303)

    def _show(self, request: Request, tab: str, *, told: str = "") -> Response:
        if not self._may(request):
            return _refused()
        nonce = secrets.token_urlsafe(12)
        text = self._page.render(
            nonce=nonce,
            tab=tab,
            told=told,
            endpoint=self._endpoint,
            who=f"Endpoint {self._endpoint}" if self._endpoint else "All endpoints of this computer",
            asked=[(name, title, "") for name, title in ASKED.items()],
            activation=self._activation,
            service=self._state(),
            endpoints=instances.known(self._home),
            fields=self._fields(tab),
        )
        policy = f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        return HTMLResponse(text, headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"})

    def _state(self) -> str:
        if not self._endpoint:
            return ""
        try:
            system, name = service.here(), instances.find(self._home, endpoint=self._endpoint, instance=None).name
            return f"{system.name(name)}: {system.status(name)}"
        except GiveUp as error:
            return error.message

    def _fields(self, tab: str) -> list[tuple[str, str, str]]:
        now = saving.shown(self._home, self._endpoint)
        if tab == "general":
            return [(name, title, now[name]) for name, title in _GENERAL.items()]
        return [(name, name.partition(".")[2].replace("_", " "), value) for name, value in now.items() if "." in name]

    def _may(self, request: Request) -> bool:
        """Only who opened the link, and no page of somebody else in that browser."""
        mine = secrets.compare_digest(request.cookies.get(_COOKIE, "").encode(), self._session.encode())
        return mine and self._is_here(request) and (request.method == "GET" or request.headers.get("origin") == self.origin)

    def _is_here(self, request: Request) -> bool:
        return f"http://{request.headers.get('host')}" == self.origin


def _refused() -> Response:
    return PlainTextResponse("Open the link that rapidstart-worker settings has printed.", status_code=403)


def serve(home: Path, endpoint: str | None, *, tell: Callable[[str], None]) -> None:
    """Serve the page until Ctrl-C, on a free port of the loopback address; `tell` is given the link. Raises GiveUp."""
    saving.shown(home, endpoint)  # what is wrong is told before anything is opened
    with socket.create_server(("127.0.0.1", 0)) as listener:
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        desk = Desk(home, endpoint, origin=origin)
        server = uvicorn.Server(uvicorn.Config(desk.app(), log_level="error", access_log=False))
        tell(f"{origin}/open/{desk.link}")
        try:
            server.run(sockets=[listener])
        finally:
            desk.end()
