"""Explanation: how a file would be read, for a person who wants to check it.

Everything is taken from a preview; nothing is read or changed here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from companion.domain.settings import Settings
from companion.services.imports.naming import Naming
from companion.services.imports.previews import ImportPreview
from companion.services.imports.questions import Question
from companion.services.imports.reading.grid import SheetUse
from companion.services.imports.reading.results import ColumnUse
from companion.services.imports.reading.statuses import StatusWord


@dataclass(frozen=True, slots=True, kw_only=True)
class PractitionerUse:
    """A practitioner's name as the file has it."""

    name: str
    count: int
    """Rows."""
    id: str
    """Of the known practitioner it means; empty for nobody known."""
    near: str
    """Id of a known practitioner with a name much like it, where it means nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    layout: str
    sheets: tuple[SheetUse, ...]
    columns: tuple[ColumnUse, ...]
    ignored: tuple[str, ...]
    date_order: str
    """``dmy``, ``mdy``, ``ymd``, or empty where no date is written as text."""
    proved_by: str
    statuses: tuple[StatusWord, ...]
    practitioners: tuple[PractitionerUse, ...]
    questions: tuple[Question, ...]
    """Those that are open."""
    left_out: int
    """Rows that are no appointments: totals, repeated headings, names of sections."""
    mapping: str
    """TOML that reads the next file alike."""


def explain(preview: ImportPreview, settings: Settings) -> Explanation:
    reading = preview.reading
    order = reading.order.order or reading.order.written
    proved = reading.order.proved_by
    if reading.order.row:
        proved = f"row {reading.order.row}: {proved}"
    return Explanation(
        layout=preview.layout,
        sheets=reading.sheets,
        columns=reading.columns,
        ignored=reading.ignored,
        date_order=order.value if order else "",
        proved_by=proved,
        statuses=reading.statuses,
        practitioners=_practitioners(preview, settings),
        questions=preview.open,
        left_out=reading.footers,
        mapping=reading.mapping,
    )


def _practitioners(preview: ImportPreview, settings: Settings) -> tuple[PractitionerUse, ...]:
    people = (each.practitioner for each in settings.practitioners.values())
    naming = Naming(people, preview.columns.practitioners)
    found = []
    for name, count in Counter(draft.name for draft in preview.content.drafts).items():
        known = naming.find(name)
        near = [] if known else naming.near(naming.target(name))
        found.append(
            PractitionerUse(
                name=name,
                count=count,
                id=known.id if known else "",
                near=near[0].id if near else "",
            )
        )
    return tuple(found)
