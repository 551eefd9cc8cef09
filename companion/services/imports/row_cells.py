"""RowCells: the cells of one row by field, and the field under way for a complaint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from companion.services.imports.cells import CellError, is_blank, read_line

_EMPTY = "the cell is empty"


class RowCells:
    """Holds the row it took last; `problem_at` is the field asked for last."""

    def __init__(self, columns: Mapping[str, int], width: int) -> None:
        self._columns = columns
        self._width = width
        self._cells: Sequence[object] = (None,)
        self.problem_at = ""

    def take(self, cells: Sequence[object]) -> None:
        """The cells are followed by at least one None, which every field without a column is."""
        self._cells = (*cells, *[None] * max(1, self._width + 1 - len(cells)))
        self.problem_at = ""

    def __getitem__(self, name: str) -> object:
        return self._cells[self._columns.get(name, -1)]

    def at(self, place: int) -> object:
        return self._cells[place]

    def line(self, name: str) -> str:
        place = self._columns.get(name)
        return "" if place is None else read_line(self._cells[place])

    def needed(self, name: str) -> object:
        """Raises CellError where it is empty."""
        self.problem_at = name
        cell = self[name]
        if is_blank(cell):
            raise CellError(_EMPTY)
        return cell
