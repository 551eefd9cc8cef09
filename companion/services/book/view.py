"""BookView: what the Appointment Book screen shows, never more than the visible range.

Each occurrence has its state in Google: the projection that a pass would send is compared with the
ledger, as `reconcile` would, in one query for the whole range. Google itself is never called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from companion.domain.appointments import Appointment, Occurrence, occurrences, starts_from
from companion.domain.client_names import ClientNames
from companion.domain.disclosure import Disclosure
from companion.domain.events import CalendarEvent, project
from companion.domain.reconcile import LedgerEntry, LedgerEntryState
from companion.domain.settings import PractitionerSettings, Settings
from companion.domain.sync_state import SyncState
from companion.domain.window import SyncWindow
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.book.marks import SENTENCES, Mark
from companion.services.book.occurrences import Shown, find, no_such, owner_of, shown, split_key
from companion.services.feeds.views import disclosure_for
from companion.services.known_names import KnownNames
from companion.services.pools import BOOK
from companion.services.ports import (
    AppointmentBook,
    CalendarRef,
    Clock,
    FeedDetail,
    FeedStore,
    Ledger,
    SettingsStore,
    calendar_of,
)
from companion.services.sync.snapshot import desired_events, window_of

A_DAY = timedelta(days=1)
Offload = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs pure computing off the event loop: `BOOK.run`, or inline in tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookEntry:
    shown: Shown
    mark: Mark

    @property
    def occurrence(self) -> Occurrence:
        return self.shown.occurrence

    @property
    def appointment(self) -> Appointment:
        return self.shown.occurrence.appointment


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedShows:
    """One level of detail that phones of this practitioner are given."""

    detail: FeedDetail
    links: tuple[str, ...]
    """Labels of the links that show it; none for the default level."""
    event: CalendarEvent | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shows:
    """What Google and the phones show of one occurrence."""

    entry: BookEntry
    google: CalendarEvent | None
    """None where it does not go at all."""
    sentence: str
    """How it stands, and why."""
    feeds: tuple[FeedShows, ...]


class BookView:
    def __init__(
        self,
        *,
        book: AppointmentBook,
        names: KnownNames,
        settings: SettingsStore,
        ledger: Ledger,
        feeds: FeedStore,
        clock: Clock,
        offload: Offload = BOOK.run,
    ) -> None:
        self._book = book
        self._names = names
        self._settings = settings
        self._ledger = ledger
        self._feeds = feeds
        self._clock = clock
        self._offload = offload

    async def _owner(self, key: str) -> str | None:
        return await owner_of(self._book, key)

    @allows(Action.SEE_BOOK, somewhere=True)
    def today(self) -> date:
        """In the practice's zone."""
        zone = self._settings.read().practice.timezone
        return self._clock.now().astimezone(ZoneInfo(zone)).date()

    @allows(Action.SEE_BOOK, of="practitioner_id")
    async def appointments(
        self, practitioner_id: str, start: datetime, end: datetime
    ) -> list[Appointment]:
        """As `AppointmentBook.appointments`: what a preview of another disclosure is made of."""
        return await self._book.appointments(practitioner_id, start, end)

    @allows(Action.SEE_BOOK, somewhere=True)
    async def names(self) -> ClientNames:
        """What free text is cleaned of, for a preview of another disclosure."""
        return await self._names.current()

    @allows(Action.SEE_BOOK, of="practitioner_ids")
    async def entries(
        self, practitioner_ids: Sequence[str], first_day: date, last_day: date
    ) -> list[BookEntry]:
        """Everything that takes place, or would but for its cancellation, on these days (both
        inclusive, wall time), by start. Three queries, however many practitioners."""
        settings = self._settings.read()
        start, end = _span(first_day, last_day)
        records = [
            settings.practitioners[each]
            for each in practitioner_ids
            if each in settings.practitioners
        ]
        ids = [each.practitioner.id for each in records]
        if not ids:
            return []
        appointments = await self._book.of_practitioners(ids, start, end)
        names = await self._names.current()
        synced = [each for each in records if each.syncs]
        rows: dict[CalendarRef, dict[str, LedgerEntry]] = {}
        held: dict[str, frozenset[str]] = {}
        if synced:
            utc = SyncWindow(first_day=first_day, last_day=last_day, timezone="UTC")
            rows = await self._ledger.entries_between(
                [calendar_of(each) for each in synced], utc.start - A_DAY, utc.end + A_DAY
            )
            held = _held(await self._ledger.states())

        def compute() -> list[BookEntry]:
            return self._entries(settings, records, appointments, names, rows, held, (start, end))

        found: list[BookEntry] = await self._offload(compute)
        return found

    def _entries(
        self,
        settings: Settings,
        records: Iterable[PractitionerSettings],
        appointments: Iterable[Appointment],
        names: ClientNames,
        rows: Mapping[CalendarRef, Mapping[str, LedgerEntry]],
        held: Mapping[str, frozenset[str]],
        span: tuple[datetime, datetime],
    ) -> list[BookEntry]:
        theirs: dict[str, list[Appointment]] = {}
        for each in appointments:
            theirs.setdefault(each.practitioner_id, []).append(each)
        found: list[BookEntry] = []
        for record in records:
            own = theirs.get(record.practitioner.id, [])
            marks: _Marks | None = None
            if own and record.syncs:
                marks = _Marks(
                    settings,
                    record,
                    rows.get(calendar_of(record), {}),
                    held.get(record.practitioner.id, frozenset()),
                    self._clock.now(),
                    names,
                    own,
                    span,
                )
            found += [
                BookEntry(shown=each, mark=marks.of(each) if marks else Mark.NONE)
                for appointment in own
                for each in shown(appointment, *span)
            ]
        found.sort(key=lambda each: (each.occurrence.start, each.occurrence.key))
        return found

    @allows(Action.SEE_BOOK, of="practitioner_ids")
    async def counts(
        self, practitioner_ids: Sequence[str], first_day: date, last_day: date
    ) -> dict[date, int]:
        """Booked appointments by the day they begin on; days without any are left out."""
        start, end = _span(first_day, last_day)
        counts = Counter(await self._book.day_counts(practitioner_ids, start, end))
        series = await self._book.series(practitioner_ids, end)

        def compute() -> Counter[date]:
            return Counter(
                each.start.date()
                for appointment in series
                for each in occurrences(appointment, start, end)
                if start <= each.start
            )

        counts += await self._offload(compute)
        return dict(counts)

    @allows(Action.SEE_BOOK, of="practitioner_ids")
    async def search(self, practitioner_ids: Sequence[str], text: str) -> list[Shown]:
        """The coming ones first, then those before; of a series its next occurrence."""
        today = datetime.combine(self.today(), time())
        found = await self._book.search(practitioner_ids, text, today)
        hits = {each.id: _hit(each, today) for each in found}
        coming = sorted(
            (each for each in hits.values() if each.occurrence.start >= today),
            key=lambda each: (each.occurrence.start, each.occurrence.key),
        )
        past = [each for each in hits.values() if each.occurrence.start < today]
        return coming + past

    @allows(Action.SEE_BOOK, of="key", owner=_owner)
    async def shows(self, key: str) -> Shows:
        """What Google and the phones show of one occurrence; raises NotFound."""
        appointment_id, original = split_key(key)
        appointment = await self._book.appointment(appointment_id)
        if appointment is None:
            raise no_such()
        wanted = find(appointment, original).occurrence
        days = wanted.start.date(), wanted.end.date()
        entries = await self.entries([appointment.practitioner_id], *days)
        settings = self._settings.read()
        record = settings.practitioners.get(appointment.practitioner_id)
        mine = [each for each in entries if each.occurrence.key == wanted.key]
        if record is None or not mine:
            raise no_such()

        names = await self._names.current()

        def event(disclosure: Disclosure) -> CalendarEvent | None:
            return _projected(mine[0].shown, record, disclosure, names)

        links: dict[tuple[FeedDetail, Disclosure | None], list[str]] = {}
        for link in await self._feeds.links(record.practitioner.id):
            if link.revoked_at is None:
                links.setdefault((link.detail, link.custom), []).append(link.label)
        details = links or {(FeedDetail.GOOGLE, None): []}
        return Shows(
            entry=mine[0],
            google=event(settings.disclosure_of(record)),
            sentence=_sentence(mine[0], record),
            feeds=tuple(
                FeedShows(
                    detail=detail,
                    links=tuple(labels),
                    event=event(disclosure_for(detail, record, settings, custom)),
                )
                for (detail, custom), labels in sorted(
                    details.items(), key=lambda each: (each[0][0], each[1])
                )
            ),
        )


