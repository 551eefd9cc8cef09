"""Sheets on their way from the reading process to the program, as JSON lines.

A value is sent once and named by its place from then on, so an export's many equal cells cost a
number each, and the program keeps one object of each. `SheetWriter` is the process's side and
holds the limits of what a file may have; `SheetsReceived` puts the lines together again.

    {"sheet": name, "hidden": …, "merged": [[first row, last row, first column, last column] …]}
    {"values": […], "kinds": {kind: [places in values]}, "rows": [[number, place, place …] …]}
    {"damaged": [row, reason]}   {"note": sentence}   {"share": 0.4}
    {"done": kind, "epoch": date}   or   {"refused": reason}
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import IO, Any

from companion.adapters.tabular.decoding import without_mojibake
from companion.adapters.tabular.refusals import (
    CELL_LIMIT,
    CHARACTER_LIMIT,
    COLUMN_LIMIT,
    REFUSALS,
    ROW_LIMIT,
    RefusedFile,
)
from companion.services.workbooks import EXCEL_EPOCH, MergedRange, Sheet, SheetRow, Workbook

_SHEET_LIMIT = 1_000
_WIDEST = 16_384
"""Excel's own number of columns; longer rows are not even looked at."""
_BATCH = 10_000
"""Cells, or distinct values, in one line: a millisecond's work for the program."""
_BATCH_CHARACTERS = 1_000_000
_NOTES = 100
_EXACT = 2**53
"""From here on a float may have lost digits."""
_DAY_ZERO, _DAY_ZERO_1904 = datetime(1899, 12, 31), datetime(1904, 1, 1)  # noqa: DTZ001 - wall time
_FEW_DAYS = timedelta(days=59)


class SheetWriter:
    """`out` takes text; its lines are ASCII."""

    def __init__(self, out: IO[str], *, epoch: date | None = None) -> None:
        self.epoch = epoch
        """Of the workbook; None: 1900, or the kind has none."""
        self._out = out
        self._known: dict[object, int] = {}
        self._count = 0
        self._sheets = self._rows_seen = self._cells = self._notes = 0
        self._values: list[object] = []
        self._kinds: dict[str, list[int]] = {}
        self._rows: list[list[int]] = []
        self._weight = self._characters = 0
        self._place(None, None)

    def sheet(
        self, name: str, *, hidden: bool = False, merged: Iterable[Sequence[int]] = ()
    ) -> None:
        """The rows that follow belong to it."""
        self._sheets += 1
        if self._sheets > _SHEET_LIMIT:
            raise RefusedFile("too many sheets")
        self._flush()
        self._say({"sheet": name[:200], "hidden": hidden, "merged": sorted(map(list, merged))})

    def row(self, number: int, cells: Sequence[object]) -> None:
        """One that holds nothing is counted only."""
        self._rows_seen += 1
        if self._rows_seen > ROW_LIMIT:
            raise RefusedFile("too many rows")
        if len(cells) > _WIDEST:
            raise RefusedFile("too many columns")
        known = self._known
        keys = [(bool, each) if each.__class__ is bool else each for each in cells]
        places = [known.get(key, -1) for key in keys]
        for at, place in enumerate(places) if -1 in places else ():
            if place < 0:  # it may stand twice in this row
                key = keys[at]
                places[at] = known[key] if key in known else self._place(key, cells[at])
        while places and not places[-1]:
            places.pop()
        width = len(places)
        if not width:
            return
        if width > COLUMN_LIMIT:
            raise RefusedFile("too many columns")
        self._cells += width
        if self._cells > CELL_LIMIT:
            raise RefusedFile("too many rows")
        places.insert(0, number)
        self._rows.append(places)
        self._weight += width
        if self._weight > _BATCH or self._characters > _BATCH_CHARACTERS:
            self._flush()

    def damaged(self, number: int, reason: str) -> None:
        self._say({"damaged": [number, reason]})

    def note(self, sentence: str) -> None:
        self._notes += 1
        if self._notes <= _NOTES:
            self._say({"note": sentence})

    def progress(self, share: float) -> None:
        self._say({"share": round(share, 3)})
        self._out.flush()

    def done(self, kind: str) -> None:
        self._flush()
        self._say({"done": kind, "epoch": self.epoch.isoformat() if self.epoch else None})

    def refuse(self, reason: str) -> None:
        self._say({"refused": reason})

    def _say(self, message: Mapping[str, object]) -> None:
        self._out.write(_encode(message) + "\n")

    def _flush(self) -> None:
        if self._values or self._rows:
            self._say({"values": self._values, "kinds": self._kinds, "rows": self._rows})
        self._values, self._kinds, self._rows = [], {}, []
        self._weight = self._characters = 0
        self._out.flush()

    def _place(self, key: object, cell: object) -> int:
        """Of a value not met yet."""
        plain = self._plain(cell)
        if plain is None and self._count:
            self._known[key] = 0
            return 0
        kind = _kind_of(plain)
        if kind:
            self._kinds.setdefault(kind, []).append(len(self._values))
        self._values.append(_MOMENTS[kind][0](plain) if kind else plain)
        place = self._known[key] = self._count
        self._count += 1
        self._weight += 1
        self._characters += len(plain) if isinstance(plain, str) else 0
        return place

    def _plain(self, cell: object) -> object:
        """As `workbooks.Cell` says."""
        if isinstance(cell, str):
            return self._text(cell)
        if isinstance(cell, float):
            return int(cell) if cell.is_integer() and abs(cell) < _EXACT else cell
        if isinstance(cell, datetime):
            moment = _to_the_second(cell)
            since = moment - (_DAY_ZERO_1904 if self.epoch else _DAY_ZERO)
            # A length of "30:15" shown as a time of day is a moment of the workbook's first days.
            is_length = timedelta() < since < _FEW_DAYS and moment.time() != time()
            return since if is_length else moment
        return cell

    def _text(self, cell: str) -> str | None:
        if len(cell) > CHARACTER_LIMIT:
            self.note(f"A cell of more than {CHARACTER_LIMIT:,} characters was cut there.")
            cell = cell[:CHARACTER_LIMIT]
        if cell.isascii():
            return cell if cell and not cell.isspace() else None
        repaired = without_mojibake(cell)
        if repaired != cell:
            self.note("Letters like “Ã©” were read as “é”: the file was once saved wrongly.")
        return None if repaired.isspace() else repaired


