"""What a person is told of an import: before (ImportPreview) and after (ImportReport)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from companion.domain.appointments import Practitioner
from companion.services.imports.drafts import FileContent
from companion.services.imports.layouts import Layout
from companion.services.imports.plan import ImportPlan, PreviewRow
from companion.services.imports.questions import Answers, Question, open_questions
from companion.services.imports.reading.results import Reading
from companion.services.imports.removals import Kept

if TYPE_CHECKING:
    from companion.services.imports.comparison import ImportComparison

BY_ID = "the appointment's id"
BY_KEY = "practitioner, start, client and type (the file has no appointment ids)"
WHOLE_WITHOUT_IDS = (
    "The file has no appointment ids, so it is compared as a whole book: what is missing from it, "
    "on its days and for its practitioners, was removed."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    row: int
    """As a person sees it in the file."""
    reason: str


def rejected_rows(content: FileContent, plan: ImportPlan) -> tuple[RejectedRow, ...]:
    """Those that could not be read, and those that say again what another row says."""
    rows = sorted((*content.rejections, *plan.rejected), key=lambda each: each.row)
    return tuple(RejectedRow(row=each.row, reason=each.reason) for each in rows)


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
    matched_by: str
    content: FileContent
    columns: Layout
    reading: Reading
    """How the file was read: sheets, columns, date order, status words."""
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    rejected: tuple[RejectedRow, ...] = ()
    new_names: tuple[NewName, ...] = ()
    held: str = ""
    """Why it would wait for a person; empty when it would not."""
    samples: tuple[PreviewRow, ...] = ()
    """Removals, then what changes, then additions, then what is left."""
    notes: tuple[str, ...] = ()
    """What a person should know of how the file was read."""
    cancelled: int = 0
    """Of the added and changed ones: those that the file cancels."""
    older: int = 0
    """Rows that were updated before what the book has."""
    kept: tuple[Kept, ...] = ()
    """Removals that are not made, by reason."""
    questions: tuple[Question, ...] = ()
    """All that the file leaves open, answered or not."""
    answers: Answers = field(default_factory=lambda: MappingProxyType({}))
    """Given now, or kept with the source."""
    creates: tuple[str, ...] = ()
    """Names of the practitioners whom it would create."""
    settles_people: bool = False
    """It would create some, or take a name for a known one's from now on."""
    why_whole: str = ""
    """Why it is compared as a whole book, where nobody has said so."""
    shape: tuple[Question, ...] = ()
    """Of `questions`: headings that the source's last file had and this one has not."""
    comparison: ImportComparison | None = field(default=None, repr=False, compare=False)
    """Used again when the import is applied and nothing has changed meanwhile."""

    @property
    def open(self) -> tuple[Question, ...]:
        """Questions that keep it from being applied."""
        return open_questions(self.questions, self.answers)


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
    cancelled: int = 0
    older: int = 0
    kept: tuple[Kept, ...] = ()
    questions: tuple[Question, ...] = ()
    """Those that are open, for which it waits."""
    why_whole: str = ""


def headings_of(layout: Layout) -> Mapping[str, str]:
    """Heading of each field that was read."""
    return {name: layout.titles[name] for name in layout.columns if name in layout.titles}
