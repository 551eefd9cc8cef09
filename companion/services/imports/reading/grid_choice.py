"""Which rows and sheets of a workbook are the table: as answered, else as found and then asked."""

from __future__ import annotations

from companion.domain.errors import BadInput
from companion.services.imports.cells import read_line
from companion.services.imports.mappings import headings_of_mapping
from companion.services.imports.questions import AnswerChoice, Question
from companion.services.imports.reading.asking import AskedQuestions, plain_choices
from companion.services.imports.reading.grid import Grid
from companion.services.imports.reading.printed_lists import complete_rows
from companion.services.imports.reading.results import Setting
from companion.services.imports.reading.sheets import grid_of
from companion.services.workbooks import Workbook


def choose_grid(workbook: Workbook, setting: Setting, asking: AskedQuestions) -> Grid | None:
    expected = headings_of_mapping(setting.mapping) if setting.mapping else frozenset[str]()
    row = asking.answer("header_row")
    wanted = int(row) if row and row.isdecimal() else None
    said = _commas(asking.answer("sheets") or "")
    only = [each.name for each in workbook.sheets if said and _names(said, each.name)]
    if said and not only:
        raise BadInput(f"The file has no sheet “{said}”.", "Check its name.", field="sheets")
    grid = grid_of(workbook.sheets, header_row=wanted, only=only, expected=expected)
    if grid is None and (wanted or only):
        raise BadInput(
            "There is no table where the answer says.",
            "Check the names of the sheets and the number of the header row.",
            field="header_row" if wanted else "sheets",
        )
    if grid is not None:
        _ask_where(grid, asking)
        complete_rows(grid)
    return grid


def _names(said: str, sheet: str) -> bool:
    """Is the sheet, whose own name may hold commas, among those of a list?"""
    return f", {_commas(sheet)}, ".casefold() in f", {said}, ".casefold()


def _commas(words: str) -> str:
    return ", ".join(map(str.strip, words.split(",")))


def _ask_where(grid: Grid, asking: AskedQuestions) -> None:
    """Which row and which sheets: read as found, and asked. What is answered was obeyed."""
    if grid.header_rows:
        asking.note(
            Question(
                key="header_row",
                about="the names of the columns",
                text="Which row of the file holds the names of the columns?",
                choices=tuple(
                    AnswerChoice(value=str(number), label=f"Row {number}: {read_line(words, 60)}")
                    for number, words in grid.header_rows.items()
                ),
                guess=str(next(iter(grid.header_rows))),
                count=len(grid.rows),
            )
        )
    if grid.rival_sheets:
        read = ", ".join(each.name for each in grid.sheets if each.used)
        asking.note(
            Question(
                key="sheets",
                about="the sheets of the file",
                text="More than one sheet looks like appointments, under different headings. "
                "Which one shall be read?",
                choices=plain_choices(read, *grid.rival_sheets),
                guess=read,
                count=len(grid.rows),
            )
        )
