"""Workbook: an export as plain sheets of cells, and the port that reads a file into one.

Every kind of file comes in this one form, nothing interpreted: a text file is a workbook of one
sheet. What the cells mean (headers, dates, people) is found by `services.imports`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple, Protocol

Cell = str | int | float | bool | datetime | date | time | timedelta | None
"""One cell as its file types it. None: empty, never "". Text is raw, not trimmed. A moment has no
zone. Text files (csv, html) give text alone. Workbooks: a whole number below 2**53 is an int,
whatever the file calls it; a larger one stays a float and may have lost digits; a date without a
time of day is a `date`, and so is a midnight; a time of day is a `time`; a length ([h]:mm) is a
`timedelta`; a formula is its last result; an error is the text that a person sees ("#REF!")."""

EXCEL_EPOCH = date(1899, 12, 30)
EPOCH_1904 = date(1904, 1, 1)


class SheetRow(NamedTuple):
    number: int
    """As a person sees it in the file, from 1: the row of the sheet, or the line of the text on
    which the row begins."""
    cells: tuple[Cell, ...]
    """From the first column on; empty cells at the end are left out, so rows differ in length."""


class MergedRange(NamedTuple):
    """Cells shown as one; the first one holds the value, the others are None. Inclusive."""

    first_row: int
    """As `SheetRow.number`."""
    last_row: int
    first_column: int
    """Place in `SheetRow.cells`, from 0."""
    last_column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The rows of one table, in file order, nothing interpreted: titles, header rows, data and
    totals alike. Which row is the header is for the reader of the sheet to find out."""

    name: str
    """Of the sheet in its workbook, or the caption of an HTML table; "" for a text file."""
    rows: Sequence[SheetRow] = ()
    """Without the rows that hold nothing; gaps in the numbers show where those were."""
    hidden: bool = False
    """A hidden sheet is named only: its rows are not read."""
    merged: Sequence[MergedRange] = ()
    """In the order of rows; empty where the kind has none (csv, ods, xlsb)."""
    damaged: Sequence[tuple[int, str]] = ()
    """Row number, and a plain sentence why this row could not be taken apart. Such a row is not
    in `rows`; whatever it meant, it was there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbook:
    """What a file holds, by its content, whatever it is called."""

    kind: str
    """Tables: ``csv`` (any delimited text), ``xlsx`` (and .xlsm), ``xlsb``, ``xls``, ``ods``,
    ``html`` (often called .xls), ``xml`` (Excel 2003), ``ics`` (one row an occurrence), ``json``
    and ``ndjson`` (FHIR resources)."""
    sheets: Sequence[Sheet] = ()
    """In file order. A text file has one; one without any row may be among them."""
    epoch: date = EXCEL_EPOCH
    """The day that a plain number 0 means where a column of numbers turns out to be dates."""
    notes: Sequence[str] = ()
    """Plain sentences about how the file was read that a person should see: an encoding that was
    guessed, zero bytes left out."""


class WorkbookReader(Protocol):
    async def read(
        self, path: Path, *, progress: Callable[[float], None] | None = None
    ) -> Workbook:
        """Reads in a bounded process of its own, at most two at once; the others wait. Cancelling
        the task stops that process. `progress` is called in the event loop with the share read so
        far, from 0 to 1, never falling. Raises FileRefused with the reason and what to do: too
        large, another kind, a password, a bomb, damaged, too slow."""
        ...
