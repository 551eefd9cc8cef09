"""Differences between book and Google as an audit found them, each in one plain sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from companion.domain.events import CalendarEvent
from companion.domain.reconcile import LedgerEntry, LedgerEntryState, ObservedEvent


class DifferenceKind(StrEnum):
    DELETED = "deleted in Google"
    NOT_SENT = "not sent yet"
    CHANGED = "changed in Google"
    OUTDATED = "not updated yet"
    EXTRA = "not in the book"
    DUPLICATE = "twice in Google"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    kind: DifferenceKind
    key: str
    what: str
    """One plain sentence with the local time, e.g. "Tue 3 March 09:30 was deleted in Google"."""


def find_differences(
    desired: Iterable[CalendarEvent],
    ledger: Iterable[LedgerEntry],
    observed: Iterable[ObservedEvent],
) -> tuple[Difference, ...]:
    """By time. All three are already limited to the window; events left out on purpose (a person
    deleted them and the setting says so) are no difference. An event that the ledger knows by its
    id needs no mark, as in `reconcile()`."""
    wanted = {event.key: event for event in desired}
    rows = {entry.key: entry for entry in ledger}
    known = {entry.event_id: entry.key for entry in rows.values()}
    by_key: dict[str, list[ObservedEvent]] = {}
    for seen in observed:
        if not seen.deleted:
            by_key.setdefault(known.get(seen.event_id, seen.key), []).append(seen)
    found: list[tuple[datetime, Difference]] = []
    for key, event in wanted.items():
        difference = _of_wanted(event, rows.get(key), by_key.get(key, []))
        if difference is not None:
            found.append((event.begins, difference))
    for key, several in by_key.items():
        found.extend(
            (seen.begins, difference)
            for seen, difference in _of_surplus(key, several, wanted, rows.get(key))
        )
    return tuple(difference for _, difference in sorted(found, key=lambda pair: pair[0]))


def _of_wanted(
    event: CalendarEvent, row: LedgerEntry | None, several: list[ObservedEvent]
) -> Difference | None:
    at = when(event.start, event.timezone)
    if not several:
        if row is not None and row.keeps_out(event):
            return None
        if row is not None and row.state is LedgerEntryState.OK:
            return _difference(DifferenceKind.DELETED, event.key, f"{at} was deleted in Google")
        return _difference(DifferenceKind.NOT_SENT, event.key, f"{at} is not in Google yet")
    if any(_holds(event, row, seen) for seen in several):
        return None
    seen = next((each for each in several if row and each.event_id == row.event_id), several[0])
    if row is not None and seen.content.fingerprint == row.content_hash:
        return _difference(
            DifferenceKind.OUTDATED, event.key, f"{at} still shows its old details in Google"
        )
    change = _change(event, seen)
    return _difference(DifferenceKind.CHANGED, event.key, f"{at} {change} in Google")


def _holds(event: CalendarEvent, row: LedgerEntry | None, seen: ObservedEvent) -> bool:
    """Equal as we sent it, or equal to how Google answered when we sent exactly this."""
    now = seen.content.fingerprint
    if now == event.fingerprint:
        return True
    return row is not None and row.fingerprint == event.fingerprint and row.content_hash == now


def _of_surplus(
    key: str,
    several: list[ObservedEvent],
    wanted: Mapping[str, CalendarEvent],
    row: LedgerEntry | None,
) -> Iterable[tuple[ObservedEvent, Difference]]:
    if key not in wanted:
        for seen in several:
            at = when(seen.content.start, seen.timezone)
            what = f"{at} is in Google but no longer in the book"
            yield seen, _difference(DifferenceKind.EXTRA, key, what)
        return
    kept = next((each for each in several if row and each.event_id == row.event_id), several[0])
    for seen in several:
        if seen is not kept:
            at = when(seen.content.start, seen.timezone)
            yield seen, _difference(DifferenceKind.DUPLICATE, key, f"{at} is in Google twice")


def _change(event: CalendarEvent, seen: ObservedEvent) -> str:
    mine, theirs = event.content, seen.content
    if mine.start != theirs.start:
        return f"was moved to {when(theirs.start, event.timezone)}"
    named = [
        word
        for word, differs in (
            ("end", mine.end != theirs.end),
            ("title", mine.summary != theirs.summary),
            ("place", mine.location != theirs.location),
            ("description", mine.description != theirs.description),
            ("show-as", mine.availability != theirs.availability),
            ("visibility", mine.private != theirs.private),
        )
        if differs
    ]
    return f"has another {' and '.join(named)}"


def _difference(kind: DifferenceKind, key: str, what: str) -> Difference:
    return Difference(kind=kind, key=key, what=what)


def when(start: datetime | date, timezone: str) -> str:
    """Local date and time in words: ``Tue 3 March 09:30``, without a time for all-day."""
    if isinstance(start, datetime):
        local = start.astimezone(ZoneInfo(timezone))
        return f"{local:%a} {local.day} {local:%B %H:%M}"
    return f"{start:%a} {start.day} {start:%B}"
