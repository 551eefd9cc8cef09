"""Rows: an appointment as the book compares and keeps it.

`row_hash` answers "has anything changed?" without holding two whole books in memory: an import
hashes each row of a new file and compares 16 bytes with what the book kept. It covers every field
that a source or a person decides; `revision` and `changed_at` are the book's own and stay out.
`recurrence_document` is the one JSON form of a series, for the hash and for storing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from companion.domain.appointments import Appointment, OccurrenceChange, Recurrence, ShowAs
from companion.domain.errors import BadInput

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_NUL = "\\u0000"
"""As `_encode` writes it; who typed these six letters has them too."""
_SECOND = timedelta(seconds=1)
_MOMENTS = ("original_start", "start", "end")
_TEXTS = ("title", "location", "notes")


def next_change(now: datetime, before: datetime) -> datetime:
    """When a change counts as made, after one at `before`: LAST-MODIFIED has whole seconds and
    must rise with every change, else some phones keep the old entry."""
    return max(now, before + _SECOND)


def row_hash(appointment: Appointment) -> bytes:
    """16 bytes; equal exactly when the content is. Raises BadInput for text that not
    every database can keep (half a character, or NUL)."""
    each = appointment
    later = (each.visit_address, each.telehealth_link)
    content = _encode(
        (
            each.id,
            each.practitioner_id,
            each.kind,
            each.start.isoformat(),
            each.end.isoformat(),
            each.timezone,
            each.all_day,
            each.status,
            each.show_as,
            each.title,
            each.appointment_type,
            each.client_id,
            each.client_first_name,
            each.client_last_name,
            each.location,
            each.notes,
            each.reminder_minutes,
            each.recurring,
            recurrence_document(each.recurrence),
            each.source,
            each.source_id,
            None if each.created is None else each.created.timestamp(),
            each.created_by,
            None if each.updated is None else each.updated.timestamp(),
            # Books from before these fields keep their hashes.
            *(later if any(later) else ()),
        )
    )
    if _NUL in content and _holds_nul(json.loads(content)):
        raise BadInput(
            "An appointment holds the character NUL, which cannot be kept.",
            "Correct its text in the practice software and try again.",
        )
    try:
        return blake2b(content.encode(), digest_size=16).digest()
    except UnicodeEncodeError:
        raise BadInput(
            "An appointment holds half a character, which cannot be kept.",
            "Correct its text in the practice software and try again.",
        ) from None  # the cause would carry the text itself


def _holds_nul(value: object) -> bool:
    match value:
        case str():
            return "\0" in value
        case dict():
            return any(map(_holds_nul, value.values()))
        case list():
            return any(map(_holds_nul, value))
    return False


def recurrence_document(recurrence: Recurrence | None) -> dict[str, Any] | None:
    """What JSON can hold; wall times as ISO text, what is "as the series" left out."""
    if recurrence is None:
        return None
    return {"rule": recurrence.rule, "changes": [_change(each) for each in recurrence.changes]}


def _change(change: OccurrenceChange) -> dict[str, Any]:
    document: dict[str, Any] = {"cancelled": True} if change.cancelled else {}
    for name in _MOMENTS:
        moment: datetime | None = getattr(change, name)
        if moment is not None:
            document[name] = moment.isoformat()
    for name in _TEXTS:
        text: str | None = getattr(change, name)
        if text is not None:
            document[name] = text
    if change.show_as is not None:
        document["show_as"] = change.show_as.value
    return document


def recurrence_of(document: Mapping[str, Any] | None) -> Recurrence | None:
    """The inverse of `recurrence_document`."""
    if document is None:
        return None
    return Recurrence(
        rule=document["rule"],
        changes=tuple(_change_of(each) for each in document["changes"]),
    )


def _change_of(document: Mapping[str, Any]) -> OccurrenceChange:
    def moment(name: str) -> datetime | None:
        return datetime.fromisoformat(document[name]) if name in document else None

    return OccurrenceChange(
        original_start=datetime.fromisoformat(document["original_start"]),
        cancelled=document.get("cancelled", False),
        start=moment("start"),
        end=moment("end"),
        title=document.get("title"),
        location=document.get("location"),
        notes=document.get("notes"),
        show_as=ShowAs(document["show_as"]) if "show_as" in document else None,
    )


def earliest_start(appointment: Appointment) -> datetime:
    """Wall time before which it certainly does not take place: an occurrence of a series may
    have been moved to before the series' own start."""
    if appointment.recurrence is None:
        return appointment.start
    moved = (each.start for each in appointment.recurrence.changes if each.start is not None)
    return min((appointment.start, *moved))
