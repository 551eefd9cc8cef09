"""FeedServing: answers a fetch, from memory while that is up to date.

To answer one, its link, the book's revisions and the settings are read at most once a second for
all links together; a body is made when its view or the practitioner's revision is new
(companion.services.feeds.bodies). A poll that finds nothing new costs one hash and a look-up.

What a phone is answered; most keep what they have on any error, and some stop for good:

    known link            200 or 304, never 429
    switched off, expired 200 with a single entry that says so, for 90 days, then 404
    never existed         404, and 429 when one address asks for too many
    a fault of ours       the last good bytes, from memory or from disk; without any, 503
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import weakref
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from companion.domain.client_names import ClientNames
from companion.domain.errors import StoreError
from companion.domain.settings import PractitionerSettings, Settings
from companion.domain.window import SyncWindow
from companion.services.changes import (
    BookChanged,
    Change,
    Changes,
    FeedLinksChanged,
    SettingsChanged,
)
from companion.services.feeds.answers import (
    NOT_FOUND,
    TOO_MANY,
    UNAVAILABLE,
    FeedAnswer,
    FeedBody,
    Poll,
)
from companion.services.feeds.bodies import PATIENCE, FeedBodies
from companion.services.feeds.links import (
    file_name,
    from_kept,
    long_off,
    network_word,
    off_at,
    product_of,
    to_keep,
)
from companion.services.feeds.misses import Misses
from companion.services.feeds.ports import KeptFeeds
from companion.services.feeds.views import SWITCHED_OFF, calendar_name, notice, view_of
from companion.services.ports import (
    AppointmentBook,
    Clock,
    FeedLink,
    FeedStore,
    Fetch,
    SettingsStore,
)

log = logging.getLogger(__name__)

_FRESH = 1.0
"""Seconds for which what was read counts as up to date."""
_AFTER_FAULT = 3.0
"""Seconds until a store that failed is asked again."""
_QUARTER = 900
"""Seconds: a day begins at a quarter of an hour in every zone."""
_NOTE_EVERY = 30.0
"""Seconds between two notes of "last fetched" for one link."""


@dataclass(frozen=True, slots=True)
class _StoreSnapshot:
    """The contents of the stores, at most a second old."""

    links: Mapping[bytes, FeedLink]
    """By token hash."""
    revisions: Mapping[str, int]
    settings: Settings
    names: ClientNames


@dataclass(slots=True)
class _Ready:
    """A link's present answer."""

    link: FeedLink
    body: Callable[[], FeedBody | None]
    """A weak reference: FeedBodies bounds the memory."""
    until: float
    next_note: float = 0.0
    kept_tag: str = ""
    basis: tuple[object, ...] = ()
    """What the body was made of; empty for one that was kept from before a fault."""


