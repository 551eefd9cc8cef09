"""Staleness: since when a practitioner's schedule has not been kept up to date, and the notice.

A schedule is stale when a source that comes by itself is late by the practice's `stale_days`,
counted in its opening days: a watched folder in its own rhythm (`companion.domain.expectations`),
a source that is fetched as often as somebody said. Or when so much opening time has passed without
a good pass over the practitioner's Google calendar. A file that a person imports is not expected
again, and an edit in the Book is as good as an arrival. A pass that need
not run because nothing has changed counts as good (`confirm`). A practitioner who was never
connected misses no pass. For ten minutes after the program started or the computer woke, missing
passes and fetches are not counted: the first one is still due.

The notice is one all-day entry on today, shown as free, in Google and in every feed. In
Google it bears our mark under a key of its own (`EventKey.notice`). It is no
appointment: plans, proofs and counts leave it out. The next good pass removes it once the schedule
is up to date again. Where Google cannot be reached there is none; the feed still has it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from companion.domain.appointments import ShowAs
from companion.domain.differences import when
from companion.domain.event_keys import EventKey
from companion.domain.events import EPOCH, CalendarEvent
from companion.domain.expectations import ARRIVALS, Expected, ScheduledSource, overdue
from companion.domain.opening_hours import OpeningHours
from companion.domain.settings import PractitionerSettings, Settings
from companion.services.ports import AppointmentBook, Clock, Ledger, SettingsStore

GRACE = timedelta(minutes=10)
FRESH = 5.0
"""Seconds for which what was read is taken as true by a pass."""
_IMPORTING = timedelta(minutes=1)
"""An import may note its moment so much before it writes."""


@dataclass(slots=True, kw_only=True)
class Staleness:
    book: AppointmentBook
    ledger: Ledger
    settings: SettingsStore
    clock: Clock
    fetched: Callable[[], Awaitable[Mapping[str, datetime]]]
    """By source, when the book last held what it gave."""
    _book_since: datetime | None = field(default=None, init=False)
    late: Mapping[str, datetime] = field(default_factory=dict, init=False)
    """By name of each source that has missed its rhythm: when it came last; as of the last
        `look`."""
    _passed: dict[str, datetime] = field(default_factory=dict, init=False)
    _confirmed: dict[str, datetime] = field(default_factory=dict, init=False)
    _looked_at: float = field(default=float("-inf"), init=False)
    _awake_since: datetime | None = field(default=None, init=False)

    async def look(self) -> None:
        """Read anew: a few queries for the whole practice. Raises StoreError, Busy."""
        settings = self.settings.read()
        states = await self.ledger.states()
        self._book_since = await self._late_since(settings)
        self._passed = {
            key: state.last_success
            for key, state in states.items()
            if state.last_success is not None
        }
        self._looked_at = self.clock.monotonic()

    async def _late_since(self, settings: Settings) -> datetime | None:
        """The oldest last arrival of the sources that are late, or a later edit."""
        self.late = {}
        if settings.practice.stale_days is None:
            return None
        now, hours = self.clock.now(), settings.opening_hours()
        late = overdue(
            await self._scheduled(settings, now), hours, late=settings.practice.stale_days, now=now
        )
        self.late = {
            **{each.name: each.arrivals[-1] for each in late},
            **await self._not_fetched(settings, hours, settings.practice.stale_days, now),
        }
        if not self.late:
            return None
        since = min(self.late.values())
        edited = await self._edited_at(now)
        if edited is None or edited <= since:
            return since
        return edited if _missed(hours, edited, settings.practice.stale_days, now) else None

    async def _scheduled(self, settings: Settings, now: datetime) -> list[ScheduledSource]:
        return [
            ScheduledSource(
                name=each.name,
                arrivals=await self._arrivals(each.name, now),
                expected=each.expected,
            )
            for each in settings.sources.values()
            if each.folder and each.expected is not Expected.NEVER
        ]

    async def _not_fetched(
        self, settings: Settings, hours: OpeningHours, days: float, now: datetime
    ) -> dict[str, datetime]:
        """When those were last up to date that are asked and give nothing any more."""
        if self._just_awake():
            return {}
        current = await self.fetched()
        return {
            each.name: current[each.name]
            for each in settings.sources.values()
            if each.remote and each.expected is not Expected.NEVER and each.name in current
            if _missed(hours, current[each.name] + each.remote.every, days, now)
        }

    def _just_awake(self) -> bool:
        return self._awake_since is not None and self.clock.now() - self._awake_since < GRACE

    async def _arrivals(self, source: str, now: datetime) -> list[datetime]:
        """A moment to come was noted by a clock that ran ahead, and tells nothing."""
        newest = await self.book.arrivals(source, ARRIVALS)
        return [at for at in reversed(newest) if at <= now]

    async def _edited_at(self, now: datetime) -> datetime | None:
        """The last change by hand: what was written after the last import was."""
        imports = await self.book.imports(1)
        last = max(
            (at for each in imports for at in (each.at, each.undone_at) if at is not None),
            default=EPOCH,
        )
        edited = await self.book.edited_at(last + _IMPORTING)
        return edited if edited is not None and edited <= now else None

    def confirm(self, practitioner_id: str) -> None:
        """Nothing has changed since the last good pass, so none was needed."""
        self._confirmed[practitioner_id] = self.clock.now()

    def woke(self) -> None:
        """The background sync started, the computer slept or its clock was set: passes get
        their time."""
        self._awake_since = self.clock.now()

    def since(self, practitioner_id: str) -> datetime | None:
        """The oldest moment that something is missing since, as of the last `look`."""
        found = (self.book_since(), self._passes_since(practitioner_id))
        return min((each for each in found if each is not None), default=None)

    def passed(self, practitioner_id: str) -> datetime | None:
        """The last good pass, also one that needed not run; as of the last `look`."""
        good = (self._passed.get(practitioner_id), self._confirmed.get(practitioner_id))
        return max((each for each in good if each is not None), default=None)

    def book_since(self) -> datetime | None:
        """Since when a source is missing; as of the last `look`."""
        return self._book_since

    async def for_google(self, _practitioner_id: str) -> datetime | None:
        """What a calendar has to say while a pass writes to it: that the book itself is old.
        Raises StoreError, Busy."""
        await self.refresh()
        return self.book_since()

    async def refresh(self) -> None:
        """`look`, unless that was a moment ago."""
        if self.clock.monotonic() - self._looked_at >= FRESH:
            await self.look()

    def _passes_since(self, practitioner_id: str) -> datetime | None:
        settings = self.settings.read()
        record = settings.practitioners.get(practitioner_id)
        days = settings.practice.stale_days
        if record is None or not record.syncs or days is None:
            return None
        if self._just_awake():
            return None
        good = (
            self._passed.get(practitioner_id),
            self._confirmed.get(practitioner_id),
            record.google.connected_at,
        )
        now = self.clock.now()
        last = max((each for each in good if each is not None and each <= now), default=None)
        if last is None or now - last < GRACE:
            return None
        return last if _missed(settings.opening_hours(), last, days, now) else None


def _missed(hours: OpeningHours, last: datetime, days: float, now: datetime) -> bool:
    limit = hours.after(last, days)
    return limit is not None and now > limit


def notice_words(since: datetime, timezone: str) -> str:
    """``Schedule not updated since Tue 3 March 08:12``."""
    return f"Schedule not updated since {when(since, timezone)}"


def google_notice(
    since: datetime | None, record: PractitionerSettings, now: datetime
) -> tuple[CalendarEvent, ...]:
    """The one entry for today in the practitioner's zone, or none."""
    if since is None:
        return ()
    zone = record.practitioner.timezone
    today = now.astimezone(ZoneInfo(zone)).date()
    event = CalendarEvent(
        key=str(EventKey.notice(since)),
        start=today,
        end=today + timedelta(days=1),
        timezone=zone,
        summary=notice_words(since, zone),
        show_as=ShowAs.FREE,
        private=False,
    )
    return (event,)
