"""Sockets: each belongs to the session whose page it serves.

NiceGUI takes a page's id, as whoever opens a socket names it, for the right to use the page. Here
the session that opened the socket must be the one that the page was made for, and live, both when
a socket joins a page and at each message; a socket speaks for the pages it has joined, no others.
Over polling each message is a request of its own, whose session must be the socket's too.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from inspect import isawaitable
from typing import Any
from urllib.parse import parse_qs

from nicegui import Client, core, nicegui
from socketio import exceptions

from companion.services.accounts.sessions import Sessions
from companion.web.guard import App, Receive, Scope
from companion.web.security_headers import Send
from companion.web.ui.who import session_of

_MESSAGES: dict[str, Callable[..., Any]] = {
    "event": nicegui._on_event,
    "javascript_response": nicegui._on_javascript_response,
    "ack": nicegui._on_ack,
}
_BELOW = "/_nicegui_ws/"
_log = logging.getLogger(__name__)


def bind_sockets(sessions: Sessions) -> None:
    """From now on, NiceGUI's own handlers hear what comes from the page's session only."""

    def owned(environ: dict[str, Any] | None, client_id: object) -> bool:
        session = _session(environ["asgi.scope"]) if environ else ""
        client = Client.instances.get(client_id) if isinstance(client_id, str) else None
        with suppress(RuntimeError):  # a page that no browser asked for
            return bool(client and session == session_of(client) and sessions.user(session))
        return False

    async def connect(sid: str, environ: dict[str, Any], _auth: object = None) -> None:
        asked = parse_qs(environ.get("QUERY_STRING", ""))
        for client_id in asked.get("client_id", ()):
            if not owned(environ, client_id):
                raise exceptions.ConnectionRefusedError("Implicit handshake failed")
        await nicegui._on_connect(sid, environ)

    async def handshake(sid: str, data: object = None, *_: object) -> bool:
        if not owned(core.sio.get_environ(sid), _client_id(data)):
            return False
        joined: bool = await _heard(nicegui._on_handshake, sid, data) or False
        return joined

    def hearing(name: str) -> Callable[..., Awaitable[None]]:
        async def hear(sid: str, data: object = None, *_: object) -> None:
            client_id, environ = _client_id(data), core.sio.get_environ(sid)
            if client_id not in core.sio.rooms(sid) or not owned(environ, client_id):
                return
            if name == "event":
                sessions.seen(_session(environ["asgi.scope"]))
            await _heard(_MESSAGES[name], sid, data)

        return hear

    core.sio.on("log", _unheard)
    core.sio.on("connect", connect)
    core.sio.on("handshake", handshake)
    for name in _MESSAGES:
        core.sio.on(name, hearing(name))


def _unheard(_sid: str, *_: object) -> None:
    """A page has no say in the log, not even about errors in its own scripts."""


def own_sockets(app: App) -> App:
    """`app`, which no request reaches that names another session's socket."""

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan" and scope["path"].startswith(_BELOW):
            for sid in parse_qs(scope.get("query_string", b"").decode("latin-1")).get("sid", ()):
                opened = core.sio.environ.get(sid)
                if opened is not None and _session(opened["asgi.scope"]) != _session(scope):
                    await _refuse(scope, receive, send)
                    return
        await app(scope, receive, send)

    return asked


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    await send({"type": "http.response.start", "status": 403, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def _session(scope: Scope) -> str:
    return str(scope.get("companion.session", ""))


def _client_id(data: object) -> object:
    return data.get("client_id") if isinstance(data, dict) else None


async def _heard(handler: Callable[..., Any], sid: str, data: object) -> Any:
    """What the handler gives; a damaged message is nothing, and nothing of it is logged."""
    try:
        result = handler(sid, data)
        return await result if isawaitable(result) else result
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        _log.debug("A page sent a message that means nothing: %s", type(error).__name__)
        return None
