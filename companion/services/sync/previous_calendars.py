"""Previous calendars: events we left in a Google calendar that was used before this one.

They are shown as removals that wait for a person, and are deleted once released. Where the sign-in
no longer reaches that calendar, one activity line names what may be left there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from companion.domain.errors import CalendarGone, CompanionError, PermissionDenied, ScopeMissing
from companion.domain.event_keys import is_notice
from companion.domain.reconcile import Delete, SyncPlan
from companion.services.ports import ActivityKind, CalendarRef, RemoteCalendar
from companion.services.sync.held_removals import HeldRemovals
from companion.services.sync.pacing import Urgency
from companion.services.sync.snapshot import SyncParts
from companion.services.sync.steps import Tally

Write = Callable[[RemoteCalendar, CalendarRef, SyncPlan], Awaitable[None]]
AddLine = Callable[[ActivityKind, str, int], Awaitable[None]]
"""Kind, text and count of a line for the activity list."""


@dataclass(slots=True)
class PreviousCalendars:
    """The previous calendars of one practitioner, for one pass."""

    parts: SyncParts
    practitioner_id: str
    account: str
    tally: Tally
    write: Write
    add_line: AddLine

    async def clear(self, present: str, holding: HeldRemovals) -> None:
        """Remove what was released, hold the rest. `present`: the calendar in use now."""
        ledger = self.parts.ledger
        for old in await ledger.calendars(self.practitioner_id):
            if old == present:
                continue
            ref = CalendarRef(practitioner_id=self.practitioner_id, calendar_id=old)
            rows = await ledger.entries(ref)
            waiting = holding.undecided_in(old, rows)
            if waiting and not holding.already_shown(old) and await self._is_gone(old):
                await self._give_up(ref)
                continue
            if waiting:
                holding.hold_previous(waiting)
            going = holding.released_from(old, rows)
            if not going:
                continue
            try:
                remote = await self.parts.google.calendar(self.practitioner_id, old)
                plan = SyncPlan(deletes=tuple(Delete(entry=row) for row in going))
                await self.write(remote, ref, plan)
            except (CalendarGone, PermissionDenied, ScopeMissing):
                await self._give_up(ref)

    async def _is_gone(self, calendar_id: str) -> bool:
        """Asked once, before its events are shown as removals that wait."""
        self.tally.api_calls += 1
        try:
            async with self.parts.pacer.calling(self.account, 1, Urgency.CORRECTION):
                remote = await self.parts.google.calendar(self.practitioner_id, calendar_id)
                await remote.info()
        except CalendarGone:
            return True
        except CompanionError:  # out of reach for now: a person decides later
            return False
        return False

    async def _give_up(self, old: CalendarRef) -> None:
        """The sign-in does not reach it: report what may be left there and drop its ledger rows."""
        rows = await self.parts.ledger.entries(old)
        count = sum(not is_notice(row.key) for row in rows)
        if count:
            text = (
                f"Up to {count} events may be left in the former Google calendar, which this "
                "sign-in does not reach. Remove them there, or delete that calendar in Google."
            )
            await self.add_line(ActivityKind.LEFT_BEHIND, text, count)
        await self.parts.ledger.write(old, drop=[row.key for row in rows])
