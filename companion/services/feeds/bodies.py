"""FeedBodies: makes the body of a view and keeps it, so that most requests cost a look-up.

Three things are kept, each from the one below it:

    bodies      compressed, per view and revision of the book; bounded by bytes
    fragments   (start, key, end, bytes) of each event, per appointment and its revision, so that
                one changed appointment is read, projected and written alone; bounded by events
    the writer's own bytes of an event (companion.adapters.icalendar)

A feed must stay under 900 KB (Google stops near 1 MB): what lies wholly before today goes first,
oldest first, then the farthest future. Rendering runs in a thread, one at a time, so that the
event loop goes on answering.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from functools import partial
from typing import NamedTuple, TypeVar

from companion.domain.appointments import Appointment, instant
from companion.domain.client_names import ClientNames
from companion.domain.errors import StoreError
from companion.domain.event_keys import appointment_id_of
from companion.domain.events import CalendarEvent, project
from companion.services.feeds.answers import FeedBody
from companion.services.feeds.packing import pack
from companion.services.feeds.ports import FeedWriter
from companion.services.feeds.views import FeedView, Projection, empty_notice, stale_notice
from companion.services.known_names import KnownNames
from companion.services.pools import FEEDS
from companion.services.ports import AppointmentBook

T = TypeVar("T")
SIZE_LIMIT = 900_000
PATIENCE = 8.0
"""Seconds the book may take to answer before the last good bytes are served instead."""
_SINGLY = 50
"""Changed appointments up to this number are read one by one, more all together."""


class Fragment(NamedTuple):
    """One event as bytes, in the order of a feed."""

    begins: datetime
    key: str
    ends: datetime
    data: bytes


@dataclass(slots=True)
class _Fragments:
    """All events of one projection, by appointment."""

    revisions: dict[str, int] = field(default_factory=dict)
    by_appointment: dict[str, list[Fragment]] = field(default_factory=dict)
    events: int = 0
    whole: bool = False
    """Holds every appointment of its window as of the last reading."""
    packed: dict[bytes, bytes] = field(default_factory=dict)
    """Of the last body: see companion.services.feeds.packing."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPreview:
    """What a link shows, before its bytes are made for good."""

    events: Sequence[CalendarEvent]
    """All of them, by start."""
    size: int
    """Bytes, were there no limit."""
    trimmed_past: int
    trimmed_future: int


