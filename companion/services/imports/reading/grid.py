"""Grid: the rows of all sheets with a table, under one set of headings."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from companion.services.workbooks import Cell

SECTION = "Section"
SHEET = "Sheet"
"""Headings of the columns added for the names of sections and sheets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRow:
    number: int
    cells: tuple[Cell, ...]
    sheet: str
    section: str = ""
    """The name that the rows above it give it."""
    day: Cell = None
    """The day that the row above the headings gives it."""

    def cell(self, at: int) -> Cell:
        return self.cells[at] if at < len(self.cells) else None

    @property
    def filled(self) -> list[Cell]:
        """Its own cells, without the name of its sheet."""
        return [each for each in self.cells if each is not None and each != self.sheet]

    def changed(self, at: int, value: Cell) -> GridRow:
        cells = [*self.cells, *[None] * (at + 1 - len(self.cells))]
        cells[at] = value
        return replace(self, cells=tuple(cells))

    def extended(self, at: int, value: Cell) -> GridRow:
        """With one cell more, before those that stand there and behind."""
        cells = (*self.cells[:at], *[None] * (at - len(self.cells)), value, *self.cells[at:])
        return replace(self, cells=cells)


@dataclass(slots=True, kw_only=True)
class SheetUse:
    """What became of one sheet, for the report."""

    name: str
    header_row: int
    """0 where there is none."""
    rows: int
    used: bool


@dataclass(slots=True, kw_only=True)
class Grid:
    headings: list[str]
    rows: list[GridRow]
    sheets: list[SheetUse] = field(default_factory=list)
    damaged: list[tuple[int, str]] = field(default_factory=list)
    footers: int = 0
    """Rows left out as totals, repeated headings and the like."""
    header_rows: dict[int, str] = field(default_factory=dict)
    """Rows that may be the header, best first, with their words, where no heading of any of them
    is known; empty where there is no doubt."""
    notes: list[str] = field(default_factory=list)
    """Plain sentences about how the rows were read that a person should see."""
    above: dict[str, str] = field(default_factory=dict)
    """By sheet: what the row right above the headings holds, if it is one text alone."""
    rival_sheets: list[str] = field(default_factory=list)
    """Sheets whose rows look like appointments too, under other headings; not read."""
