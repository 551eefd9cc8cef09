"""Drafts: the rows of an export as appointments whose practitioner is still only a name.

A draft's times are wall time of `timezone` (UTC where the cell named an offset), or of its
practitioner's own zone where that is empty; `to_appointment` makes the appointment. Where a file
has no ids, `natural_key` tells appointments apart: practitioner, start, client and type.

A `Rejection` keeps what is known of its row (id, practitioner, day), so that a snapshot removes
nothing that the row may have meant.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from companion.domain.appointments import (
    Appointment,
    Practitioner,
    fold_name,
    instant,
    interval,
    wall_time,
)
from companion.services.imports.questions import Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    row: int
    name: str
    """The practitioner, as the file spells it."""
    appointment: Appointment
    """Without practitioner and id; `source_id` empty where the file has no ids."""
    created: datetime | None
    updated: datetime | None
    """As in the cell: aware, or wall time of the same zone as the start."""
    number: int = 1
    """Of several with one natural key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    row: int
    reason: str
    source_id: str = ""
    id_is_sure: bool = False
    """Not where there is none, or where cells have slipped into other columns."""
    name: str = ""
    day: date | None = None
    unread: bool = False
    """It could not be taken apart at all, so nothing is known of what it meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileContent:
    drafts: Sequence[Draft]
    rejections: Sequence[Rejection]
    has_ids: bool
    questions: tuple[Question, ...] = ()
    """What the rows leave open; asked though an answer was given for the reading of them."""


def natural_key(draft: Draft, name: str) -> str:
    """The source id of an appointment whose file has none, with its practitioner as `name`.

    A digest: it lies in the book's index and must not spell out a client."""
    each = draft.appointment
    parts = (
        fold_name(name),
        each.start.isoformat(),
        each.timezone,
        "day" if each.all_day else "",
        each.client_id or fold_name(each.client_name),
        fold_name(each.appointment_type),
        fold_name(each.title),
        each.kind.value,
        str(draft.number),
    )
    return "key-" + hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:24]


def to_appointment(
    draft: Draft, practitioner: Practitioner, source: str, source_id: str
) -> Appointment:
    """The appointment for the book, yet without its id, in the practitioner's wall time; where
    that occurs twice, in a zone of the same offset whose clocks never change: a moment that the
    file gives exactly stays that moment."""
    each, zone = draft.appointment, practitioner.timezone
    start, end = each.start, each.end
    if each.timezone not in {"", zone} and not each.all_day:
        exact = instant(start, each.timezone), instant(end, each.timezone)
        start, end = (wall_time(moment, zone) for moment in exact)
        if interval(start, end, zone) != exact:  # in the hour that the clocks repeat
            zone = fixed_zone(exact[0], zone)
            start, end = (wall_time(moment, zone) for moment in exact)
    stamps = each.timezone or zone
    return each.changed(
        practitioner_id=practitioner.id,
        start=start,
        end=end,
        timezone=zone,
        source=source,
        source_id=source_id,
        created=_aware(draft.created, stamps),
        updated=_aware(draft.updated, stamps),
    )


def fixed_zone(moment: datetime, zone: str) -> str:
    """A zone whose clock shows what `zone` shows at this moment and is never changed, so that
    its wall time says which of the two repeated hours is meant. For an offset that no such zone
    has, UTC."""
    offset = moment.astimezone(ZoneInfo(zone)).utcoffset() or timedelta(0)
    hours, rest = divmod(offset, timedelta(hours=1))
    if rest:
        return _FIXED.get(offset, "UTC")
    return f"Etc/GMT{-hours:+d}" if hours else "UTC"


_FIXED = {
    timedelta(hours=9, minutes=30): "Australia/Darwin",
    timedelta(hours=5, minutes=30): "Asia/Kolkata",
    timedelta(hours=3, minutes=30): "Asia/Tehran",
}


def _aware(moment: datetime | None, zone: str) -> datetime | None:
    if moment is None:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else instant(moment, zone)
