"""HttpAnswer: what a server said, read whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    content: bytes
    """Decoded, whatever the encoding on the way."""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300
