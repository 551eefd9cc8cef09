"""Removing our events from a calendar, when a practitioner disconnects.

Removed is the union of the ledger and of what Google lists under our mark, so that events the
ledger has forgotten (history behind the window) go too, and those it knows under a damaged mark
as well. The plan goes through the same writer as every other: bounded, paced, intent rows first. A
ledger row goes only once its event is known to be gone. When the events stay, the rows stay: a
later connection to the same calendar adopts them, one to another calendar shows them as removals
that wait for a person.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from companion.domain.errors import AnotherWriter, CompanionError, TransientError
from companion.domain.event_keys import is_notice
from companion.domain.reconcile import ObservedEvent, SyncPlan, reconcile
from companion.domain.settings import Settings
from companion.services.ports import CalendarRef, RemoteCalendar
from companion.services.sync.observing import list_ours
from companion.services.sync.one_writer import overruling, stopped
from companion.services.sync.retry import RetryBudget
from companion.services.sync.snapshot import SyncParts, quota_of, window_of
from companion.services.sync.steps import Tally, Target
from companion.services.sync.writing import InFlight, write_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    events: int
    """Events removed, the staleness notice not counted; set also when the rest failed."""
    error: CompanionError | None = None
    """Why some are left; running it again continues."""


async def remove_events(
    parts: SyncParts,
    settings: Settings,
    calendar: CalendarRef,
    in_flight: InFlight,
    *,
    notice_only: bool,
) -> Removal:
    """No pass of this practitioner may run meanwhile."""
    record = settings.practitioner(calendar.practitioner_id)
    target = Target(
        calendar=calendar,
        account=quota_of(record),
        writer=settings.writer_for(record.google),
        timezone=record.practitioner.timezone,
        put_back=False,
    )
    tally, notices = Tally(), Tally()
    try:
        remote = await parts.google.calendar(
            calendar.practitioner_id, calendar.calendar_id, target.writer
        )
        listed = await _listed(parts, target.account, remote, notices)
        await _refuse_anothers(parts, target, listed)
        rows = await parts.ledger.entries(calendar)
        window = window_of(record, parts.clock.now())
        plan = reconcile((), rows, window, listed, tidy=True)
        at_first, then = _notices_apart(plan)
        await write_plan(parts, remote, at_first, target, notices, in_flight)
        if not notice_only:
            await write_plan(parts, remote, then, target, tally, in_flight)
    except CompanionError as error:
        return Removal(events=tally.deleted, error=error)
    return Removal(events=tally.deleted, error=notices.last_refusal or tally.last_refusal)


async def _refuse_anothers(
    parts: SyncParts, target: Target, listed: Iterable[ObservedEvent]
) -> None:
    """Raises AnotherWriter where another installation keeps the calendar."""
    state = await parts.ledger.state(target.calendar.practitioner_id)
    theirs = overruling(target.writer, state, [each.stamp for each in listed])
    if theirs is not None or stopped(state, target.timezone) is not None:
        raise AnotherWriter(
            "Another computer keeps this Google calendar now, so its events were not removed.",
            "Disconnect without removing events. Or switch the sync on, decide that this computer "
            "keeps the calendar, sync once, and then disconnect.",
            stamp=str(theirs or state.overruled_by),
        )


async def _listed(
    parts: SyncParts, account: str, remote: RemoteCalendar, tally: Tally
) -> list[ObservedEvent]:
    """All events of ours; repeated while Google has transient errors."""
    retry_budget = RetryBudget(parts.pacer, account, parts.clock, parts.chance)
    while True:
        try:
            return await list_ours(parts.pacer, account, remote, None, None, tally)
        except TransientError as error:
            await retry_budget.wait_after(error)


def _notices_apart(plan: SyncPlan) -> tuple[SyncPlan, SyncPlan]:
    """The staleness notice is not counted: it is no appointment."""
    notices = tuple(each for each in plan.deletes if is_notice(each.key))
    rest = tuple(each for each in plan.deletes if not is_notice(each.key))
    corrections = tuple(each for each in plan.corrections if is_notice(each.key))
    return SyncPlan(deletes=notices, corrections=corrections), replace(plan, deletes=rest)
