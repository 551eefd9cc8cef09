"""Editing a series: this one, this and following, or all. Pure functions on Appointments.

An occurrence's permanent name is the original start that the rule gives it. So an occurrence that
moves keeps its name: in Google it is a plain update and in a feed the same UID.

- this one: a change is noted beside the rule. What a change cannot hold (another practitioner,
  kind, type, reminder) takes the occurrence out of the series and makes it an appointment.
- this and following: the series ends before it, a new one begins with it.
- all: rule and start move; changes noted before are renamed after their occurrences.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from companion.domain.appointments import (
    Appointment,
    AppointmentStatus,
    Occurrence,
    OccurrenceChange,
    Recurrence,
    in_series,
)
from companion.domain.errors import NotFound
from companion.domain.repetition import (
    continued,
    ended_before,
    first_start,
    names_weekdays,
    shifted,
)

_OF_WHOLE_SERIES = (
    "practitioner_id", "kind", "all_day", "timezone", "appointment_type", "reminder_minutes",
    "visit_address", "telehealth_link",
)  # fmt: skip
"""Fields of an appointment that a change of one occurrence cannot hold."""


class Scope(StrEnum):
    THIS = "this"
    FOLLOWING = "following"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """What an edit makes of a series."""

    series: Appointment
    beside: Appointment | None = None
    """A second appointment: what was taken out, or what follows."""


def edit_occurrence(
    occurrence: Occurrence, edited: Appointment, scope: Scope, identity: Callable[[], str]
) -> Rewritten:
    """`edited`: the occurrence as it is to be, with the series' rule as it is to be. Raises
    BadInput for a rule that never takes place."""
    if scope is Scope.THIS:
        return _this_one(occurrence, edited, identity)
    if scope is Scope.FOLLOWING and not _is_first(occurrence):
        return _following(occurrence, edited, identity)
    return Rewritten(series=_all(occurrence, edited))


def cancel_occurrence(occurrence: Occurrence, scope: Scope) -> Appointment:
    series = occurrence.appointment
    original = occurrence.original_start
    if scope is Scope.THIS:
        return _with_change(series, OccurrenceChange(original_start=original, cancelled=True))
    if scope is Scope.FOLLOWING and not _is_first(occurrence):
        return _ended(series, original)
    return replace(series, status=AppointmentStatus.CANCELLED)


def restore_occurrence(occurrence: Occurrence) -> Appointment:
    """The cancelled occurrence takes place again, as the series says."""
    return _without_change(occurrence.appointment, occurrence.original_start)


# ── this one ──────────────────────────────────────────────────────────────────────────────────


def _this_one(
    occurrence: Occurrence, edited: Appointment, identity: Callable[[], str]
) -> Rewritten:
    series, original = occurrence.appointment, occurrence.original_start
    if edited.cancelled:
        return Rewritten(series=cancel_occurrence(occurrence, Scope.THIS))
    if not _fits_a_change(series, edited):
        alone = replace(edited, id=identity(), recurrence=None, recurring=False)
        gone = OccurrenceChange(original_start=original, cancelled=True)
        return Rewritten(series=_with_change(series, gone), beside=alone)
    moved = (edited.start, edited.end) != (original, original + (series.end - series.start))
    change = OccurrenceChange(
        original_start=original,
        start=edited.start if moved else None,
        end=edited.end if moved else None,
        title=_unless_same(edited.title, series.title),
        location=_unless_same(edited.location, series.location),
        notes=_unless_same(edited.notes, series.notes),
        show_as=None if edited.show_as is series.show_as else edited.show_as,
    )
    if change == OccurrenceChange(original_start=original):
        return Rewritten(series=_without_change(series, original))
    return Rewritten(series=_with_change(series, change))


def _fits_a_change(series: Appointment, edited: Appointment) -> bool:
    return all(getattr(series, name) == getattr(edited, name) for name in _OF_WHOLE_SERIES)


def _unless_same(text: str, of_series: str) -> str | None:
    return None if text == of_series else text


def _with_change(series: Appointment, change: OccurrenceChange) -> Appointment:
    recurrence = _recurrence(series)
    others = [e for e in recurrence.changes if e.original_start != change.original_start]
    ordered = sorted([*others, change], key=lambda each: each.original_start)
    return replace(series, recurrence=replace(recurrence, changes=tuple(ordered)))


def _without_change(series: Appointment, original: datetime) -> Appointment:
    recurrence = _recurrence(series)
    others = tuple(e for e in recurrence.changes if e.original_start != original)
    return replace(series, recurrence=replace(recurrence, changes=others))


# ── this and following, all ───────────────────────────────────────────────────────────────────


def _following(
    occurrence: Occurrence, edited: Appointment, identity: Callable[[], str]
) -> Rewritten:
    series, original = occurrence.appointment, occurrence.original_start
    old = _recurrence(series)
    if edited.cancelled:
        return Rewritten(series=_ended(series, original))
    new = replace(_in_terms_of_series(occurrence, edited), id=identity())
    if new.recurrence is None:
        beside = replace(edited, id=new.id, recurrence=None, recurring=False)
    elif new.recurrence.rule != old.rule:
        beside = _series_of(new, new.recurrence.rule, new.start, ())
    else:
        rule = shifted(continued(old.rule, series.start, original), original, new.start)
        later = (each for each in _changes(occurrence, edited) if each.original_start >= original)
        renamed = tuple(_renamed(each, old.rule, original, new.start) for each in later)
        beside = _series_of(new, rule, new.start, renamed)
    return Rewritten(series=_ended(series, original), beside=beside)


def _all(occurrence: Occurrence, edited: Appointment) -> Appointment:
    series, original = occurrence.appointment, occurrence.original_start
    old = _recurrence(series)
    new = _in_terms_of_series(occurrence, edited)
    if new.recurrence is None:
        return replace(edited, recurrence=None, recurring=False)
    if new.recurrence.rule != old.rule:
        # A new rule counts from the series' own first day on, at the time now asked for.
        begins = datetime.combine(series.start.date(), new.start.time())
        return _series_of(new, new.recurrence.rule, begins, ())
    begins = series.start + (new.start - original)
    if names_weekdays(old.rule):  # the other weekdays still begin in the first week
        begins = min(begins, datetime.combine(series.start.date(), begins.time()))
    changes = _changes(occurrence, edited)
    renamed = tuple(_renamed(each, old.rule, original, new.start) for each in changes)
    return _series_of(new, shifted(old.rule, original, new.start), begins, renamed)


def _in_terms_of_series(occurrence: Occurrence, edited: Appointment) -> Appointment:
    """The occurrence as edited, less what was its own already: of one that had been moved, only
    what it was moved by now counts for the others."""
    series = occurrence.appointment
    start = occurrence.original_start + (edited.start - occurrence.start)
    longer = (edited.end - edited.start) - (occurrence.end - occurrence.start)
    same_show_as = edited.show_as is occurrence.show_as
    return replace(
        edited,
        start=start,
        end=start + (series.end - series.start) + longer,
        title=series.title if edited.title == occurrence.title else edited.title,
        location=series.location if edited.location == occurrence.location else edited.location,
        notes=series.notes if edited.notes == occurrence.notes else edited.notes,
        show_as=series.show_as if same_show_as else edited.show_as,
    )


def _changes(occurrence: Occurrence, edited: Appointment) -> tuple[OccurrenceChange, ...]:
    """Those of the series; the edited occurrence keeps of its own what was not edited now."""
    return tuple(
        _own_change(each, occurrence, edited)
        if each.original_start == occurrence.original_start
        else each
        for each in _recurrence(occurrence.appointment).changes
    )


def _own_change(
    change: OccurrenceChange, occurrence: Occurrence, edited: Appointment
) -> OccurrenceChange:
    moved = change.start is not None or change.end is not None
    same_show_as = edited.show_as is occurrence.show_as
    return replace(
        change,
        cancelled=False,
        start=edited.start if moved else None,
        end=edited.end if moved else None,
        title=change.title if edited.title == occurrence.title else None,
        location=change.location if edited.location == occurrence.location else None,
        notes=change.notes if edited.notes == occurrence.notes else None,
        show_as=change.show_as if same_show_as else None,
    )


def _renamed(change: OccurrenceChange, rule: str, old: datetime, new: datetime) -> OccurrenceChange:
    """A change follows its occurrence to where the rule now puts it."""
    named = datetime.combine(change.original_start.date(), new.time())
    if not names_weekdays(rule) or change.original_start.weekday() == old.weekday():
        named += timedelta(days=(new.date() - old.date()).days)
    return replace(change, original_start=named)


def _series_of(
    edited: Appointment, rule: str, begins: datetime, changes: tuple[OccurrenceChange, ...]
) -> Appointment:
    """The series of `rule` from its first occurrence on; changes that name none are dropped."""
    first = first_start(rule, begins)
    series = replace(
        edited,
        start=first,
        end=first + (edited.end - edited.start),
        recurring=False,
        recurrence=Recurrence(rule=rule),
    )
    kept = tuple(each for each in changes if in_series(series, each.original_start))
    return replace(series, recurrence=Recurrence(rule=rule, changes=kept))


def _ended(series: Appointment, before: datetime) -> Appointment:
    recurrence = _recurrence(series)
    return replace(
        series,
        recurrence=Recurrence(
            rule=ended_before(recurrence.rule, before),
            changes=tuple(e for e in recurrence.changes if e.original_start < before),
        ),
    )


def _is_first(occurrence: Occurrence) -> bool:
    series = occurrence.appointment
    return first_start(_recurrence(series).rule, series.start) == occurrence.original_start


def _recurrence(series: Appointment) -> Recurrence:
    if series.recurrence is None:
        raise NotFound("That appointment does not repeat any more.", "Open it again.")
    return series.recurrence
