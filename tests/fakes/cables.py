"""A network cable between a program and its PostgreSQL server, which tests cut, pull out and delay.

A port of this computer whose connections lead to the server's. What it injected is counted, so that
a test which injected nothing shows.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tests.fakes.stream_server import stream_server

COMMIT = b"COMMIT\0"
"""As it stands in both messages that carry a statement: Query and Parse."""
_RESET = struct.pack("ii", 1, 0)
Result = TypeVar("Result")


class Cable:
    """Every method may be called from any thread, and has taken effect when it returns."""

    def __init__(self, server: int) -> None:
        """`server`: port of this computer."""
        self.server = server
        self.port = 0
        self.delay = 0.0
        """Seconds that each piece takes, in each direction."""
        self.injected: Counter[str] = Counter()
        self.statements: Counter[str] = Counter()
        """Carried out by the server, by their first word: SELECT, BEGIN, COMMIT …"""
        self._whole = asyncio.Event()
        self._whole.set()
        self._connections: set[_Connection] = set()
        self._lost_commits = self._lost_answers = 0
        self._refusing = False
        self._held: threading.Event | None = None
        self._late: tuple[bytes, float] | None = None
        self._loop = asyncio.new_event_loop()

    # ── what happens to it ────────────────────────────────────────────────────────────────────

    def cut(self) -> None:
        """Every connection is torn; new ones pass."""

        def work() -> None:
            self.injected["cut connections"] += len(self._connections)
            for each in tuple(self._connections):
                each.tear()

        self._do(work)

    def refuse(self, refusing: bool) -> None:
        """Nobody listens at the other end: open connections are torn, new ones too."""

        def work() -> None:
            self._refusing = refusing

        self._do(work)
        if refusing:
            self.cut()

    def pull_out(self) -> None:
        """Nothing passes and nothing is closed, as when the plug has been pulled."""
        self.injected["pulled cables"] += 1
        self._do(self._whole.clear)

    def server_gives_up(self) -> None:
        """Its keepalive packets were not answered for too long: it closes what hangs."""

        def work() -> None:
            for each in tuple(self._connections):
                each.forget_server()

        self._do(work)

    def plug_in(self) -> None:
        """What had been sent meanwhile arrives, as TCP repeats it."""
        self._do(self._whole.set)

    def lose_commits(self, count: int = 1) -> None:
        """The next ones are torn before they reach the server: nothing was committed."""

        def work() -> None:
            self._lost_commits = count

        self._do(work)

    def lose_answers(self, count: int = 1) -> None:
        """The next ones are committed, and the connection is torn before anybody is told."""

        def work() -> None:
            self._lost_answers = count

        self._do(work)

    def hold_commit(self) -> threading.Event:
        """The next one does not pass, and its connection waits for its end. Set once it is held."""

        def work() -> threading.Event:
            self._held = threading.Event()
            return self._held

        return self._do(work)

    def deliver_late(self, word: bytes, seconds: float) -> None:
        """The next piece with that word from the program arrives late, even where whoever sent it
        is dead by then."""

        def work() -> None:
            self._late = word, seconds

        self._do(work)

    def mend(self) -> None:
        def work() -> None:
            self._lost_commits = self._lost_answers = 0
            self._late = None
            self.delay = 0.0
            self._refusing = False
            self._whole.set()

        self._do(work)

    @property
    def refuses(self) -> bool:
        return self._refusing

    @property
    def connections(self) -> int:
        """Open ones."""
        return self._do(lambda: len(self._connections))

    # ── how it works ──────────────────────────────────────────────────────────────────────────

    def _do(self, work: Callable[[], Result]) -> Result:
        done: list[Result] = []
        over = threading.Event()

        def job() -> None:
            try:
                done.append(work())
            finally:
                over.set()

        self._loop.call_soon_threadsafe(job)
        assert over.wait(10), "the cable's thread has ended"
        return done[0]

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._whole.wait()
        if self._refusing:
            _tear(writer)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.server)
        except OSError:
            _tear(writer)
            return
        connection = _Connection(self, reader, writer, far_reader, far_writer)
        self._connections.add(connection)
        with contextlib.suppress(asyncio.CancelledError):  # the end of the test
            await connection.carry()
        self._connections.discard(connection)

    def takes_commit(self) -> str:
        """What becomes of a COMMIT that is just passing."""
        if self._held is not None:
            self._held.set()
            self._held = None
            return "held"
        if self._lost_commits:
            self._lost_commits -= 1
            self.injected["lost commits"] += 1
            return "lost"
        if self._lost_answers:
            self._lost_answers -= 1
            self.injected["lost answers"] += 1
            return "unanswered"
        return ""

    async def passing(self, piece: bytes = b"") -> None:
        """Returns when a piece may pass."""
        if self._late is not None and self._late[0] in piece:
            (_, seconds), self._late = self._late, None
            self.injected["late deliveries"] += 1
            await asyncio.sleep(seconds)
        if self.delay:
            await asyncio.sleep(self.delay)
        await self._whole.wait()


class _Connection:
    def __init__(
        self,
        cable: Cable,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        far_reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
    ) -> None:
        self._cable = cable
        self._near, self._far = (reader, writer), (far_reader, far_writer)
        self._unanswered = False
        self._said = bytearray()

    async def carry(self) -> None:
        there = asyncio.ensure_future(self._there())
        back = asyncio.ensure_future(self._back())
        try:
            await asyncio.wait([there, back], return_when=asyncio.FIRST_COMPLETED)
            await self._cable.passing()  # that it was closed is told by a packet, too
        finally:
            for each in (there, back):
                each.cancel()
            await asyncio.gather(there, back, return_exceptions=True)
            self._near[1].close()
            self._far[1].close()

    async def _there(self) -> None:
        while piece := await _read(self._near[0]):
            await self._cable.passing(piece)
            if COMMIT in piece:
                fate = self._cable.takes_commit()
                if fate == "lost":
                    self.tear()
                    return
                if fate == "held":
                    await asyncio.Event().wait()
                self._unanswered = fate == "unanswered"
            await _write(self._far[1], piece)

    async def _back(self) -> None:
        while piece := await _read(self._far[0]):
            await self._cable.passing()
            if self._unanswered:
                self.tear()
                return
            self._count(piece)
            await _write(self._near[1], piece)

    def _count(self, piece: bytes) -> None:
        """The server's messages are a letter, a length and their content; its answer to whether it
        encrypts is one letter alone. CommandComplete is a C."""
        if len(piece) == 1 and not self._said:
            return
        self._said += piece
        at = 0
        while len(self._said) - at >= 5:
            length = int.from_bytes(self._said[at + 1 : at + 5], "big")
            if len(self._said) - at < 1 + length:
                break
            if self._said[at] == ord("C"):
                content = bytes(self._said[at + 5 : at + length])
                self._cable.statements[content.split(b" ")[0].decode()] += 1
            at += 1 + length
        del self._said[:at]

    def tear(self) -> None:
        _tear(self._near[1])
        _tear(self._far[1])

    def forget_server(self) -> None:
        _tear(self._far[1])


async def _read(reader: asyncio.StreamReader) -> bytes:
    with contextlib.suppress(OSError):
        return await reader.read(65_536)
    return b""


async def _write(writer: asyncio.StreamWriter, piece: bytes) -> None:
    with contextlib.suppress(OSError):
        writer.write(piece)
        await writer.drain()


def _tear(writer: asyncio.StreamWriter) -> None:
    """Without a goodbye: the other side gets a reset."""
    with contextlib.suppress(OSError):
        plug: socket.socket = writer.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


@contextmanager
def cable_to(server: int) -> Iterator[Cable]:
    """`server`: port of this computer."""
    cable = Cable(server)
    with stream_server(cable._loop, cable._take) as cable.port:
        yield cable
