"""Syncing: what pages, commands and the worker ask of the sync; the work itself is in `passes`."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from companion.domain.errors import Busy, CompanionError
from companion.domain.events import CalendarEvent
from companion.domain.reconcile import Delete, SyncPlan
from companion.domain.sync_state import Held, SyncState
from companion.domain.window import SyncWindow
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.changes import BookChanged, Change, Changes, Publisher
from companion.services.ports import CalendarRef, Messages
from companion.services.sync import one_writer
from companion.services.sync.calendar_lock import calendar_lock
from companion.services.sync.elsewhere import RunsElsewhere
from companion.services.sync.held_removals import HeldRemovals, held_deletes
from companion.services.sync.passes import WORKER, Pass, PassResult
from companion.services.sync.progress import Progress
from companion.services.sync.removal import Removal, remove_events
from companion.services.sync.shared_run_state import SharedRunState
from companion.services.sync.snapshot import A_DAY, OwnedLock, SyncParts, gather, quota_of, ready


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncPreview:
    """What a pass would do now."""

    plan: SyncPlan
    held: tuple[Delete, ...]
    window: SyncWindow
    desired: Sequence[CalendarEvent]
    seconds: float
    """Estimate from the quota."""

    @property
    def events(self) -> int:
        return len(self.desired)


class Syncing:
    """One per process. What other workstations of the practice do is shown as if it ran here."""

    def __init__(
        self, parts: SyncParts, changes: Changes, messages: Messages | None = None
    ) -> None:
        """`messages`: to the other workstations."""
        self._parts = parts
        self._shared = SharedRunState(publish=self._publish)
        self._progress: dict[str, Progress] = {}
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._doubted: set[str] = set()
        self._looked: dict[str, datetime] = {}
        self._steps = Publisher[Progress]()
        self._runs: dict[str, str] = {}
        """Number of the pass that each task is."""
        self._following: dict[str, asyncio.Task[None]] = {}
        """Uploads that wait for another workstation's pass."""
        self._elsewhere = RunsElsewhere(
            messages,
            parts.clock,
            publish=self._publish_theirs,
            stop=self._stop_if_it_is,
            works=self._is_locked_somewhere,
        )
        changes.subscribe(self._on_change)

    @allows(Action.SEE_STATUS, of="practitioner_id")
    def running(self, practitioner_id: str) -> Progress | None:
        if practitioner_id in self._tasks:
            return self._progress.get(practitioner_id)
        return self._elsewhere.running(practitioner_id)

    @allows(Action.UPLOAD, of="practitioner_id")
    def cancel(self, practitioner_id: str) -> None:
        """Stop a running pass, wherever it runs; what is done stays done, the next pass does the
        rest."""
        task = self._tasks.get(practitioner_id)
        if task is not None:
            self._shared.stopped.add(practitioner_id)
            task.cancel()
            return
        self._stop_elsewhere(practitioner_id)

    def _stop_elsewhere(self, practitioner_id: str) -> None:
        """And what waits here for its end."""
        self._elsewhere.ask_to_stop(practitioner_id)
        if practitioner_id in self._following:
            self._following[practitioner_id].cancel()

    def _stop_if_it_is(self, practitioner_id: str, run: str) -> None:
        if self._runs.get(practitioner_id) == run:
            self.cancel(practitioner_id)

    def lock(
        self, name: str, *, patience: float | None = None
    ) -> AbstractAsyncContextManager[OwnedLock]:
        """One at a time among all processes of this home, or of its practice. Raises Busy."""
        return self._parts.locks.hold(name, patience=patience)

    def calendar_lock(self, practitioner_id: str) -> AbstractAsyncContextManager[None]:
        """The lock of a pass, for other work on that calendar and its ledger. Raises Busy."""
        return calendar_lock(self._parts, practitioner_id)

    @asynccontextmanager
    async def paused_sync(self, practitioner_id: str) -> AsyncIterator[None]:
        """While it lasts no pass of this practitioner runs, here or in another process; one that
        is running here, or on another workstation, is stopped first. Raises Busy."""
        self._stop_elsewhere(practitioner_id)
        task = self._tasks.get(practitioner_id)
        if task is not None:
            task.cancel()
        async with (
            self._locks.setdefault(practitioner_id, asyncio.Lock()),
            self.calendar_lock(practitioner_id),
        ):
            await self._shared.drain_in_flight(practitioner_id)
            yield

    async def remove_events(self, calendar: CalendarRef, *, notice_only: bool = False) -> Removal:
        """Take our events out of a calendar, or only the notice of being out of date. Raises
        Busy; errors of Google are in the result."""
        async with self.paused_sync(calendar.practitioner_id):
            return await remove_events(
                self._parts,
                self._parts.settings.read(),
                calendar,
                self._shared.in_flight,
                notice_only=notice_only,
            )

    @allows(Action.UPLOAD, of="practitioner_id")
    def was_stopped(self, practitioner_id: str) -> bool:
        """Whether a person stopped the last pass; true only once."""
        if practitioner_id not in self._shared.stopped:
            return False
        self._shared.stopped.remove(practitioner_id)
        return True

    def doubt(self, practitioner_id: str) -> None:
        """Google did not answer just now: it is to be asked again soon."""
        self._doubted.add(practitioner_id)

    def was_doubted(self, practitioner_id: str) -> bool:
        """True only once."""
        if practitioner_id not in self._doubted:
            return False
        self._doubted.remove(practitioner_id)
        return True

    @allows(Action.SEE_STATUS, somewhere=True)
    def subscribe(self, listener: Callable[[Progress], None]) -> Callable[[], None]:
        """Call `listener` at every step of every pass, until the returned function is called."""
        return self._steps.subscribe(listener)

    def book_changed(self, practitioner_id: str) -> None:
        """A running pass of this practitioner plans anew before its next batch."""
        self._shared.changed.add(practitioner_id)

    @allows(Action.SEE_STATUS, of="practitioner_id")
    async def state(self, practitioner_id: str) -> SyncState:
        return await self._parts.ledger.state(practitioner_id)

    @allows(Action.SEE_STATUS)
    async def states(self) -> dict[str, SyncState]:
        """Of all practitioners; one query."""
        return await self._parts.ledger.states()

    @allows(Action.UPLOAD, of="practitioner_id")
    async def plan(self, practitioner_id: str) -> SyncPreview:
        """What a pass would do; nothing is written. Raises CompanionError."""
        parts = self._parts
        settings = parts.settings.read()
        record = ready(settings, practitioner_id)
        snapshot = await gather(parts, settings, record)
        state = await parts.ledger.state(practitioner_id)
        units = (
            len(snapshot.plan.inserts) + 3 * len(snapshot.plan.updates) + len(snapshot.plan.deletes)
        )
        return SyncPreview(
            plan=snapshot.plan,
            held=held_deletes(settings, snapshot, state.kept, parts.clock.now()),
            window=snapshot.window,
            desired=snapshot.desired,
            seconds=parts.pacer.seconds_for(quota_of(record), units),
        )

    @allows(Action.UPLOAD, of="practitioner_id")
    async def keep_held(self, practitioner_id: str) -> None:
        """A person decided that the held removals stay in Google."""

        def keep(state: SyncState) -> SyncState:
            if state.held is None:
                return state
            return replace(state, kept=state.kept | state.held.names, held=None)

        await self._parts.ledger.edit_state(practitioner_id, keep)

    @allows(Action.UPLOAD, of="practitioner_id")
    async def look(self, practitioner_id: str, *, everything: bool = False) -> None:
        """Whether another installation has written since the last look, or ever. Where it took
        the calendar over nothing is written from here until a person decides. Raises
        CompanionError."""
        now = self._parts.clock.now()
        since = min(now, self._looked.get(practitioner_id, now - A_DAY))
        await one_writer.look(self._parts, practitioner_id, None if everything else since)
        self._looked[practitioner_id] = now

    @allows(Action.GOOGLE, of="practitioner_id")
    async def claim(self, practitioner_id: str) -> None:
        """A person decided that this installation keeps the calendar: its next pass begins a new
        term, and any other installation then stops."""
        await self._parts.ledger.edit_state(
            practitioner_id,
            lambda state: replace(state, claimed=True, audit_due=True, trouble=None),
        )

    @allows(Action.UPLOAD, of="practitioner_id")
    async def run(
        self,
        practitioner_id: str,
        *,
        cause: str,
        release_held: bool = False,
        shown: Held | None = None,
        audit: bool = False,
        repair: bool = True,
        fingerprint: str = "",
        progress: Callable[[Progress], None] | None = None,
    ) -> PassResult:
        """One pass; with `audit` Google's own list is compared first and the proof renewed.

        `release_held`: let the removals go that were `shown`, or those that are held now, or,
        where none are, whatever the plan removes. What comes in addition is held anew.

        `fingerprint` is saved when nothing is left to do. Raises no CompanionError: the result
        carries it. Where a pass of this practitioner is already running, this one follows it; one
        that a person began, also where it runs on another workstation."""
        settings = self._parts.settings.read()
        record = settings.practitioner(practitioner_id)
        unsubscribe = self.subscribe(progress) if progress else None
        try:
            async with self._locks.setdefault(record.practitioner.id, asyncio.Lock()):
                while True:
                    if cause != WORKER:
                        await self._follow(record.practitioner.id)
                    result = await self._run_alone(
                        Pass(
                            self._parts,
                            self._shared,
                            record,
                            cause,
                            HeldRemovals(release=release_held, shown=shown),
                            audit=audit,
                            repair=repair,
                            fingerprint=fingerprint,
                        ),
                        record.practitioner.id,
                    )
                    if cause == WORKER or not isinstance(result.error, Busy):
                        return result
                    if not await self._runs_elsewhere(record.practitioner.id):
                        return result
        finally:
            if unsubscribe is not None:
                unsubscribe()

    async def _follow(self, practitioner_id: str) -> None:
        """Another workstation's pass, until it is over; it is seen here meanwhile."""
        if self._elsewhere.running(practitioner_id) is None:
            return
        waiting = asyncio.create_task(self._elsewhere.until_over(practitioner_id))
        self._following[practitioner_id] = waiting
        try:
            await waiting
        finally:
            waiting.cancel()
            del self._following[practitioner_id]

    async def _runs_elsewhere(self, practitioner_id: str) -> bool:
        """Its lock was not to be had: because another workstation works on it?"""
        if self._elsewhere.running(practitioner_id) is not None:
            return True
        try:
            return await self._is_locked_somewhere(practitioner_id)
        except CompanionError:
            return False

    async def _is_locked_somewhere(self, practitioner_id: str) -> bool:
        return bool(await self._parts.locks.holder(f"sync-{practitioner_id}"))

    async def _run_alone(self, run: Pass, practitioner_id: str) -> PassResult:
        self._shared.stopped.discard(practitioner_id)
        self._runs[practitioner_id] = secrets.token_hex(8)
        task = asyncio.create_task(run.go())
        self._tasks[practitioner_id] = task
        try:
            return await task
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
            self._tasks.pop(practitioner_id, None)
            self._progress.pop(practitioner_id, None)
            self._runs.pop(practitioner_id, None)

    def _publish(self, progress: Progress) -> None:
        self._progress[progress.practitioner_id] = progress
        self._steps.publish(progress)
        self._elsewhere.show(progress, self._runs.get(progress.practitioner_id, ""))

    def _publish_theirs(self, progress: Progress) -> None:
        if progress.practitioner_id not in self._tasks:
            self._steps.publish(progress)

    def _on_change(self, change: Change) -> None:
        if isinstance(change, BookChanged):
            for practitioner_id in change.practitioner_ids:
                self.book_changed(practitioner_id)