class _Marks:
    """Those of one practitioner in the visible range."""

    def __init__(
        self,
        settings: Settings,
        record: PractitionerSettings,
        rows: Mapping[str, LedgerEntry],
        held: frozenset[str],
        now: datetime,
        names: ClientNames,
        appointments: Iterable[Appointment],
        span: tuple[datetime, datetime],
    ) -> None:
        self._rows = rows
        self._held = held
        self._disclosure = settings.disclosure_of(record)
        window = window_of(record, now)
        self._window_start = window.start
        seen = replace(
            window,
            first_day=max(window.first_day, span[0].date() - A_DAY),
            last_day=min(window.last_day, span[1].date()),
        )
        self._events: dict[str, CalendarEvent] = {}
        if seen.first_day <= seen.last_day:
            events = desired_events(settings, record, seen, names, appointments)
            self._events = {each.key: each for each in events}

    def of(self, each: Shown) -> Mark:
        occurrence = each.occurrence
        row = self._rows.get(occurrence.key)
        if each.cancelled:
            return self._of_cancelled(occurrence.key, row)
        if not self._disclosure.admits(occurrence.appointment):
            return Mark.EXCLUDED
        event = self._events.get(occurrence.key)
        if event is None:
            return Mark.OUTSIDE
        if row is None:
            return Mark.WAITING
        if row.keeps_out(event):
            return Mark.LEFT_OUT
        same = (row.state, row.fingerprint, row.style) == (
            LedgerEntryState.OK,
            event.fingerprint,
            event.style,
        )
        return Mark.IN_GOOGLE if same else Mark.WAITING

    def _of_cancelled(self, key: str, row: LedgerEntry | None) -> Mark:
        if key in self._held:
            return Mark.HELD
        if row is None or row.state is LedgerEntryState.LEFT_OUT or row.ends <= self._window_start:
            return Mark.NONE
        return Mark.WAITING


