"""Sections: rows of a table that are no appointments, and what they say of the rows below them.

A name alone between rows, or "Practitioner: Jo Smith" above the header, is that of a section: it
stands in a column added for it. Totals, page footers and the like are left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from companion.services.imports.cells import read_line
from companion.services.imports.reading.grid import SECTION, Grid, GridRow
from companion.services.imports.reading.kinds import kind_of
from companion.services.workbooks import Cell, SheetRow

_FOOTER = re.compile(
    r"\s*(?:grand |sub ?|overall )?(?:totals?|sum|count|average|records?|appointments?|rows?|page|"
    r"printed|generated|exported|report|end of|number of|produced|created on|run on|as at|©|"
    r"copyright|subtotal)\b",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"^(?:practitioner|provider|doctor|clinician|therapist|staff(?: member)?|with|for)\s*[:\-]\s*",
    re.IGNORECASE,
)


def separate_footers(grid: Grid, starts: Sequence[int]) -> bool:
    """Leave out rows that are no appointments, and say whether there were any. `starts`: columns
    that hold the start; a row that has one there is never left out. A name alone between rows is
    that of a section: it stands in a column added for it."""
    kept: list[tuple[GridRow, str]] = []
    section, sheet = "", None
    for row in grid.rows:
        if row.sheet != sheet:
            section, sheet = row.section, row.sheet
        if any(_starts(row.cell(at)) for at in starts):
            kept.append((row, section))
            continue
        named = _section_of(row)
        if named:
            section = named
        elif not _is_footer(row, len(grid.headings)):
            kept.append((row, section))
    left_out = len(grid.rows) - len(kept)
    grid.footers += left_out
    grid.rows = [row for row, _ in kept]
    has_sections = any(each for _, each in kept)
    if has_sections:
        kept = [(row, each or _name_above(grid, row)) for row, each in kept]
        at = len(grid.headings)
        grid.headings.append(SECTION)
        grid.rows = [row.extended(at, each or None) for row, each in kept]
    return left_out > 0 or has_sections


def _section_of(row: GridRow) -> str:
    """The name that a row holds alone, at its beginning."""
    filled = row.filled
    if len(filled) != 1 or row.cells[0] is None or not isinstance(filled[0], str):
        return ""
    text = read_line(filled[0], 200)
    bare = _LABEL.sub("", text)
    if _FOOTER.match(text) or not (bare != text or (kind_of(bare).name and len(bare) <= 40)):
        return ""
    return bare


def _name_above(grid: Grid, row: GridRow) -> str:
    """Where later sections are called by names alone, so is the first, above the headings."""
    text = grid.above.get(row.sheet, "")
    return text if kind_of(text).name and not _FOOTER.match(text) else ""


def named_in_title(rows: Sequence[SheetRow]) -> str:
    """Whom the title rows name: "Practitioner: Jo Smith", in one cell or two."""
    named = ""
    for row in rows:
        filled = [read_line(each, 200) for each in row.cells if each is not None]
        for at, text in enumerate(filled):
            bare = _LABEL.sub("", f"{text}:").removesuffix(":")
            if not bare and at + 1 < len(filled):
                bare = filled[at + 1]
            if bare not in {"", text} and kind_of(bare).name:
                named = bare
    return named


def _is_footer(row: GridRow, width: int) -> bool:
    filled = row.filled
    texts = [read_line(each, 200) for each in filled if isinstance(each, str)]
    if len(filled) <= max(2, width // 2) and any(_FOOTER.match(each) for each in texts):
        return True
    return len(filled) == 1 and bool(texts) and not _may_be_id(row, texts[0])


def _may_be_id(row: GridRow, text: str) -> bool:
    """A row that holds its id alone lost everything else; it is no footer."""
    first = row.cells[0]
    return first is not None and any(map(str.isdigit, text)) and " " not in text


def _starts(cell: Cell) -> bool:
    if cell is None:
        return False
    if not isinstance(cell, str):
        return True
    return kind_of(cell).stamp is not None
