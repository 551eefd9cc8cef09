"""Placing: drafts at their practitioners, and rows that share an id told apart.

Rows with one id, and the drafts of one row that names several practitioners, are

- one appointment, where practitioner, start and client are the same: the row that was updated
  last counts, else the one that takes place;
- a group, where only the clients differ: one appointment with their number and nobody's name, or
  one each, as the practice says (``groups``);
- parts of one id otherwise: the dates of a series, or a joint session of several practitioners.

With ``groups`` said to be one, rows with an id each are a group too, where practitioner, start,
end and type are the same. Nothing here depends on the order of the rows.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from companion.domain.appointments import Appointment, AppointmentStatus, Practitioner, fold_name
from companion.services.imports.drafts import Draft, Rejection, natural_key, to_appointment

ONE, EACH = "one", "each"
_NEVER = datetime.min.replace(tzinfo=UTC)
_COUNT = re.compile(r"\s*\(\d+ clients?\)$")


@dataclass(slots=True)
class Placed:
    """One appointment of the file at its practitioner."""

    draft: Draft
    person: Practitioner
    appointment: Appointment
    """In the practitioner's wall time, under the file's own id, which is empty where it has none
    and may be shared."""
    key: str = ""
    """Natural key, where the file has no ids."""


def place(drafts: Iterable[Draft], people: Mapping[str, Practitioner], source: str) -> list[Placed]:
    """A draft whose practitioner nobody could name is left out: that is an open question."""
    found = []
    for draft in drafts:
        person = people.get(draft.name)
        if person is not None:
            appointment = to_appointment(draft, person, source, draft.appointment.source_id)
            key = "" if appointment.source_id else natural_key(draft, draft.name)
            found.append(Placed(draft=draft, person=person, appointment=appointment, key=key))
    return found


def told_apart(placed: Sequence[Placed], groups: str) -> tuple[list[Placed], list[Rejection]]:
    """Without repeated rows, and groups as one; the rows that were left out."""
    rejections: list[Rejection] = []
    shared: dict[str, list[Placed]] = {}
    for each in placed:
        shared.setdefault(each.appointment.source_id or each.key, []).append(each)
    found: list[Placed] = []
    for several in shared.values():
        if len(several) == 1:
            found += several
        elif several[0].key:
            found += _numbered(several, rejections)
        else:
            found += _of_one_id(several, groups, rejections)
    return (_one_a_group(found) if groups == ONE else found), rejections


def _numbered(several: list[Placed], rejections: list[Rejection]) -> Iterable[Placed]:
    """Of one natural key: those that differ in nothing are one, the others are numbered."""
    several.sort(key=_rank)
    taken: list[Placed] = []
    for each in several:
        alike = next((it for it in taken if it.appointment == each.appointment), None)
        if alike is not None:
            rejections += _repeated(each, alike)
            continue
        if taken:
            numbered = replace(each.draft, number=len(taken) + 1)
            each.key = natural_key(numbered, each.draft.name)
        taken.append(each)
    return taken


def _of_one_id(several: list[Placed], groups: str, rejections: list[Rejection]) -> Iterable[Placed]:
    at_once: dict[tuple[str, datetime], dict[str, Placed]] = {}
    for each in sorted(several, key=_rank):
        clients = at_once.setdefault((each.person.id, each.appointment.start), {})
        first = clients.setdefault(client_key(each.appointment), each)
        if first is not each:
            rejections += _repeated(each, first)
    for clients in at_once.values():
        attendees = [*clients.values()]
        yield from attendees if groups == EACH or len(attendees) == 1 else [_group(attendees)]


def _one_a_group(placed: Iterable[Placed]) -> list[Placed]:
    """Attendees with an id each as one: of one practitioner, time and type."""
    found: dict[tuple[object, ...], list[Placed]] = {}
    for each in placed:
        it = each.appointment
        grouped = (it.client_id or it.client_name) and it.appointment_type
        unique = () if grouped else (len(found),)
        alike = (each.person.id, it.start, it.end, fold_name(it.appointment_type), *unique)
        found.setdefault(alike, []).append(each)
    return [_group(each, made=True) if len(each) > 1 else each[0] for each in found.values()]


def _group(attendees: Sequence[Placed], *, made: bool = False) -> Placed:
    """`made`: of rows that have no id in common."""
    first = min(attendees, key=_rank)
    coming = [each for each in attendees if not each.appointment.cancelled]
    number = sum(bool(client_key(each.appointment)) for each in coming)
    it = first.appointment
    kind = it.appointment_type or it.title or "Group"
    notes = {each.appointment.notes for each in attendees}
    group = replace(
        it,
        end=max(each.appointment.end for each in coming or attendees),
        status=AppointmentStatus.BOOKED if coming else AppointmentStatus.CANCELLED,
        appointment_type=f"{kind} ({number} client{'' if number == 1 else 's'})",
        client_id="",
        client_first_name="",
        client_last_name="",
        visit_address="",
        notes=it.notes if len(notes) == 1 else "",
        updated=max(each.appointment.updated or _NEVER for each in attendees),
    )
    if group.updated == _NEVER:
        group = replace(group, updated=None)
    key = first.key
    if made:
        named = digest(first.person.id, it.start.isoformat(), fold_name(it.appointment_type))
        key = "" if not key else f"key-group-{named}"
        group = group if key else replace(group, source_id=f"group-{named}")
    return Placed(draft=first.draft, person=first.person, appointment=group, key=key)


def client_key(appointment: Appointment) -> str:
    return appointment.client_id or fold_name(appointment.client_name)


def what_of(appointment: Appointment) -> str:
    """Title or type, without the number of a group's clients."""
    return plain_what(appointment.title or appointment.appointment_type)


def plain_what(what: str) -> str:
    return _COUNT.sub("", fold_name(what))


def digest(*parts: str) -> str:
    """12 hex digits: an id that must not spell out a client."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:12]


def _rank(placed: Placed) -> tuple[object, ...]:
    """What counts first: updated last, taking place; the rest only for a lasting order."""
    it = placed.appointment
    age = -((it.updated - _NEVER).total_seconds() if it.updated else 0.0)
    return (
        age,
        it.cancelled,
        it.start,
        it.end,
        placed.person.id,
        client_key(it),
        it.appointment_type,
        it.title,
        it.location,
        it.notes,
    )


def _repeated(each: Placed, first: Placed) -> list[Rejection]:
    """None where one row names one person twice."""
    if each.draft.row == first.draft.row:
        return []
    says = "" if each.appointment == first.appointment else ", which counts"
    return [
        Rejection(
            row=each.draft.row,
            reason=f"The same appointment as in row {first.draft.row}{says}.",
            source_id=each.appointment.source_id,
            id_is_sure=True,
            name=each.draft.name,
            day=each.appointment.start.date(),
        )
    ]