class FeedBodies:
    def __init__(
        self,
        *,
        book: AppointmentBook,
        writer: FeedWriter,
        size_limit: int = SIZE_LIMIT,
        memory: int = 64_000_000,
        keep_events: int = 60_000,
        patience: float = PATIENCE,
        names: KnownNames | None = None,
    ) -> None:
        """`memory`: bytes of compressed bodies kept; `keep_events`: events kept as fragments,
        about 1 KB each."""
        self._book = book
        self.names = names or KnownNames(book)
        self._writer = writer
        self._size_limit = size_limit
        self._memory = memory
        self._keep_events = keep_events
        self._patience = patience
        self._bodies: OrderedDict[object, tuple[int, FeedBody]] = OrderedDict()
        self._used = 0
        self._fragments: OrderedDict[Projection, _Fragments] = OrderedDict()
        self._one_reading = asyncio.Semaphore(1)
        self._one_render = asyncio.Semaphore(1)
        self._hung_at = float("-inf")

    async def body(self, view: FeedView, revision: int, names: ClientNames) -> FeedBody:
        """The view's calendar with the book at `revision` or later, cleaned of `names`.
        Raises StoreError."""
        kept = self._bodies.get(view)
        if kept is not None and kept[0] == revision:
            self._bodies.move_to_end(view)
            return kept[1]
        # In a task of its own: a cancelled request must not leave a thread working on what the next
        # request changes too.
        making = asyncio.create_task(self._make(view, revision, names))
        return await asyncio.shield(making)

    async def _make(self, view: FeedView, revision: int, names: ClientNames) -> FeedBody:
        fragments = self._fragments_of(view.projection)
        async with fragments.lock:
            kept = self._bodies.get(view)
            if kept is not None and kept[0] == revision:
                return kept[1]  # another request has just made it
            changed, gone = await self._changes(view.projection, fragments)
            async with self._one_render:
                body = await FEEDS.run(self._render, view, fragments, changed, gone, names)
        self._evict()
        self.keep(view, body, revision)
        return body

    def keep(self, key: object, body: FeedBody, revision: int = 0) -> None:
        """Keep a body, within the bound; others hold it by weak reference only."""
        self._forget(key)
        self._bodies[key] = (revision, body)
        self._used += len(body.gzipped)
        while self._used > self._memory and len(self._bodies) > 1:
            self._forget(next(iter(self._bodies)))

    def notice(self, name: str, timezone: str, event: CalendarEvent) -> FeedBody:
        """A calendar of one entry of ours, for a link that shows nothing else."""
        opening = self._writer.opening(name=name, timezone=timezone, colour="")
        return FeedBody.of(self._writer.calendar(opening, [self._writer.event(event)]), events=0)

    def export(
        self, view: FeedView, appointments: Iterable[Appointment], names: ClientNames
    ) -> bytes:
        """The whole view, however large and possibly without any event. For a thread."""
        events = _project(appointments, view.projection, names)
        return self._writer.calendar(self._opening(view), map(self._writer.event, events))

    def preview(
        self, view: FeedView, appointments: Iterable[Appointment], names: ClientNames
    ) -> FeedPreview:
        """For a thread."""
        events = _project(appointments, view.projection, names)
        written = [
            Fragment(each.begins, each.key, each.ends, self._writer.event(each)) for each in events
        ]
        frame = len(self._opening(view)) + len(self._writer.closing)
        _shown, past, future = trim(written, self._size_limit - frame, _midnight(view))
        return FeedPreview(
            events=events,
            size=frame + sum(len(each.data) for each in written),
            trimmed_past=past,
            trimmed_future=future,
        )

    async def read(self, projection: Projection) -> list[Appointment]:
        """Every appointment that may show."""
        return await self._patiently(lambda: self._book.appointments(*_span(projection)))

    async def _patiently(self, read: Callable[[], Awaitable[T]]) -> T:
        """One reading at a time, so that the time limit measures the book alone and not the queue.
        Requests that were queued behind one that took too long fail with it."""
        asked = asyncio.get_running_loop().time()
        async with self._one_reading:
            if asked < self._hung_at:
                raise StoreError(detail="the book did not answer the reading before")
            try:
                async with asyncio.timeout(self._patience):
                    return await read()
            except TimeoutError:
                self._hung_at = asyncio.get_running_loop().time()
                raise

    def _forget(self, key: object) -> None:
        known = self._bodies.pop(key, None)
        if known is not None:
            self._used -= len(known[1].gzipped)

    def _fragments_of(self, projection: Projection) -> _Fragments:
        known = self._fragments.setdefault(projection, _Fragments())
        self._fragments.move_to_end(projection)
        return known

    def _evict(self) -> None:
        """Drop the fragments unused longest; a body can still be made, only slower."""
        total = sum(each.events for each in self._fragments.values())
        while total > self._keep_events and len(self._fragments) > 1:
            total -= self._fragments.popitem(last=False)[1].events

    async def _changes(
        self, projection: Projection, fragments: _Fragments
    ) -> tuple[list[Appointment], set[str]]:
        """Appointments to write anew, and ids that are no longer there."""
        if fragments.whole:
            current = await self._patiently(lambda: self._book.versions(*_span(projection)))
            changed = _differing(current, fragments.revisions)
            if len(changed) <= _SINGLY:
                one = self._book.appointment
                read = [await self._patiently(partial(one, each)) for each in changed]
                # Meanwhile it may have been removed, or given to another practitioner.
                ours = [e for e in read if e and e.practitioner_id == projection.practitioner_id]
                lost = set(changed) - {each.id for each in ours}
                known = fragments.revisions
                return ours, {each for each in known if each in lost or each not in current}
        everything = await self.read(projection)
        current = {each.id: each.revision for each in everything}
        differing = set(_differing(current, fragments.revisions))
        gone = fragments.revisions.keys() - current.keys()
        return [each for each in everything if each.id in differing], gone

    def _render(
        self,
        view: FeedView,
        fragments: _Fragments,
        changed: Sequence[Appointment],
        gone: Iterable[str],
        names: ClientNames,
    ) -> FeedBody:
        fragments.whole = False  # until all of this has happened
        for each in gone:
            fragments.revisions.pop(each, None)
            fragments.by_appointment.pop(each, None)
        written = _by_appointment(changed, _project(changed, view.projection, names), self._writer)
        for appointment in changed:
            fragments.by_appointment[appointment.id] = written[appointment.id]
            fragments.revisions[appointment.id] = appointment.revision
        in_order = sorted(each for some in fragments.by_appointment.values() for each in some)
        fragments.events = len(in_order)
        fragments.whole = True
        return self._joined(view, in_order, fragments.packed)

    def _joined(
        self, view: FeedView, in_order: list[Fragment], packed: dict[bytes, bytes]
    ) -> FeedBody:
        opening = self._opening(view)
        if view.stale_since is not None:
            opening += self._writer.event(stale_notice(view, view.stale_since))
        if not in_order:
            opening += self._writer.event(empty_notice(view))
        limit = self._size_limit - len(opening) - len(self._writer.closing)
        shown, past, future = trim(in_order, limit, _midnight(view))
        events = ((each.key, each.data) for each in shown)
        plain, gzipped = pack(opening, events, self._writer.closing, packed)
        return FeedBody.of(
            plain,
            events=len(shown),
            trimmed_past=past,
            trimmed_future=future,
            gzipped=gzipped,
        )

    def _opening(self, view: FeedView) -> bytes:
        return self._writer.opening(
            name=view.calendar_name, timezone=view.timezone, colour=view.colour
        )


