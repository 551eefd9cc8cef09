"""Results: what a reading takes in besides the file, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from companion.domain.appointments import Practitioner
from companion.domain.errors import BadInput
from companion.services.imports.drafts import FileContent
from companion.services.imports.layouts import Layout
from companion.services.imports.layouts.software import Software
from companion.services.imports.reading.date_order import OrderProof
from companion.services.imports.reading.grid import SheetUse
from companion.services.imports.reading.names import person_key
from companion.services.imports.reading.statuses import StatusWord


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the practice knows already, as far as it helps to read a file."""

    timezone: str
    """Of the practice."""
    today: date
    answers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    mapping: str | None = None
    people: Sequence[Practitioner] = ()
    """The known practitioners."""
    statuses: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Status words met in this source before, folded, and what each was taken for."""
    software: Sequence[Software] = ()
    """Layouts of the practice's own."""

    @property
    def keys(self) -> frozenset[str]:
        """Person keys of everybody, under all their spellings."""
        return frozenset(
            person_key(name) for each in self.people for name in (each.name, *each.aliases)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnUse:
    """One field and the column it was read from."""

    field: str
    heading: str
    samples: tuple[str, ...]
    """Up to three different values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileColumn:
    """One column of the file, used or not."""

    heading: str
    samples: tuple[str, ...] = ()
    """Up to three different values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A file read: its content, and how."""

    layout: Layout
    content: FileContent
    headings: tuple[str, ...] = ()
    file_columns: tuple[FileColumn, ...] = ()
    """Of each heading, in its order."""
    sheets: tuple[SheetUse, ...] = ()
    columns: tuple[ColumnUse, ...] = ()
    ignored: tuple[str, ...] = ()
    """Headings of no use here."""
    order: OrderProof = field(default_factory=lambda: OrderProof(order=None))
    statuses: tuple[StatusWord, ...] = ()
    practitioners: Mapping[str, int] = field(default_factory=dict)
    """Name as in the file, to rows."""
    footers: int = 0
    """Rows left out: totals, repeated headings, titles."""
    notes: tuple[str, ...] = ()
    """Plain sentences about how the rows were read that a person should see."""
    mapping: str = ""
    """How it was read, as a mapping (TOML) that reads the next file alike."""
    one_person: bool = False
    """A file of this kind holds one person's calendar."""


class NotRead(BadInput):
    """A table that could not be read as wished; a person may say what its columns are."""

    def __init__(
        self, what: str, remedy: str, columns: tuple[FileColumn, ...], *, field: str = "file"
    ) -> None:
        super().__init__(what, remedy, field=field)
        self.columns = columns

    @property
    def headers(self) -> tuple[str, ...]:
        return tuple(each.heading for each in self.columns)


class UnknownLayout(NotRead):
    """A file whose columns somebody must explain."""
