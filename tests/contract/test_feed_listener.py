"""The feed listener as clients see it: a real server on a loopback port, driven in bytes."""

from __future__ import annotations

import asyncio
import gzip
import re

import pytest

from companion.web.feed_listener import REMEMBERED
from tests.contract.feed_listening import (
    UNKNOWN,
    Listener,
    members_of,
    open_connections_of,
    parsed,
)
from tests.fakes.calendar_lint import complaints
from tests.fakes.feeds import visit
from tests.fakes.waiting import until

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
