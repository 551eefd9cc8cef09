"""Writing one plan to one calendar: intent, call, confirmation, in small paced batches.

    turn of the pacer → choose the most urgent actions → commit their intent rows
        → one call (a batch) → commit what Google confirmed

Without the intent row an appointment that vanishes between call and confirmation leaves a ghost
(reference/reliability.md). Because ids are hashes, every step may be repeated after a crash:

- insert, 409 → get: live → adopt, and patch it if it differs; tombstone or gone → next generation
- patch, 404/410 → insert again (the 409 finds the generation), or leave out if so set
- patch with If-Match, 412 → get: where the practitioner changed colour or reminder, keep theirs
- delete, 404/410 → done

Colour and reminder are written at insert, and later only where Google still holds what we last
wrote: a row keeps its ETag only then, and without one the style is never patched.

The queue may be replaced between two batches (`replan`), so an edit made during a long upload
goes out with the next batch.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from companion.domain.errors import (
    CompanionError,
    EventGone,
    IdInUse,
    Offline,
    PreconditionFailed,
    RateLimited,
    RequestRefused,
    TransientError,
)
from companion.domain.events import CalendarEvent
from companion.domain.reconcile import (
    Delete,
    EntryState,
    Insert,
    LedgerEntry,
    ObservedEvent,
    SyncPlan,
    Update,
    event_id,
)
from companion.services.ports import (
    CalendarRef,
    Clock,
    DeleteEvent,
    InsertEvent,
    Ledger,
    PatchEvent,
    RemoteCalendar,
    Write,
    WriteAnswer,
)
from companion.services.sync.pacing import Pacer, Urgency, backoff

BATCH_PARTS = 50
MOST_GENERATIONS = 50
MOST_TRIES = 60
"""Of one event in a pass, passing faults apart."""
MOST_STYLE_TRIES = 5
"""An event that somebody else changes as often as we do goes without colour and reminder."""
MOST_OVERTAKING = 50
"""Fresh edits that may overtake a running upload; more of them are a change of settings."""
LAST_MOMENT = 2.0
"""Seconds a cancelled pass waits for the call under way."""
LONGEST_WAIT = 90.0
"""Seconds of Retry-After that a pass sits out; for longer ones it ends."""
RemoteAction = Insert | Update | Delete


@dataclass(slots=True)
class Tally:
    """What a pass has done so far."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    failed: int = 0
    api_calls: int = 0
    """Requests as Google counts them: every part of a batch is one."""
    last_refusal: CompanionError | None = None
    refused: list[CalendarEvent] = field(default_factory=list)
    """What Google would not take."""
    left: int = 0
    """Writes still to do."""

    @property
    def done(self) -> int:
        return self.inserted + self.updated + self.deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """An action with what previous answers taught us."""

    action: RemoteAction
    urgency: Urgency
    generation: int = 0
    style: bool | None = None
    """Patch colour and reminder too; None: only where they are meant to change."""
    if_match: str = ""
    tries: int = 0

    @property
    def key(self) -> str:
        return self.action.key

    @property
    def version(self) -> tuple[str, str]:
        """Tells an edit of an action that was planned already."""
        action = self.action
        return action.key, "" if isinstance(action, Delete) else action.event.fingerprint

    @property
    def units(self) -> int:
        return 3 if isinstance(self.action, Update) else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a plan is written."""

    calendar: CalendarRef
    account: str
    """Whose quota."""
    install_id: str
    put_back: bool


@dataclass(slots=True)
class PlanWriter:
    """One pass over one calendar. Not shared; everything runs on the event loop."""

    target: Target
    remote: RemoteCalendar
    ledger: Ledger
    pacer: Pacer
    clock: Clock
    chance: random.Random
    soon: datetime
    """Aware UTC: end of tomorrow; what begins earlier is urgent."""
    now: datetime
    replan: Callable[[], Awaitable[SyncPlan | None]] | None = None
    """Asked between batches; a new plan replaces what is left of the old one."""
    progress: Callable[[int, int], None] = lambda _done, _total: None
    patience: float = 8.0
    """How many passing faults in a row are waited out; being offline counts three times."""
    tally: Tally = field(default_factory=Tally)
    in_flight: asyncio.Future[Sequence[WriteAnswer]] | None = None
    """A call that was under way when the pass was cancelled; the next pass waits for it."""
    _steps: list[_Step] = field(default_factory=list)
    _known: set[tuple[str, str]] = field(default_factory=set)
    _refused: set[str] = field(default_factory=set)
    _failures: int = 0
    _impatience: float = 0.0

    async def write(self, plan: SyncPlan) -> None:
        """Carry the plan out. Raises the error that made going on pointless; what was
        confirmed until then is in the ledger."""
        await self._book_keeping(plan)
        self._load(plan, fresh=False)
        account = self.target.account
        while self._steps:
            granted = min(
                self.pacer.batch_units(account),
                sum(step.units for step in self._steps[:BATCH_PARTS]),
            )
            async with self.pacer.calling(account, granted, self._steps[0].urgency):
                await self._ask_for_news()
                batch = self._take(granted)
                self.pacer.settle(account, granted, sum(step.units for step in batch))
                answers = await self._send(batch) if batch else ()
            await self._mend(batch, answers)
            self._show()

    def _show(self) -> None:
        self.tally.left = len(self._steps)
        self.progress(self.tally.done, self.tally.done + self.tally.left)

    # ── the queue ─────────────────────────────────────────────────────────────────────────────

    async def _ask_for_news(self) -> None:
        if self.replan is None:
            return
        plan = await self.replan()
        if plan is not None:
            await self._book_keeping(plan)
            self._load(plan, fresh=True)

    async def _book_keeping(self, plan: SyncPlan) -> None:
        """What an audit learnt, adopt and forget: rows only, no call."""
        if plan.learnt or plan.adopts or plan.forgets:
            await self.ledger.write(
                self.target.calendar,
                put=[*plan.learnt, *(adopt.entry for adopt in plan.adopts)],
                drop=[forget.key for forget in plan.forgets],
            )

    def _load(self, plan: SyncPlan, *, fresh: bool) -> None:
        learnt = {step.key: step for step in self._steps if step.tries}
        actions: tuple[RemoteAction, ...] = (*plan.inserts, *plan.updates, *plan.deletes)
        steps = [
            self._step(action, learnt.get(action.key))
            for action in actions
            if action.key not in self._refused
        ]
        new = {step.version for step in steps} - self._known
        self._known |= new
        if fresh and len(new) <= MOST_OVERTAKING:
            steps = [
                replace(step, urgency=Urgency.PERSON) if step.version in new else step
                for step in steps
            ]
        self._steps = sorted(steps, key=self._order)
        self.tally.left = len(self._steps)

    def _step(self, action: RemoteAction, learnt: _Step | None = None) -> _Step:
        if isinstance(action, Insert):
            known = learnt.generation if learnt is not None else 0
            generation = max(action.generation, known)
        else:
            generation = action.entry.generation
        return _Step(
            action=action,
            generation=generation,
            urgency=self._urgency(action),
            tries=0 if learnt is None else learnt.tries,
        )

    def _urgency(self, action: RemoteAction) -> Urgency:
        begins, ends = _span(action)
        if ends <= self.now:
            return Urgency.PAST
        if begins < self.soon:
            return Urgency.SOON
        return Urgency.UPCOMING if isinstance(action, Insert) else Urgency.CORRECTION

    @staticmethod
    def _order(step: _Step) -> tuple[int, float, str]:
        """Most urgent first, then soonest; of the past, the latest first."""
        stamp = _span(step.action)[0].timestamp()
        return step.urgency, -stamp if step.urgency is Urgency.PAST else stamp, step.key

    def _take(self, units: int) -> list[_Step]:
        """Never more than was granted; nothing, when fresh news put a dearer step in front."""
        batch: list[_Step] = []
        for step in self._steps[:BATCH_PARTS]:
            if step.units > units:
                break
            units -= step.units
            batch.append(step)
        del self._steps[: len(batch)]
        return batch

    # ── one batch ─────────────────────────────────────────────────────────────────────────────

    async def _send(self, batch: Sequence[_Step]) -> Sequence[WriteAnswer]:
        """The answers, successes committed; where the whole call failed, its error for each."""
        await self.ledger.write(self.target.calendar, put=[self._intent(step) for step in batch])
        writes = [self._write_of(step) for step in batch]
        self.tally.api_calls += len(writes)
        try:
            answers = await self._call(batch, writes)
        except TransientError as error:
            return [error for _ in batch]
        await self._confirm(batch, answers)
        return answers

    async def _call(self, batch: Sequence[_Step], writes: Sequence[Write]) -> Sequence[WriteAnswer]:
        """The call itself. A cancelled pass gives it a moment to end, so that its answer is
        not lost and the next pass cannot overtake it."""
        call = asyncio.ensure_future(self.remote.write(writes))
        try:
            return await asyncio.shield(call)
        except asyncio.CancelledError:
            self.in_flight = call  # first: a second cancellation may cut the waiting short
            await asyncio.wait({call}, timeout=LAST_MOMENT)
            if call.done():
                self.in_flight = None
                if not call.cancelled() and call.exception() is None:
                    await self._confirm(batch, call.result())
            raise

    async def _confirm(self, batch: Sequence[_Step], answers: Sequence[WriteAnswer]) -> None:
        """Commit every success."""
        put: list[LedgerEntry] = []
        drop: list[str] = []
        for step, answer in zip(batch, answers, strict=True):
            action = step.action
            if isinstance(action, Delete):
                if answer is None or isinstance(answer, EventGone):
                    drop.append(action.key)
                    self._count(action)
            elif isinstance(answer, ObservedEvent):
                row = _row(action.event, self._id(step), step.generation, EntryState.OK)
                put.append(_as_answered(row, answer))
                self._count(action)
        if put or drop:
            await asyncio.shield(self.ledger.write(self.target.calendar, put=put, drop=drop))

    def _count(self, action: RemoteAction) -> None:
        if isinstance(action, Insert):
            self.tally.inserted += 1
        elif isinstance(action, Update):
            self.tally.updated += 1
        else:
            self.tally.deleted += 1

    async def _mend(self, batch: Sequence[_Step], answers: Sequence[WriteAnswer]) -> None:
        """Deal with every part that failed; steps to do again go to the front of the queue, but
        one that fails while others succeed goes to its end: it keeps nobody waiting."""
        if not batch:
            return
        transient: TransientError | None = None
        front: list[_Step] = []
        back: list[_Step] = []
        progress = any(not isinstance(answer, CompanionError) for answer in answers)
        for step, answer in zip(batch, answers, strict=True):
            if isinstance(answer, TransientError):
                transient = transient or answer
                (back if progress else front).append(replace(step, tries=step.tries + 1))
            elif isinstance(answer, CompanionError):
                again = await self._mend_step(step, answer)
                if again is not None and again.tries > MOST_TRIES:
                    self._refuse(step, RequestRefused(detail="Google contradicts itself"))
                elif again is not None:
                    front.append(again)
        self._steps = [*front, *self._steps, *back]
        if transient is None or progress:
            self._failures, self._impatience = 0, 0.0
        if transient is not None:
            await self._wait_after(transient)

    async def _mend_step(self, step: _Step, error: CompanionError) -> _Step | None:
        """The step to do next for this key, or None when nothing is left to do."""
        match error, step.action:
            case EventGone(), Delete():
                return None
            case EventGone(), Update() as action:
                return await self._vanished(step, action)
            case IdInUse(), Insert() as action:
                return await self._settle_id(step, action)
            case PreconditionFailed(), Update() as action:
                return await self._settle_style(step, action)
            case ((RequestRefused() | EventGone() | IdInUse() | PreconditionFailed()), _):
                self._refuse(step, error)
                return None
            case _:
                raise error

    def _refuse(self, step: _Step, error: CompanionError) -> None:
        self._refused.add(step.key)
        self.tally.failed += 1
        self.tally.last_refusal = error
        if not isinstance(step.action, Delete):
            self.tally.refused.append(step.action.event)

    def _id(self, step: _Step) -> str:
        if isinstance(step.action, Insert):
            return self._hash(step.key, step.generation)
        return step.action.entry.event_id

    def _hash(self, key: str, generation: int) -> str:
        target = self.target
        return event_id(target.install_id, target.calendar.calendar_id, key, generation)

    def _intent(self, step: _Step) -> LedgerEntry:
        action = step.action
        if isinstance(action, Insert):
            return _row(action.event, self._id(step), step.generation, EntryState.PENDING)
        if isinstance(action, Delete):
            return replace(action.entry, state=EntryState.REMOVING)
        # Until the answer is known, the event may be at its old place or at its new one.
        begun = replace(
            action.entry,
            state=EntryState.PENDING,
            begins=min(action.entry.begins, action.event.begins),
            ends=max(action.entry.ends, action.event.ends),
        )
        if action.entry.state is EntryState.REMOVING:  # nobody knows whether it still lives
            return replace(begun, content_hash="")
        return begun

    def _write_of(self, step: _Step) -> Write:
        action = step.action
        match action:
            case Insert():
                return InsertEvent(event_id=self._id(step), event=action.event)
            case Update():
                style = step.style
                if style is None:  # never blindly over what the practitioner may have chosen
                    style = action.entry.style != action.event.style and bool(action.entry.etag)
                if_match = (step.if_match or action.entry.etag) if style else ""
                return PatchEvent(
                    event_id=self._id(step), event=action.event, style=style, if_match=if_match
                )
            case Delete():
                return DeleteEvent(event_id=self._id(step))

    async def _vanished(self, step: _Step, action: Update) -> _Step | None:
        """A person deleted in Google what we were about to change, or our own delete, begun
        before the appointment came back, had reached Google."""
        if self.target.put_back or action.entry.state is EntryState.REMOVING:
            insert = Insert(event=action.event, generation=step.generation)
            return replace(self._step(insert), urgency=step.urgency, tries=step.tries + 1)
        seen, generation = await self._later_generation(step)
        if seen is not None:  # the row is from an old backup: the event has another id by now
            return await self._adopt(step, action.event, seen, generation)
        left_out = replace(action.entry, state=EntryState.LEFT_OUT)
        await self.ledger.write(self.target.calendar, put=[left_out])
        return None

    async def _later_generation(self, step: _Step) -> tuple[ObservedEvent | None, int]:
        """The live event of the same key under the next ids, as far as Google knows them."""
        generation = step.generation
        while generation < MOST_GENERATIONS:
            generation += 1
            seen = await self._get(self._hash(step.key, generation))
            if seen is None or not seen.deleted:
                return seen, generation
        return None, generation

    async def _settle_id(self, step: _Step, action: Insert) -> _Step | None:
        """409: our own event of an earlier try, or a tombstone. Ask; never guess."""
        seen = await self._get(self._id(step))
        if seen is None or seen.deleted:
            if step.generation >= MOST_GENERATIONS:
                self._refuse(step, RequestRefused(detail="no free event id left"))
                return None
            return replace(step, generation=step.generation + 1, tries=step.tries + 1)
        return await self._adopt(step, action.event, seen, step.generation)

    async def _adopt(
        self, step: _Step, event: CalendarEvent, seen: ObservedEvent, generation: int
    ) -> _Step | None:
        """Take a live event of ours as it is, and patch it where it differs."""
        fingerprint = seen.content.fingerprint
        row = _row(event, seen.event_id, generation, EntryState.OK)
        adopted = replace(_as_answered(row, seen), fingerprint=fingerprint)
        await self.ledger.write(self.target.calendar, put=[adopted])
        if fingerprint == event.fingerprint:
            self._count(step.action)
            return None
        update = Update(event=event, entry=adopted)
        return replace(
            step, action=update, generation=generation, style=False, tries=step.tries + 1
        )

    async def _settle_style(self, step: _Step, action: Update) -> _Step | None:
        """412: somebody touched the event. Their colour and reminder stay theirs."""
        seen = await self._get(action.entry.event_id)
        if seen is None or seen.deleted:
            return await self._vanished(step, action)
        untouched = seen.style == action.entry.style and step.tries < MOST_STYLE_TRIES
        return replace(
            step,
            style=untouched,
            if_match=seen.etag if untouched else "",
            tries=step.tries + 1,
        )

    async def _get(self, wanted: str) -> ObservedEvent | None:
        """One event, asked for again while Google has passing faults."""
        while True:
            self.tally.api_calls += 1
            try:
                async with self.pacer.calling(self.target.account, 1, Urgency.CORRECTION):
                    return await self.remote.get(wanted)
            except TransientError as error:
                await self._wait_after(error)

    async def _wait_after(self, error: TransientError) -> None:
        """Back off; raise the error once patience has run out."""
        self._failures += 1
        self._impatience += 3.0 if isinstance(error, Offline) else 1.0
        self.tally.left = len(self._steps)
        if isinstance(error, RateLimited):
            self.pacer.rate_error(self.target.account)
        if self._impatience >= self.patience or (error.retry_after or 0.0) > LONGEST_WAIT:
            raise error
        await self.clock.sleep(backoff(self._failures, self.chance, retry_after=error.retry_after))


def _row(event: CalendarEvent, wanted: str, generation: int, state: EntryState) -> LedgerEntry:
    return LedgerEntry(
        key=event.key,
        event_id=wanted,
        generation=generation,
        state=state,
        fingerprint=event.fingerprint,
        style=event.style,
        begins=event.begins,
        ends=event.ends,
    )


def _as_answered(row: LedgerEntry, answer: ObservedEvent) -> LedgerEntry:
    """The row with what Google says it holds. It keeps the ETag only while colour and reminder
    are as we want them: others are the practitioner's own, and stay."""
    return replace(
        row,
        content_hash=answer.content.fingerprint,
        etag=answer.etag if answer.style == row.style else "",
    )


def _span(action: RemoteAction) -> tuple[datetime, datetime]:
    thing = action.entry if isinstance(action, Delete) else action.event
    return thing.begins, thing.ends
