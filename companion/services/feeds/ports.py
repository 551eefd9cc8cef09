"""What feeds need from outside, beside the stores of `companion.services.ports`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from companion.domain.events import CalendarEvent


class FeedWriter(Protocol):
    """Makes a calendar's bytes; equal events give equal bytes. Called from threads."""

    @property
    def closing(self) -> bytes:
        """Everything after the last event."""
        ...

    def opening(self, *, name: str, timezone: str, colour: str) -> bytes:
        """Everything before the first event; `colour` is ``#rrggbb`` or empty."""
        ...

    def event(self, event: CalendarEvent) -> bytes: ...

    def calendar(self, opening: bytes, events: Iterable[bytes]) -> bytes: ...


class KeptFeeds(Protocol):
    """Last good answers that only a holder of the link's token can open."""

    async def keep(self, name: str, token: str, content: bytes) -> None:
        """Replace what is kept under `name` (file-name characters). Raises StoreError."""
        ...

    async def last(self, name: str, token: str) -> bytes | None:
        """None for nothing kept, another token or damage; raises nothing."""
        ...

    async def drop(self, name: str) -> None: ...
