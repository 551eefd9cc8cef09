"""The app's own port as programs of this computer see it: a real server, driven in bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from socket import create_server
from typing import Any

import pytest

from companion.web.app_server import APP_BOUNDS, MOST_TABS, AppProtocol, app_server
from companion.web.connections import Bounds, OpenConnections, QuietServer
from tests.fakes.waiting import until

SHORT = replace(APP_BOUNDS, for_request=0.3, for_body=0.3, for_answer=0.3, sweep=0.05)
UPGRADE = (
    b"GET /tab HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
ASK = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
Message = MutableMapping[str, Any]


@dataclass
class App:
    """Reads a body to its end and says how long it was; a tab hears until it is closed."""

    scopes: list[Message] = field(default_factory=list)

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        self.scopes.append(scope)
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            while (message := await receive())["type"] != "websocket.disconnect":
                await send({"type": "websocket.send", "text": message["text"]})
            return
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            size, more = size + len(message["body"]), message["more_body"]
        body = str(size).encode() if scope["path"] != "/large" else b"x" * 50_000_000
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


Pipe = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Port:
    app: App
    server: QuietServer
    number: int
    pipes: list[Pipe] = field(default_factory=list)

    async def connect(self, sent: bytes = b"") -> Pipe:
        pipe = await asyncio.open_connection("127.0.0.1", self.number)
        self.pipes.append(pipe)
        pipe[1].write(sent)
        return pipe

    async def tab(self) -> Pipe:
        reader, writer = await self.connect(UPGRADE)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        return reader, writer

    async def answers(self, pipe: Pipe | None = None) -> bytes:
        """The body of the next answer; empty where the connection was cut."""
        reader, writer = pipe or await self.connect()
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            writer.write(ASK)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r")[0])
            return await asyncio.wait_for(reader.readexactly(length), 10)
        return b""


@asynccontextmanager
async def listening(bounds: Bounds = APP_BOUNDS, most_tabs: int = MOST_TABS) -> AsyncIterator[Port]:
    app, listener = App(), create_server(("127.0.0.1", 0))
    server = app_server(app, bounds=bounds, most_tabs=most_tabs)
    number = listener.getsockname()[1]
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await until(lambda: server.started)
    port = Port(app, server, number)
    try:
        yield port
    finally:
        for _reader, writer in port.pipes:
            writer.close()
        server.should_exit = True
        await asyncio.wait_for(serving, 10)


def members_of(port: Port) -> OpenConnections:
    protocol = port.server.config.http_protocol_class
    assert issubclass(protocol, AppProtocol)
    return protocol.open_connections


async def is_cut(pipe: Pipe, pieces: Iterator[bytes], pause: float = 0.0) -> bool:
    """Whether the connection ends while these are sent, or in the time after."""
    reader, writer = pipe
    with suppress(ConnectionError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            if pause:
                await asyncio.sleep(pause)
            if reader.at_eof():
                return True
        return await asyncio.wait_for(reader.read(1), 10) == b""
    return True


BEGUN = {
    "says nothing": b"",
    "head": b"GET / HTTP/1.1\r\nX-Slow: ",
    "body": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n",
    "chunks": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
}


@pytest.mark.parametrize("begun", BEGUN)
async def test_a_slow_client_is_cut_off_in_time(begun: str) -> None:
    drip = b"1\r\nx\r\n" if begun == "chunks" else b"x" if BEGUN[begun] else b""
    async with listening(SHORT) as port:
        pipe = await port.connect(BEGUN[begun])
        assert await is_cut(pipe, (drip for _ in range(300)), 0.01)
        assert await port.answers() == b"0"


async def test_a_client_that_takes_no_answer_is_cut_off() -> None:
    async with listening(SHORT) as port:
        await port.connect(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        members = members_of(port).members
        await until(lambda: bool(members))
        await until(lambda: not members)
        assert await port.answers() == b"0"


ENDLESS = {
    "a header": (b"GET / HTTP/1.1\r\nX-Big: ", b"x" * 10_000),
    "headers": (b"GET / HTTP/1.1\r\n", b"X-Many: x\r\n" * 1_000),
    "an address": (b"GET /", b"x" * 10_000),
    "empty lines": (b"", b"\r\n" * 5_000),
    "trailers": (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n",
        b"X-Many: x\r\n" * 1_000,
    ),
    "a chunk's extension": (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;",
        b"x" * 10_000,
    ),
}


@pytest.mark.parametrize("what", ENDLESS)
async def test_what_never_ends_is_cut_off(what: str) -> None:
    begin, more = ENDLESS[what]
    async with listening() as port:
        pipe = await port.connect(begin)
        assert await is_cut(pipe, (more for _ in range(200)))
        assert await port.answers() == b"0"


@pytest.mark.parametrize("size", [0, 100, 40_000, 5_000_000])
async def test_a_file_of_any_size_arrives_whole(size: int) -> None:
    async with listening() as port:
        reader, writer = await port.connect()
        head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n"
        for _time in range(2):  # on one connection
            writer.write(head.encode() + b"x" * size)
            said = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
            assert said.startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(len(str(size))) == str(size).encode()


async def test_idle_connections_do_not_keep_the_browser_out() -> None:
    async with listening(replace(APP_BOUNDS, connections=20)) as port:
        for _time in range(100):
            await port.connect()
        assert await port.answers() == b"0"
        await until(lambda: len(members_of(port).members) <= 20)


async def test_a_busy_morning_with_many_tabs_meets_no_bound() -> None:
    async with listening() as port:
        tabs = [await port.tab() for _ in range(40)]
        pipes = [await port.connect() for _ in range(60)]
        for _time in range(3):
            assert [await port.answers(each) for each in pipes] == [b"0"] * 60
        assert not any(reader.at_eof() for reader, _writer in tabs)


async def test_an_open_tab_is_no_idle_connection_and_tabs_have_a_bound_of_their_own() -> None:
    async with listening(replace(SHORT, connections=3), most_tabs=2) as port:
        tabs = [await port.tab() for _ in range(2)]
        await asyncio.gather(*(port.answers() for _ in range(6)))
        refused, _writer = await port.tab()
        assert await refused.read(1) == b""
        await until(lambda: not members_of(port).members)
        assert not any(reader.at_eof() for reader, _writer in tabs)
        tabs[0][1].close()
        await until(lambda: len(port.server.server_state.connections) == 1)
        again, _writer = await port.tab()
        assert not again.at_eof()


async def test_nobody_is_believed_who_says_where_a_request_came_from() -> None:
    async with listening() as port:
        for name in ("X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https"):
            pipe = await port.connect(f"GET / HTTP/1.1\r\nHost: a\r\n{name}\r\n\r\n".encode())
            await pipe[0].readuntil(b"\r\n\r\n")
        for scope in port.app.scopes:
            assert (scope["client"][0], scope["scheme"]) == ("127.0.0.1", "http")
