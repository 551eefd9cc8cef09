"""The listener for phones on a real socket, and a phone that reads its answers byte by byte."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from companion.web.connections import Bounds
from companion.web.feed import FeedApp
from companion.web.feed_listener import FeedConnections, FeedProtocol, FeedServer, feed_server
from tests.fakes.feeds import FeedApplication, visit
from tests.fakes.waiting import until

UNKNOWN = "A" * 43


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        (value,) = [each for known, each in self.headers if known == name]
        return value

    @property
    def told(self) -> tuple[int, list[tuple[str, str]], bytes]:
        """Everything a client can see, except the time."""
        return self.status, [each for each in self.headers if each[0] != "date"], self.body


@dataclass
class Listener:
    application: FeedApplication
    server: FeedServer
    port: int
    token: str

    @property
    def path(self) -> str:
        return f"/feeds/{self.token}.ics"

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def say(self, request: bytes) -> bytes:
        """Everything that comes back until the server closes, or half a second of silence."""
        reader, writer = await self.connect()
        said = b""
        try:
            writer.write(request)
            while data := await asyncio.wait_for(reader.read(65_536), 0.5):
                said += data
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()
        return said

    async def ask(self, path: str, *headers: str, method: str = "GET", http: str = "1.1") -> Answer:
        lines = [f"{method} {path} HTTP/{http}", "Host: 127.0.0.1", "Connection: close", *headers]
        return parsed(await self.say("\r\n".join([*lines, "", ""]).encode("latin-1")))

    async def ask_twice(self, path: str, *headers: str, method: str = "GET") -> list[Answer]:
        """On one connection that is kept: the second is answered from memory."""
        reader, writer = await self.connect()
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]
        answers = []
        for _time in range(2):
            writer.write("\r\n".join(lines).encode())
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            length = re.search(rb"content-length: (\d+)", head)
            wanted = int(length[1]) if length and method != "HEAD" else 0
            answers.append(parsed(head + await asyncio.wait_for(reader.readexactly(wanted), 5)))
        writer.close()
        return answers

    async def is_alive(self) -> bool:
        return (await self.ask("/healthz")).status == 200


def parsed(said: bytes) -> Answer:
    head, body = said.split(b"\r\n\r\n", 1)
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    return Answer(int(first.split(" ")[1]), headers, body)


@asynccontextmanager
async def listening(bounds: Bounds | None = None) -> AsyncIterator[Listener]:
    application = FeedApplication()
    await application.write(*(visit(each, notes="x" * 200) for each in range(500)))
    token = await application.token()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = feed_server(FeedApp(application.feeds), bounds=bounds)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await until(lambda: server.started)
    try:
        yield Listener(application, server, port, token)
    finally:
        server.should_exit = True
        await asyncio.wait_for(serving, 10)
        await application.feeds.close()


def members_of(feed: Listener) -> list[FeedProtocol]:
    members = open_connections_of(feed).members
    return [each for each in members if isinstance(each, FeedProtocol)]


def open_connections_of(feed: Listener) -> FeedConnections:
    protocol = feed.server.config.http_protocol_class
    assert issubclass(protocol, FeedProtocol)
    return protocol.open_connections
