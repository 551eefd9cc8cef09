"""FeedServer: the uvicorn server that carries FeedApp on the local network.

Any machine of the network can connect, so each connection has limits that uvicorn does not set:

- a request must be whole within `for_request` seconds of the connection or of the last answer, and
  no larger than `request_size`, its headers and an unwanted body together;
- an answer must be taken within `for_answer` seconds;
- there are at most `connections`; a further one closes the one that has been idle longest.

A sweep every few seconds checks the times, so they cost nothing per request.

A phone sends the same bytes at every poll. The meaning of a whole request is cached by the hash of
its bytes; when they come again between two requests and the answer is in memory, it is written at
once. Through uvicorn's parser, task and cycle a poll costs six times as much. Everything else
(another request unanswered, an answer not yet taken, HTTP/1.0, a body) is left to uvicorn.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
import ssl
from collections.abc import Generator
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from companion.services.feeds.answers import FeedAnswer, Poll
from companion.web.feed import FeedApp

REMEMBERED = 2_048
"""Requests whose meaning is cached."""
ANSWERS = 64
"""Answers of this second that are cached as whole responses."""
SEND_BUFFER = 262_144
"""Bytes: a usual feed, compressed, leaves in one call; connections inherit it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    connections: int = 400
    """Below the usual limit of 1,024 open files a process."""
    request_size: int = 32_768
    """Bytes."""
    idle: int = 15
    """Seconds a connection is kept for another request."""
    for_request: float = 20.0
    """Seconds; longer than `idle`."""
    for_handshake: float = 10.0
    """Seconds for the TLS handshake."""
    for_answer: float = 90.0
    """Seconds; a feed at its limit then needs 1.2 KB/s."""
    sweep: float = 5.0
    """Seconds between two sweeps."""


Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class OpenConnections:
    """The open connections of one server."""

    bounds: Bounds
    members: dict[BoundedProtocol, None] = field(default_factory=dict)
    polls: dict[bytes, Poll] = field(default_factory=dict)
    """By the hash of the whole request, which holds a token."""
    sweeping: asyncio.TimerHandle | None = None
    _dated: Headers | None = None
    _wires: dict[int, tuple[FeedAnswer, bytes]] = field(default_factory=dict)

    def wire(self, answer: FeedAnswer, dated: Headers) -> bytes:
        """The whole response in one piece: writing two is slower, and joining them copies the body.
        `dated`: uvicorn's own headers, of which it makes a new list each second."""
        if dated is not self._dated or len(self._wires) > ANSWERS:
            self._dated = dated
            self._wires = {}
        made = self._wires.get(id(answer))
        if made is None or made[0] is not answer:
            made = (answer, _head(answer, dated) + answer.body)
            self._wires[id(answer)] = made
        return made[1]

    def cache_poll(self, request: bytes, poll: Poll) -> None:
        if len(self.polls) >= REMEMBERED:
            self.polls.clear()
        self.polls[hashlib.sha256(request).digest()] = poll

    def enter(self, newcomer: BoundedProtocol) -> None:
        if len(self.members) >= self.bounds.connections:
            idle = [each for each in self.members if each.idle] or list(self.members)
            min(idle, key=lambda each: each.since).drop()
        self.members[newcomer] = None
        if self.sweeping is None:
            self.sweeping = newcomer.loop.call_later(self.bounds.sweep, self._sweep, newcomer.loop)

    def leave(self, member: BoundedProtocol) -> None:
        self.members.pop(member, None)
        if not self.members and self.sweeping is not None:
            self.sweeping.cancel()
            self.sweeping = None

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for member in list(self.members):
            limit = self.bounds.for_request if member.idle else self.bounds.for_answer
            if now - member.since > limit:
                member.drop()
        self.sweeping = loop.call_later(self.bounds.sweep, self._sweep, loop)


