"""The feed listener as clients see it: a real server on a loopback port, driven in bytes."""

from __future__ import annotations

import asyncio
import gzip
import logging
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import pytest

from companion.web.connections import Bounds
from companion.web.feed import FeedApp
from companion.web.feed_listener import (
    REMEMBERED,
    FeedConnections,
    FeedProtocol,
    FeedServer,
    feed_server,
)
from tests.fakes.calendar_lint import complaints
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


@pytest.fixture
async def feed() -> AsyncIterator[Listener]:
    async with listening() as listener:
        yield listener


# ── answers ──────────────────────────────────────────────────────────────────────────────────


async def test_a_phone_gets_the_calendar_with_exactly_the_headers_of_the_profile(
    feed: Listener,
) -> None:
    answers = await feed.ask_twice(feed.path, "Accept-Encoding: gzip, deflate")
    for answer in answers:
        assert answer.status == 200
        assert complaints(gzip.decompress(answer.body)) == []
        assert sorted(name for name, _value in answer.headers) == [
            "cache-control",
            "content-encoding",
            "content-length",
            "content-type",
            "date",
            "etag",
            "referrer-policy",
            "vary",
            "x-content-type-options",
            "x-robots-tag",
        ]
        assert answer.header("content-type") == "text/calendar; charset=utf-8"
    assert answers[0].told == answers[1].told, "from memory it is the same"


async def test_a_client_that_takes_no_gzip_gets_plain_bytes(feed: Listener) -> None:
    first, second = await feed.ask_twice(feed.path)
    assert first.told == second.told
    assert complaints(first.body) == []


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_a_second_poll_is_304_without_content(feed: Listener, encoding: str) -> None:
    first = await feed.ask(feed.path, f"Accept-Encoding: {encoding}")
    tag = first.header("etag")
    for answer in await feed.ask_twice(
        feed.path, f"Accept-Encoding: {encoding}", f"If-None-Match: W/{tag}"
    ):
        assert (answer.status, answer.body, answer.header("etag")) == (304, b"", tag)
    split = await feed.ask(feed.path, 'If-None-Match: "x"', f"If-None-Match: {tag}")
    assert split.status == 304


async def test_the_same_request_again_is_answered_with_what_is_true_then(feed: Listener) -> None:
    """Its bytes are known from the first time and not parsed again, on whichever connection."""
    poll = f"GET {feed.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    first = [parsed(await feed.say(poll)) for _time in range(3)]
    assert open_connections_of(feed).polls
    await feed.application.edit(visit(1, location="Another room"))
    changed = [parsed(await feed.say(poll)) for _time in range(2)]
    await feed.application.feeds.revoke((await feed.application.feeds.links())[0].id)
    gone = [parsed(await feed.say(poll)) for _time in range(2)]
    assert [each.status for each in first + changed + gone] == [200] * 7
    assert len({each.body for each in first}) == len({each.body for each in changed}) == 1
    assert first[0].body != changed[0].body
    assert all(b"switched off" in each.body for each in gone)


async def test_what_is_remembered_of_requests_is_bounded_and_holds_no_token(
    feed: Listener,
) -> None:
    open_connections = open_connections_of(feed)
    for number in range(20):
        await feed.ask_twice(feed.path, f"User-Agent: phone/{number}")
    assert len(open_connections.polls) == 20
    assert feed.token not in repr(open_connections.polls)
    known = next(iter(open_connections.polls.values()))
    for number in range(2 * REMEMBERED):
        open_connections.cache_poll(str(number).encode(), known)
        assert len(open_connections.polls) <= REMEMBERED


@pytest.mark.parametrize("path", ["feed", "/healthz", f"/feeds/{UNKNOWN}.ics"])
async def test_head_is_get_without_the_content(feed: Listener, path: str) -> None:
    path = feed.path if path == "feed" else path
    got, head = await feed.ask(path), await feed.ask(path, method="HEAD")
    assert head.told == (got.status, got.told[1], b"")
    assert [each.told for each in await feed.ask_twice(path, method="HEAD")] == [
        (got.status, [each for each in got.told[1] if each[0] != "connection"], b"")
    ] * 2


async def test_http_1_0_and_ranges_get_the_whole_calendar(feed: Listener) -> None:
    whole = (await feed.ask(feed.path)).body
    old = await feed.ask(feed.path, http="1.0")
    ranged = await feed.ask(feed.path, "Range: bytes=0-10")
    assert (old.status, old.body) == (ranged.status, ranged.body) == (200, whole)


async def test_a_query_string_changes_nothing(feed: Listener) -> None:
    assert (await feed.ask(f"{feed.path}?fresh=1")).status == 200


