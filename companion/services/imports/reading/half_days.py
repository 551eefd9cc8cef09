"""Half days: times such as 1:30 in a file that says nowhere whether it counts 12 or 24 hours.

Where no time of the file has AM or PM, a nought in front or an hour after twelve, and some start
between one and half past six beside others in the morning, the practice is asked; the guess is
that nobody comes at night.
"""

from __future__ import annotations

import re
from dataclasses import replace

from companion.services.imports.layouts import Layout
from companion.services.imports.questions import AnswerChoice, Question
from companion.services.imports.reading.asking import AskedQuestions
from companion.services.imports.reading.grid import Grid, GridRow
from companion.services.workbooks import Cell

CLOCK = "clock"
_TIME = re.compile(r"(.*?\s)?(\d{1,2})([:.]\d\d(?::\d\d)?)\s*")
_RANGE = re.compile(r"(\d{1,2})([:.]\d\d)\s*(?:-|–|—|to)\s*(\d{1,2})([:.]\d\d)")
_NIGHT = range(1, 7)
_MORNING = range(7, 13)


def with_half_days(layout: Layout, grid: Grid, asking: AskedQuestions) -> None:
    """Puts PM behind the times of `grid` that are in the afternoon."""
    start = layout.columns.get("time", layout.columns.get("start"))
    ends = {layout.columns[each] for each in ("end_time", "end") if each in layout.columns}
    if start is None:
        return
    early: list[str] = []
    morning = False
    for row in grid.rows:
        for at in (start, *ends):
            cell = row.cell(at)
            if cell is None:
                continue
            hours = _hours(cell)
            if not hours or any(each[0] == "0" or int(each) > 12 for each in hours):
                return
            if at == start:
                morning = morning or int(hours[0]) in _MORNING
                if int(hours[0]) in _NIGHT:
                    early.append(str(cell).strip())
    if not early or not morning:
        return
    chosen = asking.settle(
        Question(
            key=CLOCK,
            about=f"times such as {early[0]}",
            text=f"The times do not say AM or PM. Is {early[0]} in the afternoon?",
            choices=(
                AnswerChoice(value="12", label="Yes, in the afternoon"),
                AnswerChoice(value="24", label="No, at night"),
            ),
            guess="12",
            count=len(early),
            example=early[0],
        )
    )
    if chosen == "12":
        grid.rows = [_in_the_day(row, start, ends) for row in grid.rows]


def _hours(cell: Cell) -> tuple[str, ...]:
    """Of the times in the cell, as written; none where it is no plain time."""
    if not isinstance(cell, str):
        return ()
    both = _RANGE.fullmatch(cell.strip())
    if both:
        return both[1], both[3]
    one = _TIME.fullmatch(cell)
    return (one[2],) if one else ()


def _in_the_day(row: GridRow, start: int, ends: set[int]) -> GridRow:
    cells = list(row.cells)
    began = ""
    for at in (start, *ends):
        cell = cells[at] if at < len(cells) else None
        if not isinstance(cell, str):
            continue
        both, one = _RANGE.fullmatch(cell.strip()), _TIME.fullmatch(cell)
        if both:
            first = _half(both[1], both[2], "")
            last = _half(both[3], both[4], first)
            cells[at] = f"{both[1]}{both[2]} {first[-2:]} - {both[3]}{both[4]} {last[-2:]}"
        elif one:
            found = _half(one[2], one[3], "" if at == start else began)
            began = found if at == start else began
            cells[at] = f"{one[1] or ''}{one[2]}{one[3]} {found[-2:]}"
    return replace(row, cells=tuple(cells))


def _half(hour: str, rest: str, after: str) -> str:
    """Of a time of the day, in 24 hours with its half behind: "13:30 pm". An end (`after` a start
    so written) is the first such time that comes later."""
    early = int(hour) % 12
    morning, evening = f"{early:02}{rest} am", f"{early + 12:02}{rest} pm"
    if after:
        return morning if morning > after else evening
    return evening if int(hour) in _NIGHT or int(hour) == 12 else morning
