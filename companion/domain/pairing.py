"""Pairing: events of ours in Google whose keys nobody here knows, for appointments without one.

A practice that starts anew on another computer knows its appointments by other ids: its book has a
secret of its own, its export another source name, or what was entered was entered again. What shows
the same, or at least stands at the same time, is the same appointment: its event is taken over, so
that nothing is there twice while removals wait for a person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import replace

from companion.domain.event_keys import EventKey
from companion.domain.events import CalendarEvent
from companion.domain.ledger_entries import STRANGER, LedgerEntry, LedgerEntryState


def paired(
    entries: Mapping[str, LedgerEntry],
    wanted: Mapping[str, CalendarEvent],
    live: Set[str] | None,
) -> tuple[dict[str, LedgerEntry], list[LedgerEntry]]:
    """The rows, with strangers among them given to appointments that have none; and the rows that
    are so replaced. `live`: ids that Google lists, where it was asked."""
    result = dict(entries)
    strangers = [
        row
        for key, row in entries.items()
        if row.generation == STRANGER
        and row.state is LedgerEntryState.OK
        and key not in wanted
        and (live is None or row.event_id in live)
        and not EventKey.parse(key).is_probe
    ]
    if not strangers:
        return result, []
    pairs = [*_alike(strangers, [each for key, each in wanted.items() if key not in entries])]
    for row, event in pairs:
        del result[row.key]
        result[event.key] = _taken_over(row, event)
    return result, [row for row, _ in pairs]


def _taken_over(row: LedgerEntry, event: CalendarEvent) -> LedgerEntry:
    """Another colour or reminder is taken for the practitioner's own; a mark of which a name could
    be tried is to be rewritten."""
    known = "" if EventKey.parse(row.key).may_tell_a_name else row.fingerprint
    taken = replace(row, key=event.key, generation=0, fingerprint=known)
    return taken if event.style == row.style else replace(taken, style=event.style, etag="")


def _alike(
    strangers: Iterable[LedgerEntry], unplaced: Iterable[CalendarEvent]
) -> Iterator[tuple[LedgerEntry, CalendarEvent]]:
    """Each event once, the equal ones first."""
    there = sorted(strangers, key=lambda row: row.event_id)
    left = {event.key: event for event in unplaced}
    for equal in (True, False):
        waiting = defaultdict(list)
        for key, event in sorted(left.items(), reverse=True):
            place = event.fingerprint if equal else (event.begins, event.ends)
            waiting[place].append(key)
        rest = []
        for row in there:
            keys = waiting[row.content_hash if equal else (row.begins, row.ends)]
            if keys:
                yield row, left.pop(keys.pop())
            else:
                rest.append(row)
        there = rest
