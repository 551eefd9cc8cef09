"""FeedServer: the uvicorn server that carries FeedApp on the local network.

Any machine of the network can connect, so connections are bounded (`companion.web.connections`); an
unwanted body counts as part of the head.

A phone sends the same bytes at every poll. The meaning of a whole request is cached by the hash of
its bytes; when they come again between two requests and the answer is in memory, it is written at
once. Through uvicorn's parser, task and cycle a poll costs six times as much. Everything else
(another request unanswered, an answer not yet taken, HTTP/1.0, a body) is left to uvicorn.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from companion.services.feeds.answers import FeedAnswer, Poll
from companion.web.connections import BoundedProtocol, Bounds, OpenConnections, QuietServer
from companion.web.feed import FeedApp
from companion.web.handshake import Acceptor

REMEMBERED = 2_048
"""Requests whose meaning is cached."""
ANSWERS = 64
"""Answers of this second that are cached as whole responses."""
SEND_BUFFER = 262_144
"""Bytes: a usual feed, compressed, leaves in one call; connections inherit it."""

Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class FeedConnections(OpenConnections):
    polls: dict[bytes, Poll] = field(default_factory=dict)
    """By the hash of the whole request, which holds a token."""
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


class FeedProtocol(BoundedProtocol):
    open_connections: ClassVar[FeedConnections]
    feeds: ClassVar[FeedApp]
    between: bool = True
    """The parser has seen whole requests only: the next byte begins another."""
    begun: int = 0
    """Requests that began in the bytes at hand."""

    def data_received(self, data: bytes) -> None:
        between = self.between
        if between and self._answer_as_before(data):
            return
        self.received += len(data)
        if self.received > self.open_connections.bounds.head_size:
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


def _head(answer: FeedAnswer, dated: Headers) -> bytes:
    own = b"".join(b"%b: %b\r\n" % each for each in dated)
    return b"".join((STATUS_LINE[answer.status], own, answer.block, b"\r\n"))


class FeedServer(QuietServer):
    """On sockets that are given."""

    def __init__(self, config: uvicorn.Config, protocol: type[FeedProtocol]) -> None:
        super().__init__(config)
        self._protocol = protocol

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, whose connections do not count before they are secured."""
        config, protocol = self.config, self._protocol
        make = partial(protocol, config=config, server_state=self.server_state, app_state={})
        self.servers = []
        for listening in sockets or []:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            if config.ssl is not None:
                listening.listen(config.backlog)
                accepting = Acceptor(listening, make, config.ssl, protocol.open_connections)
                self.servers.append(accepting)  # type: ignore[arg-type] # uvicorn closes it only
                continue
            loop = asyncio.get_running_loop()
            self.servers.append(
                await loop.create_server(make, sock=listening, backlog=config.backlog)
            )
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
        (FeedProtocol,),
        {"open_connections": FeedConnections(limits), "feeds": app},
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
