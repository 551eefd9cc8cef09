"""What a person is told of an import: before (ImportPreview) and after (ImportReport)."""

from __future__ import annotations

from dataclasses import dataclass, field

from companion.domain.appointments import Practitioner
from companion.services.imports.drafts import FileContent
from companion.services.imports.layouts import Layout
from companion.services.imports.plan import PreviewRow
from companion.services.imports.questions import Answers, Question, open_questions
from companion.services.imports.reading.reader import Reading

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
    reading: Reading
    """How the file was read: sheets, columns, date order, status words."""
    questions: tuple[Question, ...] = ()
    """Everything that the file leaves open, answered or not."""
    answers: Answers = field(default_factory=dict)
    """That counted: given now, kept with the source, or the program's own guesses."""
    notes: tuple[str, ...] = ()
    """What a person should know of how the file was read."""

    @property
    def open(self) -> tuple[Question, ...]:
        """Questions that keep it from being applied."""
        return open_questions(self.questions, self.answers)

    @property
    def cancelled(self) -> int:
        """Rows that say that their appointment does not take place."""
        return sum(each.appointment.cancelled for each in self.content.drafts)


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
