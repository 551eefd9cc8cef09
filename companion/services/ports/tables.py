"""Files read as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A file's rows as read: cells are text, numbers, booleans, dates or None, never formulas."""

    headers: tuple[str, ...]
    rows: Sequence[tuple[int, tuple[object, ...]]]
    """(row number as a person sees it in the file, cells in header order)."""
    kind: Literal["csv", "xlsx"]
    damaged: Sequence[tuple[int, str]] = ()
    """Row number and plain reason of rows that could not be taken apart at all."""


class TableReader(Protocol):
    """Gives way to `workbooks.WorkbookReader` once the import service finds header rows."""

    async def read(self, path: Path) -> Table:
        """Raises FileRefused with the reason: too large, wrong type, a bomb, no header row …"""
        ...
