"""reconcile(): desired events against the ledger (and, in an audit, Google's own list).

State is *desired* (the projection), *ledger* (what we know we wrote) and *observed* (what Google
says it holds). The plan is a value that a person can read before anything happens.

The rules, each from a failure that other sync programs have had:

- a `PENDING` row is a write whose answer we never saw: it is done again, with the same id; a
  `REMOVING` one whose appointment came back is patched, for Google may still have it;
- no longer desired and not behind the window: delete; wholly behind the window: forget, the
  event stays in Google as history;
- the id of an event is a hash, so a repeated insert meets a 409 and adopts; the generation in it is
  raised only when Google showed a tombstone;
- seen in Google but not in the ledger (lost or restored ledger): adopt; two for one key: keep
  the ledger's where Google shows it, else the first by id; delete the others; one whose key nobody
  knows is taken for an appointment that shows the same, or stands at the same time (`pairing`);
- ours, but its mark is damaged and the ledger does not know its id: delete, in a plan that inserts
  and updates nothing (an insert might be about to meet this very id and adopt it);
- in the ledger but not in Google: a person deleted it there; put back, or leave out, for as long as
  it keeps its time: a new time is a new decision.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, replace

from companion.domain.event_keys import EventKey, surplus_key
from companion.domain.events import CalendarEvent
from companion.domain.ledger_entries import (
    STRANGER,
    LedgerEntry,
    LedgerEntryState,
    ObservedEvent,
)
from companion.domain.pairing import paired
from companion.domain.window import SyncWindow

__all__ = [
    "Adopt",
    "Delete",
    "Forget",
    "Insert",
    "LedgerEntry",
    "LedgerEntryState",
    "ObservedEvent",
    "PlannedAction",
    "SyncPlan",
    "Update",
    "reconcile",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfEvent:
    event: CalendarEvent

    @property
    def key(self) -> str:
        return self.event.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert(_OfEvent):
    generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Update(_OfEvent):
    entry: LedgerEntry
    """State before; its `event_id` names what is patched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfEntry:
    entry: LedgerEntry

    @property
    def key(self) -> str:
        return self.entry.key


class Delete(_OfEntry):
    __slots__ = ()


class Forget(_OfEntry):
    """Drop the ledger row; no call to Google."""

    __slots__ = ()


class Adopt(_OfEntry):
    """Write the ledger row of an event Google already holds; no call to Google."""

    __slots__ = ()


PlannedAction = Insert | Update | Delete | Forget | Adopt


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncPlan:
    """What one pass would do; soonest first."""

    inserts: tuple[Insert, ...] = ()
    updates: tuple[Update, ...] = ()
    deletes: tuple[Delete, ...] = ()
    forgets: tuple[Forget, ...] = ()
    adopts: tuple[Adopt, ...] = ()
    corrections: tuple[LedgerEntry, ...] = ()
    """Rows that an audit corrected and this plan writes: saved first, so that a later plan without
    Google's list has them too."""
    unchanged: int = 0

    @property
    def actions(self) -> tuple[PlannedAction, ...]:
        return (*self.inserts, *self.updates, *self.deletes, *self.forgets, *self.adopts)

    @property
    def writes(self) -> int:
        """Calls to Google, when nothing goes wrong."""
        return len(self.inserts) + len(self.updates) + len(self.deletes)


def reconcile(
    desired: Iterable[CalendarEvent],
    ledger: Iterable[LedgerEntry],
    window: SyncWindow,
    observed: Collection[ObservedEvent] | None = None,
    *,
    put_back: bool = True,
    tidy: bool = False,
) -> SyncPlan:
    """The plan that makes one calendar equal `desired` inside `window`.

    `observed`: our own events that Google lists inside the window (an audit), or None for the
    everyday pass that trusts the ledger. `put_back`: return events a person deleted in Google.
    `tidy`: delete events behind the window instead of leaving them as history.
    """
    wanted = {event.key: event for event in desired}
    entries = {entry.key: entry for entry in ledger}
    draft = _Draft(window, entries, put_back=put_back, tidy=tidy)
    live: Set[str] | None = None
    if observed is not None:
        live = frozenset(seen.event_id for seen in observed if not seen.deleted)
        entries = draft.merge_observed(observed, wanted, live)
    entries, forgotten = paired(entries, wanted, live)
    draft.correct(entries, forgotten)
    for key, event in wanted.items():
        draft.want(event, entries.get(key))
    for key, entry in entries.items():
        if key not in wanted:
            draft.drop(entry)
    return draft.plan()


