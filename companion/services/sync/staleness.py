"""Staleness: since when a practitioner's schedule has not been kept up to date, and the notice.

A schedule is stale when the practice's `stale_after` has passed without a good pass over the
practitioner's Google calendar, or, where the book is imported, without an import. A pass that need
not run because nothing has changed counts as good (`confirm`). A practitioner who was never
connected misses no pass. For ten minutes after the program started or the computer woke, missing
passes are not counted: the first one is still due.

The notice is one all-day entry on today, shown as free, in Google and in every feed. In
Google it bears our mark under a key of its own (`EventKey.notice`). It is no
appointment: plans, proofs and counts leave it out. The next good pass after an import removes it.
 Where Google cannot be reached there is none; the feed still has it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from companion.domain.appointments import ShowAs
from companion.domain.differences import when
from companion.domain.event_keys import EventKey
from companion.domain.events import CalendarEvent
from companion.domain.settings import PractitionerSettings
from companion.services.ports import AppointmentBook, Clock, Ledger, SettingsStore

GRACE = timedelta(minutes=10)
RECENT = 20
"""Imports looked at for the last one."""
FRESH = 5.0
"""Seconds for which what was read is taken as true by a pass."""


class Staleness:
    def __init__(
        self, *, book: AppointmentBook, ledger: Ledger, settings: SettingsStore, clock: Clock
    ) -> None:
        self._book = book
        self._ledger = ledger
        self._settings = settings
        self._clock = clock
        self._imported_at: datetime | None = None
        self._passed: dict[str, datetime] = {}
        self._confirmed: dict[str, datetime] = {}
        self._looked_at = float("-inf")
        self._awake_since: datetime | None = None

    async def look(self) -> None:
        """Read anew: two queries for the whole practice. Raises StoreError, Busy."""
        imports = await self._book.imports(RECENT)
        states = await self._ledger.states()
        now = self._clock.now()
        # A moment in the future was noted by a clock that ran ahead: ignored.
        taken = (each.at for each in imports if each.file_name and each.undone_at is None)
        self._imported_at = next((at for at in taken if at <= now), None)
        self._passed = {
            key: state.last_success
            for key, state in states.items()
            if state.last_success is not None
        }
        self._looked_at = self._clock.monotonic()

    def confirm(self, practitioner_id: str) -> None:
        """Nothing has changed since the last good pass, so none was needed."""
        self._confirmed[practitioner_id] = self._clock.now()

    def woke(self) -> None:
        """The background sync started, the computer slept or its clock was set: passes get
        their time."""
        self._awake_since = self._clock.now()

    def since(self, practitioner_id: str) -> datetime | None:
        """The oldest moment that something is missing since, as of the last `look`."""
        found = (self.book_since(), self._passes_since(practitioner_id))
        return min((each for each in found if each is not None), default=None)

    def book_since(self) -> datetime | None:
        """The last import, where it is too long ago; as of the last `look`."""
        return self._imported_at if self._too_old(self._imported_at) else None

    async def for_google(self, _practitioner_id: str) -> datetime | None:
        """Since when the book itself is out of date, for the notice of the calendar a pass writes
        to. Raises StoreError, Busy."""
        await self.refresh()
        return self.book_since()

    async def refresh(self) -> None:
        """`look`, unless that was a moment ago."""
        if self._clock.monotonic() - self._looked_at >= FRESH:
            await self.look()

    def _passes_since(self, practitioner_id: str) -> datetime | None:
        record = self._settings.read().practitioners.get(practitioner_id)
        if record is None or not record.syncs:
            return None
        if self._awake_since and self._clock.now() - self._awake_since < GRACE:
            return None
        good = (
            self._passed.get(practitioner_id),
            self._confirmed.get(practitioner_id),
            record.google.connected_at,
        )
        now = self._clock.now()
        last = max((each for each in good if each is not None and each <= now), default=None)
        return last if self._too_old(last) else None

    def _too_old(self, moment: datetime | None) -> bool:
        limit = self._settings.read().practice.stale_after
        return moment is not None and self._clock.now() - moment > limit


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
