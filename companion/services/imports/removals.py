"""Removals: what a whole file no longer names, and what of it is kept nevertheless, and why.

What is missing from a whole file was removed, but only

- on the days from the file's first to its last accepted appointment, cancelled ones included,
- of the practitioners whom these name, and
- where no row that could not be used may have meant it: one with an id shields the appointment of
  that id, one without shields all appointments of its practitioner (or anyone) on its day (or any
  day). A row without id, practitioner and day is a total or a note, and shields nothing; one that
  could not be taken apart at all shields everything.
- An older file than the last one removes nothing that was changed since.

A file without rows covers the whole source. Every removal that is not made is counted in `Kept`,
unless it could not be expected: appointments before the file's first day that are past.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from companion.domain.appointments import instant
from companion.services.imports.drafts import Rejection
from companion.services.imports.matching import base_of
from companion.services.imports.placing import Placed
from companion.services.imports.target import ImportTarget
from companion.services.ports import SourceRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Removals that were not made."""

    why: str
    """One sentence without its stop; it may name practitioners, never clients."""
    count: int


@dataclass(slots=True)
class Missing:
    """What a whole file no longer names."""

    remove: list[SourceRow] = field(default_factory=list)
    """Soonest first."""
    kept: dict[str, list[SourceRow]] = field(default_factory=dict)
    """By reason."""

    def summary(self) -> tuple[Kept, ...]:
        return tuple(Kept(why=why, count=len(rows)) for why, rows in self.kept.items())


def missing(
    placed: Sequence[Placed],
    rejections: Sequence[Rejection],
    target: ImportTarget,
    seen: set[str],
    *,
    stale: bool,
) -> Missing:
    """`seen`: source ids that the file names. `stale`: the book knows newer versions of some of
    its rows."""
    found = Missing()
    rules = _Rules(placed, rejections, target, stale=stale)
    gone = [row for source_id, row in target.known.items() if source_id not in seen]
    for row in sorted(gone, key=lambda row: (row.start, row.source_id)):
        why = rules.why_kept(row)
        if why is None:
            found.remove.append(row)
        elif why:
            found.kept.setdefault(why, []).append(row)
    return found


class _Rules:
    def __init__(
        self,
        placed: Sequence[Placed],
        rejections: Sequence[Rejection],
        target: ImportTarget,
        *,
        stale: bool,
    ) -> None:
        self._target = target
        self._rows = bool(placed) or bool(rejections)
        self._days = sorted({each.appointment.start.date() for each in placed})
        self._named = {each.person.id for each in placed}
        stamps = (each.appointment.updated or each.appointment.created for each in placed)
        self._made = max((each for each in stamps if each), default=None) if stale else None
        self._shields = _Shields(rejections, target)

    def why_kept(self, row: SourceRow) -> str | None:
        """None where it is removed, empty where nobody could expect that."""
        if not self._days:
            return "None of the file's rows could be used" if self._rows else None
        day = row.start.date()
        live = not row.cancelled
        if not self._days[0] <= day <= self._days[-1]:
            if not (live and is_upcoming(row, self._target)):
                return ""
            if day > self._days[-1]:
                return f"The file ends with {in_words(self._days[-1])}"
            return f"The file begins with {in_words(self._days[0])}"
        if row.practitioner_id not in self._named:
            person = self._target.everyone.get(row.practitioner_id)
            name = person.name if person else "Their practitioner"
            return f"{name} is not in the file at all" if live else ""
        if self._made is not None and row.updated is not None and row.updated > self._made:
            return "They were changed after this file was made"
        return self._shields.why(row)


class _Shields:
    """What rows that could not be used may have meant."""

    def __init__(self, rejections: Iterable[Rejection], target: ImportTarget) -> None:
        self._ids: dict[str, int] = {}
        self._places: dict[tuple[str, date | None], int] = {}
        """By practitioner id ("" for anyone) and day (None for any): the row."""
        for each in rejections:
            if each.source_id:
                self._ids.setdefault(each.source_id, each.row)
            person = target.people.get(each.name)
            if not each.id_is_sure and (each.unread or person or each.day):
                self._places.setdefault((person.id if person else "", each.day), each.row)

    def why(self, row: SourceRow) -> str | None:
        for source_id in (row.source_id, base_of(row.source_id)):
            if source_id in self._ids:
                return f"Row {self._ids[source_id]} has their number, but could not be used"
        for who in (row.practitioner_id, ""):
            for day in (row.start.date(), None):
                at = self._places.get((who, day))
                if at is not None:
                    return f"Row {at} could not be used, and may have meant them"
        return None


def is_upcoming(row: SourceRow, target: ImportTarget) -> bool:
    person = target.everyone.get(row.practitioner_id)
    zone = person.timezone if person else target.timezone
    return not row.cancelled and instant(row.start, zone) >= target.now


def in_words(day: date) -> str:
    """Thursday 3 December 2026."""
    return f"{day:%A} {day.day} {day:%B %Y}"
