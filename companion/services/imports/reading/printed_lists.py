"""Printed lists: what a person's eye completes in a report, put into the rows that it belongs to.

- A row that holds nothing but a day is the day of the rows below it.
- A day printed once, in the first of its rows only, is that of the rows below as well. A file that
  repeats a day anywhere does not print like that: there an empty cell has lost its date.
- AM and PM in a column of their own belong to the time on their left.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time
from itertools import pairwise

from companion.services.imports.cells import CellError, read_line
from companion.services.imports.moments import EXCEL_EPOCH, DateOrder, read_date
from companion.services.imports.reading.grid import Grid, GridRow
from companion.services.imports.reading.headings import LIKELY, read_heading
from companion.services.imports.reading.kinds import kind_of
from companion.services.workbooks import Cell, SheetRow

_HALVES = {"am": "am", "a.m.": "am", "a": "am", "pm": "pm", "p.m.": "pm", "p": "pm"}
_PRINTED_ONCE = "Rows without a date were read as being of the date printed above them."
_DAY_IN_TITLE = re.compile(
    r"(?<!\d)(?:\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}|\d{4}-\d{2}-\d{2}"
    r"|\d{1,2}(?:st|nd|rd|th)? [^\W\d_]{3,9},? \d{4}|[^\W\d_]{3,9} \d{1,2}(?:st|nd|rd|th)?, \d{4})"
    r"(?![\d/])"
)
_PRINTING = re.compile(r"print|generat|export|produc|creat|run on|report date|as at", re.IGNORECASE)
_PERIOD = re.compile(r"\d\s*(?:-|–|—|\bto\b|\buntil\b)\s*(?:\d|[^\W\d_])|week|month", re.IGNORECASE)
_LOOK_AT = 200
"""Rows that tell what a column holds."""


def complete_rows(grid: Grid) -> None:
    _join_halves(grid)
    _take_day_lines(grid)
    _repeat_days(grid)


# ── days ──────────────────────────────────────────────────────────────────────────────────────


def _take_day_lines(grid: Grid) -> None:
    lines = {id(row): day for row in grid.rows if (day := lone_day(row.filled)) is not None}
    rest = [row for row in grid.rows if id(row) not in lines]
    if not rest or not (lines or any(row.day is not None for row in rest)):
        return
    looked_at = rest[:_LOOK_AT]
    for at in range(len(grid.headings)):
        if sum(_is_day(row.cell(at)) for row in looked_at) * 2 >= len(looked_at):
            return  # each row says its own
    day, sheet, at = None, None, len(grid.headings)
    rows = []
    for row in grid.rows:
        if row.sheet != sheet:
            day, sheet = row.day, row.sheet
        if id(row) in lines:
            day = lines[id(row)]
        else:
            # A line that holds one text alone is a section, or a total.
            rows.append(row.extended(at, day if len(row.filled) > 1 else None))
    if not lines:
        grid.notes.append("The rows were read as being of the date above the table.")
    grid.headings.append("Date")
    grid.footers += len(lines)
    grid.rows = rows


def lone_day(cells: Sequence[Cell]) -> Cell:
    """The day that a row holds and nothing else."""
    filled = [each for each in cells if each is not None]
    return filled[0] if len(filled) == 1 and _is_day(filled[0]) else None


def day_of_title(rows: Sequence[SheetRow]) -> Cell:
    """The one day that titles name ("Schedule for Monday 14 December 2026"); not that of printing,
    and none where they name a period."""
    named: list[str] = []
    for row in rows:
        texts = [read_line(each, 200) for each in row.cells if isinstance(each, str)]
        if any(map(_PERIOD.search, texts)):
            return None
        if not any(map(_PRINTING.search, texts)):
            named += [found for text in texts for found in _DAY_IN_TITLE.findall(text)]
    days = {kind_of(each).stamp for each in named}
    return named[0] if len(days) == 1 and None not in days else None


def _is_day(cell: Cell) -> bool:
    """A day without a time of day."""
    if isinstance(cell, datetime):
        return cell.time() == time()
    if isinstance(cell, date):
        return True
    stamp = kind_of(cell).stamp if isinstance(cell, str) else None
    if stamp is None or stamp.until_day is not None:
        return False
    return stamp.day is not None and not stamp.clock


def _repeat_days(grid: Grid) -> None:
    for at, heading in enumerate(grid.headings):
        meanings = read_heading(heading).meanings
        if max(meanings.get("date", 0.0), meanings.get("start", 0.0)) >= LIKELY:
            _repeat(grid, at)


def _repeat(grid: Grid, at: int) -> None:
    full = [row for row in grid.rows if len(row.filled) * 2 > len(grid.headings) - 1]
    if not full or len({row.sheet for row in full}) > 1:
        return
    days = [row.cell(at) for row in full]
    printed = [each for each in days if each is not None]
    blank = len(days) - len(printed)
    if days[0] is None or blank < 2 or blank * 5 < len(days):
        return
    if len(set(printed)) < len(printed) or not any(_ascend(printed, each) for each in DateOrder):
        return
    above: Cell = None
    whole = {id(row) for row in full}
    rows = []
    for row in grid.rows:
        found = row.cell(at)
        above = found if found is not None else above
        rows.append(row if found is not None or id(row) not in whole else row.changed(at, above))
    grid.rows = rows
    grid.notes.append(_PRINTED_ONCE)


def _ascend(cells: Sequence[Cell], order: DateOrder) -> bool:
    try:
        days = [read_date(each, order, EXCEL_EPOCH) for each in cells]
    except CellError:
        return False
    return all(one < next_one for one, next_one in pairwise(days))


# ── halves of the day ─────────────────────────────────────────────────────────────────────────


def _join_halves(grid: Grid) -> None:
    looked_at = grid.rows[:_LOOK_AT]
    for at in range(1, len(grid.headings)):
        filled = [each for row in looked_at if (each := row.cell(at)) is not None]
        if not filled or len(filled) * 2 < len(looked_at) or not all(map(_half, filled)):
            continue
        timed = [_clock(row.cell(at - 1)) for row in looked_at]
        if sum(map(bool, timed)) * 2 < len(looked_at):
            continue
        grid.headings[at] = ""
        grid.rows = [_joined(row, at) for row in grid.rows]


def _half(cell: Cell) -> str:
    return _HALVES.get(read_line(cell).casefold(), "") if isinstance(cell, str) else ""


def _clock(cell: Cell) -> str:
    """A time of day that says nothing of its half, as text."""
    if isinstance(cell, time):
        return f"{cell:%H:%M:%S}" if cell.hour <= 12 else ""
    if not isinstance(cell, str):
        return ""
    stamp = kind_of(cell).stamp
    plain = read_line(cell)
    return plain if stamp and stamp.clock is not None and not plain[-1].isalpha() else ""


def _joined(row: GridRow, at: int) -> GridRow:
    half, clock = _half(row.cell(at)), _clock(row.cell(at - 1))
    if not half or not clock:
        return row
    return row.changed(at - 1, f"{clock} {half}").changed(at, None)
