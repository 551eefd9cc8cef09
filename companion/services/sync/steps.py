"""Steps: what is to be written to one calendar, what is known of each write, and in which order.

The most urgent go first, then the soonest; of the past, the latest first. A fresh plan replaces
what is left of the old one, but keeps what earlier answers showed: the generation of an id, and the
number of tries. A few edits that are new in it go first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from companion.domain.calendar_writers import CalendarWriter
from companion.domain.errors import CompanionError
from companion.domain.event_keys import event_id
from companion.domain.events import CalendarEvent
from companion.domain.reconcile import (
    Delete,
    Insert,
    LedgerEntry,
    LedgerEntryState,
    ObservedEvent,
    SyncPlan,
    Update,
)
from companion.services.ports import CalendarRef, DeleteEvent, InsertEvent, PatchEvent, Write
from companion.services.sync.pacing import Urgency

BATCH_PARTS = 50
MOST_OVERTAKING = 50
"""Fresh edits that may overtake a running upload; more of them are a change of settings."""
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
    """Events that Google refused."""
    left: int = 0
    """Writes still to do."""
    since: datetime | None = None
    """The last good pass: what the book changed later was waited for."""
    delays: list[float] = field(default_factory=list)
    """Seconds from such a change until Google confirmed it."""

    @property
    def done(self) -> int:
        return self.inserted + self.updated + self.deleted

    def count(self, action: RemoteAction, now: datetime | None = None) -> None:
        """`now`: when Google confirmed what it had not before."""
        if now is not None and self.since is not None and not isinstance(action, Delete):
            changed = action.event.changed_at
            if changed > self.since:
                self.delays.append(max(0.0, (now - changed).total_seconds()))
        if isinstance(action, Insert):
            self.inserted += 1
        elif isinstance(action, Update):
            self.updated += 1
        else:
            self.deleted += 1

    def refuse(self, step: WriteStep, error: CompanionError) -> None:
        self.failed += 1
        self.last_refusal = error
        if not isinstance(step.action, Delete):
            self.refused.append(step.action.event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a plan is written."""

    calendar: CalendarRef
    account: str
    """Whose quota."""
    writer: CalendarWriter
    timezone: str
    """IANA; what begins before the end of its tomorrow is urgent."""
    put_back: bool
    """Insert again what a person deleted in Google."""
    others: Mapping[str, str] | None = None
    """As `SyncState.others`."""

    def id_of(self, key: str, generation: int) -> str:
        return event_id(self.writer.mark, self.calendar.calendar_id, key, generation)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteStep:
    """An action with what earlier answers of Google showed."""

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

    @property
    def span(self) -> tuple[datetime, datetime]:
        """Of the appointment, aware UTC."""
        thing = self.action.entry if isinstance(self.action, Delete) else self.action.event
        return thing.begins, thing.ends

    def event_id(self, target: Target) -> str:
        if isinstance(self.action, Insert):
            return target.id_of(self.key, self.generation)
        return self.action.entry.event_id

    def intent(self, target: Target) -> LedgerEntry:
        """The row to be committed before the call."""
        action = self.action
        if isinstance(action, Insert):
            return row_of(
                action.event, self.event_id(target), self.generation, LedgerEntryState.PENDING
            )
        if isinstance(action, Delete):
            return replace(action.entry, state=LedgerEntryState.REMOVING)
        # Until the answer is known, the event may be at its old place or at its new one.
        begun = replace(
            action.entry,
            state=LedgerEntryState.PENDING,
            begins=min(action.entry.begins, action.event.begins),
            ends=max(action.entry.ends, action.event.ends),
        )
        if action.entry.state is LedgerEntryState.REMOVING:  # Google may still have it
            return replace(begun, content_hash="")
        return begun

    def write(self, target: Target) -> Write:
        action = self.action
        wanted = self.event_id(target)
        match action:
            case Insert():
                return InsertEvent(event_id=wanted, event=action.event)
            case Update():
                style = self.style
                if style is None:  # never blindly over what the practitioner may have chosen
                    style = action.entry.style != action.event.style and bool(action.entry.etag)
                if_match = (self.if_match or action.entry.etag) if style else ""
                return PatchEvent(
                    event_id=wanted, event=action.event, style=style, if_match=if_match
                )
            case Delete():
                return DeleteEvent(event_id=wanted)


class Queue:
    """What is left to do in one pass over one calendar."""

    def __init__(self, *, soon: datetime, now: datetime) -> None:
        """`soon`: end of tomorrow, aware UTC; what begins earlier is urgent."""
        self._soon = soon
        self._now = now
        self._steps: list[WriteStep] = []
        self._known: set[tuple[str, str]] = set()
        self._refused: set[str] = set()

    def __len__(self) -> int:
        return len(self._steps)

    @property
    def urgency(self) -> Urgency:
        """Of the first step."""
        return self._steps[0].urgency

    @property
    def units(self) -> int:
        """Of the next call, were it as large as Google takes."""
        return sum(step.units for step in self._steps[:BATCH_PARTS])

    def load(self, plan: SyncPlan, *, fresh: bool) -> None:
        """`fresh`: a plan that replaces the one under way."""
        earlier = {step.key: step for step in self._steps if step.tries}
        actions: tuple[RemoteAction, ...] = (*plan.inserts, *plan.updates, *plan.deletes)
        steps = [
            self.step(action, earlier.get(action.key))
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

    def take(self, units: int) -> list[WriteStep]:
        """Never more than was granted; nothing, when a new plan put a more expensive step first."""
        batch: list[WriteStep] = []
        for step in self._steps[:BATCH_PARTS]:
            if step.units > units:
                break
            units -= step.units
            batch.append(step)
        del self._steps[: len(batch)]
        return batch

    def put_back(self, front: Sequence[WriteStep], back: Sequence[WriteStep]) -> None:
        self._steps = [*front, *self._steps, *back]

    def refuse(self, key: str) -> None:
        """Google refuses it: not tried again in this pass."""
        self._refused.add(key)

    def step(self, action: RemoteAction, earlier: WriteStep | None = None) -> WriteStep:
        if isinstance(action, Insert):
            known = earlier.generation if earlier is not None else 0
            generation = max(action.generation, known)
        else:
            generation = max(0, action.entry.generation)
        return WriteStep(
            action=action,
            generation=generation,
            urgency=self._urgency(action),
            tries=0 if earlier is None else earlier.tries,
        )

    def _urgency(self, action: RemoteAction) -> Urgency:
        thing = action.entry if isinstance(action, Delete) else action.event
        if thing.ends <= self._now:
            return Urgency.PAST
        if thing.begins < self._soon:
            return Urgency.SOON
        return Urgency.UPCOMING if isinstance(action, Insert) else Urgency.CORRECTION

    @staticmethod
    def _order(step: WriteStep) -> tuple[int, float, str]:
        stamp = step.span[0].timestamp()
        return step.urgency, -stamp if step.urgency is Urgency.PAST else stamp, step.key


def row_of(
    event: CalendarEvent, wanted: str, generation: int, state: LedgerEntryState
) -> LedgerEntry:
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


def as_answered(row: LedgerEntry, answer: ObservedEvent) -> LedgerEntry:
    """The row with what Google says it holds. It keeps the ETag only while colour and reminder
    are as we want them: others are the practitioner's own, and stay."""
    return replace(
        row,
        content_hash=answer.content.fingerprint,
        etag=answer.etag if answer.style == row.style else "",
    )
