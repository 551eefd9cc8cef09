"""Passes: one run over one practitioner, from the snapshot to the proof.

    lock among all processes → snapshot (book, ledger, settings, clock; Google's list in an audit)
        → reconcile → hold removals that are too many → write → prove → save the state

Everything is read anew in each pass, so a pass also recovers from any earlier one that failed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from companion.domain.calendar_writers import CalendarWriter
from companion.domain.differences import Difference, find_differences
from companion.domain.errors import BadInput, CompanionError
from companion.domain.events import CalendarEvent
from companion.domain.practice_errors import Overtaken
from companion.domain.reconcile import LedgerEntryState, ObservedEvent, SyncPlan, reconcile
from companion.domain.settings import PractitionerSettings, Settings
from companion.domain.sync_state import Proof, SyncState
from companion.domain.window import SyncWindow
from companion.services.ports import (
    CalendarRef,
    RemoteCalendar,
    calendar_of,
)
from companion.services.sync.calendar_lock import calendar_lock
from companion.services.sync.held_removals import HeldRemovals
from companion.services.sync.observing import Observer
from companion.services.sync.one_writer import admit, begins, stamped_anew, stopped
from companion.services.sync.persistence import PassOutcome, PassRecorder, parked, rests_until
from companion.services.sync.previous_calendars import PreviousCalendars
from companion.services.sync.progress import Progress, SyncPhase
from companion.services.sync.proving import prove
from companion.services.sync.shared_run_state import SharedRunState
from companion.services.sync.snapshot import (
    SyncParts,
    SyncSnapshot,
    gather,
    quota_of,
    ready,
    window_of,
)
from companion.services.sync.staleness import google_notice
from companion.services.sync.steps import Tally, Target
from companion.services.sync.writing import write_plan

WORKER = "worker"
"""Cause of passes that the worker started by itself."""


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
    left_out: tuple[CalendarEvent, ...] = ()
    """Of an audit: what a person deleted in Google and the setting leaves so."""

    @property
    def written(self) -> list[tuple[int, str]]:
        """What was done in Google, in words; zero counts are left out."""
        counts = (self.inserted, "added"), (self.updated, "changed"), (self.deleted, "removed")
        return [(count, word) for count, word in counts if count]


class Pass:
    """One run over one practitioner; not reused."""

    def __init__(
        self,
        parts: SyncParts,
        shared: SharedRunState,
        record: PractitionerSettings,
        cause: str,
        holding: HeldRemovals,
        *,
        audit: bool,
        repair: bool,
        fingerprint: str,
    ) -> None:
        self._parts = parts
        self._shared = shared
        self._record = record
        self._cause = cause
        self._holding = holding
        self._audit = audit
        self._repair = repair
        self._fingerprint = fingerprint
        self._id = record.practitioner.id
        self._account = quota_of(record)
        self._settings: Settings
        self._writer: CalendarWriter
        """Both as they are under the lock: another process may have begun a term before."""
        self._others: Mapping[str, str] | None = None
        self._claimed = False
        self._before = SyncState()
        self._began = time.monotonic()
        self._tally = Tally()
        self._observer = Observer(parts.pacer, self._account, self._tally)
        self._snapshot: SyncSnapshot | None = None
        self._notices: list[ObservedEvent] | None = None
        self._notices_changed = 0
        self._planned = SyncPlan()
        self._to_write = 0
        self._proof: Proof | None = None
        self._differences: tuple[Difference, ...] = ()
        self._left_out: list[CalendarEvent] = []

    async def go(self) -> PassResult:
        self._publish(0, 0, SyncPhase.PLANNING)
        error: CompanionError | None = None
        try:
            async with calendar_lock(self._parts, self._id):
                self._settings = self._parts.settings.read()
                self._record = ready(self._settings, self._id)
                self._writer = self._settings.writer_for(self._record.google)
                error = await self._run_and_record()
        except asyncio.CancelledError:
            self._publish(self._tally.done, self._planned.writes, SyncPhase.CANCELLED)
            raise
        except CompanionError as found:
            error = found
        except Exception:  # an internal error: subscribers wait for the end
            self._publish(self._tally.done, self._planned.writes, SyncPhase.FAILED)
            raise
        error = error or self._tally.last_refusal
        phase = SyncPhase.FAILED if error else SyncPhase.DONE
        self._publish(self._tally.done, self._planned.writes, phase, str(error or ""))
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
            held=self._holding.count,
            api_calls=tally.api_calls,
            seconds=round(time.monotonic() - self._began, 3),
            error=error,
            proof=self._proof,
            differences=self._differences,
            left_out=tuple(self._left_out),
        )

    async def _run_and_record(self) -> CompanionError | None:
        state = await self._parts.ledger.state(self._id)
        until = rests_until(state, self._parts.clock.now())
        if until is not None:
            raise parked(until, self._record.practitioner.timezone, state.trouble)
        overruled = stopped(state, self._record.practitioner.timezone)
        if overruled is not None:
            raise overruled
        if state.awaiting_upload and self._cause == WORKER:
            return None
        self._before = state
        recorder = PassRecorder(self._parts, self._record, self._cause)
        error: CompanionError | None = None
        try:
            if state.awaiting_upload:
                _, state = await self._parts.ledger.edit_state(
                    self._id, lambda found: replace(found, awaiting_upload=False)
                )
            await self._work(state, recorder)
        except Overtaken:
            raise  # the other workstation's pass says how things are
        except CompanionError as found:
            error = found
        except asyncio.CancelledError:
            with suppress(Overtaken):
                await asyncio.shield(recorder.keep(self._outcome(None, ended=False)))
            raise
        await recorder.keep(self._outcome(error))
        return error

    def _outcome(self, error: CompanionError | None, *, ended: bool = True) -> PassOutcome:
        return PassOutcome(
            ended=ended,
            to_write=self._to_write,
            tally=self._tally,
            holding=self._holding,
            snapshot=self._snapshot,
            proof=self._proof,
            notices=self._notices_changed,
            repaired=self._repair,
            claimed=self._claimed,
            before=self._before,
            stopped=not ended and self._id in self._shared.stopped,
            fingerprint=self._fingerprint,
            error=error,
        )

    async def _work(self, state: SyncState, recorder: PassRecorder) -> None:
        parts = self._parts
        self._holding.begin(state)
        self._tally.since = state.last_success
        calendar_id = self._record.google.calendar_id
        remote = await parts.google.calendar(self._id, calendar_id, self._writer)
        await self._shared.drain_in_flight(self._id)
        audit = self._audit or state.audit_due or state.claimed
        self._shared.changed.discard(self._id)
        observed: list[ObservedEvent] | None = None
        if audit:
            seen = await self._observer.window(remote, self._window(), all_stamps=begins(state))
            self._claimed = state.claimed
            self._writer, state = await admit(parts, self._record, state, seen.stamps)
            remote = await parts.google.calendar(self._id, calendar_id, self._writer)
            observed, self._notices = seen.events, seen.notices
            if state.late_removals:
                await self._expect_late_removals(state)
            if not self._record.choices.put_back_deleted:
                rows = await parts.ledger.entries(calendar_of(self._record))
                observed += await self._observer.moved_away(remote, self._window(), rows, observed)
        self._others = state.others
        snapshot = await gather(parts, self._settings, self._record, observed)
        if observed is not None:
            plan = stamped_anew(
                snapshot, observed, self._writer, parts.clock.now(), claimed=state.claimed
            )
            snapshot = replace(snapshot, plan=plan)
        self._snapshot, self._planned = snapshot, snapshot.plan
        if observed is not None:
            self._differences = find_differences(snapshot.desired, snapshot.entries, observed)
        plan = self._holding.filter_held(self._settings, snapshot, parts.clock.now())
        self._to_write = plan.writes
        if state.fingerprint and plan.writes:
            await parts.ledger.edit_state(self._id, lambda found: replace(found, fingerprint=""))
        if self._repair:
            await self._write(
                remote,
                snapshot.calendar,
                plan,
                self._tally,
                put_back=self._record.choices.put_back_deleted,
                replan=self._replan,
            )
            await self._write_staleness_notice(remote, snapshot)
            await self._clear_previous(recorder)
        if observed is not None:
            await self._prove(remote, observed)

    async def _expect_late_removals(self, state: SyncState) -> None:
        """What Google no longer holds of these was removed by us, not by a person."""
        calendar = calendar_of(self._record)
        rows = [
            replace(row, state=LedgerEntryState.REMOVING)
            for row in await self._parts.ledger.entries(calendar)
            if row.key in state.late_removals
        ]
        await self._parts.ledger.write(calendar, put=rows)

    def _window(self) -> SyncWindow:
        return window_of(self._record, self._parts.clock.now())

    async def _write(
        self,
        remote: RemoteCalendar,
        calendar: CalendarRef,
        plan: SyncPlan,
        tally: Tally,
        *,
        put_back: bool,
        replan: Callable[[], Awaitable[SyncPlan | None]] | None = None,
        shown: bool = True,
    ) -> None:
        """`shown`: as progress."""
        target = Target(
            calendar=calendar,
            account=self._account,
            writer=self._writer,
            timezone=self._record.practitioner.timezone,
            put_back=put_back,
            others=self._others,
        )
        await write_plan(
            self._parts,
            remote,
            plan,
            target,
            tally,
            self._shared.in_flight,
            replan=replan,
            progress=self._publish_writing if shown else lambda _done, _total: None,
        )

    async def _write_staleness_notice(self, remote: RemoteCalendar, snapshot: SyncSnapshot) -> None:
        """Insert the notice, move it to today, or delete it; there are never two.

        A person who deletes it in Google has read it: it stays away."""
        since = await self._parts.stale_since(self._id)
        wanted = google_notice(since, self._record, self._parts.clock.now())
        plan = reconcile(
            wanted, snapshot.notices, snapshot.window, self._notices, put_back=False, tidy=True
        )
        if not plan.actions:
            return
        tally = Tally()
        first = replace(plan, inserts=(), updates=())
        rest = SyncPlan(inserts=plan.inserts, updates=plan.updates)
        try:
            for part in (first, rest):
                await self._write(
                    remote, snapshot.calendar, part, tally, put_back=False, shown=False
                )
        finally:
            self._tally.api_calls += tally.api_calls
            self._notices_changed += tally.done

    async def _replan(self) -> SyncPlan | None:
        """A fresh plan when the book or the settings changed under a running pass."""
        if self._id not in self._shared.changed:
            return None
        self._shared.changed.discard(self._id)
        settings = self._parts.settings.read()
        record = ready(settings, self._id)
        if record.google.calendar_id != self._record.google.calendar_id:
            raise BadInput(
                "The calendar was changed while its upload was running.",
                "The next sync goes on with the new calendar.",
            )
        self._settings, self._record = settings, record
        self._snapshot = await gather(self._parts, settings, record, before=self._snapshot)
        self._holding.renew(await self._parts.ledger.state(self._id))
        return self._holding.filter_held(settings, self._snapshot, self._parts.clock.now())

    async def _clear_previous(self, recorder: PassRecorder) -> None:
        async def write(remote: RemoteCalendar, calendar: CalendarRef, plan: SyncPlan) -> None:
            await self._write(remote, calendar, plan, self._tally, put_back=False)

        previous = PreviousCalendars(
            self._parts,
            self._id,
            self._account,
            self._tally,
            write=write,
            add_line=recorder.add_line,
        )
        await previous.clear(self._record.google.calendar_id, self._holding)

    async def _prove(self, remote: RemoteCalendar, observed: Sequence[ObservedEvent]) -> None:
        """Keep the outcome of comparing field by field as the proof.

        After writing, Google is asked again: the proof is what it holds, not what we sent."""
        snapshot = self._snapshot
        if snapshot is None:
            return
        if self._tally.done:
            observed = (await self._observer.window(remote, snapshot.window)).events
        self._proof, self._left_out = await prove(self._parts, snapshot, observed)

    def _publish_writing(self, done: int, total: int) -> None:
        self._publish(done, total, SyncPhase.WRITING)

    def _publish(self, done: int, total: int, phase: SyncPhase, text: str = "") -> None:
        left = self._parts.pacer.seconds_for(self._account, max(0, total - done))
        self._shared.publish(
            Progress(
                practitioner_id=self._id,
                done=done,
                total=total,
                phase=phase,
                seconds_left=left if phase is SyncPhase.WRITING else None,
                text=text,
            )
        )
