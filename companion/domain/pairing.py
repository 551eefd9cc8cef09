"""Pairing: events of ours in Google that bear the key of no appointment, and appointments that have
no event.

A practice that starts anew on another computer may know its appointments by other ids: its export
has another source name, or what was entered in the book was entered again. What shows the same, or
at least stands at the same time, is the same appointment: its event is taken over, so that nothing
is there twice while removals wait for a person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING

from companion.domain.events import CalendarEvent, Content

if TYPE_CHECKING:
    from companion.domain.reconcile import ObservedEvent


def paired(
    strangers: Iterable[ObservedEvent], unplaced: Iterable[CalendarEvent]
) -> Mapping[str, ObservedEvent]:
    """By key of the appointment; each event once, the equal ones first."""
    found: dict[str, ObservedEvent] = {}
    left = {event.key: event for event in unplaced}
    there = sorted(strangers, key=lambda seen: seen.event_id)
    for alike in (_the_same, _at_the_same_time):
        waiting = defaultdict(list)
        for key in sorted(left):
            waiting[alike(left[key].content)].append(key)
        rest = []
        for seen in there:
            keys = waiting.get(alike(seen.content))
            if keys:
                key = keys.pop(0)
                found[key] = seen
                del left[key]
            else:
                rest.append(seen)
        there = rest
    return found


def _the_same(content: Content) -> Hashable:
    return content.fingerprint


def _at_the_same_time(content: Content) -> Hashable:
    return content.start, content.end
