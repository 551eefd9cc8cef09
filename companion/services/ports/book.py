"""The appointment book, its changes, and its imports with what undoes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple, Protocol

from companion.domain.appointments import Appointment


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """What the book knows of one appointment of a source: enough to diff a new file. It names a
    client, so it goes into no log."""

    appointment_id: str
    source: str
    source_id: str
    """Empty for one that was entered in the book itself."""
    practitioner_id: str
    start: datetime
    """Wall time."""
    end: datetime
    row_hash: bytes
    """`rows.row_hash` of its content: 16 bytes."""
    cancelled: bool
    client_id: str = ""
    client_name: str = ""
    what: str = ""
    """Title, else appointment type."""
    updated: datetime | None = None
    """The source's own last change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookChange:
    """Appointments to write (whole, new or changed) and ids to remove, as one transaction."""

    put: Sequence[Appointment] = ()
    remove: Sequence[str] = ()
    expect: Mapping[str, int] = field(default_factory=dict)
    """By id of something put or removed: the revision this change was decided on, 0 for "not in
    the book". Where one differs nothing is written."""
    imported: ImportRecord | None = None
    """Kept with what this change replaced, so that it can be undone."""
    undoes: Undoing | None = None


class ChangeSign(NamedTuple):
    """Other than before once something has been committed."""

    others: int
    """By another process, to anything of the database."""
    own: int
    """By this process, to the book."""


class KnownName(NamedTuple):
    """A client's name, of now or before."""

    number: int
    """Rises as names come."""
    first: str
    last: str


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

    async def id_key(self) -> bytes:
        """The secret of this book for `appointment_id`: 32 bytes, made with it, in every copy."""
        ...

    async def source_rows(self, source: str) -> dict[str, SourceRow]:
        """By source id; all of one import source."""
        ...

    async def rows_elsewhere(
        self, source: str, practitioner_ids: Sequence[str], start: datetime, end: datetime
    ) -> list[SourceRow]:
        """Of every other source, the book's own screen included: those of these practitioners
        that begin in [start, end), wall time."""
        ...

    async def apply(self, change: BookChange, now: datetime) -> None:
        """One transaction. Sets revision (one more than before) and changed_at (`now`, yet at
        least a second after the last) on each appointment put, and raises `revision` of every
        practitioner touched (also the one an appointment leaves). Raises Busy when another
        process writes for too long, and ChangedMeanwhile when an expected revision is no longer
        the book's, or what is undone was undone already."""
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

    async def client_names(self, after: int = 0) -> list[KnownName]:
        """Every name that a client's appointment bears or ever bore, also where it was changed or
        removed since; by number, those above `after` alone. Cheap where there is none."""
        ...

    async def search(
        self, practitioner_ids: Sequence[str], text: str, around: datetime, limit: int = 50
    ) -> list[Appointment]:
        """Those whose client, client number, type, title or notes hold every word of `text`,
        without regard to case and accents: the next ones from `around` (wall time) on, then the
        latest before it; at most `limit` of each. A series counts by its first start."""
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

    async def arrivals(self, source: str, limit: int) -> list[datetime]:
        """When files of `source` went into the book and were not undone; newest first."""
        ...

    async def edited_at(self, later_than: datetime) -> datetime | None:
        """The last change to what was entered in the book itself, or, after `later_than`, to any
        appointment. A removal leaves no time. None where there is none."""
        ...

    async def replaced(self, import_id: int) -> list[Replaced]:
        """What one import replaced; empty when it touched nothing, was undone, or is too long
        ago: the newest `UNDO_IMPORTS` are kept, and of these at most `UNDO_ROWS` rows."""
        ...


UNDO_IMPORTS = 100


UNDO_ROWS = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportMemory:
    """What an import kept in the settings, for its undoing."""

    created: tuple[str, ...] = ()
    """Ids of new practitioners."""
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """New aliases by practitioner's id."""
    answers: tuple[str, ...] = ()
    """Keys of the source's new answers."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """The source's headings as they were before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRecord:
    id: int = 0
    """The book's; 0 before it is kept."""
    source: str
    at: datetime
    by: str = ""
    """Who or what: a user's name, ``folder``, ``import`` for a command."""
    file_name: str
    """Empty where a source's appointments were removed."""
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    rejected: int = 0
    cancelled: int = 0
    older: int = 0
    kept: int = 0
    memory: ImportMemory = field(default_factory=ImportMemory)
    undone_at: datetime | None = None
    undone_by: str = ""
    can_undo: bool = False
    """What it replaced is still kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """One appointment that an import added, changed or removed."""

    appointment_id: str
    before: Appointment | None
    """None for one that it added."""
    revision: int
    """As the import left it; 0 for one that it removed."""
    now: int
    """Revision as the book has it now; 0 when it is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """A change that undoes an import: marked so, and no longer to be undone. What it puts bears
    the revision of then; earlier imports that left it so can still be undone."""

    import_id: int
    by: str
