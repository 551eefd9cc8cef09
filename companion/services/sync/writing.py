"""Writing one plan to one calendar: intent, call, confirmation, in small paced batches.

    share of the quota → choose the most urgent actions (`steps`) → commit their intent rows
        → one call (a batch) → commit what Google confirmed → resolve what it refused
           (`conflict_resolution`)

Without the intent row an appointment that vanishes between call and confirmation leaves an event in
Google that no row knows. Because ids are hashes, every step may be repeated after a crash.

Colour and reminder are written at insert, and later only where Google still holds what we last
wrote: a row keeps its ETag only then, and without one the style is never patched.

Where workstations share a practice, one that was cut off learns right before a call, or when it
confirms one, that its lock is another's. What it had sent may reach Google after what the other
writes: an audit is then due, and it is told which events may have been removed so.

The queue may be replaced between two batches (`replan`), so an edit made during a long upload
goes out with the next batch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from companion.domain.errors import CompanionError, EventGone, TransientError
from companion.domain.practice_errors import Overtaken
from companion.domain.reconcile import (
    Delete,
    LedgerEntry,
    LedgerEntryState,
    ObservedEvent,
    SyncPlan,
)
from companion.domain.window import SyncWindow
from companion.services.ports import CalendarRef, RemoteCalendar, Write, WriteAnswer
from companion.services.sync.conflict_resolution import ConflictResolver
from companion.services.sync.retry import RetryBudget
from companion.services.sync.snapshot import SyncParts
from companion.services.sync.steps import Queue, Tally, Target, WriteStep, as_answered, row_of

LAST_MOMENT = 2.0
"""Seconds a cancelled pass waits for the call under way."""


InFlight = dict[CalendarRef, asyncio.Future[Sequence[WriteAnswer]]]
"""Calls of cancelled runs that had not ended; the next run over the calendar waits for them."""


async def write_plan(
    parts: SyncParts,
    remote: RemoteCalendar,
    plan: SyncPlan,
    target: Target,
    tally: Tally,
    in_flight: InFlight,
    *,
    replan: Callable[[], Awaitable[SyncPlan | None]] | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> None:
    """Carry `plan` out by a `PlanWriter`; what was done is in `tally` also when it raises."""
    writer = PlanWriter(parts, remote, target, tally, replan, progress)
    try:
        await writer.write(plan)
    finally:
        if writer.in_flight is not None:
            in_flight[target.calendar] = writer.in_flight


@dataclass(slots=True)
class PlanWriter:
    """One pass over one calendar. Not shared; everything runs on the event loop."""

    parts: SyncParts
    remote: RemoteCalendar
    target: Target
    tally: Tally
    replan: Callable[[], Awaitable[SyncPlan | None]] | None
    """Asked between batches; a new plan replaces what is left of the old one."""
    progress: Callable[[int, int], None]
    in_flight: asyncio.Future[Sequence[WriteAnswer]] | None = None
    """A call that was under way when the pass was cancelled; the next pass waits for it."""
    _unsettled: dict[str, WriteStep] = field(default_factory=dict, init=False)
    """By key: sent, and not known in the ledger to have arrived."""
    _queue: Queue = field(init=False)
    _retry_budget: RetryBudget = field(init=False)
    _resolver: ConflictResolver = field(init=False)

    def __post_init__(self) -> None:
        parts, target = self.parts, self.target
        now = parts.clock.now()
        soon = SyncWindow.around(now, target.timezone, days_in_arrears=0, days_in_advance=1).end
        self._queue = Queue(soon=soon, now=now)
        self._retry_budget = RetryBudget(parts.pacer, target.account, parts.clock, parts.chance)
        self._resolver = ConflictResolver(
            target=target,
            remote=self.remote,
            ledger=parts.ledger,
            pacer=parts.pacer,
            retry_budget=self._retry_budget,
            queue=self._queue,
            tally=self.tally,
        )

    async def write(self, plan: SyncPlan) -> None:
        """Carry the plan out. Raises the error that made going on pointless; what was
        confirmed until then is in the ledger."""
        try:
            await self._carry_out(plan)
        except Overtaken:
            await self._doubt()
            raise

    async def _carry_out(self, plan: SyncPlan) -> None:
        await self._book_keeping(plan)
        self._load(plan, fresh=False)
        account = self.target.account
        while self._queue:
            granted = min(self.parts.pacer.batch_units(account), self._queue.units)
            async with self.parts.pacer.calling(account, granted, self._queue.urgency):
                await self._ask_for_new_plan()
                batch = self._queue.take(granted)
                self.parts.pacer.refund(account, granted, sum(step.units for step in batch))
                answers = await self._send(batch) if batch else ()
            await self._mend(batch, answers)
            self._show()

    def _show(self) -> None:
        self.tally.left = len(self._queue)
        self.progress(self.tally.done, self.tally.done + self.tally.left)

    async def _ask_for_new_plan(self) -> None:
        if self.replan is None:
            return
        plan = await self.replan()
        if plan is not None:
            await self._book_keeping(plan)
            self._load(plan, fresh=True)

    def _load(self, plan: SyncPlan, *, fresh: bool) -> None:
        self._queue.load(plan, fresh=fresh)
        self.tally.left = len(self._queue)

    async def _book_keeping(self, plan: SyncPlan) -> None:
        """Corrections of an audit, adopt and forget: rows only, no call."""
        if plan.corrections or plan.adopts or plan.forgets:
            await self.parts.ledger.write(
                self.target.calendar,
                put=[*plan.corrections, *(adopt.entry for adopt in plan.adopts)],
                drop=[forget.key for forget in plan.forgets],
            )

    async def _send(self, batch: Sequence[WriteStep]) -> Sequence[WriteAnswer]:
        """The answers, successes committed; where the whole call failed, its error for each."""
        intents = [step.intent(self.target) for step in batch]
        await self.parts.ledger.write(self.target.calendar, put=intents)
        writes = [step.write(self.target) for step in batch]
        await self.parts.locks.ensure()
        self.tally.api_calls += len(writes)
        self._unsettled |= {step.key: step for step in batch}
        try:
            answers = await self._call(batch, writes)
        except TransientError as error:
            return [error for _ in batch]
        await self._confirm(batch, answers)
        return answers

    async def _call(
        self, batch: Sequence[WriteStep], writes: Sequence[Write]
    ) -> Sequence[WriteAnswer]:
        """The call itself. A cancelled pass waits briefly for it, so that its answer is not lost
        and the next pass cannot overtake it."""
        call = asyncio.ensure_future(self.remote.write(writes))
        try:
            return await asyncio.shield(call)
        except asyncio.CancelledError:
            self.in_flight = call  # first: a second cancellation may cut the waiting short
            await asyncio.wait({call}, timeout=LAST_MOMENT)
            if not call.done():
                if self.parts.locks.hold_for(call):
                    await asyncio.shield(self._doubt())
                raise
            self.in_flight = None
            if not call.cancelled() and call.exception() is None:
                try:
                    await self._confirm(batch, call.result())
                except Overtaken:
                    await asyncio.shield(self._doubt())
            raise

    async def _confirm(self, batch: Sequence[WriteStep], answers: Sequence[WriteAnswer]) -> None:
        """Commit every success."""
        put: list[LedgerEntry] = []
        drop: list[str] = []
        for step, answer in zip(batch, answers, strict=True):
            action = step.action
            if isinstance(action, Delete):
                if answer is None or isinstance(answer, EventGone):
                    drop.append(action.key)
                    self.tally.count(action, self.parts.clock.now())
            elif isinstance(answer, ObservedEvent):
                wanted = step.event_id(self.target)
                row = row_of(action.event, wanted, step.generation, LedgerEntryState.OK)
                put.append(as_answered(row, answer))
                self.tally.count(action, self.parts.clock.now())
        if put or drop:
            await asyncio.shield(self.parts.ledger.write(self.target.calendar, put=put, drop=drop))
        for step, answer in zip(batch, answers, strict=True):
            if not isinstance(answer, TransientError):
                self._unsettled.pop(step.key, None)

    async def _doubt(self) -> None:
        """What was sent may yet arrive, after what another workstation writes: let an audit find
        out. The one thing that is written without the lock."""
        if not self._unsettled:
            return
        removals = {key for key, each in self._unsettled.items() if isinstance(each.action, Delete)}
        with suppress(CompanionError):
            await self.parts.ledger.edit_state(
                self.target.calendar.practitioner_id,
                lambda state: state.doubted(removals),
                even_overtaken=True,
            )

    async def _mend(self, batch: Sequence[WriteStep], answers: Sequence[WriteAnswer]) -> None:
        """Deal with every part that failed; steps to do again go to the front of the queue, but
        one that fails while others succeed goes to its end, so that it delays no other."""
        if not batch:
            return
        transient: TransientError | None = None
        front: list[WriteStep] = []
        back: list[WriteStep] = []
        progress = any(not isinstance(answer, CompanionError) for answer in answers)
        for step, answer in zip(batch, answers, strict=True):
            if isinstance(answer, TransientError):
                transient = transient or answer
                (back if progress else front).append(replace(step, tries=step.tries + 1))
            elif isinstance(answer, CompanionError):
                again = await self._resolver.resolve(step, answer)
                if again is not None:
                    front.append(again)
        self._queue.put_back(front, back)
        if transient is None or progress:
            self._retry_budget.restored()
        if transient is not None:
            self.tally.left = len(self._queue)
            await self._retry_budget.wait_after(transient)
