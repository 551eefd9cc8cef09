"""Where a request came from: the peer's address, unless the practice named the proxy it came by."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import pytest

from companion.services.feeds.answers import NOT_FOUND, FeedAnswer, Poll
from companion.web.feed import FeedApp

CLAIMS = [
    (b"x-forwarded-for", b"198.51.100.7, 203.0.113.9"),
    (b"forwarded", b"for=203.0.113.10"),
    (b"x-real-ip", b"203.0.113.11"),
]


class Feeds:
    """Notes who asks."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def fetch(self, token: str, poll: Poll, address: str) -> FeedAnswer:
        self.seen.append(address)
        return NOT_FOUND

    def ready(self, poll: Poll, address: str) -> FeedAnswer | None:
        self.seen.append(address)
        return None

    def miss(self, address: str) -> FeedAnswer:
        self.seen.append(address)
        return NOT_FOUND


async def asked(
    peer: str, proxy: str, claims: list[tuple[bytes, bytes]], path: str = "/feeds/x"
) -> set[str]:
    """The addresses that the feeds are given, by either way through the listener."""
    feeds = Feeds()
    app = FeedApp(feeds, proxy=lambda: proxy)

    async def send(_message: MutableMapping[str, Any]) -> None: ...

    async def receive() -> MutableMapping[str, Any]:
        return {}

    scope = {
        "type": "http",
        "method": "GET",
        "raw_path": path.encode(),
        "headers": claims,
        "client": (peer, 1),
    }
    await app(scope, receive, send)
    poll = app.poll("GET", b"/feeds/" + b"A" * 43 + b".ics", claims)
    assert poll is not None
    app.at_once(poll, peer)
    return {*feeds.seen}


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "192.168.1.50"])
async def test_nobody_is_believed_while_the_practice_names_no_proxy(
    peer: str, claim: tuple[bytes, bytes]
) -> None:
    assert await asked(peer, "", [claim]) == {peer}


async def test_the_named_proxy_is_believed_about_the_last_address() -> None:
    for peer in ("127.0.0.1", "::ffff:127.0.0.1"):
        assert await asked(peer, "127.0.0.1", CLAIMS) == {"203.0.113.9"}


async def test_another_peer_is_not_believed_while_one_is_named() -> None:
    assert await asked("127.0.0.1", "192.168.1.9", CLAIMS) == {"127.0.0.1"}
    assert await asked("192.168.1.50", "127.0.0.1", CLAIMS) == {"192.168.1.50"}


@pytest.mark.parametrize("header", [b"forwarded", b"x-real-ip"])
async def test_a_header_that_the_proxy_passes_on_from_the_client_is_not_read(header: bytes) -> None:
    claims = [each for each in CLAIMS if each[0] == header]
    assert await asked("127.0.0.1", "127.0.0.1", claims) == {"127.0.0.1"}


@pytest.mark.parametrize("said", [b"", b"unknown", b"<script>", b"1.2.3.4,", b"x" * 5000])
async def test_what_is_no_address_is_left_out(said: bytes) -> None:
    assert await asked("127.0.0.1", "127.0.0.1", [(b"x-forwarded-for", said)]) == {"127.0.0.1"}
