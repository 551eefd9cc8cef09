"""FakeRemoteCalendar: one calendar at Google, in memory."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from companion.domain.calendar_writers import MARK, NOBODY, UNSTAMPED, CalendarWriter, WriterStamp
from companion.domain.errors import (
    CalendarGone,
    EventGone,
    IdInUse,
    Offline,
    PermissionDenied,
    PreconditionFailed,
    RemoteError,
    RequestRefused,
)
from companion.domain.events import EPOCH, BusyStatus, CalendarEvent, Content
from companion.domain.reconcile import ObservedEvent
from companion.services.ports import (
    CalendarInfo,
    DeleteEvent,
    InsertEvent,
    MarkedEvent,
    PatchEvent,
    Write,
)

Hook = Callable[[str, str], Awaitable[None]]
_ID_CHARACTERS = frozenset("0123456789abcdefghijklmnopqrstuv")
MOST_WRITES = 50


@dataclass(slots=True, kw_only=True)
class StoredEvent:
    event_id: str
    key: str
    """Empty for an event that is not ours."""
    mark: str
    content: Content
    style: str
    etag: str
    deleted: bool = False
    stamp: WriterStamp = UNSTAMPED
    changed_at: datetime = EPOCH


@dataclass(slots=True, kw_only=True)
class FakeRemoteCalendar:
    """A RemoteCalendar without a network."""

    now: Callable[[], datetime] = lambda: datetime(2026, 3, 2, 9, tzinfo=UTC)
    id: str = "calendar@example.com"
    name: str = "Appointments"
    timezone: str = "Australia/Sydney"
    access_role: str = "owner"
    events: dict[str, StoredEvent] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    """HTTP requests by name: ``write``, ``get``, ``list``, ``info``."""
    parts: Counter[str] = field(default_factory=Counter)
    """Single writes that reached Google: ``insert``, ``patch``, ``delete``."""
    writes: list[Write] = field(default_factory=list)
    """Every single write that reached Google, in order."""
    sizes: list[int] = field(default_factory=list)
    """How many writes each call carried."""
    gone: bool = False
    refusing: RemoteError | None = None
    """Raised by every call while set (SignInExpired, AccountParked …)."""
    fail_parts: dict[str, RemoteError] = field(default_factory=dict)
    hook: Hook | None = None
    keeps: Callable[[Content], Content] = lambda content: content
    """What Google makes of the content it is sent."""
    _next_failures: deque[RemoteError] = field(default_factory=deque)
    _lost_answers: int = 0
    _die_after: int | None = None
    _changes: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _writer: CalendarWriter = NOBODY
    """As whom the call under way writes."""

    # Faults

    def fail_next(self, *errors: RemoteError) -> None:
        """The next calls fail with these, one each, before anything is done."""
        self._next_failures.extend(errors)

    def lose_answers(self, count: int = 1) -> None:
        """The next `count` writing calls commit everything; then the connection drops."""
        self._lost_answers += count

    def die_after(self, parts: int) -> None:
        """The next writing call commits its first `parts` writes; then the connection drops."""
        self._die_after = parts

    # What people do in Google

    def live(self) -> list[StoredEvent]:
        return [event for event in self.events.values() if not event.deleted]

    def ours(self) -> list[StoredEvent]:
        return [event for event in self.live() if event.mark == MARK]

    def person_adds(self, event_id: str, content: Content) -> None:
        self.events[event_id] = StoredEvent(
            event_id=event_id, key="", mark="", content=content, style="", etag=self._etag()
        )

    def person_deletes(self, event_id: str) -> None:
        event = self.events[event_id]
        event.deleted = True
        self._changed(event)

    def person_edits(
        self,
        event_id: str,
        *,
        summary: str | None = None,
        start: datetime | date | None = None,
        end: datetime | date | None = None,
        style: str | None = None,
    ) -> None:
        event = self.events[event_id]
        was = event.content
        event.content = replace(
            was,
            summary=was.summary if summary is None else summary,
            start=start or was.start,
            end=end or was.end,
        )
        event.style = event.style if style is None else style
        self._changed(event)

    def purge_tombstones(self) -> None:
        """Google forgets deleted events in its own time; their ids become free."""
        self.events = {key: each for key, each in self.events.items() if not each.deleted}

    @property
    def described(self) -> CalendarInfo:
        """As a list of calendars shows it."""
        return CalendarInfo(
            id=self.id, name=self.name, access_role=self.access_role, timezone=self.timezone
        )

    # RemoteCalendar

    async def write(
        self, writes: Sequence[Write], writer: CalendarWriter = NOBODY
    ) -> Sequence[ObservedEvent | RemoteError | None]:
        if len(writes) > MOST_WRITES:
            raise ValueError(f"{len(writes)} writes in one call")
        if not writes:
            return []
        await self._called("write")
        self.sizes.append(len(writes))
        if self.access_role not in {"owner", "writer"}:
            return [PermissionDenied() for _ in writes]
        last, self._die_after = self._die_after, None
        self._writer = writer
        answers = [self._write(write) for write in writes[:last]]
        if last is not None:
            raise Offline(detail="died in the middle")
        if self._lost_answers:
            self._lost_answers -= 1
            raise Offline(detail="answer lost")
        await self._answered("write")
        return answers

    async def get(self, event_id: str, writer: CalendarWriter = NOBODY) -> ObservedEvent | None:
        await self._called("get")
        event = self.events.get(event_id)
        await self._answered("get")
        return None if event is None else self._observed(event, writer.marks)

    async def list_ours(
        self,
        start: datetime | None,
        end: datetime | None,
        *,
        since: datetime | None = None,
        writer: CalendarWriter = NOBODY,
    ) -> list[ObservedEvent]:
        await self._called("list")
        found = [
            self._observed(event, writer.marks)
            for event in self.live()
            if event.mark in writer.marks and (since is None or event.changed_at >= since)
        ]
        await self._answered("list")
        return [
            event
            for event in found
            if (end is None or event.begins < end) and (start is None or event.ends > start)
        ]

    async def marked_events(self) -> list[MarkedEvent]:
        await self._called("marked")
        found = [
            MarkedEvent(
                event_id=each.event_id,
                mark=each.mark,
                key=each.key,
                stamp=each.stamp,
                changed_at=each.changed_at,
            )
            for each in self.live()
            if each.mark
        ]
        await self._answered("marked")
        return found

    async def info(self) -> CalendarInfo:
        await self._called("info")
        await self._answered("info")
        return self.described

    # Parts

    async def _called(self, name: str) -> None:
        self.calls[name] += 1
        await asyncio.sleep(0)
        if self.hook is not None:
            await self.hook("before", name)
        if self._next_failures:
            raise self._next_failures.popleft()
        if self.refusing is not None:
            raise self.refusing
        if self.gone and name != "write":
            raise CalendarGone

    async def _answered(self, name: str) -> None:
        await asyncio.sleep(0)
        if self.hook is not None:
            await self.hook("after", name)

    def _write(self, write: Write) -> ObservedEvent | RemoteError | None:
        if self.gone:
            return CalendarGone()
        refusal = self.fail_parts.get(write.event_id)
        if refusal is not None:
            return refusal
        self.writes.append(write)
        match write:
            case InsertEvent():
                self.parts["insert"] += 1
                return self._insert(write)
            case PatchEvent():
                self.parts["patch"] += 1
                return self._patch(write)
            case DeleteEvent():
                self.parts["delete"] += 1
                event = self.events.get(write.event_id)
                if event is not None and not event.deleted:
                    self.person_deletes(write.event_id)
                return None

    def _insert(self, write: InsertEvent) -> ObservedEvent | RemoteError:
        if not 5 <= len(write.event_id) <= 1024 or not set(write.event_id) <= _ID_CHARACTERS:
            return RequestRefused(detail="400 invalid id")
        if write.event_id in self.events:
            return IdInUse()
        stored = StoredEvent(
            event_id=write.event_id,
            key=write.event.key,
            mark=self._writer.mark,
            content=self.keeps(_trimmed(write.event)),
            style=write.event.style,
            etag="",
            stamp=self._writer.stamp(self.now()),
        )
        self.events[write.event_id] = stored
        self._changed(stored)
        return self._observed(stored, self._writer.marks)

    def _patch(self, write: PatchEvent) -> ObservedEvent | RemoteError:
        stored = self.events.get(write.event_id)
        if stored is not None and write.if_match and write.if_match != stored.etag:
            return PreconditionFailed()
        if stored is None or stored.deleted:
            return EventGone()
        stored.content = self.keeps(_trimmed(write.event))
        stored.key, stored.mark = write.event.key, self._writer.mark
        stored.stamp = self._writer.stamp(self.now())
        if write.style:
            stored.style = write.event.style
        self._changed(stored)
        return self._observed(stored, self._writer.marks)

    def _changed(self, event: StoredEvent) -> None:
        event.etag, event.changed_at = self._etag(), self.now()

    def _etag(self) -> str:
        return f'"{next(self._changes)}"'

    def _observed(self, event: StoredEvent, marks: Collection[str]) -> ObservedEvent:
        return ObservedEvent(
            event_id=event.event_id,
            key=event.key if event.mark in marks else "",
            etag=event.etag,
            content=event.content,
            style=event.style,
            timezone=self.timezone,
            deleted=event.deleted,
            stamp=event.stamp,
        )


@dataclass(frozen=True, slots=True)
class OpenedCalendar:
    """A RemoteCalendar: a calendar as one installation reads and writes it."""

    held: FakeRemoteCalendar
    writer: CalendarWriter

    async def write(self, writes: Sequence[Write]) -> Sequence[ObservedEvent | RemoteError | None]:
        return await self.held.write(writes, self.writer)

    async def get(self, event_id: str) -> ObservedEvent | None:
        return await self.held.get(event_id, self.writer)

    async def list_ours(
        self, start: datetime | None, end: datetime | None, *, since: datetime | None = None
    ) -> list[ObservedEvent]:
        return await self.held.list_ours(start, end, since=since, writer=self.writer)

    async def marked_events(self) -> list[MarkedEvent]:
        return await self.held.marked_events()

    async def info(self) -> CalendarInfo:
        return await self.held.info()


def _trimmed(event: CalendarEvent) -> Content:
    """Google keeps titles and places without outer blanks."""
    content = event.content
    return replace(content, summary=content.summary.strip(), location=content.location.strip())


def content(
    summary: str = "Dentist",
    *,
    start: datetime | date = datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
    end: datetime | date = datetime(2026, 3, 2, 10, 0, tzinfo=UTC),
) -> Content:
    """An event's content, for `person_adds`."""
    return Content(
        start=start,
        end=end,
        summary=summary,
        location="",
        description="",
        availability=BusyStatus.BUSY,
        private=False,
    )
