"""Held removals: the removals of a pass that wait for a person.

Held are more than a set share of a calendar's upcoming events at once, all that an emptied book
would remove, and everything in a previous calendar (`previous_calendars`). A person decides over
the list that they were shown (`SyncState.held`):

- released: exactly those go. What has come since, an import that went wrong a minute ago or under
  the running pass, is looked at as if nothing had been released. Where nothing was shown, as for
  `sync --yes` on the first try, the first plan of the pass is what is released;
- kept: they stay in Google and are not counted, until they are wanted again or `--yes` is given
  with nothing else to release.

Removals of appointments that were entered here are never held: a person cancelled them or moved
their series, and no import that went wrong can have done so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from companion.domain.event_keys import EventKey, is_notice
from companion.domain.reconcile import Delete, LedgerEntry, SyncPlan
from companion.domain.removals import removals_to_hold
from companion.domain.settings import Settings
from companion.domain.sync_state import Held, HeldItem, HeldKey, SyncState
from companion.services.sync.snapshot import SyncSnapshot


class HeldRemovals:
    """The held removals of one pass."""

    def __init__(self, *, release: bool, shown: Held | None = None) -> None:
        """`shown`: the list a person released, where it is not the one in the state by now."""
        self._release = release
        self._shown = shown
        self._everything = False
        """Released without a list: what the first plan and the previous calendars hold now."""
        self._released: frozenset[HeldKey] | None = None
        """Names; None until the first plan where everything is released."""
        self._kept: frozenset[HeldKey] = frozenset()
        self._why = ""
        self._items: tuple[HeldItem, ...] = ()
        self._previous: set[str] = set()

    def begin(self, state: SyncState) -> None:
        """What is known before the pass has planned."""
        if state.held is not None:
            self._previous = {item.calendar_id for item in state.held.items}
        shown = self._shown or state.held if self._release else None
        self._everything = self._release and shown is None
        if not self._everything:
            self._released = shown.names if shown else frozenset()
        self.renew(state)

    def renew(self, state: SyncState) -> None:
        """A person may have decided to keep some while the pass was running."""
        self._kept = frozenset() if self._everything else state.kept

    @property
    def count(self) -> int:
        return len(self._items)

    def filter_held(self, settings: Settings, snapshot: SyncSnapshot, now: datetime) -> SyncPlan:
        """The plan without the removals that are held or kept."""
        if self._released is None:
            self._released = frozenset(HeldKey(delete.key) for delete in snapshot.plan.deletes)
        held = held_deletes(settings, snapshot, self._kept | self._released, now)
        self._items = tuple(HeldItem(key=each.key, begins=each.entry.begins) for each in held)
        self._why = ""
        if held:
            self._why = (
                "The book is empty for this practitioner."
                if snapshot.book_is_empty
                else f"{len(held)} upcoming appointments would be removed from Google at once."
            )
        staying = {HeldKey(delete.key) for delete in held} | self._kept
        going = tuple(
            delete for delete in snapshot.plan.deletes if HeldKey(delete.key) not in staying
        )
        return replace(snapshot.plan, deletes=going)

    def already_shown(self, calendar_id: str) -> bool:
        """Whether removals from that previous calendar have been shown."""
        return calendar_id in self._previous

    def undecided_in(self, calendar_id: str, rows: Iterable[LedgerEntry]) -> tuple[HeldItem, ...]:
        """Rows of a previous calendar that no person has decided about."""
        if self._everything:
            return ()
        items = (
            HeldItem(key=row.key, begins=row.begins, calendar_id=calendar_id)
            for row in rows
            if not is_notice(row.key)
        )
        decided = self._kept | (self._released or frozenset())
        return tuple(item for item in items if item.name not in decided)

    def released_from(
        self, calendar_id: str, rows: Sequence[LedgerEntry]
    ) -> tuple[LedgerEntry, ...]:
        """Released rows of a previous calendar; a notice goes with the last appointment."""
        if self._everything:
            return tuple(rows)
        released = self._released or frozenset()
        going = tuple(row for row in rows if HeldKey(row.key, calendar_id) in released)
        notices = tuple(row for row in rows if is_notice(row.key))
        return (*going, *notices) if len(going) + len(notices) == len(rows) else going

    def hold_previous(self, items: tuple[HeldItem, ...]) -> None:
        self._why = self._why or "Another Google calendar was chosen."
        self._items += items

    def resulting_state(
        self, before: SyncState, snapshot: SyncSnapshot, now: datetime
    ) -> SyncState:
        """The state with what waits from now on, and what is still kept. `before`: as it is now;
        a person may have decided since the plan was made."""
        kept = frozenset() if self._everything else before.kept
        there = {delete.key for delete in snapshot.plan.deletes}
        kept_now = frozenset(name for name in kept if name.key in there or name.calendar_id)
        items = tuple(item for item in self._items if item.name not in kept)
        held = None
        if items:
            since = now if before.held is None else before.held.since
            held = Held(since=since, why=self._why, items=items)
        return replace(before, held=held, kept=kept_now)


def held_deletes(
    settings: Settings, snapshot: SyncSnapshot, decided: frozenset[HeldKey], now: datetime
) -> tuple[Delete, ...]:
    """Removals that wait for a person. Those `decided` about, kept or released, no longer
    wait and are not counted."""
    deletes = tuple(
        delete
        for delete in snapshot.plan.deletes
        if HeldKey(delete.key) not in decided and not EventKey.parse(delete.key).entered_here
    )
    return removals_to_hold(
        replace(snapshot.plan, deletes=deletes),
        [entry for entry in snapshot.entries if HeldKey(entry.key) not in decided],
        now,
        share=settings.practice.hold_share,
        at_least=settings.practice.hold_at_least,
        book_is_empty=snapshot.book_is_empty,
    )
