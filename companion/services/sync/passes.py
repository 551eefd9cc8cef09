"""Passes: one run over one practitioner, from gathering to the proof.

    turn among all processes → gather (book, ledger, settings, clock; Google's list in an audit)
        → reconcile → hold removals that are too many → write → prove → remember

Everything is asked for anew in each pass, so a pass is also the recovery from any earlier one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from companion.domain.differences import Difference, find_differences, when
from companion.domain.errors import (
    AccountParked,
    BadInput,
    CalendarGone,
    CompanionError,
    PermissionDenied,
    ScopeMissing,
)
from companion.domain.reconcile import (
    Delete,
    EntryState,
    ObservedEvent,
    SyncPlan,
    reconcile,
)
from companion.domain.settings import PractitionerSettings
from companion.domain.window import SyncWindow
from companion.services.ports import (
    Activity,
    CalendarRef,
    RemoteCalendar,
    WriteAnswer,
)
from companion.services.sync.gathering import (
    A_DAY,
    Desk,
    SyncParts,
    account_of,
    gather,
    held_deletes,
    ready,
    window_of,
)
from companion.services.sync.pacing import Urgency
from companion.services.sync.staleness import google_notice, is_notice
from companion.services.sync.state import (
    Held,
    HeldItem,
    Proof,
    SyncState,
    Trouble,
    signature_of,
)
from companion.services.sync.writing import PlanWriter, Tally, Target

WORKER = "worker"
"""Cause of the passes that nobody asked for."""
FIRST_PARKING = timedelta(minutes=15)
LONGEST_PARKING = timedelta(hours=6)
REFUSALS_NAMED = 10
"""In the activity list, by their time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    practitioner_id: str
    done: int
    total: int
    phase: str
    """``planning``, ``writing``, ``done``, ``failed`` or ``cancelled``."""
    seconds_left: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassResult:
    practitioner_id: str
    practitioner: str
    planned: dict[str, int] = field(
        default_factory=lambda: {"insert": 0, "update": 0, "delete": 0, "forget": 0}
    )
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    failed: int = 0
    held: int = 0
    """Removals waiting for a person."""
    api_calls: int = 0
    seconds: float = 0.0
    error: CompanionError | None = None
    proof: Proof | None = None
    differences: tuple[Difference, ...] = ()
    """Of an audit: as found, before any repair."""


@dataclass(slots=True)
class Floor:
    """What the passes of one process share while they run."""

    tell: Callable[[Progress], None]
    changed: set[str] = field(default_factory=set)
    """Practitioners whose book or settings changed since their pass last planned."""
    in_flight: dict[CalendarRef, asyncio.Future[Sequence[WriteAnswer]]] = field(
        default_factory=dict
    )
    """Calls of cancelled passes that had not ended; the next pass lets them end first."""


