"""Reading a file's rows: every row that holds anything becomes a draft or a rejection.

A bad row never stops a good one. Rows that share an id are told apart later (see `placing`). An id
column with nothing in it is no id column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from companion.domain.errors import BadInput
from companion.services.imports.cells import CellError, is_blank
from companion.services.imports.drafts import Draft, FileContent, Rejection
from companion.services.imports.layouts import Layout
from companion.services.imports.row_reading import RowReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The rows below a header, repeated headers and footers left out."""

    headers: tuple[str, ...]
    rows: Sequence[tuple[int, tuple[object, ...]]]
    """(row number as a person sees it in the file, cells in header order)."""
    damaged: Sequence[tuple[int, str]] = ()
    """Row number and plain reason of rows that could not be taken apart at all."""


def read_drafts(table: Table, layout: Layout) -> FileContent:
    """Every row that holds anything, as a draft or a rejection, in file order."""
    rows = [(row, cells) for row, cells in table.rows if not all(map(is_blank, cells))]
    at = layout.columns.get("id")
    has_ids = at is not None and any(at < len(each) and not is_blank(each[at]) for _, each in rows)
    reader = RowReader(layout, table.headers, has_ids=has_ids)
    drafts: list[Draft] = []
    rejections = [Rejection(row=row, reason=reason, unread=True) for row, reason in table.damaged]
    for row, cells in rows:
        reader.take(row, cells)
        slipped = _slipped(cells, len(table.headers))
        try:
            if slipped:
                raise CellError(slipped)
            drafts += reader.read()
        except (CellError, BadInput) as error:
            rejections.append(reader.rejection(error, slipped=bool(slipped)))
    rejections.sort(key=lambda each: each.row)
    return FileContent(drafts=drafts, rejections=rejections, has_ids=has_ids)


def _slipped(cells: Sequence[object], width: int) -> str:
    """The complaint about a row that is longer than the header."""
    if len(cells) <= width or all(map(is_blank, cells[width:])):
        return ""
    return f"The row has {len(cells)} cells, the header {width}: a separator stands inside a cell"
