"""Calendar links: what each one shows and when it was fetched."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

from companion.domain.disclosure import Disclosure


class FeedDetail(StrEnum):
    """How much a calendar link shows."""

    FULL = "full"
    INITIALS = "initials"
    BUSY = "busy"
    GOOGLE = "google"
    """As in the practitioner's Google calendar."""
    CUSTOM = "custom"


NetworkPlace = Literal["", "inside", "outside", "here"]
"""``inside`` the practice's network, ``outside`` of it, or ``here``: this machine, a proxy on it
included. Empty where it is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLink:
    id: str
    practitioner_id: str
    label: str
    detail: FeedDetail
    custom: Disclosure | None = None
    """What it shows when its detail is CUSTOM."""
    token_hash: bytes
    """SHA-256 of the token."""
    created_at: datetime
    days_in_arrears: int
    days_in_advance: int
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_fetched_at: datetime | None = None
    last_client: str = ""
    """First product of the User-Agent, shortened."""
    last_status: int = 0
    """200 or 304; 0 before the first fetch."""
    last_network: NetworkPlace = ""
    intervals: tuple[int, ...] = ()
    """Seconds between the latest fetches, at most `INTERVALS_KEPT`, newest last."""
    fetches: int = 0


INTERVALS_KEPT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """One time that a device asked for its calendar."""

    at: datetime
    client: str
    status: int
    network: NetworkPlace

    def noted_in(self, link: FeedLink) -> FeedLink:
        intervals = link.intervals
        if link.last_fetched_at is not None:
            since = max(0, round((self.at - link.last_fetched_at).total_seconds()))
            intervals = (*intervals, since)[-INTERVALS_KEPT:]
        return replace(
            link,
            last_fetched_at=self.at,
            last_client=self.client,
            last_status=self.status,
            last_network=self.network,
            intervals=intervals,
            fetches=link.fetches + 1,
        )


class FeedStore(Protocol):
    """A link that is put or removed is published as `FeedLinksChanged`; fetches are not."""

    async def links(self, practitioner_id: str | None = None) -> list[FeedLink]: ...

    async def by_token_hash(self, token_hash: bytes) -> FeedLink | None: ...

    async def put(self, link: FeedLink) -> None: ...

    async def remove(self, feed_id: str) -> None: ...

    async def fetched(self, feed_id: str, fetch: Fetch) -> None:
        """Note one; a link that is gone is none."""
        ...
