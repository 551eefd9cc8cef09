"""ImportPlan: what a file's drafts would change in the book, worked out before anything does.

Each draft is compared, by hash, with what the book keeps of its source. With `snapshot`, what is
missing from the file was removed, but only

- on the days from the file's first to its last accepted appointment, cancelled ones included,
- of the practitioners whom these name, and
- where no rejected row may have meant it: a row with an id shields the appointment of that id, a
  row without all appointments of its practitioner (or anyone) on its day (or any day).

A file without rows covers the whole source. A plan that removes more than a fifth of the source's
upcoming appointments, or all that it has, is held: practice software that answers with nothing
once must not empty a calendar (reference: OGCS 1201, 2137, 2215). Nothing on both sides is fine.

A file without ids is matched by a natural key that holds the practitioner's name; the key is
tried under every known spelling of the name before a row counts as new.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from companion.domain.appointments import Appointment, AppointmentKind, Practitioner, instant
from companion.services.imports.drafts import (
    Draft,
    FileContent,
    Rejection,
    natural_key,
    to_appointment,
)
from companion.services.ports import BookChange, SourceRow
from companion.services.rows import row_hash

SAMPLES = 200
RowAction = Literal["add", "change", "remove"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewRow:
    """One change as a person reads it; no client is named."""

    row: int
    """In the file; 0 for a removal."""
    action: RowAction
    practitioner: str
    start: datetime
    """Wall time."""
    end: datetime
    all_day: bool
    kind: AppointmentKind | None
    """None for a removal: the book's index does not say."""
    what: str
    """Appointment type, or empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportTarget:
    """Where a file goes."""

    source: str
    snapshot: bool
    known: Mapping[str, SourceRow]
    """The book's, by source id."""
    people: Mapping[str, Practitioner]
    """By name as in the file; id empty for someone who is not there yet."""
    everyone: Mapping[str, Practitioner]
    """All known practitioners, by id."""
    timezone: str
    """The practice's, for appointments whose practitioner is gone."""
    now: datetime
    hold_share: float
    """Share of upcoming appointments above which removals wait for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    new: Sequence[tuple[Draft, str]]
    """With their source ids; made into appointments only when the plan is carried out."""
    altered: Sequence[Appointment]
    remove: Sequence[SourceRow]
    unchanged: int
    held: str
    """Why it waits for a person, as one sentence; empty when it need not."""
    samples: tuple[PreviewRow, ...]

    def book_change(self, target: ImportTarget) -> BookChange:
        """`target` as the plan was made for, with everybody's id."""
        new = [
            to_appointment(draft, target.people[draft.name], target.source, source_id)
            for draft, source_id in self.new
        ]
        remove = [each.appointment_id for each in self.remove]
        return BookChange(put=[*new, *self.altered], remove=remove)


def plan_import(content: FileContent, target: ImportTarget) -> ImportPlan:
    new: list[tuple[Draft, str]] = []
    altered: list[Appointment] = []
    samples: list[PreviewRow] = []
    seen: set[str] = set()
    for draft in content.drafts:
        person = target.people[draft.name]
        source_id = draft.appointment.source_id or _known_key(draft, person, target.known, seen)
        seen.add(source_id)
        before = target.known.get(source_id)
        if before is None:
            new.append((draft, source_id))
            continue
        appointment = to_appointment(draft, person, target.source, source_id)
        if before.row_hash != row_hash(appointment):
            altered.append(appointment)
            if len(samples) < SAMPLES:
                samples.append(_sample(draft.row, "change", person, appointment))
    remove = _missing(content, target, seen) if target.snapshot else []
    for draft, source_id in new[:SAMPLES]:
        person = target.people[draft.name]
        appointment = to_appointment(draft, person, target.source, source_id)
        samples.append(_sample(draft.row, "add", person, appointment))
    gone = [_sample_of_removal(each, target) for each in remove[:SAMPLES]]
    return ImportPlan(
        new=new,
        altered=altered,
        remove=remove,
        unchanged=len(content.drafts) - len(new) - len(altered),
        held=_why_held(content, target, remove),
        samples=tuple([*gone, *samples][:SAMPLES]),
    )