class Pass:
    """One run; made for it and thrown away."""

    def __init__(
        self,
        parts: SyncParts,
        floor: Floor,
        record: PractitionerSettings,
        cause: str,
        *,
        release_held: bool,
        audit: bool,
        repair: bool,
        settled: str = "",
    ) -> None:
        self._parts = parts
        self._floor = floor
        self._settings = parts.settings.read()
        self._record = record
        self._cause = cause
        self._release_held = release_held
        self._audit = audit
        self._repair = repair
        self._settled = settled
        self._id = record.practitioner.id
        self._account = account_of(record)
        self._began = time.monotonic()
        self._tally = Tally()
        self._desk: Desk | None = None
        self._notices: list[ObservedEvent] | None = None
        self._notices_changed = 0
        self._known_former: set[str] = set()
        self._planned = SyncPlan()
        self._held: tuple[HeldItem, ...] = ()
        self._why_held = ""
        self._kept: frozenset[str] = frozenset()
        self._proof: Proof | None = None
        self._differences: tuple[Difference, ...] = ()

    async def go(self) -> PassResult:
        self._tell(0, 0, "planning")
        error: CompanionError | None = None
        try:
            self._record = ready(self._settings, self._id)
            async with self._parts.turns.turn(f"sync-{self._id}"):
                error = await self._work_and_remember()
        except asyncio.CancelledError:
            self._tell(self._tally.done, self._planned.writes, "cancelled")
            raise
        except CompanionError as trouble:
            error = trouble
        error = error or self._tally.last_refusal
        phase = "failed" if error else "done"
        self._tell(self._tally.done, self._planned.writes, phase, str(error or ""))
        return self._result(error)

    def _result(self, error: CompanionError | None) -> PassResult:
        plan, tally = self._planned, self._tally
        return PassResult(
            practitioner_id=self._id,
            practitioner=self._record.practitioner.name,
            planned={
                "insert": len(plan.inserts),
                "update": len(plan.updates),
                "delete": len(plan.deletes),
                "forget": len(plan.forgets),
            },
            inserted=tally.inserted,
            updated=tally.updated,
            deleted=tally.deleted,
            unchanged=plan.unchanged,
            failed=tally.failed,
            held=len(self._held),
            api_calls=tally.api_calls,
            seconds=round(time.monotonic() - self._began, 3),
            error=error,
            proof=self._proof,
            differences=self._differences,
        )

    async def _work_and_remember(self) -> CompanionError | None:
        state = await self._parts.state(self._id)
        until = state.parked_until
        if until is not None and until > self._parts.clock.now():
            raise _parked(until, self._record.practitioner.timezone)
        if state.awaiting_upload:
            if self._cause == WORKER:
                return None
            state = replace(state, awaiting_upload=False)
            await self._parts.save_state(self._id, state)
        error: CompanionError | None = None
        try:
            await self._work(state)
        except CompanionError as trouble:
            error = trouble
        except asyncio.CancelledError:
            await asyncio.shield(self._log(state, state))
            raise
        await self._remember(error)
        return error

    async def _work(self, state: SyncState) -> None:
        parts = self._parts
        self._kept = state.kept_names
        remote = await parts.google.calendar(self._id, self._record.google.calendar_id)
        await self._let_strays_end()
        audit = self._audit or state.audit_due
        if state.held is not None:
            self._known_former = {item.calendar_id for item in state.held.items}
        self._floor.changed.discard(self._id)
        observed = await self._observe(remote) if audit else None
        if observed is not None and not self._record.choices.put_back_deleted:
            observed += await self._moved_away(remote, observed)
        desk = await gather(parts, self._settings, self._record, observed)
        self._desk, self._planned = desk, desk.plan
        if observed is not None:
            self._differences = find_differences(desk.desired, desk.entries, observed)
        plan = self._hold(desk, state)
        if state.settled and plan.writes:
            fresh = await parts.state(self._id)
            await parts.save_state(self._id, replace(fresh, settled=""))
        if self._repair:
            await self._write(remote, desk, plan, self._tally)
            await self._say_staleness(remote, desk)
            await self._clear_old_calendars(desk)
        if observed is not None:
            await self._prove(remote, observed)

    async def _let_strays_end(self) -> None:
        """A call of a cancelled pass may still be under way: nothing is looked at before."""
        calls = self._floor.in_flight
        for calendar in [each for each in calls if each.practitioner_id == self._id]:
            await asyncio.wait({calls[calendar]})
            del calls[calendar]

    async def _observe(self, remote: RemoteCalendar) -> list[ObservedEvent]:
        """Our events that Google lists inside the window, edges in the practitioner's zone."""
        window = window_of(self._record, self._parts.clock.now())
        async with self._parts.pacer.calling(self._account, 1, Urgency.CORRECTION):
            listed = await remote.list_ours(window.start - A_DAY, window.end + A_DAY)
        self._tally.api_calls += 1 + max(0, len(listed) - 1) // 2500
        placed = [
            replace(seen, timezone=window.timezone) for seen in listed if not is_notice(seen.key)
        ]
        self._notices = [seen for seen in listed if is_notice(seen.key)]
        return [seen for seen in placed if window.covers(seen.begins, seen.ends)]

    async def _moved_away(
        self, remote: RemoteCalendar, observed: Sequence[ObservedEvent]
    ) -> list[ObservedEvent]:
        """Events that Google no longer lists in the window but still has: a person moved them
        far away. They are brought back; only what was deleted is left out."""
        window = window_of(self._record, self._parts.clock.now())
        calendar = CalendarRef(
            practitioner_id=self._id, calendar_id=self._record.google.calendar_id
        )
        listed = {seen.event_id for seen in observed}
        found: list[ObservedEvent] = []
        for row in await self._parts.ledger.entries(calendar):
            gone = row.state is EntryState.OK and row.event_id not in listed
            if gone and not is_notice(row.key) and window.covers(row.begins, row.ends):
                self._tally.api_calls += 1
                async with self._parts.pacer.calling(self._account, 1, Urgency.CORRECTION):
                    seen = await remote.get(row.event_id)
                if seen is not None and not seen.deleted:
                    found.append(replace(seen, timezone=window.timezone))
        return found

    def _hold(self, desk: Desk, state: SyncState) -> SyncPlan:
        """The plan without the removals that wait for a person."""
        if self._release_held:
            return desk.plan
        held = held_deletes(self._settings, desk, state, self._parts.clock.now())
        self._held = tuple(HeldItem(key=delete.key, begins=delete.entry.begins) for delete in held)
        if held:
            self._why_held = (
                "The book is empty for this practitioner."
                if desk.book_is_empty
                else f"{len(held)} upcoming appointments would be removed from Google at once."
            )
        waiting = {delete.key for delete in held} | state.kept_names
        rest = tuple(delete for delete in desk.plan.deletes if delete.key not in waiting)
        return replace(desk.plan, deletes=rest)

    async def _write(
        self, remote: RemoteCalendar, desk: Desk, plan: SyncPlan, tally: Tally
    ) -> None:
        parts = self._parts
        now = parts.clock.now()
        writer = PlanWriter(
            target=Target(
                calendar=desk.calendar,
                account=self._account,
                install_id=self._settings.install_id,
                put_back=self._record.choices.put_back_deleted and tally is self._tally,
            ),
            remote=remote,
            ledger=parts.ledger,
            pacer=parts.pacer,
            clock=parts.clock,
            chance=parts.chance,
            soon=SyncWindow.around(
                now, desk.window.timezone, days_in_arrears=0, days_in_advance=1
            ).end,
            now=now,
            tally=tally,
        )
        if tally is self._tally:
            writer.replan = self._replan if desk is self._desk else None
            writer.progress = lambda done, total: self._tell(done, total, "writing")
        try:
            await writer.write(plan)
        finally:
            if writer.in_flight is not None:
                self._floor.in_flight[desk.calendar] = writer.in_flight

    async def _say_staleness(self, remote: RemoteCalendar, desk: Desk) -> None:
        """Put the notice up, bring it to today, or take it down; never two at a time.

        A person who deletes it in Google has read it: it stays away."""
        since = await self._parts.stale_since(self._id)
        wanted = google_notice(since, self._record, self._parts.clock.now())
        plan = reconcile(
            wanted, desk.notices, desk.window, self._notices, put_back=False, tidy=True
        )
        if not plan.actions:
            return
        tally = Tally()
        try:
            await self._write(remote, desk, replace(plan, inserts=(), updates=()), tally)
            rest = SyncPlan(inserts=plan.inserts, updates=plan.updates)
            await self._write(remote, desk, rest, tally)
        finally:
            self._tally.api_calls += tally.api_calls
            self._notices_changed += tally.done

    async def _replan(self) -> SyncPlan | None:
        """A fresh plan when the book or the settings changed under a running pass."""
        if self._id not in self._floor.changed:
            return None
        self._floor.changed.discard(self._id)
        settings = self._parts.settings.read()
        record = ready(settings, self._id)
        if record.google.calendar_id != self._record.google.calendar_id:
            raise BadInput(
                "The calendar was changed while its upload was running.",
                "The next sync goes on with the new calendar.",
            )
        self._settings, self._record = settings, record
        self._desk = await gather(self._parts, settings, record, before=self._desk)
        return self._hold(self._desk, await self._parts.state(self._id))

    async def _clear_old_calendars(self, desk: Desk) -> None:
        """Events we left in a calendar used before: removed once a person says so."""
        ledger = self._parts.ledger
        for old in await ledger.calendars(self._id):
            if old == self._record.google.calendar_id:
                continue
            ref = CalendarRef(practitioner_id=self._id, calendar_id=old)
            entries = await ledger.entries(ref)
            if not self._release_held and not all(is_notice(entry.key) for entry in entries):
                items = (
                    HeldItem(key=entry.key, begins=entry.begins, calendar_id=old)
                    for entry in entries
                    if not is_notice(entry.key)
                )
                waiting = tuple(item for item in items if item.name not in self._kept)
                if waiting and old not in self._known_former and await self._is_gone(old):
                    await self._give_up(ref)
                    continue
                if waiting:
                    self._why_held = self._why_held or "Another Google calendar was chosen."
                    self._held += waiting
                continue
            try:
                remote = await self._parts.google.calendar(self._id, old)
                deletes = tuple(Delete(entry=entry) for entry in entries)
                plan = SyncPlan(deletes=deletes)
                await self._write(remote, replace(desk, calendar=ref), plan, self._tally)
            except (CalendarGone, PermissionDenied, ScopeMissing):
                await self._give_up(ref)

    async def _is_gone(self, calendar_id: str) -> bool:
        """Asked once, before its events are shown as removals that wait."""
        await self._parts.pacer.turn(self._account, 1, Urgency.CORRECTION)
        self._tally.api_calls += 1
        try:
            remote = await self._parts.google.calendar(self._id, calendar_id)
            await remote.info()
        except CalendarGone:
            return True
        except CompanionError:  # out of reach for now: a person decides later
            return False
        return False

    async def _give_up(self, old: CalendarRef) -> None:
        """The sign-in does not reach a calendar used before: say what may be left there."""
        rows = await self._parts.ledger.entries(old)
        count = sum(not is_notice(row.key) for row in rows)
        if count:
            text = (
                f"Up to {count} events may be left in the former Google calendar, which this "
                "sign-in does not reach. Remove them there, or delete that calendar in Google."
            )
            await self._parts.activity.add([self._line("left behind", text, count)])
        await self._parts.ledger.write(old, drop=[row.key for row in rows])

    async def _prove(self, remote: RemoteCalendar, observed: Sequence[ObservedEvent]) -> None:
        """Keep the outcome of comparing field by field as the proof.

        After writing, Google is asked again: the proof is what it holds, not what we sent."""
        desk = self._desk
        if desk is None:
            return
        if self._tally.done:
            observed = await self._observe(remote)
        rows = await self._parts.ledger.entries(desk.calendar)
        entries = [row for row in rows if not is_notice(row.key)]
        found = find_differences(desk.desired, entries, observed)
        left_out = {entry.key for entry in entries if entry.state is EntryState.LEFT_OUT}
        imports = await self._parts.book.imports(1)
        self._proof = Proof(
            at=self._parts.clock.now(),
            book=sum(1 for event in desk.desired if event.key not in left_out),
            google=len(observed),
            differences=len(found),
            imported_at=imports[0].at if imports else None,
        )

    async def _remember(self, error: CompanionError | None) -> None:
        """Renew what is kept between passes, and write the activity list."""
        now = self._parts.clock.now()
        before = await self._parts.state(self._id)
        state = replace(before, last_pass=now)
        if self._desk is not None:
            left = self._tally.left if self._repair else self._desk.plan.writes - len(self._held)
            state = replace(
                state,
                events=len(self._desk.desired),
                waiting=max(0, left) + self._tally.failed,
                kept=self._kept_still(before),
            )
        if self._proof is not None:
            state = replace(state, proof=self._proof, audit_due=False)
        state = replace(state, trouble=_trouble(error or self._tally.last_refusal, before, now))
        if error is None:
            state = replace(
                state,
                last_success=now,
                settled="" if self._tally.failed else self._settled,
                held=self._held_since(before, now),
                parked_until=None,
                parkings=0,
            )
        await self._parts.save_state(self._id, state)
        if isinstance(error, AccountParked):
            await self._park(now)
        await self._log(before, state)

    def _held_since(self, before: SyncState, now: datetime) -> Held | None:
        if not self._held:
            return None
        since = now if before.held is None else before.held.since
        return Held(since=since, why=self._why_held, items=self._held)

    def _kept_still(self, before: SyncState) -> str:
        """What a person keeps in Google, without what is wanted again or was released."""
        if self._desk is None or not before.kept:
            return before.kept
        if self._release_held:
            return ""
        there = {delete.key for delete in self._desk.plan.deletes}
        return signature_of(name for name in before.kept_names if name in there or " " in name)

    async def _park(self, now: datetime) -> None:
        """The whole account rests, with every calendar under it; each time for longer. Where
        another of its calendars has been told so already, it rests no longer for that."""
        for record in self._settings.practitioners.values():
            if account_of(record) != self._account:
                continue
            state = await self._parts.state(record.practitioner.id)
            if state.parked_until is not None and state.parked_until > now:
                continue
            rest = min(LONGEST_PARKING, FIRST_PARKING * 2**state.parkings)
            await self._parts.save_state(
                record.practitioner.id,
                replace(state, parked_until=now + rest, parkings=state.parkings + 1),
            )

    async def _log(self, before: SyncState, state: SyncState) -> None:
        tally = self._tally
        lines = [
            self._line(kind, f"{count} {words}", count)
            for kind, count, words in (
                ("insert", tally.inserted, "added to Google"),
                ("update", tally.updated, "changed in Google"),
                ("delete", tally.deleted, "removed from Google"),
            )
            if count
        ]
        if self._notices_changed:
            text = "Renewed what the calendar says of being out of date"
            lines.append(self._line("notice", text, self._notices_changed))
        if state.trouble and (before.trouble is None or before.trouble.kind != state.trouble.kind):
            lines.append(self._line("error", f"{state.trouble.what} {state.trouble.remedy}"))
            lines += [
                self._line("refused", f"Google did not accept {when(each.start, each.timezone)}")
                for each in tally.refused[:REFUSALS_NAMED]
            ]
        if state.held and before.held is None:
            count = len(state.held.items)
            lines.append(self._line("held", f"{count} removals wait for a person", count))
        if lines:
            await self._parts.activity.add(lines)

    def _line(self, kind: str, text: str, count: int = 1) -> Activity:
        return Activity(
            at=self._parts.clock.now(),
            practitioner_id=self._id,
            cause=self._cause,
            kind=kind,
            text=text,
            count=count,
        )

    def _tell(self, done: int, total: int, phase: str, text: str = "") -> None:
        left = self._parts.pacer.seconds_for(self._account, max(0, total - done))
        self._floor.tell(
            Progress(
                practitioner_id=self._id,
                done=done,
                total=total,
                phase=phase,
                seconds_left=left if phase == "writing" else None,
                text=text,
            )
        )


def _trouble(error: CompanionError | None, before: SyncState, now: datetime) -> Trouble | None:
    if error is None:
        return None
    since = before.trouble.since if before.trouble else now
    return Trouble(kind=type(error).__name__, what=error.what, remedy=error.remedy, since=since)


def _parked(until: datetime, timezone: str) -> AccountParked:
    local = until.astimezone(ZoneInfo(timezone))
    return AccountParked(
        remedy=f"It is tried again by itself at {local:%H:%M}; other practitioners go on."
    )
