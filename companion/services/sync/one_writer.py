"""One writer: whether this installation may still write to a calendar, by the stamps there.

The first audit after an upgrade, a restore or a lost database takes what it finds, in the window
and outside, for the past (`SyncState.others`). What others write afterwards, or in a later term,
takes the calendar over: nothing is written from here until a person decides (`SyncState.claimed`).
A decision shows to the other installation by the stamps of a later term: where nothing else is to
be written, and where others' events are only to be deleted, one event is stamped anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from companion.domain.calendar_writers import CalendarWriter, WriterStamp
from companion.domain.differences import when
from companion.domain.errors import AnotherWriter, RequestRefused
from companion.domain.reconcile import LedgerEntryState, ObservedEvent, SyncPlan, Update
from companion.domain.settings import GoogleLink, PractitionerSettings, Settings
from companion.domain.sync_state import SyncState, SyncTrouble
from companion.services.activity import note
from companion.services.ports import ActivityKind
from companion.services.sync.observing import list_ours
from companion.services.sync.snapshot import SyncParts, SyncSnapshot, quota_of
from companion.services.sync.steps import Tally

OVERLAP = timedelta(minutes=10)
"""Of two looks, since clocks differ."""


def another_writer(stamp: WriterStamp, timezone: str) -> AnotherWriter:
    last = f" (last on {when(stamp.moment, timezone)})" if stamp.moment else ""
    return AnotherWriter(
        f"Another computer writes to this Google calendar too{last}, so this one has stopped.",
        stamp=str(stamp),
    )


def stopped(state: SyncState, timezone: str) -> AnotherWriter | None:
    """Why nothing is written from here, until a person decides."""
    if not state.overruled_by or state.claimed:
        return None
    return another_writer(WriterStamp.parse(state.overruled_by), timezone)


def overruling(
    writer: CalendarWriter, state: SyncState, stamps: Sequence[WriterStamp]
) -> WriterStamp | None:
    """The write by which another installation took the calendar over."""
    return None if state.others is None else writer.overruled_by(stamps, state.others)


def begins(state: SyncState) -> bool:
    """Whether the next audit begins to write here, for which `admit` has to know all stamps."""
    return state.others is None or state.claimed


async def admit(
    parts: SyncParts, record: PractitionerSettings, state: SyncState, stamps: Sequence[WriterStamp]
) -> tuple[CalendarWriter, SyncState]:
    """As whom to write to a calendar that holds `stamps`. Raises AnotherWriter."""
    practitioner_id = record.practitioner.id
    writer = parts.settings.read().writer_for(record.google)
    if not begins(state):
        found = overruling(writer, state, stamps)
        if found is not None:
            raise another_writer(found, record.practitioner.timezone)
        return writer, state
    theirs = [
        each.term
        for each in (*stamps, WriterStamp.parse(state.overruled_by))
        if not writer.wrote(each)
    ]
    term = max(writer.term, max(theirs, default=0) + state.claimed)
    if term != writer.term:
        await parts.settings.change(
            lambda settings: _in_term(settings, practitioner_id, record.google, term)
        )
    past = {} if state.claimed else writer.last_moments(stamps)
    _, state = await parts.ledger.edit_state(
        practitioner_id, lambda found: replace(found, others=past, overruled_by="")
    )
    return replace(writer, term=term), state


def _in_term(settings: Settings, practitioner_id: str, link: GoogleLink, term: int) -> Settings:
    """Unless another calendar was chosen meanwhile."""
    record = settings.record(practitioner_id)
    if record.google.calendar_id != link.calendar_id:
        return settings
    return settings.with_practitioner(
        replace(record, google=replace(record.google, term=max(term, record.google.term)))
    )


def stamped_anew(
    snapshot: SyncSnapshot,
    observed: Sequence[ObservedEvent],
    writer: CalendarWriter,
    now: datetime,
    *,
    claimed: bool,
) -> SyncPlan:
    """The plan, with one event more where it would not show to the other that we write again."""
    plan = snapshot.plan
    there = {each.event_id: each.stamp for each in observed}
    theirs = (there.get(each.entry.event_id, WriterStamp()) for each in plan.deletes)
    undone = any(each.writer and not writer.wrote(each) for each in theirs)
    if plan.inserts or plan.updates or not (claimed or undone):
        return plan
    rows = {
        each.key: each
        for each in snapshot.entries
        if each.state is LedgerEntryState.OK and each.event_id in there
    }
    known = [event for event in snapshot.desired if event.key in rows]
    if not known:
        return plan
    nearest = min(known, key=lambda each: (each.ends <= now, abs(each.begins - now)))
    update = Update(event=nearest, entry=rows[nearest.key])
    return replace(plan, updates=(update,), unchanged=plan.unchanged - 1)


async def look(parts: SyncParts, practitioner_id: str, since: datetime | None) -> None:
    """Ask Google what has changed, or for all there is; stop where another installation took
    the calendar over. Also where the sync is switched off."""
    settings = parts.settings.read()
    record = settings.record(practitioner_id)
    state = await parts.ledger.state(practitioner_id)
    if not record.google.connected or state.others is None or state.overruled_by:
        return
    writer = settings.writer_for(record.google)
    calendar_id = record.google.calendar_id
    remote = await parts.google.calendar(practitioner_id, calendar_id, writer)

    async def listed(since: datetime | None) -> list[ObservedEvent]:
        account = quota_of(record)
        return await list_ours(parts.pacer, account, remote, None, None, Tally(), since=since)

    try:
        changed = await listed(since and since - OVERLAP)
    except RequestRefused:  # our clock is far behind Google's
        changed = await listed(None)
    stamps = [each.stamp for each in changed]
    settings = parts.settings.read()  # another process may have begun a term meanwhile
    record = settings.record(practitioner_id)
    writer, zone = settings.writer_for(record.google), record.practitioner.timezone
    now = parts.clock.now()

    def judge(state: SyncState) -> SyncState:
        found = overruling(writer, state, stamps)
        if found is None or state.claimed or record.google.calendar_id != calendar_id:
            return state
        error = another_writer(found, zone)
        trouble = SyncTrouble(
            kind=type(error).__name__, what=error.what, remedy=error.remedy, since=now
        )
        return replace(state, overruled_by=error.stamp, trouble=trouble)

    before, after = await parts.ledger.edit_state(practitioner_id, judge)
    if after.trouble is None or before == after:
        return
    await note(
        parts.activity,
        parts.clock,
        ActivityKind.ERROR,
        f"{after.trouble.what} {after.trouble.remedy}",
        cause="look",
        practitioner_id=practitioner_id,
    )
