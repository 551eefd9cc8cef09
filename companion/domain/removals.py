"""Which removals of a plan wait for a person: too many at once look like an import gone wrong."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from companion.domain.reconcile import Delete, LedgerEntry, LedgerEntryState, SyncPlan


def removals_to_hold(
    plan: SyncPlan,
    ledger: Iterable[LedgerEntry],
    now: datetime,
    *,
    share: float = 0.3,
    at_least: int = 10,
    book_is_empty: bool = False,
) -> tuple[Delete, ...]:
    """The removals of upcoming events that must wait for a person; empty when none need to.

    Held when they are more than `share` of the upcoming events and `at_least` that many, or when
    the book holds no appointment at all for the window while Google does (a source that reads
    as nothing). Both sides empty is no reason (vdirsyncer 1099).
    """
    upcoming = sum(
        1 for entry in ledger if entry.ends > now and entry.state is not LedgerEntryState.LEFT_OUT
    )
    removals = tuple(delete for delete in plan.deletes if delete.entry.ends > now)
    too_many = len(removals) >= at_least and len(removals) > share * upcoming
    emptied = book_is_empty and bool(removals)
    return removals if too_many or emptied else ()