class _Draft:
    def __init__(
        self,
        window: SyncWindow,
        stored: Mapping[str, LedgerEntry],
        *,
        put_back: bool,
        tidy: bool,
    ) -> None:
        self._window = window
        self._stored = stored
        self._put_back = put_back
        self._tidy = tidy
        self._inserts: list[Insert] = []
        self._updates: list[Update] = []
        self._deletes: list[Delete] = []
        self._forgets: list[Forget] = []
        self._adopts: list[Adopt] = []
        self._corrections: list[LedgerEntry] = []
        self._unchanged = 0

    def want(self, event: CalendarEvent, entry: LedgerEntry | None) -> None:
        if entry is None:
            self._inserts.append(Insert(event=event))
        elif (
            not entry.content_hash
            if entry.state is LedgerEntryState.PENDING
            else entry.state is LedgerEntryState.LEFT_OUT and not entry.keeps_out(event)
        ):
            self._inserts.append(Insert(event=event, generation=entry.generation))
        elif entry.state is LedgerEntryState.LEFT_OUT or (
            entry.state is LedgerEntryState.OK
            and entry.fingerprint == event.fingerprint
            and entry.style == event.style
        ):
            self._unchanged += 1
            if entry is not self._stored.get(entry.key):
                self._adopts.append(Adopt(entry=entry))
        else:
            self._updates.append(Update(event=event, entry=entry))

    def drop(self, entry: LedgerEntry) -> None:
        behind = entry.ends <= self._window.start and not self._tidy
        kept = entry.state in {LedgerEntryState.OK, LedgerEntryState.PENDING}
        if entry.state is LedgerEntryState.LEFT_OUT or (behind and kept):
            self._forgets.append(Forget(entry=entry))
        else:
            self._deletes.append(Delete(entry=entry))

    def merge_observed(
        self,
        observed: Iterable[ObservedEvent],
        wanted: Mapping[str, CalendarEvent],
        live: Set[str],
    ) -> dict[str, LedgerEntry]:
        """The ledger corrected by what Google really holds."""
        unmatched = {seen.event_id: seen for seen in observed if not seen.deleted}
        result: dict[str, LedgerEntry] = {}
        for key, entry in self._stored.items():
            seen = unmatched.pop(entry.event_id, None)
            if seen is not None:
                result[key] = _as_seen(entry, seen)
            elif entry.state is LedgerEntryState.OK and self._window.covers(
                entry.begins, entry.ends
            ):
                self._missing(entry, wanted, result)
            else:
                result[key] = entry
        for _, seen in sorted(unmatched.items()):
            self._unknown_event(seen, result, wanted, live)
        return result

    def correct(self, entries: Mapping[str, LedgerEntry], forgotten: Iterable[LedgerEntry]) -> None:
        """Rows that differ from the stored ones, and those that take their place."""
        self._forgets += [Forget(entry=row) for row in forgotten if row.key in self._stored]
        self._corrections = [
            each for key, each in entries.items() if each is not self._stored.get(key)
        ]

    def _missing(
        self,
        entry: LedgerEntry,
        wanted: Mapping[str, CalendarEvent],
        result: dict[str, LedgerEntry],
    ) -> None:
        """We wrote it, Google no longer lists it: a person removed it, or moved it far away.

        When it is not wanted either, the delete still goes out: it may only have been moved.
        """
        if entry.key not in wanted:
            result[entry.key] = entry
        elif self._put_back:
            result[entry.key] = replace(
                entry, state=LedgerEntryState.PENDING, content_hash="", etag=""
            )
        else:
            result[entry.key] = replace(entry, state=LedgerEntryState.LEFT_OUT)

    def _unknown_event(
        self,
        seen: ObservedEvent,
        result: dict[str, LedgerEntry],
        wanted: Mapping[str, CalendarEvent],
        live: Set[str],
    ) -> None:
        """Ours by its mark, yet the ledger does not know this id."""
        known = result.get(seen.key)
        if known is not None and known.state is LedgerEntryState.LEFT_OUT:
            known = None  # what Google shows was not left out
        if known is not None and known.event_id not in live and known.key in wanted:
            # An insert under the missing id could adopt this event, which is about to be deleted.
            absent = replace(known, key=surplus_key(known.key, known.event_id))
            self._deletes.append(Delete(entry=absent))
            known = None
        if not seen.key or known is not None:
            self._deletes.append(
                Delete(entry=_entry_of(seen, surplus_key(seen.key, seen.event_id)))
            )
            return
        result[seen.key] = _entry_of(seen, seen.key, wanted.get(seen.key))

    def _due_deletes(self) -> Iterable[Delete]:
        writing = self._inserts or self._updates
        return (
            each for each in self._deletes if not (writing and EventKey.parse(each.key).is_damaged)
        )

    def _rows_to_correct(self) -> Iterable[LedgerEntry]:
        """Corrected rows that no adoption or forgetting writes."""
        handled = {each.key for each in self._adopts} | {each.key for each in self._forgets}
        yield from (each for each in self._corrections if each.key not in handled)
        for each in self._deletes:
            key = EventKey.parse(each.key)
            if key.surplus_id and not key.is_damaged:
                yield each.entry

    def plan(self) -> SyncPlan:
        return SyncPlan(
            inserts=tuple(sorted(self._inserts, key=lambda a: (a.event.begins, a.key))),
            updates=tuple(sorted(self._updates, key=lambda a: (a.event.begins, a.key))),
            deletes=tuple(sorted(self._due_deletes(), key=lambda a: (a.entry.begins, a.key))),
            forgets=tuple(self._forgets),
            adopts=tuple(self._adopts),
            corrections=tuple(self._rows_to_correct()),
            unchanged=self._unchanged,
        )


def _as_seen(entry: LedgerEntry, seen: ObservedEvent) -> LedgerEntry:
    """A row brought to what Google shows; itself where nothing has changed."""
    now = seen.content.fingerprint
    if entry.state is LedgerEntryState.OK and entry.content_hash == now:
        return entry
    return replace(
        entry,
        state=LedgerEntryState.OK,
        fingerprint=entry.fingerprint and now,
        content_hash=now,
        etag=seen.etag if seen.style == entry.style else "",
        begins=seen.begins,
        ends=seen.ends,
    )


def _entry_of(seen: ObservedEvent, key: str, event: CalendarEvent | None = None) -> LedgerEntry:
    """A row for an event of ours that the ledger does not know. `event`: as it is wanted; another
    style is the practitioner's own. Its generation is then left at 0: should the event vanish, the
    409 finds the next free one."""
    fingerprint = seen.content.fingerprint
    style = seen.style if event is None else event.style
    return LedgerEntry(
        key=key,
        event_id=seen.event_id,
        generation=STRANGER if event is None else 0,
        state=LedgerEntryState.OK,
        fingerprint=fingerprint,
        style=style,
        begins=seen.begins,
        ends=seen.ends,
        etag=seen.etag if style == seen.style else "",
        content_hash=fingerprint,
    )