def _known_key(
    draft: Draft, person: Practitioner, known: Mapping[str, SourceRow], taken: set[str]
) -> str:
    """The natural key under which the book has this appointment, else the file's own."""
    own = natural_key(draft, draft.name)
    if own in known and own not in taken:
        return own
    for spelling in (person.name, *person.aliases):
        key = natural_key(draft, spelling)
        if key in known and key not in taken:
            return key
    while own in taken:  # the same appointment under two spellings of one name
        draft = replace(draft, number=draft.number + 1)
        own = natural_key(draft, draft.name)
    return own


def _missing(content: FileContent, target: ImportTarget, seen: set[str]) -> list[SourceRow]:
    """What a snapshot removes, soonest first."""
    gone = (row for source_id, row in target.known.items() if source_id not in seen)
    if content.drafts:
        days = [draft.appointment.start.date() for draft in content.drafts]
        first, last = min(days), max(days)
        named = {target.people[draft.name].id for draft in content.drafts}
        gone = (
            row
            for row in gone
            if row.practitioner_id in named and first <= row.start.date() <= last
        )
    elif content.rejections:
        return []
    shields = _Shields(content.rejections, target)
    return sorted(
        (row for row in gone if not shields.cover(row)), key=lambda row: (row.start, row.source_id)
    )


class _Shields:
    """What rejected rows may have meant."""

    def __init__(self, rejections: Iterable[Rejection], target: ImportTarget) -> None:
        self._ids: set[str] = set()
        self._places: set[tuple[str, date | None]] = set()
        """Practitioner id ("" for anyone) and day (None for any)."""
        for each in rejections:
            self._ids.add(each.source_id)
            if not each.id_is_sure:
                person = target.people.get(each.name)
                self._places.add((person.id if person else "", each.day))

    def cover(self, row: SourceRow) -> bool:
        day = row.start.date()
        places = {(who, when) for who in ("", row.practitioner_id) for when in (None, day)}
        return row.source_id in self._ids or not places.isdisjoint(self._places)


def _why_held(content: FileContent, target: ImportTarget, remove: Sequence[SourceRow]) -> str:
    if not remove:
        return ""
    total = len(target.known)
    if not content.drafts:
        return f"The file has no rows: it would remove all {_counted(total)} of {target.source}."
    if len(remove) == total:
        return f"This file would remove all {_counted(total)} of {target.source}."
    upcoming = {row.source_id for row in target.known.values() if _is_upcoming(row, target)}
    losing = sum(row.source_id in upcoming for row in remove)
    if losing > target.hold_share * len(upcoming):
        return (
            f"This file would remove {losing} of {len(upcoming)} upcoming appointments of "
            f"{target.source}."
        )
    return ""


def _counted(number: int) -> str:
    return "1 appointment" if number == 1 else f"{number} appointments"


def _is_upcoming(row: SourceRow, target: ImportTarget) -> bool:
    person = target.everyone.get(row.practitioner_id)
    zone = person.timezone if person else target.timezone
    return not row.cancelled and instant(row.start, zone) >= target.now


def _sample(row: int, action: RowAction, person: Practitioner, each: Appointment) -> PreviewRow:
    return PreviewRow(
        row=row,
        action=action,
        practitioner=person.name,
        start=each.start,
        end=each.end,
        all_day=each.all_day,
        kind=each.kind,
        what=each.appointment_type,
    )


def _sample_of_removal(row: SourceRow, target: ImportTarget) -> PreviewRow:
    person = target.everyone.get(row.practitioner_id)
    midnights = row.start.time() == row.end.time() == datetime.min.time()
    return PreviewRow(
        row=0,
        action="remove",
        practitioner=person.name if person else "",
        start=row.start,
        end=row.end,
        all_day=midnights,
        kind=None,
        what="",
    )