async def test_requests_in_a_row_without_waiting_are_answered_in_order(feed: Listener) -> None:
    await feed.ask(feed.path)
    one = f"GET {feed.path} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n"
    other = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    said = await feed.say((one + other + one + one + other).encode())
    found = re.findall(rb"HTTP/1\.1 (\d+).*?\r\ncontent-type: ([a-z/]+)", said, re.DOTALL)
    calendar, health = (b"200", b"text/calendar"), (b"200", b"application/json")
    assert found == [calendar, health, calendar, calendar, health]


async def test_an_unwanted_body_is_ignored(feed: Listener) -> None:
    await feed.ask(feed.path)
    request = f"GET {feed.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
    said = await feed.say((request + "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").encode())
    assert said.count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize("before", ["", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"])
async def test_a_body_that_looks_like_a_poll_is_no_request(feed: Listener, before: str) -> None:
    poll = f"GET {feed.path} HTTP/1.1\r\nHost: x\r\n\r\n"
    for _time in range(2):
        assert b"VCALENDAR" in await feed.say(poll.encode())
    reader, writer = await feed.connect()
    await until(lambda: len(open_connections_of(feed).members) == 1)
    (connection,) = members_of(feed)
    post = f"POST /anything HTTP/1.1\r\nHost: x\r\nContent-Length: {len(poll)}\r\n\r\n"
    # As if each came in a packet of its own; they often come in one.
    connection.data_received((before + post).encode())
    while b"404" not in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5):
        pass
    connection.data_received(poll.encode())
    connection.data_received(b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")
    said = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert said.count(b"HTTP/1.1 200 OK") == 1
    assert said.endswith(b'{"status":"ok"}')


async def test_no_answer_sets_a_cookie_redirects_or_names_the_server(feed: Listener) -> None:
    for path in (feed.path, "/", "/healthz", f"/feeds/{UNKNOWN}.ics"):
        names = {name for name, _value in (await feed.ask(path)).headers}
        assert not names & {"set-cookie", "location", "server", "x-powered-by"}


# ── strangers ────────────────────────────────────────────────────────────────────────────────


async def test_everything_else_is_one_and_the_same_404(feed: Listener) -> None:
    expected = (await feed.ask(f"/feeds/{UNKNOWN}.ics")).told
    assert (expected[0], expected[2]) == (404, b"")
    token = feed.token
    for number, path in enumerate(
        [
            "/",
            "/feeds",
            "/feeds/",
            "/feeds/.ics",
            "/robots.txt",
            "/favicon.ico",
            "/oauth/callback",
            "/_nicegui/1.0/static",
            f"/feeds/{token}",
            f"/feeds/{token}.ICS",
            f"/Feeds/{token}.ics",
            f"//feeds/{token}.ics",
            f"/feeds//{token}.ics",
            f"/feeds/./{token}.ics",
            f"/feeds/../feeds/{token}.ics",
            f"/feeds/%2e%2e/feeds/{token}.ics",
            f"/feeds/{token}%2eics",
            f"/%66eeds/{token}.ics",
            f"/feeds/{token}.ics/",
            f"/feeds/{token}.ics%00",
            f"/feeds/{token}.ics;x",
            f"/feeds/{token[:-1]}.ics",
            f"/feeds/{token}A.ics",
            f"/feeds/{token.swapcase()}.ics",
            "/feeds/../../etc/passwd",
            "/healthz/",
            "/HEALTHZ",
            "/" + "a" * 20_000,
        ]
    ):
        feed.application.clock.shift(10)
        assert (await feed.ask(path)).told == expected, number


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "get"])
async def test_other_methods_are_the_same_404_or_no_http_at_all(
    feed: Listener, method: str
) -> None:
    expected = (await feed.ask(f"/feeds/{UNKNOWN}.ics")).told
    for path in (feed.path, "/healthz", "/"):
        answer = await feed.ask(path, method=method)
        assert answer.told == expected or (method == "get" and answer.status == 400)


async def test_a_scanner_is_slowed_down_and_phones_behind_the_same_router_are_not(
    feed: Listener,
) -> None:
    statuses = [(await feed.ask(f"/feeds/{each:043}.ics")).status for each in range(25)]
    statuses += [(await feed.ask("/admin")).status for _each in range(10)]
    assert statuses == [404] * 30 + [429] * 5
    assert (await feed.ask(feed.path)).status == 200
    assert await feed.is_alive()
    proxied = await feed.ask("/admin", "X-Forwarded-For: 10.9.9.9, 203.0.113.7")
    assert proxied.status == 429, "nobody is believed whom the practice has not named"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x00\x01\x02\x03",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://[bad HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nna me: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nIf-None-Match: \xff\xfe\x80\r\nUser-Agent: \x80\r\n\r\n",
    ],
)
async def test_nonsense_is_refused_and_the_listener_goes_on(
    feed: Listener, request_bytes: bytes
) -> None:
    said = await feed.say(request_bytes)
    assert said == b"" or re.match(rb"HTTP/1\.1 (400|404) ", said)
    assert b"VCALENDAR" not in said
    assert await feed.is_alive()


