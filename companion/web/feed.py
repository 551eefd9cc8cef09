"""FeedApp: the ASGI application of the feed listener, the only thing the network can reach.

It knows ``/feeds/<token>.ics`` and ``/healthz``, GET and HEAD. Everything else, other methods and
other spellings of a path included, is 404 without content, so that nothing reveals what is here.
The path is compared as received: ``%2e``, doubled slashes and capitals are other paths. Ranges and
query strings mean nothing. It sets no cookie and logs no path.

Headers reach the client exactly as companion.services.feeds.answers made them. The server that
carries this is companion.web.feed_listener.
"""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, NamedTuple, Protocol

from companion.domain.tokens import token_digest
from companion.services.feeds.answers import UNAVAILABLE, FeedAnswer, Poll, takes_gzip

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_FEED_PATH = re.compile(rb"/feeds/([A-Za-z0-9_-]{43})\.ics")
_MORE_TO_COME = {b"content-length", b"transfer-encoding", b"expect", b"upgrade"}
_HEALTH = b'{"status":"ok"}'
HEALTHY = FeedAnswer(
    status=200,
    headers=(
        (b"content-type", b"application/json"),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"content-length", str(len(_HEALTH)).encode("ascii")),
    ),
    body=_HEALTH,
)


class FeedSource(Protocol):
    """What the listener needs of `companion.services.feeds.feeds.Feeds`."""

    async def fetch(self, token: str, poll: Poll, address: str) -> FeedAnswer: ...

    def ready(self, poll: Poll, address: str) -> FeedAnswer | None: ...

    def miss(self, address: str) -> FeedAnswer: ...


class FeedApp:
    def __init__(self, feeds: FeedSource, *, proxy: Callable[[], str] = lambda: "") -> None:
        """`proxy`: the address whose word about where a request came from is believed; empty for
        none. A request's own is the peer's otherwise, whatever its headers say."""
        self._feeds = feeds
        self._proxy = proxy

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # the listener speaks neither lifespan nor websocket
        try:
            answer = await self._answer(scope)
        except Exception as error:  # noqa: BLE001 - no fault may end in a page or a traceback
            log.warning("A calendar link could not be answered: %s", type(error).__name__)
            answer = UNAVAILABLE
        await send(
            {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        )
        body = b"" if scope["method"] == "HEAD" else answer.body
        await send({"type": "http.response.body", "body": body})

    def poll(self, method: str, url: bytes, headers: Iterable[tuple[bytes, bytes]]) -> Poll | None:
        """What a request asks for, if it is the GET or HEAD of a feed and no body comes with it."""
        if method not in {"GET", "HEAD"}:
            return None
        match = _FEED_PATH.fullmatch(url)
        if match is None:
            return None
        asked = _asked(headers)
        return None if asked.more else _poll(match[1].decode("ascii"), asked, head=method == "HEAD")

    def at_once(self, poll: Poll, peer: str) -> FeedAnswer | None:
        """The answer that is in memory, or None. Saves the server a task and its bookkeeping:
        see companion.web.feed_listener."""
        return self._feeds.ready(poll, self._address(peer, poll.forwarded))

    async def _answer(self, scope: Scope) -> FeedAnswer:
        path: bytes = scope["raw_path"]
        reading = scope["method"] in {"GET", "HEAD"}
        match = _FEED_PATH.fullmatch(path) if reading else None
        asked = _asked(scope["headers"])
        client = scope.get("client")
        address = self._address(str(client[0]) if client else "", asked.forwarded)
        if match is None:
            if reading and path == b"/healthz":
                return HEALTHY
            return self._feeds.miss(address)
        token = match[1].decode("ascii")
        return await self._feeds.fetch(token, _poll(token, asked), address)

    def _address(self, peer: str, forwarded: str) -> str:
        """The client's; from the practice's proxy, the one that it names last. Of the headers that
        exist for it only X-Forwarded-For is read, which a proxy extends: of two, one would be the
        client's own."""
        if not forwarded or not peer or _plain(peer) != self._proxy():
            return peer
        named = _plain(forwarded.rpartition(",")[2].strip())
        return named or peer


class _FeedRequest(NamedTuple):
    encoding: str
    tags: str
    client: str
    forwarded: str
    more: bool
    """There is more to come than headers."""


def _poll(token: str, asked: _FeedRequest, *, head: bool = False) -> Poll:
    return Poll(
        token_hash=token_digest(token),
        tags=asked.tags,
        gzip=takes_gzip(asked.encoding),
        client=asked.client,
        forwarded=asked.forwarded,
        head=head,
    )


def _asked(headers: Iterable[tuple[bytes, bytes]]) -> _FeedRequest:
    """The headers of a request that we use; repeated ones are joined (RFC 9110 5.3)."""
    encoding = tags = client = forwarded = ""
    more = False
    for name, value in headers:
        if name == b"if-none-match":
            tags = f"{tags}, {value.decode('latin-1')}" if tags else value.decode("latin-1")
        elif name == b"accept-encoding":
            text = value.decode("latin-1")
            encoding = f"{encoding}, {text}" if encoding else text
        elif name == b"user-agent":
            client = value.decode("latin-1")
        elif name == b"x-forwarded-for":
            forwarded = value.decode("latin-1")
        elif name in _MORE_TO_COME:
            more = True
    return _FeedRequest(encoding, tags, client, forwarded, more)


def _plain(text: str) -> str:
    """An address as it is written plainly; empty where it is none."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return ""
    return str(getattr(found, "ipv4_mapped", None) or found)
