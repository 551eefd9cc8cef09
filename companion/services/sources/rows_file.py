"""RowsFile: appointments as rows of a private text file, for a source that gives no file itself."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime, time
from pathlib import Path
from types import TracebackType


class RowsFile(AbstractContextManager["RowsFile"]):
    """Written row by row. The headings are those of a layout (`services/imports/layouts`), so that
    no question about columns comes up."""

    def __init__(self, folder: Path, headings: Sequence[str]) -> None:
        """Raises OSError."""
        self.path = folder / "rows.csv"
        self.count = 0
        self._headings = tuple(headings)
        private = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(private, "w", encoding="utf-8", newline="")
        self._rows = csv.writer(self._file)
        self._rows.writerow(self._headings)

    def add(self, row: Mapping[str, object]) -> None:
        """By heading; one that is missing stays empty. Raises KeyError for an unknown heading."""
        if unknown := row.keys() - set(self._headings):
            raise KeyError(min(unknown))
        self._rows.writerow([_text(row.get(each)) for each in self._headings])
        self.count += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()


def _text(value: object) -> str:
    """A moment with a zone keeps its offset; 0 is a value, None is none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value).replace("\0", "")
