"""What a person is told of an import: before (ImportPreview) and after (ImportReport)."""

from __future__ import annotations

from dataclasses import dataclass

from companion.domain.appointments import Practitioner
from companion.services.imports.drafts import FileContent
from companion.services.imports.layouts import Layout
from companion.services.imports.plan import PreviewRow

BY_ID = "the appointment's id"
BY_KEY = "practitioner, start, client and type (the file has no appointment ids)"


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    row: int
    """As a person sees it in the file."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewName:
    """A practitioner's name nobody answers to."""

    name: str
    rows: int
    suggestion: str | None = None
    """Id of a known practitioner with a name much like it."""
    suggestion_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPreview:
    source: str
    file_name: str
    layout: str
    snapshot: bool
    added: int
    changed: int
    removed: int
    unchanged: int
    rejected: tuple[RejectedRow, ...]
    new_names: tuple[NewName, ...]
    held: str
    """Why it would wait for a person; empty when it would not."""
    samples: tuple[PreviewRow, ...]
    """The first 200: removals, then changes, then additions."""
    matched_by: str
    content: FileContent
    columns: Layout


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    source: str
    added: int
    changed: int
    removed: int
    unchanged: int
    rejected: tuple[RejectedRow, ...]
    held: bool
    """Nothing was done; the counts say what would have been."""
    why_held: str = ""
    created: tuple[Practitioner, ...] = ()
    matched_by: str = ""
