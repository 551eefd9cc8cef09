"""Proving: how Google's own list and the book compare, and what is left out of the comparison."""

from __future__ import annotations

from collections.abc import Sequence

from companion.domain.differences import find_differences
from companion.domain.event_keys import is_notice
from companion.domain.events import CalendarEvent
from companion.domain.reconcile import ObservedEvent
from companion.domain.sync_state import Proof
from companion.services.sync.snapshot import SyncParts, SyncSnapshot


async def prove(
    parts: SyncParts, snapshot: SyncSnapshot, observed: Sequence[ObservedEvent]
) -> tuple[Proof, list[CalendarEvent]]:
    """The proof; and what a person deleted in Google and the setting leaves so."""
    rows = await parts.ledger.entries(snapshot.calendar)
    entries = {row.key: row for row in rows if not is_notice(row.key)}
    found = find_differences(snapshot.desired, entries.values(), observed)
    left_out = [
        event
        for event in snapshot.desired
        if event.key in entries and entries[event.key].keeps_out(event)
    ]
    arrived = [await parts.book.arrivals(source, 1) for source in snapshot.sources]
    proof = Proof(
        at=parts.clock.now(),
        book=len(snapshot.desired) - len(left_out),
        google=len(observed),
        differences=len(found),
        # Of these appointments' own sources: somebody else's file makes them no newer.
        imported_at=max((each[0] for each in arrived if each), default=None),
        left_out=len(left_out),
    )
    return proof, left_out
