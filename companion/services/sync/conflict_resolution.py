"""Conflict resolution: what one write that Google refused means, and what to do next.

- insert, 409 → get: live → adopt, and patch it if it differs; tombstone, gone, or taken over for
  another appointment → next generation
- patch, 404/410 → insert again (the 409 finds the generation), or leave out if so set
- patch with If-Match, 412 → get: where the practitioner changed colour or reminder, keep theirs
- delete, 404/410 → done

The event is always fetched from Google before deciding.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from companion.domain.errors import (
    CompanionError,
    EventGone,
    IdInUse,
    PreconditionFailed,
    RequestRefused,
    TransientError,
)
from companion.domain.events import CalendarEvent
from companion.domain.reconcile import Delete, Insert, LedgerEntryState, ObservedEvent, Update
from companion.services.ports import Ledger, RemoteCalendar
from companion.services.sync.one_writer import another_writer
from companion.services.sync.pacing import Pacer, Urgency
from companion.services.sync.retry import RetryBudget
from companion.services.sync.steps import Queue, Tally, Target, WriteStep, as_answered, row_of

MOST_GENERATIONS = 50
MOST_TRIES = 60
"""Tries of one event in a pass, transient errors not counted."""
MOST_STYLE_TRIES = 5
"""Tries with If-Match; an event that is changed as often as we write it then goes without colour
and reminder."""


@dataclass(slots=True, kw_only=True)
class ConflictResolver:
    """For one pass over one calendar."""

    target: Target
    remote: RemoteCalendar
    ledger: Ledger
    pacer: Pacer
    retry_budget: RetryBudget
    queue: Queue
    tally: Tally
    _owned: set[tuple[str, str]] | None = None
    """Event ids and keys in the ledger; read at the first conflict."""

    async def resolve(self, step: WriteStep, error: CompanionError) -> WriteStep | None:
        """The next step for this key, or None when nothing is left to do. Raises the error where no
        further step can resolve it."""
        again = await self._next(step, error)
        if again is not None and again.tries > MOST_TRIES:
            self._refuse(step, RequestRefused(detail="Google contradicts itself"))
            return None
        return again

    async def _next(self, step: WriteStep, error: CompanionError) -> WriteStep | None:
        match error, step.action:
            case EventGone(), Delete():
                return None
            case EventGone(), Update() as action:
                return await self._vanished(step, action)
            case IdInUse(), Insert() as action:
                return await self._resolve_id(step, action)
            case PreconditionFailed(), Update() as action:
                return await self._resolve_style(step, action)
            case ((RequestRefused() | EventGone() | IdInUse() | PreconditionFailed()), _):
                self._refuse(step, error)
                return None
            case _:
                raise error

    def _refuse(self, step: WriteStep, error: CompanionError) -> None:
        self.queue.refuse(step.key)
        self.tally.refuse(step, error)

    async def _vanished(self, step: WriteStep, action: Update) -> WriteStep | None:
        """A person deleted in Google what we were about to change, or our own delete, begun
        before the appointment came back, had reached Google."""
        left_out = replace(action.entry, state=LedgerEntryState.LEFT_OUT)
        again = self.target.put_back or not left_out.keeps_out(action.event)
        if again or action.entry.state is LedgerEntryState.REMOVING:
            insert = Insert(event=action.event, generation=step.generation)
            return replace(self.queue.step(insert), urgency=step.urgency, tries=step.tries + 1)
        seen, generation = await self._later_generation(step)
        if seen is not None:  # the row is from an old backup: the event has another id by now
            return await self._adopt(step, action.event, seen, generation)
        await self.ledger.write(self.target.calendar, put=[left_out])
        return None

    async def _later_generation(self, step: WriteStep) -> tuple[ObservedEvent | None, int]:
        """The live event of the same key under the next ids, as far as Google knows them."""
        generation = step.generation
        while generation < MOST_GENERATIONS:
            generation += 1
            seen = await self._get(self.target.id_of(step.key, generation))
            if seen is None or not (seen.deleted or await self._is_anothers(seen, step.key)):
                return seen, generation
        return None, generation

    async def _resolve_id(self, step: WriteStep, action: Insert) -> WriteStep | None:
        """409: our own event of an earlier try, or a tombstone; the event is fetched to find out
        which."""
        seen = await self._get(step.event_id(self.target))
        if seen is None or seen.deleted or await self._is_anothers(seen, step.key):
            if step.generation >= MOST_GENERATIONS:
                self._refuse(step, RequestRefused(detail="no free event id left"))
                return None
            return replace(step, generation=step.generation + 1, tries=step.tries + 1)
        return await self._adopt(step, action.event, seen, step.generation)

    async def _is_anothers(self, seen: ObservedEvent, key: str) -> bool:
        """Whether the event of this id was taken over for another appointment (`pairing`)."""
        if self._owned is None:
            rows = await self.ledger.entries(self.target.calendar)
            self._owned = {(row.event_id, row.key) for row in rows}
        return any(owned == seen.event_id and by != key for owned, by in self._owned)

    async def _adopt(
        self, step: WriteStep, event: CalendarEvent, seen: ObservedEvent, generation: int
    ) -> WriteStep | None:
        """Take a live event of ours as it is, and patch it where it differs."""
        fingerprint = seen.content.fingerprint
        row = row_of(event, seen.event_id, generation, LedgerEntryState.OK)
        adopted = replace(as_answered(row, seen), fingerprint=fingerprint)
        await self.ledger.write(self.target.calendar, put=[adopted])
        if fingerprint == event.fingerprint:
            self.tally.count(step.action)
            return None
        update = Update(event=event, entry=adopted)
        return replace(
            step, action=update, generation=generation, style=False, tries=step.tries + 1
        )

    async def _resolve_style(self, step: WriteStep, action: Update) -> WriteStep | None:
        """412: a person changed the event in Google. Their colour and reminder are kept."""
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
        """One event; repeated while Google has transient errors. Raises AnotherWriter."""
        while True:
            self.tally.api_calls += 1
            try:
                async with self.pacer.calling(self.target.account, 1, Urgency.CORRECTION):
                    seen = await self.remote.get(wanted)
            except TransientError as error:
                await self.retry_budget.wait_after(error)
                continue
            if seen is not None and not seen.deleted and self.target.others is not None:
                theirs = self.target.writer.overruled_by([seen.stamp], self.target.others)
                if theirs is not None:
                    raise another_writer(theirs, self.target.timezone)
            return seen