class BoundedProtocol(HttpToolsProtocol):
    open_connections: ClassVar[OpenConnections]
    feeds: ClassVar[FeedApp]
    since: float = 0.0
    """Loop time when it was opened or when its last answer was handed to the transport."""
    received: int = 0
    """Bytes of the request now coming in."""
    between: bool = True
    """The parser has seen whole requests only: the next byte begins another."""
    begun: int = 0
    """Requests that began in the bytes at hand."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        super().connection_made(transport)
        # uvicorn asks only whether its access log has a handler, not whether we want that log;
        # it would write every path, and ours are secrets.
        self.access_log = False
        self.since = self.loop.time()
        self.open_connections.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.open_connections.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        between = self.between
        if between and self._answer_as_before(data):
            return
        self.received += len(data)
        if self.received > self.open_connections.bounds.request_size:
            self.drop()
            return
        self.begun = 0
        super().data_received(data)
        if between and self.between and self.begun == 1 and self.scope["http_version"] == "1.1":
            poll = self.feeds.poll(self.scope["method"], self.url, self.headers)
            if poll is not None:
                self.open_connections.cache_poll(data, poll)

    def on_message_begin(self) -> None:
        self.begun += 1
        self.between = False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self.received = 0
        self.between = self.parser.should_keep_alive() and not self.parser.should_upgrade()
        super().on_message_complete()

    def _answer_as_before(self, data: bytes) -> bool:
        """Where these bytes are a whole request that was seen before, here or on another
        connection, and its answer is in memory."""
        poll = self.open_connections.polls.get(hashlib.sha256(data).digest())
        if poll is None or self.pipeline or not self.idle:
            return False
        answer = self.feeds.at_once(poll, self.client[0] if self.client else "")
        if answer is None:
            return False
        dated = self.server_state.default_headers
        if poll.head:
            self.transport.write(_head(answer, dated))
        elif len(answer.body) < SEND_BUFFER:
            self.transport.write(self.open_connections.wire(answer, dated))
        else:
            self.transport.writelines((_head(answer, dated), answer.body))
        self.since = self.loop.time()
        self._unset_keepalive_if_required()
        return True

    def on_response_complete(self) -> None:
        self.since = self.loop.time()
        super().on_response_complete()

    @property
    def idle(self) -> bool:
        """Waiting for a request, or for the rest of one."""
        # uvicorn types the cycle as always there; it is None until the first request.
        if self.cycle and not self.cycle.response_complete:  # type: ignore[truthy-bool]
            return False
        return self.transport.get_write_buffer_size() == 0

    def drop(self) -> None:
        """At once, whatever is still to be sent."""
        self.open_connections.leave(self)
        self.transport.abort()


def _head(answer: FeedAnswer, dated: Headers) -> bytes:
    own = b"".join(b"%b: %b\r\n" % each for each in dated)
    return b"".join((STATUS_LINE[answer.status], own, answer.block, b"\r\n"))


class FeedServer(uvicorn.Server):
    """On sockets that are given, and with the process's signals left alone: they belong to whoever
    started the listeners."""

    def __init__(self, config: uvicorn.Config, protocol: type[BoundedProtocol]) -> None:
        super().__init__(config)
        self._protocol = protocol

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, which cannot bound the time for a TLS handshake: before one is done,
        `OpenConnections` does not have the connection."""
        config = self.config
        for listening in sockets or []:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self.servers = [
            await asyncio.get_running_loop().create_server(
                partial(
                    self._protocol, config=config, server_state=self.server_state, app_state={}
                ),
                sock=listening,
                ssl=config.ssl,
                backlog=config.backlog,
                ssl_handshake_timeout=self._protocol.open_connections.bounds.for_handshake
                if config.ssl
                else None,
            )
            for listening in sockets or []
        ]
        self.started = True


def feed_server(
    app: FeedApp, *, bounds: Bounds | None = None, secure: ssl.SSLContext | None = None
) -> FeedServer:
    """A server ready for ``await server.serve(sockets=[listening socket])``; it ends after
    ``server.should_exit = True``. `secure`: holds the listener's own certificate, and is looked
    at for each new connection.

    The loop is the caller's: with uvloop, where that exists, it answers twice as often."""
    limits = bounds or Bounds()
    protocol = type(
        "FeedProtocol",
        (BoundedProtocol,),
        {"open_connections": OpenConnections(limits), "feeds": app},
    )
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=limits.idle,
        timeout_graceful_shutdown=3,
    )
    config.load()
    config.ssl = secure
    return FeedServer(config, protocol)