def _held(states: Mapping[str, SyncState]) -> dict[str, frozenset[str]]:
    return {
        practitioner_id: frozenset(each.key for each in state.held.items)
        for practitioner_id, state in states.items()
        if state.held is not None
    }


def _span(first_day: date, last_day: date) -> tuple[datetime, datetime]:
    return datetime.combine(first_day, time()), datetime.combine(last_day + A_DAY, time())


def _hit(appointment: Appointment, today: datetime) -> Shown:
    original = next(starts_from(appointment, today), None) if appointment.recurrence else None
    return find(appointment, original)


def _projected(
    each: Shown, record: PractitionerSettings, disclosure: Disclosure, names: ClientNames
) -> CalendarEvent | None:
    if each.cancelled:
        return None
    occurrence = each.occurrence
    around = SyncWindow(
        first_day=occurrence.start.date() - A_DAY,
        last_day=occurrence.end.date() + A_DAY,
        timezone=record.practitioner.timezone,
    )
    events = project(
        [occurrence.appointment],
        around,
        disclosure,
        names=names,
        practitioner_name=record.practitioner.name,
        style=record.choices.style,
    )
    return next((event for event in events if event.key == occurrence.key), None)


def _sentence(entry: BookEntry, record: PractitionerSettings) -> str:
    if not record.google.connected:
        return f"{record.practitioner.name} is not connected to Google."
    if not record.choices.enabled:
        return f"Google Calendar sync is switched off for {record.practitioner.name}."
    if entry.shown.cancelled and entry.mark is Mark.NONE:
        return "It is cancelled, so Google does not show it."
    if entry.shown.cancelled and entry.mark is Mark.WAITING:
        return "It is cancelled; Google loses it with the next sync."
    return SENTENCES[entry.mark]
