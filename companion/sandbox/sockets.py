"""Simulators on a socket: an ASGI application over one function, and two ways to run it.

A simulator binds 127.0.0.1 and nothing else, and refuses requests for another host name (a web page
could otherwise reach it by DNS rebinding) and forms posted from another site. A severed reply
aborts the TCP connection, for which a small subclass of uvicorn's protocol hands the application
its transport.
"""

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from companion.sandbox.wire import ApiRequest, Reply

HOST = "127.0.0.1"
LOOPBACK = frozenset({HOST, "localhost", "::1"})
LARGEST_BODY = 32 * 1024 * 1024
STOP_SECONDS = 10.0
_BACKLOG = 512
_SILENT = logging.getLogger(f"{__name__}.uvicorn")
"""What uvicorn says of our requests: nothing, for breaking connections is what faults do. A logger
of its own: uvicorn's is the process's, and in the demo the app's as well."""
_SILENT.setLevel(logging.CRITICAL + 1)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Simulator(Protocol):
    def reply(self, request: ApiRequest) -> Reply: ...


class SimulatorApp:
    """The ASGI application over one simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await _read_body(receive)
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        request = ApiRequest(
            method=scope["method"],
            path=scope["raw_path"].decode("ascii", "replace"),
            query=scope["query_string"].decode("ascii", "replace"),
            headers=headers,
            body=body or b"",
        )
        reply = Reply(status=413) if body is None else self._reply(request)
        if reply.delay:
            await asyncio.sleep(reply.delay)
        if reply.severed:
            await _sever(scope, receive)
            return
        await _send(reply, send)

    def _reply(self, request: ApiRequest) -> Reply:
        refused = _foreign(request)
        return self._simulator.reply(request) if refused is None else refused


def _foreign(request: ApiRequest) -> Reply | None:
    """A refusal for another host's name, and for writes from another site's pages."""
    if urlsplit(f"//{request.headers.get('host', '')}").hostname not in LOOPBACK:
        return Reply(status=421)
    origin = request.headers.get("origin")
    writes = origin is not None and request.method not in {"GET", "HEAD"}
    if writes and urlsplit(origin).hostname not in LOOPBACK:
        return Reply(status=403)
    return None


async def _read_body(receive: Receive) -> bytes | None:
    """The whole body, or None when it is larger than anything a simulator would take."""
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size <= LARGEST_BODY:
            chunks.append(chunk)
        more = message.get("more_body", False)
    return None if size > LARGEST_BODY else b"".join(chunks)


async def _send(reply: Reply, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
    if reply.status not in {204, 304}:
        headers.append((b"content-length", str(len(reply.body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


async def _sever(scope: Scope, receive: Receive) -> None:
    transport = cast("asyncio.Transport", scope["state"]["transport"])
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


class _SeverableProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with the connection's transport in the request's state, and silent."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _SILENT

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn itself narrows it
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


class _QuietServer(uvicorn.Server):
    """Leaves the process's signals to whoever runs the program."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Late answers are cut off here: uvicorn would log an error of the process."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if tasks := self.server_state.tasks:
            await asyncio.wait(tasks, timeout=1)
        for task in self.server_state.tasks:
            task.cancel()
        await super().shutdown(sockets)


def listen(port: int = 0) -> socket.socket:
    """A socket that listens on 127.0.0.1; port 0 takes any free one."""
    return socket.create_server((HOST, port), backlog=_BACKLOG)


def base_url_of(bound: socket.socket) -> str:
    return f"http://{HOST}:{bound.getsockname()[1]}"


def _server(simulator: Simulator) -> _QuietServer:
    config = uvicorn.Config(
        SimulatorApp(simulator),
        http=_SeverableProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        timeout_keep_alive=120,
        timeout_graceful_shutdown=5,
        backlog=_BACKLOG,
    )
    return _QuietServer(config)


class ServerThread:
    """A simulator that answers in a thread of its own from the moment this is made."""

    def __init__(self, simulator: Simulator, name: str, port: int = 0) -> None:
        self._socket = listen(port)
        self.base_url = base_url_of(self._socket)
        self.bound_to: str = self._socket.getsockname()[0]
        self._server = _server(simulator)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name=name, daemon=True
        )
        self._thread.start()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._server.server_state.connections)

    def drop_connections(self) -> None:
        """Those that are open end, as when a network goes."""
        for connection in [*self._server.server_state.connections]:
            connection.loop.call_soon_threadsafe(connection.transport.abort)

    def stop(self, *, wait: bool = True) -> None:
        """Without *wait* the port closes a moment later: fit for the end of a test."""
        self._server.should_exit = True
        if wait:
            self._thread.join(STOP_SECONDS)
            self._socket.close()


@contextlib.asynccontextmanager
async def serving_simulator(simulator: Simulator, name: str, port: int = 0) -> AsyncIterator[str]:
    """The server inside the running event loop; gives its base URL."""
    bound = listen(port)
    server = _server(simulator)
    task = asyncio.create_task(server.serve(sockets=[bound]), name=name)
    try:
        yield base_url_of(bound)
    finally:
        server.should_exit = True
        await task
        bound.close()
