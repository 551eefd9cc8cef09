"""Bounded connections: what uvicorn leaves unbounded, for whoever can reach a port.

- a request's head must be whole within `for_request` seconds of the connection or of the last
  answer, its body within `for_body`, an answer must be taken within `for_answer`;
- a head, and what surrounds a body, is no larger than `head_size`;
- there are at most `connections`, those that have yet to shake hands among them; a further one
  closes the one that has been idle longest.

A sweep every few seconds checks the times, so they cost nothing per request.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Sizes in bytes, times in seconds."""

    connections: int = 400
    """Below the usual limit of 1,024 open files a process."""
    head_size: int = 32_768
    idle: int = 15
    """A connection is kept for another request."""
    for_request: float = 20.0
    """Longer than `idle`."""
    for_handshake: float = 10.0
    """Of TLS."""
    for_body: float = 20.0
    for_answer: float = 90.0
    """A feed at its limit then needs 1.2 KB/s."""
    sweep: float = 5.0
    """Between two sweeps."""


class Connection(Protocol):
    """One that is open."""

    loop: asyncio.AbstractEventLoop
    since: float
    """Loop time when it was opened or when its last answer was handed to the transport."""

    @property
    def idle(self) -> bool:
        """Waiting for a request, or for the rest of its head."""
        ...

    @property
    def patience(self) -> float:
        """Seconds that what it waits for may take."""
        ...

    def drop(self) -> None:
        """At once, whatever is still to be sent."""
        ...


@dataclass(slots=True)
class OpenConnections:
    """The open connections of one server."""

    bounds: Bounds
    members: dict[Connection, None] = field(default_factory=dict)
    sweeping: asyncio.TimerHandle | None = None

    def enter(self, newcomer: Connection) -> None:
        if len(self.members) >= self.bounds.connections:
            idle = [each for each in self.members if each.idle] or list(self.members)
            min(idle, key=lambda each: each.since).drop()
        self.members[newcomer] = None
        if self.sweeping is None:
            self.sweeping = newcomer.loop.call_later(self.bounds.sweep, self._sweep, newcomer.loop)

    def leave(self, member: Connection) -> None:
        self.members.pop(member, None)
        if not self.members and self.sweeping is not None:
            self.sweeping.cancel()
            self.sweeping = None

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for member in list(self.members):
            if now - member.since > member.patience:
                member.drop()
        self.sweeping = loop.call_later(self.bounds.sweep, self._sweep, loop)


class BoundedProtocol(HttpToolsProtocol):
    open_connections: ClassVar[OpenConnections]
    handshake: Connection | None = None
    """In whose place it comes."""
    since: float = 0.0
    received: int = 0
    """Bytes of the request now coming in."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        super().connection_made(transport)
        # uvicorn asks only whether its access log has a handler, not whether we want that log;
        # it would write every path, and some are secrets.
        self.access_log = False
        self.since = self.loop.time()
        if self.handshake is not None:
            self.open_connections.leave(self.handshake)
        self.open_connections.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.open_connections.leave(self)
        super().connection_lost(exc)

    def on_message_complete(self) -> None:
        self.received = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self.since = self.loop.time()
        super().on_response_complete()

    @property
    def idle(self) -> bool:
        # uvicorn types the cycle as always there; it is None until the first request.
        if self.cycle and not self.cycle.response_complete:  # type: ignore[truthy-bool]
            return False
        return self.transport.get_write_buffer_size() == 0

    @property
    def patience(self) -> float:
        bounds = self.open_connections.bounds
        if self.idle:
            return bounds.for_request
        return bounds.for_body if self.cycle.more_body else bounds.for_answer

    def drop(self) -> None:
        self.open_connections.leave(self)
        self.transport.abort()


class QuietServer(uvicorn.Server):
    """Leaves the process's signals alone: they belong to whoever started the listeners."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield
