"""TableFiles: the first sheet of a workbook as one table, under the first row that may be a header.

It serves the import service until that reads workbooks itself, and goes then.
"""

from __future__ import annotations

from pathlib import Path

from companion.adapters.tabular.files import WorkbookFiles
from companion.domain.errors import FileRefused
from companion.services.ports import Table
from companion.services.workbooks import Cell, Sheet, WorkbookReader

_OTHER_KINDS = {
    "ics": "This is a calendar file (.ics), not a table.",
    "json": "This is a JSON file.",
    "ndjson": "This is a JSON file.",
}


class TableFiles:
    """A TableReader."""

    def __init__(self, workbooks: WorkbookReader | None = None) -> None:
        self._workbooks = workbooks or WorkbookFiles()

    async def read(self, path: Path) -> Table:
        """Raises FileRefused."""
        workbook = await self._workbooks.read(path)
        if workbook.kind in _OTHER_KINDS:
            raise FileRefused(_OTHER_KINDS[workbook.kind])
        sheet = next(
            (each for each in workbook.sheets if each.rows or each.damaged), Sheet(name="")
        )
        rows = list(sheet.rows)
        at = next((at for at, row in enumerate(rows) if _filled(row.cells) >= 2), 0)
        headers = _headers(rows[at].cells) if rows else ()
        return Table(
            headers=headers,
            rows=[(row.number, row.cells) for row in rows[at + 1 :]],
            kind="csv" if workbook.kind == "csv" else "xlsx",
            damaged=sheet.damaged,
        )


def _filled(cells: tuple[Cell, ...]) -> int:
    return sum(cell is not None for cell in cells)


def _headers(cells: tuple[Cell, ...]) -> tuple[str, ...]:
    return tuple("" if cell is None else str(cell).strip() for cell in cells)
