"""What ledger and Google have of an event that is there as it should be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from companion.domain.events import CalendarEvent
from companion.domain.ledger_entries import LedgerEntry, LedgerEntryState, ObservedEvent


def row_of(event: CalendarEvent, **fields: Any) -> LedgerEntry:
    made = LedgerEntry(
        key=event.key,
        event_id=f"id-{event.key}",
        generation=0,
        state=LedgerEntryState.OK,
        fingerprint=event.fingerprint,
        style=event.style,
        begins=event.begins,
        ends=event.ends,
        content_hash=event.fingerprint,
    )
    return replace(made, **fields)


def seen(event: CalendarEvent, event_id: str = "", **fields: Any) -> ObservedEvent:
    made = ObservedEvent(
        event_id=event_id or f"id-{event.key}",
        key=event.key,
        etag="etag",
        content=event.content,
        style=event.style,
        timezone="Australia/Sydney",
    )
    return replace(made, **fields)
