"""The appointment book, and its changes and imports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple, Protocol

from companion.domain.appointments import Appointment


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """What the book knows of one appointment of a source: enough to diff a new file."""

    appointment_id: str
    source_id: str
    practitioner_id: str
    start: datetime
    """Wall time."""
    end: datetime
    row_hash: bytes
    """`rows.row_hash` of its content: 16 bytes."""
    cancelled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BookChange:
    """Appointments to write (whole, new or changed) and ids to remove, as one transaction."""

    put: Sequence[Appointment] = ()
    remove: Sequence[str] = ()
    expect: Mapping[str, int] = field(default_factory=dict)
    """By id of something put or removed: the revision this change was decided on, 0 for "not in
    the book". Where one differs nothing is written."""
    imported: ImportRecord | None = None
    """The import that this is, noted in the same transaction."""


class ChangeSign(NamedTuple):
    """Other than before once something has been committed."""

    others: int
    """By another process, to anything of the database."""
    own: int
    """By this process, to the book."""


class AppointmentBook(Protocol):
    """Every commit is published as `BookChanged` (`services.changes`)."""

    async def appointments(
        self, practitioner_id: str, start: datetime, end: datetime
    ) -> list[Appointment]:
        """Those that may take place in the wall-time span [start, end): single ones that overlap
        it, every series that begins before `end`. Cancelled ones too."""
        ...

    async def versions(
        self, practitioner_id: str, start: datetime, end: datetime
    ) -> Mapping[str, int]:
        """Revision by appointment id, of exactly those that `appointments` would give; much
        cheaper, to tell what changed."""
        ...

    async def appointment(self, appointment_id: str) -> Appointment | None: ...

    async def source_rows(self, source: str) -> dict[str, SourceRow]:
        """By source id; all of one import source."""
        ...

    async def apply(self, change: BookChange, now: datetime) -> None:
        """One transaction. Sets revision (one more than before) and changed_at (`now`, yet at
        least a second after the last) on each appointment put, and raises `revision` of every
        practitioner touched (also the one an appointment leaves). Raises Busy when another
        process writes for too long, and ChangedMeanwhile when an expected revision is no longer
        the book's."""
        ...

    async def of_practitioners(
        self, practitioner_ids: Sequence[str], start: datetime, end: datetime
    ) -> list[Appointment]:
        """As `appointments`, of several practitioners in one query."""
        ...

    async def series(self, practitioner_ids: Sequence[str], end: datetime) -> list[Appointment]:
        """Every series that may take place before `end`, cancelled ones too."""
        ...

    async def day_counts(
        self, practitioner_ids: Sequence[str], start: datetime, end: datetime
    ) -> Mapping[date, int]:
        """Booked single appointments by the day on which they begin, in [start, end); days
        without any are left out, and so are series."""
        ...

    async def search(
        self, practitioner_ids: Sequence[str], text: str, around: datetime, limit: int = 50
    ) -> list[Appointment]:
        """Those whose client, title or notes hold every word of `text`, without regard to case:
        the next ones from `around` (wall time) on, then the latest before it; at most `limit` of
        each. A series counts by its first start."""
        ...

    async def change_sign(self) -> ChangeSign:
        """Costs microseconds and no query, yet waits for a write under way. What was committed
        before it changed is in what is read after it."""
        ...

    async def revisions(self) -> Mapping[str, int]:
        """By practitioner id; 0 is left out. One query."""
        ...

    async def reassign(self, from_practitioner: str, to_practitioner: str, now: datetime) -> None:
        """Merge two practitioners' appointments."""
        ...

    async def count(self, practitioner_id: str | None = None) -> int: ...

    async def imports(self, limit: int = 20) -> list[ImportRecord]:
        """Newest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRecord:
    source: str
    at: datetime
    file_name: str
    added: int
    changed: int
    removed: int
    unchanged: int
    rejected: int
