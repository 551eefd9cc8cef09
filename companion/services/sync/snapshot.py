"""Snapshot: what a pass reads before it plans, and the ports it works with.

Book, ledger, settings and clock are read anew each time: no pass relies on an earlier one.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from companion.domain.appointments import Appointment
from companion.domain.client_names import ClientNames
from companion.domain.errors import BadInput
from companion.domain.event_keys import appointment_id_of, is_notice
from companion.domain.events import CalendarEvent, project
from companion.domain.reconcile import LedgerEntry, ObservedEvent, SyncPlan, reconcile
from companion.domain.settings import PracticeSettings, PractitionerSettings, Settings
from companion.domain.window import SyncWindow
from companion.services.known_names import KnownNames
from companion.services.pools import SYNC
from companion.services.ports import (
    ActivityLog,
    AppointmentBook,
    CalendarRef,
    Clock,
    Google,
    Ledger,
    SettingsStore,
    calendar_of,
)
from companion.services.sync.pacing import Pacer

Offload = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs pure computing off the event loop: `SYNC.run`, or inline in tests."""

A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedLock:
    abandoned: bool = False
    """Whoever had it before did not release it: a call of theirs may have reached Google
    unnoticed."""


class NamedLocks(Protocol):
    """One at a time among all processes of this home, or of the practice that it shares."""

    def hold(
        self, name: str, *, patience: float | None = None
    ) -> AbstractAsyncContextManager[OwnedLock]:
        """Raises Busy after a short wait, of `patience` seconds; DatabaseAway."""
        ...

    async def ensure(self) -> None:
        """Right before a call that nobody can take back: raises Overtaken where another process has
        the lock of this task by now, DatabaseAway where that cannot be known. Cheap."""
        ...

    def hold_for(self, call: asyncio.Future[Any]) -> bool:
        """The lock of this task is left before `call` has ended: nobody else gets it until then.
        True where another workstation may get it all the same, should this one be cut off."""
        ...

    async def holder(self, name: str) -> str:
        """Id of the workstation that has it now; empty for none, and in a home of its own."""
        ...


async def _never_stale(_practitioner_id: str) -> datetime | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncParts:
    """The ports and settings that passes work with."""

    book: AppointmentBook
    names: KnownNames
    ledger: Ledger
    settings: SettingsStore
    google: Google
    activity: ActivityLog
    locks: NamedLocks
    pacer: Pacer
    clock: Clock
    chance: random.Random
    offload: Offload = SYNC.run
    stale_since: Callable[[str], Awaitable[datetime | None]] = _never_stale
    """Since when the schedule is out of date, as the calendar's notice shows it; None while it is
    not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncSnapshot:
    """Everything one pass reads."""

    record: PractitionerSettings
    practice: PracticeSettings
    window: SyncWindow
    calendar: CalendarRef
    desired: Sequence[CalendarEvent]
    entries: Sequence[LedgerEntry]
    notices: Sequence[LedgerEntry]
    """Rows of the staleness notice, which is no appointment."""
    plan: SyncPlan
    revisions: Mapping[str, int]
    """Of the appointments, by id."""
    names: ClientNames
    """What free text was cleaned of."""
    sources: frozenset[str]
    """Of the appointments."""

    @property
    def book_is_empty(self) -> bool:
        return not self.revisions


def ready(settings: Settings, practitioner_id: str) -> PractitionerSettings:
    """The practitioner, connected and enabled; raises BadInput otherwise."""
    record = settings.practitioner(practitioner_id)
    name = record.practitioner.name
    if not record.google.connected:
        raise BadInput(
            f"{name} is not connected to Google yet.",
            f'Press Connect to Google, or run: python run.py google connect "{name}"',
        )
    if not record.choices.enabled:
        raise BadInput(
            f"Google Calendar sync is switched off for {name}.",
            f'Tick Enable Google Calendar Sync, or run: run.py settings "{name}" enabled=true',
        )
    return record


def account_of(record: PractitionerSettings) -> str:
    """Calendars under one login share what Google allows the account."""
    return (record.google.account or record.google.login or record.practitioner.id).casefold()


def quota_of(record: PractitionerSettings) -> str:
    """Whose requests a minute: the account's, or the practitioner's own where a service account
    speaks for them, since Google is told for whom (`quotaUser`)."""
    return f"delegated {record.practitioner.id}" if record.google.delegated else account_of(record)


def window_of(record: PractitionerSettings, now: datetime) -> SyncWindow:
    return SyncWindow.around(
        now,
        record.practitioner.timezone,
        days_in_arrears=record.choices.days_in_arrears,
        days_in_advance=record.choices.days_in_advance,
    )


async def gather(
    parts: SyncParts,
    settings: Settings,
    record: PractitionerSettings,
    observed: Collection[ObservedEvent] | None = None,
    *,
    before: SyncSnapshot | None = None,
) -> SyncSnapshot:
    """Book, ledger and plan of one practitioner as of now. `before`: an earlier one of the same
    pass, whose projections are taken over where nothing has changed."""
    window = window_of(record, parts.clock.now())
    calendar = calendar_of(record)
    appointments = await parts.book.appointments(
        record.practitioner.id, window.wall_start - 2 * A_DAY, window.wall_end + 2 * A_DAY
    )
    names = await parts.names.current()
    rows = await parts.ledger.entries(calendar)
    entries = [row for row in rows if not is_notice(row.key)]

    def compute() -> tuple[list[CalendarEvent], SyncPlan]:
        changed, desired = _known(before, settings, record, window, names, appointments)
        desired += desired_events(settings, record, window, names, changed)
        plan = reconcile(
            desired,
            entries,
            window,
            observed,
            put_back=record.choices.put_back_deleted,
            tidy=record.choices.tidy_past,
        )
        return desired, plan

    desired, plan = await parts.offload(compute)
    return SyncSnapshot(
        record=record,
        practice=settings.practice,
        window=window,
        calendar=calendar,
        desired=desired,
        entries=entries,
        notices=[row for row in rows if is_notice(row.key)],
        plan=plan,
        revisions={each.id: each.revision for each in appointments},
        names=names,
        sources=frozenset(each.source for each in appointments),
    )


def _known(
    before: SyncSnapshot | None,
    settings: Settings,
    record: PractitionerSettings,
    window: SyncWindow,
    names: ClientNames,
    appointments: Sequence[Appointment],
) -> tuple[Sequence[Appointment], list[CalendarEvent]]:
    """Appointments to project anew, and the events of all others."""
    if before is None:
        return appointments, []
    if before.names is not names:  # any text may hold a new one
        return appointments, []
    if (before.record, before.practice, before.window) != (record, settings.practice, window):
        return appointments, []
    known = before.revisions
    same = {each.id for each in appointments if known.get(each.id) == each.revision}
    events = [each for each in before.desired if appointment_id_of(each.key) in same]
    return [each for each in appointments if each.id not in same], events


def desired_events(
    settings: Settings,
    record: PractitionerSettings,
    window: SyncWindow,
    names: ClientNames,
    appointments: Iterable[Appointment],
) -> list[CalendarEvent]:
    """The projection for a practitioner's Google calendar."""
    return project(
        appointments,
        window,
        settings.disclosure_of(record),
        names=names,
        practitioner_name=record.practitioner.name,
        style=record.choices.style,
        disclosure_revision=record.disclosure_revision,
        disclosure_changed_at=record.disclosure_changed_at,
    )