async def test_a_giant_request_is_cut_off(feed: Listener) -> None:
    await feed.ask(feed.path)
    for request in (
        f"GET {feed.path} HTTP/1.1\r\nX-Big: {'x' * 1_000_000}\r\n\r\n",
        f"GET {feed.path} HTTP/1.1\r\n" + "X-Many: x\r\n" * 100_000 + "\r\n",
        f"GET /{'x' * 1_000_000} HTTP/1.1\r\n\r\n",
        f"POST {feed.path} HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n" + "x" * 1_000_000,
    ):
        assert b"VCALENDAR" not in await feed.say(request.encode())
    assert await feed.is_alive()


async def test_a_client_that_sends_byte_by_byte_is_cut_off_in_time() -> None:
    async with listening(Bounds(for_request=0.4, sweep=0.1)) as feed:
        reader, writer = await feed.connect()
        began = asyncio.get_running_loop().time()
        try:
            for byte in f"GET {feed.path} HTTP/1.1\r\nX-Slow: {'x' * 1000}".encode():
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.02)
                if reader.at_eof():
                    break
        except ConnectionError:
            pass
        assert asyncio.get_running_loop().time() - began < 10
        writer.close()
        assert await feed.is_alive()


async def test_a_silent_client_is_disconnected_in_time() -> None:
    async with listening(Bounds(for_request=0.3, sweep=0.1)) as feed:
        reader, writer = await feed.connect()
        try:
            said = await asyncio.wait_for(reader.read(1), 10)
        except ConnectionError:
            said = b""
        assert said == b""
        writer.close()


async def test_a_client_that_takes_no_answer_is_cut_off_and_costs_bounded_memory() -> None:
    async with listening(Bounds(for_answer=0.5, sweep=0.1)) as feed:
        await feed.ask(feed.path)
        quiet = socket.socket()
        quiet.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        quiet.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(quiet, ("127.0.0.1", feed.port))
        request = f"GET {feed.path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        await loop.sock_sendall(quiet, request * 200)
        members = open_connections_of(feed).members
        await until(lambda: bool(members))
        most = 0
        for _look in range(500):
            most = max(
                [most, *(each.transport.get_write_buffer_size() for each in members_of(feed))]
            )
            await asyncio.sleep(0.02)
            if not members:
                break
        assert members == {}
        whole = len((await feed.ask(feed.path)).body)
        assert 0 < most < 3 * whole, "two hundred answers were not piled up"
        quiet.close()


@contextmanager
def open_files(wanted: int) -> Iterator[None]:
    """As many as the system allows; Windows has no such bound."""
    try:
        import resource
    except ImportError:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_thousand_idle_connections_do_not_keep_a_phone_out() -> None:
    with open_files(4_096):
        async with listening() as feed:
            crowd = [await feed.connect() for _each in range(1_000)]
            assert await feed.is_alive()
            assert (await feed.ask(feed.path)).status == 200
            most = Bounds().connections + 1
            await until(lambda: len(feed.server.server_state.connections) <= most)
            for _reader, writer in crowd:
                writer.close()
            assert await feed.is_alive()


async def test_nothing_is_logged_of_a_token_or_a_path(
    feed: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await feed.ask_twice(feed.path)
    await feed.ask(f"/feeds/{UNKNOWN}.ics")
    await feed.say(f"GET {feed.path} HTTP/9.9\r\n\r\n".encode())
    feed.application.book.fault = OSError("disk")
    feed.application.clock.shift(60)
    await feed.ask(feed.path)
    assert "OSError" in caplog.text
    assert feed.token not in caplog.text
    assert UNKNOWN not in caplog.text


async def test_a_fault_of_the_program_is_503_and_empty(feed: Listener) -> None:
    def broken(*_each: object, **_more: object) -> None:
        raise RuntimeError("Marigold Quillfeather")

    feed.application.feeds.miss = broken  # type: ignore[method-assign,assignment] # a fault to survive
    answer = await feed.ask("/anything")
    assert (answer.status, answer.body) == (503, b"")
    assert await feed.is_alive()


async def test_stopping_waits_for_no_client(feed: Listener) -> None:
    crowd = [await feed.connect() for _each in range(20)]
    reader, writer = crowd[0]
    writer.write(f"GET {feed.path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    feed.server.should_exit = True
    await until(lambda: not feed.server.server_state.connections)
    for _reader, each in crowd:
        each.close()
