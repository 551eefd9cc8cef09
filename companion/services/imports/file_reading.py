"""Reading a file's rows: every row that holds anything becomes a draft or a rejection.

A bad row never stops a good one. A second row with the same appointment id is rejected, naming
the first; of two rows that are the same in everything, in a file without ids, likewise. Several
appointments of one natural key are numbered in file order. An id column with nothing in it is no
id column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from companion.domain.errors import BadInput
from companion.services.imports.cells import CellError, is_blank
from companion.services.imports.drafts import Draft, FileContent, Rejection, natural_key
from companion.services.imports.layouts import Layout
from companion.services.imports.row_reading import RowReader
from companion.services.ports import Table


@dataclass(slots=True)
class _TakenIds:
    """What earlier rows have taken."""

    ids: dict[str, int] = field(default_factory=dict)
    natural: dict[str, list[Draft]] = field(default_factory=dict)


def read_drafts(table: Table, layout: Layout) -> FileContent:
    """Every row that holds anything, as a draft or a rejection, in file order."""
    rows = [(row, cells) for row, cells in table.rows if not all(map(is_blank, cells))]
    at = layout.columns.get("id")
    has_ids = at is not None and any(at < len(each) and not is_blank(each[at]) for _, each in rows)
    seen = _TakenIds()
    reader = RowReader(layout, len(table.headers), has_ids=has_ids)
    drafts: list[Draft] = []
    rejections = [Rejection(row=row, reason=reason) for row, reason in table.damaged]
    for row, cells in rows:
        reader.take(row, cells)
        slipped = _slipped(cells, len(table.headers))
        try:
            if slipped:
                raise CellError(slipped)
            drafts.append(_unrepeated(reader.read(), seen, layout, has_ids=has_ids))
        except (CellError, BadInput) as error:
            rejections.append(reader.rejection(error, slipped=bool(slipped)))
    rejections.sort(key=lambda each: each.row)
    return FileContent(drafts=drafts, rejections=rejections, has_ids=has_ids)


def _slipped(cells: Sequence[object], width: int) -> str:
    """The complaint about a row that is longer than the header."""
    if len(cells) <= width or all(map(is_blank, cells[width:])):
        return ""
    return f"The row has {len(cells)} cells, the header {width}: a separator stands inside a cell"


def _unrepeated(draft: Draft, seen: _TakenIds, layout: Layout, *, has_ids: bool) -> Draft:
    if has_ids:
        first = seen.ids.setdefault(draft.appointment.source_id, draft.row)
        if first != draft.row:
            raise CellError(f"{layout.titles['id']}: the same as in row {first}")
        return draft
    alike = seen.natural.setdefault(natural_key(draft, draft.name), [])
    for other in alike:
        if other.appointment == draft.appointment:
            raise CellError(f"The same appointment as in row {other.row}")
    draft = replace(draft, number=len(alike) + 1)
    alike.append(draft)
    return draft
