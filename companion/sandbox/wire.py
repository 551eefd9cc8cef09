"""What a simulator is asked and what it says, without a network.

A `Reply` says not only what to send but how long to hold it back and whether the connection dies
instead; `sockets` carries that out.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qsl

JSON_TYPE = "application/json; charset=UTF-8"
NOT_STORED = ("Cache-Control", "no-store")

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    method: str
    path: str
    """Still percent-encoded: a calendar id may hold an encoded slash."""
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""

    @property
    def form(self) -> dict[str, str]:
        """What was posted; of a field that came twice the last."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(slots=True, kw_only=True)
class Reply:
    status: int = 200
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    delay: float = 0.0
    """Seconds to hold the answer (or the death of the connection) back."""
    severed: bool = False
    """The connection closes without an answer."""


class SimulatedClock:
    """A base clock that tests may push forwards."""

    def __init__(self, base: Callable[[], datetime]) -> None:
        self._base = base
        self.shift = timedelta()

    def __call__(self) -> datetime:
        return self._base() + self.shift

    def advance(self, step: timedelta) -> None:
        self.shift += step


def date_header(moment: datetime) -> str:
    """The value of the Date header."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def json_reply(
    content: object, status: int = 200, *headers: tuple[str, str], kind: str = JSON_TYPE
) -> Reply:
    return Reply(status=status, headers=[("Content-Type", kind), *headers], body=encode(content))


def encode(resource: object) -> bytes:
    text = json.dumps(resource, ensure_ascii=False, separators=(",", ":"))
    # A client may have sent half of a surrogate pair, which UTF-8 cannot carry back.
    return text.encode("utf-8", "replace")


def base64_text(content: bytes) -> str:
    """Fit for addresses, and without padding, as tokens are written."""
    return urlsafe_b64encode(content).decode().rstrip("=")


def base64_bytes(text: str) -> bytes:
    """The content of a `base64_text`. Raises ValueError."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
