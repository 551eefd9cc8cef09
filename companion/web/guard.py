"""The guard: a pure ASGI gate in front of everything the app serves, websockets included.

A web app on loopback is reachable by every page that the same browser shows: by DNS rebinding
(hence the exact Host), by forms and websockets from elsewhere (hence Origin and Sec-Fetch-Site),
and by other users of the machine (hence the launch token). For each request, in this order:

1. Host must be one of the loopback names with our port, else 421; doubled headers are refused; 2.
Origin, where sent, must be the very origin of that Host; a websocket and every method that changes
something must send it; Sec-Fetch-Site must agree. The control path is the opposite: no browser may
call it, a program with the secret may; 3. a launch token in the address is taken, once, and
exchanged for this machine's cookie; 4. without that cookie only a plain page, `/healthz` and
`/oauth/callback` are served (SameSite=Strict withholds the cookie on Google's redirect back); 5.
then the user's session is checked (`web.current_user`): without one a page redirects to the
sign-in, or to the welcome where there is no user yet; websockets are closed. What comes through an
open websocket after its session has ended is dropped; the tab is led away meanwhile (`ui.who`).

Every answer leaves with the security headers; HTML gets a fresh nonce on each script tag, so that
a script which someone manages to inject later does not run.

`scope["companion.user"]` is the user's id, `["companion.session"]` the hash of their session's
token and `["companion.machine"]` that of the browser's; empty where there is none.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from companion.domain.tokens import token_hash
from companion.web.control import CONTROL, Command, ControlPath
from companion.web.current_user import (
    ACCOUNT,
    FREE_BELOW,
    FREE_PATHS,
    CurrentUser,
    SessionUser,
    cookie_name,
    cookie_of,
)
from companion.web.launching import MACHINE_LIFE, LaunchTokens, MachineSessions, fresh_token
from companion.web.plain_page import plain_page
from companion.web.security_headers import Message, SecuredSend, Send

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
OPEN_PATHS = frozenset({"/healthz", "/oauth/callback"})
SAFE_METHODS = frozenset({"GET", "HEAD"})
_SINGLE = ("host", "origin", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest")
_OF_A_PROXY = (b"x-forwarded-", b"forwarded", b"x-real-ip")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    status: int
    reason: str
    """For the person or program that asked; never echoes what they sent."""


class GuardedRequest:
    """What the rules look at, read once from the ASGI scope."""

    def __init__(self, scope: Scope) -> None:
        self.websocket: bool = scope["type"] == "websocket"
        self.method: str = "GET" if self.websocket else scope["method"].upper()
        self.path: str = scope["path"]
        self.query: str = scope.get("query_string", b"").decode("latin-1")
        self._headers: list[tuple[str, str]] = [
            (name.decode("latin-1").lower(), value.decode("latin-1"))
            for name, value in scope["headers"]
        ]

    def all(self, name: str) -> list[str]:
        return [value for known, value in self._headers if known == name]

    def one(self, name: str) -> str:
        """The header's value, or "" when it is absent."""
        return next(iter(self.all(name)), "").strip()

    def cookies(self, name: str) -> list[str]:
        """Every value sent under this name: a browser may hold one for two paths."""
        pairs = (pair.partition("=") for line in self.all("cookie") for pair in line.split(";"))
        return [value.strip() for key, _, value in pairs if key.strip() == name]

    @property
    def address(self) -> str:
        """Path and query, to be opened again; never an address elsewhere."""
        return self.escaped_path + (f"?{self.query}" if self.query else "")

    @property
    def escaped_path(self) -> str:
        return quote("/" + self.path.lstrip("/\\"))

    @property
    def changes_something(self) -> bool:
        return self.websocket or self.method not in SAFE_METHODS

    @property
    def navigation(self) -> bool:
        """A top-level page the person opens; old browsers send no such headers and are trusted."""
        return (
            not self.changes_something
            and self.one("sec-fetch-mode") in {"", "navigate"}
            and self.one("sec-fetch-dest") in {"", "document"}
        )


def host_names(port: int) -> frozenset[str]:
    """The Host headers that mean us; without the port too where it is http's own."""
    names = {f"{name}:{port}" for name in LOOPBACK_NAMES}
    return frozenset(names | set(LOOPBACK_NAMES) if port == 80 else names)


