"""FeedAnswer: the feed's side of HTTP, as values: bodies, entity tags, headers.

The two encodings of a body are two representations and bear different strong tags (RFC 9110
8.8.3); a client that holds either holds today's calendar, so If-None-Match accepts both. A copy
for every encoding is answered at once: nothing is compressed for a request.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

Headers = tuple[tuple[bytes, bytes], ...]

_CLOSED: Headers = (
    (b"cache-control", b"private, no-cache"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-robots-tag", b"noindex"),
    (b"x-content-type-options", b"nosniff"),
)
_VARY = (b"vary", b"Accept-Encoding")
_TAG = re.compile(r'(?:W/)?("[^"]*")')


class Poll(NamedTuple):
    """A request for a feed, as far as its answer depends on it; without the token."""

    token_hash: bytes
    tags: str = ""
    """If-None-Match."""
    gzip: bool = False
    """Whether the client accepts it."""
    client: str = ""
    """User-Agent."""
    forwarded: str = ""
    """X-Forwarded-For."""
    head: bool = False
    """HEAD: without the body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedAnswer:
    status: int
    headers: Headers
    """Lower-case names, with content-length wherever HTTP has one."""
    body: bytes = b""
    block: bytes = field(init=False, repr=False)
    """The headers as they go over the wire, each with its line end."""

    def __post_init__(self) -> None:
        block = b"".join(b"%b: %b\r\n" % header for header in self.headers)
        object.__setattr__(self, "block", block)


def _bare(status: int, *more: tuple[bytes, bytes]) -> FeedAnswer:
    return FeedAnswer(status=status, headers=(*_CLOSED, *more, (b"content-length", b"0")))


NOT_FOUND = _bare(404)
"""The same for a path, a token and a link that do not exist, or no longer."""
TOO_MANY = _bare(429, (b"retry-after", b"60"))
UNAVAILABLE = _bare(503, (b"retry-after", b"300"))


@dataclass(frozen=True, slots=True, kw_only=True, weakref_slot=True)
class FeedBody:
    """One calendar, ready to be sent."""

    gzipped: bytes
    size: int
    """Bytes, not compressed."""
    events: int
    trimmed_past: int = 0
    """How many events were left out to keep under the size that clients accept."""
    trimmed_future: int = 0
    tag: str
    """Strong entity tag with its quotes, of the uncompressed representation."""
    gzip_tag: str
    packed: FeedAnswer = field(repr=False)
    """200, compressed."""
    unchanged: FeedAnswer = field(repr=False)
    """304 to a client that takes gzip."""

    @classmethod
    def of(
        cls,
        plain: bytes,
        *,
        events: int,
        trimmed_past: int = 0,
        trimmed_future: int = 0,
        gzipped: bytes = b"",
    ) -> FeedBody:
        """`gzipped`: the same bytes, where they have been compressed already."""
        gzipped = gzipped or gzip.compress(plain, 6, mtime=0)
        digest = hashlib.sha256(plain).hexdigest()[:32]
        tag, gzip_tag = f'"{digest}"', f'"{digest}-gzip"'
        return cls(
            gzipped=gzipped,
            size=len(plain),
            events=events,
            trimmed_past=trimmed_past,
            trimmed_future=trimmed_future,
            tag=tag,
            gzip_tag=gzip_tag,
            packed=_whole(gzipped, gzip_tag, (b"content-encoding", b"gzip")),
            unchanged=_same(gzip_tag),
        )

    @classmethod
    def from_gzip(cls, gzipped: bytes) -> FeedBody:
        """A body kept earlier; raises OSError, EOFError or zlib.error for damage."""
        plain = gzip.decompress(gzipped)
        return cls.of(plain, events=plain.count(b"BEGIN:VEVENT\r\n"), gzipped=gzipped)

    def answer(self, *, accept_gzip: bool, if_none_match: str = "") -> FeedAnswer:
        """200 or 304."""
        same = if_none_match and self._is_named_in(if_none_match)
        if accept_gzip:
            return self.unchanged if same else self.packed
        return _same(self.tag) if same else _plain(self.gzipped, self.tag)

    def plain(self) -> bytes:
        """Not compressed."""
        return _plain(self.gzipped, self.tag).body

    def _is_named_in(self, if_none_match: str) -> bool:
        if if_none_match == self.gzip_tag or if_none_match.strip() == "*":
            return True
        named = _TAG.findall(if_none_match)
        return self.gzip_tag in named or self.tag in named


def _whole(body: bytes, tag: str, *more: tuple[bytes, bytes]) -> FeedAnswer:
    return FeedAnswer(
        status=200,
        headers=(
            (b"content-type", b"text/calendar; charset=utf-8"),
            *_CLOSED,
            _VARY,
            (b"etag", tag.encode("ascii")),
            (b"content-length", str(len(body)).encode("ascii")),
            *more,
        ),
        body=body,
    )


@lru_cache(maxsize=8)
def _plain(gzipped: bytes, tag: str) -> FeedAnswer:
    """3 ms for a feed at the size limit, so the last few are kept: few clients take no gzip."""
    return _whole(gzip.decompress(gzipped), tag)


def _same(tag: str) -> FeedAnswer:
    """What RFC 9110 15.4.5 asks of a 304, and the Referrer-Policy."""
    return FeedAnswer(
        status=304,
        headers=(
            (b"etag", tag.encode("ascii")),
            _CLOSED[0],
            _CLOSED[1],
            _VARY,
        ),
    )


@lru_cache(maxsize=256)
def takes_gzip(accept_encoding: str) -> bool:
    """Whether this Accept-Encoding accepts gzip (RFC 9110 12.5.3). Absent or empty: no."""
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        coding, _, parameters = part.partition(";")
        weights[coding.strip()] = _weight(parameters)
    for coding in ("gzip", "x-gzip", "*"):
        if coding in weights:
            return weights[coding] > 0
    return False


def _weight(parameters: str) -> float:
    name, _, value = parameters.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