def trim(
    in_order: list[Fragment], limit: int, midnight: datetime
) -> tuple[list[Fragment], int, int]:
    """What fits in `limit` bytes, and how many were left out of the past and of the future.

    `midnight` begins today: what ends by then is past."""
    excess = sum(len(each.data) for each in in_order) - limit
    if excess <= 0:
        return in_order, 0, 0
    past: set[str] = set()
    for each in in_order:
        if excess <= 0 or each.begins >= midnight:
            break
        if each.ends <= midnight:
            past.add(each.key)
            excess -= len(each.data)
    shown = [each for each in in_order if each.key not in past] if past else list(in_order)
    future = 0
    while excess > 0 and shown:
        excess -= len(shown.pop().data)
        future += 1
    return shown, len(past), future


def _midnight(view: FeedView) -> datetime:
    return instant(datetime.combine(view.today, time.min), view.timezone)


def _span(projection: Projection) -> tuple[str, datetime, datetime]:
    window = projection.window
    return projection.practitioner_id, window.wall_start, window.wall_end


def _differing(current: Mapping[str, int], known: Mapping[str, int]) -> list[str]:
    return [each for each, revision in current.items() if known.get(each) != revision]


def _project(
    appointments: Iterable[Appointment], projection: Projection, names: ClientNames
) -> list[CalendarEvent]:
    return project(
        appointments,
        projection.window,
        projection.disclosure,
        names=names,
        practitioner_name=projection.practitioner_name,
        disclosure_revision=projection.disclosure_revision,
        disclosure_changed_at=projection.disclosure_changed_at,
    )


def _by_appointment(
    appointments: Iterable[Appointment], events: Iterable[CalendarEvent], writer: FeedWriter
) -> dict[str, list[Fragment]]:
    found: dict[str, list[Fragment]] = {each.id: [] for each in appointments}
    for event in events:
        owner = event.key if event.key in found else appointment_id_of(event.key)
        fragment = Fragment(event.begins, event.key, event.ends, writer.event(event))
        found[owner].append(fragment)
    return found
