"""TLS on a bounded listener: a connection counts from the moment it is there.

uvicorn and asyncio show a connection to its protocol when the handshake is done. Until then nobody
would count it, and a crowd that never shakes hands could use up the files of the process.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

from companion.web.connections import BoundedProtocol, OpenConnections

AGAIN = 1.0
"""Seconds until the next try where a connection could not be taken."""


class Acceptor:
    """Takes connections one by one; for uvicorn a server like asyncio's."""

    def __init__(
        self,
        listening: socket.socket,
        make: Callable[[], BoundedProtocol],
        context: ssl.SSLContext,
        connections: OpenConnections,
    ) -> None:
        """`make`: the protocol of a secured connection."""
        listening.setblocking(False)
        self._listening = listening
        self._make = make
        self._context = context
        self._connections = connections
        self._accepting = asyncio.create_task(self._accept())

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                taken, _address = await loop.sock_accept(self._listening)
            except OSError:
                await asyncio.sleep(AGAIN)
                continue
            Handshake(taken, self._make, self._context, self._connections)

    def close(self) -> None:
        self._accepting.cancel()
        for each in [*self._connections.members]:
            if isinstance(each, Handshake):
                each.drop()

    async def wait_closed(self) -> None:
        with suppress(asyncio.CancelledError):
            await self._accepting


class Handshake:
    """A connection until it is secured."""

    idle = True

    def __init__(
        self,
        taken: socket.socket,
        make: Callable[[], BoundedProtocol],
        context: ssl.SSLContext,
        connections: OpenConnections,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.since = self.loop.time()
        self.patience = connections.bounds.for_handshake
        self._connections = connections
        connections.enter(self)
        self._unused: socket.socket | None = taken
        self._shaking = self.loop.create_task(self._shake(make, context))
        self._shaking.add_done_callback(self._end)

    async def _shake(self, make: Callable[[], BoundedProtocol], context: ssl.SSLContext) -> None:
        def secured() -> BoundedProtocol:
            protocol = make()
            protocol.handshake = self
            return protocol

        taken, self._unused = self._unused, None
        if taken is not None:
            with suppress(OSError):  # no TLS, none that we speak, or too late
                await self.loop.connect_accepted_socket(
                    secured, taken, ssl=context, ssl_handshake_timeout=self.patience
                )

    def _end(self, _done: object) -> None:
        self._connections.leave(self)
        if self._unused is not None:
            self._unused.close()

    def drop(self) -> None:
        self._connections.leave(self)
        self._shaking.cancel()