def _to_the_second(moment: datetime) -> datetime:
    """Times are kept as fractions of a day, which are never quite exact."""
    rest = timedelta(microseconds=moment.microsecond)
    if rest * 2 >= timedelta(seconds=1) and moment.year < 9999:
        rest -= timedelta(seconds=1)
    return moment - rest


_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
_MOMENTS: dict[str, tuple[Callable[[Any], object], Callable[[Any], object]]] = {
    "datetime": (datetime.isoformat, datetime.fromisoformat),
    "date": (date.isoformat, date.fromisoformat),
    "time": (time.isoformat, time.fromisoformat),
    "timedelta": (timedelta.total_seconds, lambda seconds: timedelta(seconds=seconds)),
}
"""To JSON and back."""


def _kind_of(value: object) -> str:
    name = value.__class__.__name__
    return name if name in _MOMENTS else ""


class SheetsReceived:
    """The program's side: takes line after line and has the sheets in the end."""

    def __init__(self, progress: Callable[[float], None]) -> None:
        self.kind = ""
        """Of the file, once it was read to its end."""
        self.refused = ""
        """The reason why not; "damaged" for an unknown one."""
        self.epoch = EXCEL_EPOCH
        self.notes: list[str] = []
        self._progress = progress
        self._values: list[Any] = []
        self._sheets: list[_SheetReceived] = []

    def take_all(self, lines: Iterable[bytes]) -> None:
        """Up to the last word of the `SheetWriter`; what no writer says means damage."""
        for line in lines:
            try:
                self._take(json.loads(line))
            except (ValueError, KeyError, IndexError, TypeError):
                self.refused = "damaged"  # cut off in the middle of a line
            if self.kind or self.refused:
                return

    def _take(self, message: Mapping[str, Any]) -> None:
        if "rows" in message:
            self._take_rows(message)
        elif "share" in message:
            self._progress(float(message["share"]))
        elif "sheet" in message:
            self._sheets.append(
                _SheetReceived(
                    name=str(message["sheet"]),
                    hidden=bool(message["hidden"]),
                    merged=[MergedRange(*each) for each in message["merged"]],
                )
            )
        elif "damaged" in message:
            number, reason = message["damaged"]
            self._sheets[-1].damaged.append((int(number), str(reason)))
        elif "note" in message:
            self.notes.append(str(message["note"]))
        elif "done" in message:
            self.kind = str(message["done"])
            if message["epoch"]:
                self.epoch = date.fromisoformat(message["epoch"])
        else:
            reason = str(message["refused"])
            self.refused = reason if reason in REFUSALS else "damaged"

    def workbook(self) -> Workbook:
        return Workbook(
            kind=self.kind,
            sheets=tuple(
                Sheet(
                    name=each.name,
                    rows=each.rows,
                    hidden=each.hidden,
                    merged=each.merged,
                    damaged=each.damaged,
                )
                for each in self._sheets
            ),
            epoch=self.epoch,
            notes=tuple(dict.fromkeys(self.notes)),
        )

    def _take_rows(self, message: Mapping[str, Any]) -> None:
        values = message["values"]
        for kind, places in message["kinds"].items():
            restored = _MOMENTS[kind][1]
            for place in places:
                values[place] = restored(values[place])
        self._values.extend(values)
        if message["rows"]:
            value = self._values.__getitem__
            self._sheets[-1].rows.extend(
                [SheetRow(number, tuple(map(value, places))) for number, *places in message["rows"]]
            )


@dataclass(slots=True)
class _SheetReceived:
    name: str
    hidden: bool
    merged: list[MergedRange]
    rows: list[SheetRow] = field(default_factory=list)
    damaged: list[tuple[int, str]] = field(default_factory=list)
