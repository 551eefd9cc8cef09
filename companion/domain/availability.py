"""Availability: when and where a practitioner works, per weekday.

It is no restriction: the Appointment Book shades what lies outside, and a new appointment takes
its location from the hours it falls into.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from itertools import pairwise

from companion.domain.errors import BadInput

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingHours:
    """One stretch of one weekday, on the clinic's clock."""

    weekday: int
    """0 is Monday."""
    start: time
    end: time
    location: str = ""


def check_hours(hours: Iterable[WorkingHours]) -> tuple[WorkingHours, ...]:
    """In the week's order; raises BadInput naming the weekday's field (``monday`` …)."""
    ordered = tuple(sorted(hours, key=lambda each: (each.weekday, each.start)))
    for each in ordered:
        if not 0 <= each.weekday < 7:
            raise BadInput("That is no day of the week.", field="weekday")
        if each.end <= each.start:
            raise BadInput(
                f"On {DAYS[each.weekday]} the work ends before it starts.",
                "Correct one of the two times.",
                field=DAYS[each.weekday].casefold(),
            )
    for first, second in pairwise(ordered):
        if first.weekday == second.weekday and second.start < first.end:
            raise BadInput(
                f"On {DAYS[first.weekday]} two stretches of work overlap.",
                "Correct their times.",
                field=DAYS[first.weekday].casefold(),
            )
    return ordered


def location_at(hours: Sequence[WorkingHours], start: datetime) -> str:
    """Where work at `start` (wall time) takes place: of the hours it falls into, else of the
    first of that weekday; empty where nothing is known."""
    that_day = [each for each in hours if each.weekday == start.weekday()]
    for each in that_day:
        if each.start <= start.time() < each.end:
            return each.location
    return that_day[0].location if that_day else ""