class FeedServing:
    def __init__(  # noqa: PLR0913 - what it reads; Feeds names each
        self,
        *,
        book: AppointmentBook,
        settings: SettingsStore,
        store: FeedStore,
        clock: Clock,
        bodies: FeedBodies,
        kept: KeptFeeds,
        stale_since: Callable[[str], datetime | None],
        changes: Changes,
        reachable: Callable[[], bool] = lambda: True,
    ) -> None:
        """`reachable`: whether asking the stores has a point."""
        self._book = book
        self._settings = settings
        self._store = store
        self._clock = clock
        self._bodies = bodies
        self._kept = kept
        self._stale_since = stale_since
        self._reachable = reachable
        self._dropped: set[bytes] = set()
        """Token hashes of links that were switched off, of which nothing is kept here any more."""
        self._misses = Misses(clock.monotonic)
        self._known: _StoreSnapshot | None = None
        self._known_until = 0.0
        self._fault_until = -1.0
        self._changes = 0
        self._reading = asyncio.Lock()
        self._ready: dict[bytes, _Ready] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        changes.subscribe(self._on_change)

    def ready(self, poll: Poll, address: str) -> FeedAnswer | None:
        """The answer, if nothing has to be looked up for it: most polls."""
        ready = self._ready.get(poll.token_hash)
        now = self._clock.monotonic()
        if ready is None or now >= ready.until:
            return None
        body = ready.body()
        if body is None:
            return None
        return self._answer(ready, body, poll, address, now)

    async def fetch(self, token: str, poll: Poll, address: str) -> FeedAnswer:
        answer = self.ready(poll, address)
        if answer is not None:
            return answer
        found = await self._prepare(token, poll.token_hash, address)
        if isinstance(found, FeedAnswer):
            return found
        return self._answer(*found, poll, address, self._clock.monotonic())

    def _answer(
        self, ready: _Ready, body: FeedBody, poll: Poll, address: str, now: float
    ) -> FeedAnswer:
        answer = body.answer(accept_gzip=poll.gzip, if_none_match=poll.tags)
        if now >= ready.next_note:
            self._note_fetch(ready, poll.client, answer.status, address)
        return answer

    def miss(self, address: str) -> FeedAnswer:
        """The answer to anything that is no link at all: the same as to an unknown one."""
        return NOT_FOUND if self._misses.allow(address) else TOO_MANY

    def _on_change(self, change: Change) -> None:
        if isinstance(change, BookChanged):
            self._look_again(change.practitioner_ids)
        elif isinstance(change, SettingsChanged | FeedLinksChanged):
            self._look_again()

    def _look_again(self, practitioner_ids: frozenset[str] | None = None) -> None:
        """At the next fetch; None for everybody's links."""
        self._changes += 1
        self._known_until = 0.0
        for ready in self._ready.values():
            if practitioner_ids is None or ready.link.practitioner_id in practitioner_ids:
                ready.until = 0.0

    async def close(self) -> None:
        """Wait for what fetches left to write."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def body(self, link: FeedLink) -> FeedBody:
        """What the link shows now. Raises StoreError."""
        return await self._body_of(link, await self._read())

    async def forget(self, link: FeedLink) -> None:
        """The link is switched off: nothing that it showed may be served again."""
        self._ready.pop(link.token_hash, None)
        await self.close()  # a copy may be on its way to the disk
        await self._kept.drop(file_name(link.token_hash))

    async def _prepare(
        self, token: str, token_hash: bytes, address: str
    ) -> tuple[_Ready, FeedBody] | FeedAnswer:
        try:
            known = await self._read()
            link = known.links.get(token_hash)
            if link is None:
                if not self._misses.allow(address):
                    return TOO_MANY
                link = await self._just_added(token_hash)
                if link is None:
                    return NOT_FOUND
            if not hmac.compare_digest(link.token_hash, token_hash):
                return self.miss(address)
            if long_off(link, self._clock.now()):
                return self.miss(address)
            basis = self._basis(link, known)
            before = self._ready.get(token_hash)
            body = before.body() if before is not None and before.basis == basis else None
            if body is None:
                body = await self._body_of(link, known)
        except Exception as error:  # noqa: BLE001 - no error of ours may empty a phone's calendar
            log.warning("A calendar link is answered from its last copy: %s", type(error).__name__)
            return await self._last_good(token, token_hash)
        ready = self._keep_ready(link, body, _FRESH, basis)
        if ready.kept_tag != body.tag and not off_at(link, self._clock.now()):
            ready.kept_tag = body.tag
            content = to_keep(link, body)
            self._later(self._kept.keep(file_name(token_hash), token, content))
        return ready, body

    def _basis(self, link: FeedLink, known: _StoreSnapshot) -> tuple[object, ...]:
        """While it is the same, so is the body: quicker to compare than to find the body, for many
        phones at once."""
        now = self._clock.now()
        return (
            known.settings,  # usually the same object, which is quick to compare
            len(known.names),
            link.detail,
            link.custom,
            link.days_in_arrears,
            link.days_in_advance,
            off_at(link, now),
            known.revisions.get(link.practitioner_id, 0),
            self._stale_since(link.practitioner_id),
            now.timestamp() // _QUARTER,
        )

    async def _body_of(self, link: FeedLink, known: _StoreSnapshot) -> FeedBody:
        now = self._clock.now()
        record = known.settings.practitioners.get(link.practitioner_id)
        allowed = known.settings.practice.feeds_allowed
        if record is None or not allowed or off_at(link, now):
            return self._switched_off(link, record, known.settings)
        view = view_of(
            record,
            known.settings,
            detail=link.detail,
            custom=link.custom,
            window=SyncWindow.around(
                now,
                record.practitioner.timezone,
                days_in_arrears=link.days_in_arrears,
                days_in_advance=link.days_in_advance,
            ),
            names=known.names,
            now=now,
            stale_since=self._stale_since(link.practitioner_id),
        )
        revision = known.revisions.get(link.practitioner_id, 0)
        return await self._bodies.body(view, revision, known.names)

    def _switched_off(
        self, link: FeedLink, record: PractitionerSettings | None, settings: Settings
    ) -> FeedBody:
        zone = record.practitioner.timezone if record else settings.practice.timezone
        name = calendar_name(record, settings) if record else settings.practice.name
        today = self._clock.now().astimezone(ZoneInfo(zone)).date()
        entry = notice(f"off/{link.id}", SWITCHED_OFF, today, zone)
        body = self._bodies.notice(name or "Calendar Companion", zone, entry)
        self._bodies.keep(("off", link.id), body)
        return body

    async def _read(self) -> _StoreSnapshot:
        """Links, revisions and settings, at most a second old. Raises StoreError."""
        if self._known is not None and self._clock.monotonic() < self._known_until:
            return self._known
        async with self._reading:
            now = self._clock.monotonic()
            if self._known is not None and now < self._known_until:
                return self._known  # another request has just read them
            if now < self._fault_until or not self._reachable():
                raise StoreError(detail="failed a moment ago")
            changes = self._changes
            try:
                async with asyncio.timeout(PATIENCE):
                    links = await self._store.links()
                    revisions = await self._book.revisions()
                    names = await self._bodies.names.current()
                settings = self._settings.read()
            except Exception:
                self._fault_until = self._clock.monotonic() + _AFTER_FAULT
                raise
            self._known = _StoreSnapshot(
                {each.token_hash: each for each in links}, revisions, settings, names
            )
            if changes == self._changes:
                self._known_until = self._clock.monotonic() + _FRESH
            for token_hash in self._ready.keys() - self._known.links.keys():
                del self._ready[token_hash]
            self._drop_switched_off(links)
            return self._known

    def _drop_switched_off(self, links: Iterable[FeedLink]) -> None:
        """Also those that another workstation has switched off: nothing that they showed may be
        served again."""
        for link in links:
            if link.revoked_at is not None and link.token_hash not in self._dropped:
                self._dropped.add(link.token_hash)
                self._later(self._kept.drop(file_name(link.token_hash)))

    async def _just_added(self, token_hash: bytes) -> FeedLink | None:
        """A link that another process made within the last second."""
        async with asyncio.timeout(PATIENCE):
            return await self._store.by_token_hash(token_hash)

    def _keep_ready(
        self, link: FeedLink, body: FeedBody, seconds: float, basis: tuple[object, ...] = ()
    ) -> _Ready:
        until = self._clock.monotonic() + seconds
        ready = self._ready.get(link.token_hash)
        if ready is None:
            ready = _Ready(link=link, body=weakref.ref(body), until=until)
            self._ready[link.token_hash] = ready
        ready.link, ready.body, ready.until = link, weakref.ref(body), until
        ready.basis = basis
        return ready

    async def _last_good(
        self, token: str, token_hash: bytes
    ) -> tuple[_Ready, FeedBody] | FeedAnswer:
        ready = self._ready.get(token_hash)
        body = ready.body() if ready is not None else None
        now = self._clock.now()
        if ready is None or body is None:
            content = await self._kept.last(file_name(token_hash), token)
            copy = from_kept(content, token_hash) if content is not None else None
            if copy is None:
                return UNAVAILABLE
            link, body = copy
        else:
            link = ready.link
        if off_at(link, now):
            return UNAVAILABLE
        self._bodies.keep(("last good", token_hash), body)
        return self._keep_ready(link, body, _AFTER_FAULT), body

    def _note_fetch(self, ready: _Ready, client: str, status: int, address: str) -> None:
        ready.next_note = self._clock.monotonic() + _NOTE_EVERY
        fetch = Fetch(
            at=self._clock.now(),
            client=product_of(client),
            status=status,
            network=network_word(address),
        )
        self._later(self._store.fetched(ready.link.id, fetch))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_quietly(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    """Housekeeping: no request waits for it or fails with it."""
    try:
        await work
    except Exception as error:  # noqa: BLE001 - as above
        log.warning("A note about a calendar link could not be kept: %s", type(error).__name__)
