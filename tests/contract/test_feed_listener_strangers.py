"""What the listener answers to whoever is no phone: scanners, nonsense, the slow and the many."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from companion.web.connections import Bounds
from tests.contract.feed_listening import (
    UNKNOWN,
    Listener,
    listening,
    members_of,
    open_connections_of,
)
from tests.fakes.waiting import until

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