def judge(request: GuardedRequest, hosts: frozenset[str]) -> Refusal | None:
    """Rules 1 and 2; None when the request may go on."""
    if any(len(request.all(name)) > 1 for name in _SINGLE):
        return Refusal(status=400, reason="A header was sent twice.")
    host = request.one("host").lower()
    if host not in hosts:
        return Refusal(status=421, reason="This app answers on this computer only.")
    origin, site = request.one("origin").lower(), request.one("sec-fetch-site")
    if request.path.startswith(CONTROL):
        if origin or site:
            return Refusal(status=403, reason="Not for browsers.")
        return None
    foreign = Refusal(status=403, reason="The request came from another site.")
    if origin and origin != f"http://{host}":
        return foreign
    if request.changes_something:
        return foreign if not origin or site not in {"", "same-origin"} else None
    if site not in {"", "none", "same-origin"} and not request.navigation:
        return foreign
    return None


class Guard:
    """Wraps `app`; see the module's docstring for the rules."""

    def __init__(
        self,
        app: App,
        *,
        port: int,
        launches: LaunchTokens,
        machines: MachineSessions,
        current_user: CurrentUser,
        control_secret: str,
        commands: Mapping[str, Command] | None = None,
    ) -> None:
        self.app = app
        self._port = port
        self._hosts = host_names(port)
        self._launches = launches
        self._machines = machines
        self._current_user = current_user
        self._control = ControlPath(control_secret, port, launches, commands)
        self.cookie = f"companion-machine-{port}"
        """Named by port: cookies ignore ports, and another app may run on the next one."""
        self.user_cookie = cookie_name(port)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] not in {"http", "websocket"}:
            return
        request = GuardedRequest(scope)
        refusal = judge(request, self._hosts)
        # No proxy is in front, and NiceGUI would write the value of such a header into the page.
        scope["headers"] = [
            pair for pair in scope["headers"] if not pair[0].lower().startswith(_OF_A_PROXY)
        ]
        if request.websocket:
            await self._websocket(request, refusal, scope, receive, send)
            return
        host = request.one("host").lower()
        guarded = SecuredSend(send, secrets.token_urlsafe(18), host if host in self._hosts else "")
        if refusal:
            await answer(guarded, refusal.status, refusal.reason)
        elif request.path.startswith(CONTROL):
            if request.method == "POST":
                await answer_control(guarded, self._control, request)
            else:
                await answer(guarded, 405, "Ask with POST.", headers=[("allow", "POST")])
        elif not await self._launched(request, guarded):
            await self._http(request, scope, receive, guarded)

    async def _websocket(
        self,
        request: GuardedRequest,
        refusal: Refusal | None,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        session_user = (
            self._session_user(request) if not refusal and self._machine(request) else None
        )
        if session_user is None or session_user.must_change:
            await receive()  # the connect event: a server sends 403 for a close before accept
            await send({"type": "websocket.close", "code": 1008})
            return
        self._name(scope, request, session_user)
        session = session_user.session

        async def watched() -> Message:
            while True:
                message = await receive()
                if message["type"] != "websocket.receive" or self._current_user.session_user(
                    session
                ):
                    return message

        await self.app(scope, watched, send)

    async def _http(
        self, request: GuardedRequest, scope: Scope, receive: Receive, send: SecuredSend
    ) -> None:
        known = bool(self._machine(request))
        if not known and request.path not in OPEN_PATHS:
            if not request.navigation:
                await answer(send, 403, "This browser is not known here.")
                return
            page = plain_page(
                "Please open Calendar Companion itself first",
                "This browser has not been opened by Calendar Companion yet, so it cannot show "
                "the practice's appointments.",
                "Open it as you opened it before (from its folder, from this computer's menu or "
                "by its command), also while it is running: it opens the right address by itself.",
                note="An address with a launch code works once only.",
            )
            await answer(send, 403, page, html=True)
            return
        session_user = self._session_user(request) if known else None
        self._name(scope, request, session_user)
        if known and not _free(request.path) and await self._led_away(request, session_user, send):
            return
        if session_user is not None and not request.path.startswith("/_nicegui"):
            self._current_user.seen(session_user.session)
        await self.app(scope, receive, send)

    async def _led_away(
        self, request: GuardedRequest, session_user: SessionUser | None, send: SecuredSend
    ) -> bool:
        """Redirect to the page that must come first; True when the answer has been sent."""
        if session_user is not None and (not session_user.must_change or request.path == ACCOUNT):
            return False
        if not request.navigation:
            await answer(send, 401, "Nobody is signed in.")
            return True
        here = request.address
        headers: list[tuple[str, str]] = []
        if session_user is not None:
            to = ACCOUNT
        elif (token := await self._current_user.automatic_session()) is not None:
            to = here
            headers.append(("set-cookie", cookie_of(self._port, token)))
        elif self._current_user.has_no_users():
            to = "/welcome"
        else:
            to = f"/sign-in?{urlencode({'to': here})}" if here != "/" else "/sign-in"
        await answer(send, 303, "", headers=[("location", to), *headers])
        return True

    def _name(
        self, scope: Scope, request: GuardedRequest, session_user: SessionUser | None
    ) -> None:
        scope["companion.user"] = session_user.user_id if session_user else ""
        scope["companion.session"] = session_user.session if session_user else ""
        scope["companion.machine"] = self._machine(request)

    def _machine(self, request: GuardedRequest) -> str:
        """The hash by which this browser is known, or ""."""
        hashes = (token_hash(value) for value in request.cookies(self.cookie))
        return next((each for each in hashes if self._machines.knows(each)), "")

    def _session_user(self, request: GuardedRequest) -> SessionUser | None:
        hashes = (token_hash(value) for value in request.cookies(self.user_cookie))
        return next(filter(None, map(self._current_user.session_user, hashes)), None)

    async def _launched(self, request: GuardedRequest, send: SecuredSend) -> bool:
        """Take a launch token from the address; True when the answer has been sent."""
        if "launch=" not in request.query or request.method != "GET":
            return False
        pairs = parse_qsl(request.query, keep_blank_values=True)
        tokens = [value for key, value in pairs if key == "launch"]
        if len(tokens) != 1:
            return False
        if "prefetch" in (request.one("sec-purpose") or request.one("purpose")).lower():
            await answer(send, 503, "Not before it is really opened.")
            return True
        path = request.escaped_path
        if request.one("sec-fetch-site") in {"cross-site", "same-site"}:
            # The launch page's navigation brings no SameSite=Strict cookie; one from here does.
            page = plain_page(
                "Opening Calendar Companion …", go_to=f"{path}?{urlencode(pairs)}", after_seconds=0
            )
            await answer(send, 200, page, html=True)
            return True
        known = bool(self._machine(request))
        taken = self._launches.take(tokens[0])
        if not known and not taken:
            return False
        rest = urlencode([(key, value) for key, value in pairs if key != "launch"])
        clean = path + (f"?{rest}" if rest else "")
        headers = [("location", clean)]
        if not known:
            cookie = fresh_token()
            try:
                await self._machines.add(token_hash(cookie))
            except OSError as error:  # a full disk: this browser is known until the next start
                _log.warning("The list of known browsers was not saved: %s", type(error).__name__)
            life = int(MACHINE_LIFE.total_seconds())
            headers.append((
                "set-cookie",
                f"{self.cookie}={cookie}; Path=/; Max-Age={life}; HttpOnly; SameSite=Strict",
            ))  # fmt: skip
        await answer(send, 303, "", headers=headers)
        return True


def _free(path: str) -> bool:
    return path in OPEN_PATHS | FREE_PATHS or path.startswith(FREE_BELOW)


async def answer_control(send: SecuredSend, control: ControlPath, request: GuardedRequest) -> None:
    word = request.path.removeprefix(CONTROL)
    status, document = await control.answer(request.one("authorization"), word)
    await answer_json(send, status, document)


async def answer_json(send: SecuredSend, status: int, document: Mapping[str, Any]) -> None:
    headers = [("content-type", "application/json")]
    await answer(send, status, json.dumps(document), headers=headers)


async def answer(
    send: SecuredSend,
    status: int,
    text: str,
    *,
    html: bool = False,
    headers: list[tuple[str, str]] | None = None,
) -> None:
    """Plain text, unless `headers` say otherwise or it is `html`."""
    body = text.encode()
    given = [(name.encode(), value.encode("latin-1")) for name, value in headers or ()]
    if not any(name == b"content-type" for name, _ in given):
        kind = "text/html" if html else "text/plain"
        given.append((b"content-type", f"{kind}; charset=utf-8".encode()))
    given += [(b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": given})
    await send({"type": "http.response.body", "body": body})
