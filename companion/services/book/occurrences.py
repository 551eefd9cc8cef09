"""Occurrences as the Appointment Book names and shows them: cancelled ones too.

A key names one for good: the appointment's id, and for a series its original start
(``id@20261124T123000``). It is the same key as in ledger, Google and feeds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from companion.domain.appointments import (
    Appointment,
    AppointmentStatus,
    Occurrence,
    in_series,
    occurrences,
)
from companion.domain.errors import NotFound
from companion.domain.event_keys import EventKey, appointment_id_of
from companion.services.ports import AppointmentBook

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    occurrence: Occurrence
    cancelled: bool
    """It, or the appointment as a whole."""
    moved: bool
    """Of a series, to another time than the rule says."""


def shown(appointment: Appointment, after: datetime, before: datetime) -> Iterator[Shown]:
    """As `occurrences`, cancelled ones included."""
    series = appointment.recurrence
    gone = {each.original_start for each in series.changes if each.cancelled} if series else set()
    booked = _as_if_booked(appointment)
    for occurrence in occurrences(booked, after, before):
        original = occurrence.original_start
        yield Shown(
            occurrence=occurrence._replace(appointment=appointment),
            cancelled=appointment.cancelled or original in gone,
            moved=series is not None and occurrence.start != original,
        )


def find(appointment: Appointment, original: datetime | None) -> Shown:
    """The one named by its original start (None: the first); raises NotFound."""
    if appointment.recurrence is None or original is None:
        original = appointment.start
    if appointment.recurrence is not None and not in_series(appointment, original):
        raise no_such()
    changes = appointment.recurrence.changes if appointment.recurrence else ()
    own = [each for each in changes if each.original_start == original]
    start = (own[0].start if own else None) or original
    for each in shown(appointment, start, start + _INSTANT):
        if each.occurrence.original_start == original:
            return each
    raise no_such()


def _as_if_booked(appointment: Appointment) -> Appointment:
    booked = replace(appointment, status=AppointmentStatus.BOOKED)
    series = appointment.recurrence
    if series is None:
        return booked
    changes = tuple(replace(each, cancelled=False) for each in series.changes)
    return replace(booked, recurrence=replace(series, changes=changes))


def key_of(appointment: Appointment) -> str:
    """Of a single appointment, or of the first occurrence of a series."""
    if appointment.recurrence is None:
        return appointment.id
    return str(EventKey.of_occurrence(appointment.id, appointment.start))


def split_key(key: str) -> tuple[str, datetime | None]:
    """(appointment id, original start); raises NotFound for what is no key."""
    parsed = EventKey.parse(key)
    try:
        return parsed.owner, parsed.original_start
    except ValueError as error:
        raise no_such() from error


async def owner_of(book: AppointmentBook, key: str) -> str | None:
    """Whose it is, by its key or its appointment's id; None when it is not in the book."""
    found = await book.appointment(appointment_id_of(key))
    return None if found is None else found.practitioner_id


def no_such() -> NotFound:
    return NotFound("That appointment is not in the book any more.", "The book is shown as it is.")
