"""Times of one row: start and end out of the cells that hold them, whatever the layout.

- The end is a moment, a time of day (of the next day where it comes before the start), the second
  half of a range in the start's cell, or start and length.
- A whole day runs from midnight to midnight. Its end is the last day where the layout says so, or
  the day after; where nothing says, a midnight written out is the day after, a day alone the last.
- Where a cell or a heading names an offset or UTC, the moment is kept exactly; a column of time
  zones says whose clock the row's times are of.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from companion.domain.appointments import wall_time
from companion.services.imports.cells import CellError, folded, is_blank, quoted, read_line
from companion.services.imports.clock_times import TimeUnit, counts_seconds, read_clock
from companion.services.imports.layouts import Layout
from companion.services.imports.lengths import read_length
from companion.services.imports.moments import CellMoment, at_clock, epoch_stamp, read_stamp
from companion.services.imports.row_cells import RowCells

_DAY = timedelta(days=1)
_OVERNIGHT = timedelta(hours=14)
"""An end that comes before its start is of the next day only where it then lasts at most this."""
LONGEST = timedelta(hours=24)
"""A longer length is a unit misread; what takes longer has an end."""


class RowTimes:
    def __init__(self, layout: Layout, cells: RowCells) -> None:
        self._layout = layout
        self._cells = cells
        self._columns = layout.columns
        self._start_field = "start" if "start" in layout.columns else "date"

    def day(self) -> date | None:
        """The day of the start, as far as it can be told; for a rejected row."""
        try:
            return self._read(self._cells[self._start_field]).day
        except CellError:
            return None

    # ── whole days ────────────────────────────────────────────────────────────────────────────

    def days(self) -> tuple[datetime, datetime, str]:
        """Midnights; the end exclusive."""
        first_stamp = self._stamp(self._start_field)
        if first_stamp.day is None:
            raise CellError(f"{quoted(self._cells[self._start_field])} is not a date")
        first = first_stamp.day
        last, exclusive = self._last_day(first_stamp.until_day or first)
        if last < first:
            raise CellError("the last day comes before the first")
        if last == date.max:
            raise CellError("the year is not a plausible one")
        end = last if exclusive and last > first else last + _DAY
        return _midnight(first), _midnight(end), ""

    def _last_day(self, said: date) -> tuple[date, bool]:
        """The day in the end's cell, else what the start's says, and whether it is the day after
        the last one."""
        name = next((each for each in ("end", "end_date") if not is_blank(self._cells[each])), "")
        if not name:
            return said, False
        stamp = self._stamp(name)
        if stamp.day is None:
            return said, False
        if self._layout.all_day_end:
            return stamp.day, self._layout.all_day_end == "exclusive"
        if stamp.clock is not None and stamp.clock >= 86_400:
            return stamp.day, False
        written = stamp.clock
        if written is None and not is_blank(self._cells["end_time"]):
            written = read_clock(self._cells["end_time"], self._layout.time_unit)
        return stamp.day, written == 0

    # ── moments ───────────────────────────────────────────────────────────────────────────────

    def times(self) -> tuple[datetime, datetime, str]:
        """Wall times and the IANA zone they are of: "UTC" for exact moments, "" for the
        practitioner's own. Raises CellError."""
        zone = self._zone()
        start, stamp = self._start()
        end = self._end(start, stamp)
        start, end = self._exact("start", start), self._exact("end", end)
        if start.tzinfo is None and end.tzinfo is None:
            zone = zone or self._layout.timezone
        elif start.tzinfo is None or end.tzinfo is None:
            raise CellError("only one of start and end names its time zone")
        else:
            start, end, zone = wall_time(start, "UTC"), wall_time(end, "UTC"), "UTC"
        if end <= start:
            raise CellError("the end does not come after the start")
        return start, end, zone

    def moment(self, name: str) -> datetime | None:
        """A moment that helps and never costs a row: aware, or wall time like the start."""
        cell = self._cells[name]
        if cell is None or cell == "":
            return None
        try:
            stamp = self._read(cell)
        except CellError:
            return None
        if stamp.day is None:
            return None
        found = stamp.start or _midnight(stamp.day)
        return self._exact(name, found)

    def _exact(self, name: str, moment: datetime) -> datetime:
        fields = self._layout.in_utc
        if moment.tzinfo is None and fields and (name in fields or name in {"start", "end"}):
            return moment.replace(tzinfo=UTC)
        return moment

    def _zone(self) -> str:
        if "timezone" not in self._columns or is_blank(self._cells["timezone"]):
            return ""
        word = self._cells["timezone"]
        known = self._layout.zones.get(folded(word))
        if known is None:
            self._cells.needed("timezone")
            raise CellError(f"{quoted(word)} is no time zone that we know")
        return known

    def _stamp(self, name: str) -> CellMoment:
        return self._moment_in(self._cells.needed(name))

    def _read(self, cell: object) -> CellMoment:
        return read_stamp(cell, self._layout.date_order, self._layout.epoch)

    def _moment_in(self, cell: object) -> CellMoment:
        """Also where it counts from 1970."""
        try:
            return self._read(cell)
        except CellError:
            counted = epoch_stamp(cell)
            if counted is None:
                raise
            return counted

    def _start(self) -> tuple[datetime, CellMoment]:
        stamp = self._stamp(self._start_field)
        if stamp.day is None:
            raise CellError(f"{quoted(self._cells[self._start_field])} is not a date and time")
        if "time" in self._columns and not is_blank(self._cells["time"]):
            return self._at_time_of(stamp.day)
        if stamp.clock is not None and ("time" not in self._columns or stamp.clock):
            return at_clock(stamp.day, stamp.clock, stamp.zone), stamp
        if "time" in self._columns:
            self._cells.needed("time")
        cell = self._cells[self._start_field]
        if isinstance(cell, str):
            raise CellError(f"“{read_line(cell, 40)}” has no time of day")
        return _midnight(stamp.day), stamp  # a spreadsheet's midnight has lost its time of day

    def _at_time_of(self, day: date) -> tuple[datetime, CellMoment]:
        cell = self._cells.needed("time")
        unit = self._layout.time_unit
        if isinstance(cell, str) and unit is TimeUnit.CLOCK:
            try:
                stamp = self._read(cell)
            except CellError:
                stamp = CellMoment()
            if stamp.clock is not None:
                return at_clock(day, stamp.clock, stamp.zone), stamp
        clock = read_clock(cell, unit)
        return at_clock(day, clock), CellMoment(day, clock)

    def _end(self, start: datetime, stamp: CellMoment) -> datetime:
        for name in ("end", "end_time"):
            if not is_blank(self._cells[name]):
                return self._written_end(name, start)
        if stamp.until is not None:
            if stamp.until_day is not None:
                return at_clock(stamp.until_day, stamp.until, stamp.zone)
            return _after(start, stamp.until)
        fallback = self._layout.fallbacks.length
        if fallback is not None and is_blank(self._cells["length"]):
            return start + fallback
        cell = self._cells.needed("length" if "length" in self._columns else "end")
        seconds = self._layout.time_unit is TimeUnit.SECONDS or counts_seconds(self._cells["time"])
        length = read_length(cell, unit=self._layout.length_unit, seconds=seconds)
        if length > LONGEST:
            raise CellError(f"{quoted(cell)} would be longer than a day")
        return start + length

    def _written_end(self, name: str, start: datetime) -> datetime:
        cell = self._cells.needed(name)
        if name == "end_time" and self._layout.time_unit is not TimeUnit.CLOCK:
            stamp = CellMoment(clock=read_clock(cell, self._layout.time_unit))
        else:
            try:
                stamp = self._moment_in(cell)
            except CellError:
                if name == "end":
                    raise
                stamp = CellMoment(clock=read_clock(cell))
        day = None if name == "end_time" else stamp.day
        if day is None and not is_blank(self._cells["end_date"]):
            day = self._stamp("end_date").day
        if stamp.clock is None and day is not None and not is_blank(self._cells["end_time"]):
            stamp = CellMoment(
                clock=read_clock(self._cells.needed("end_time"), self._layout.time_unit)
            )
        if stamp.clock is None:
            if isinstance(cell, str):
                raise CellError(f"“{read_line(cell, 40)}” has no time of day")
            stamp = CellMoment(day, 0)
        clock = stamp.clock or 0
        zone = stamp.zone or (start.tzinfo if day is None else None)
        if day is None:
            return _after(start, clock)
        end = at_clock(day, clock, zone)
        if clock == 0 and day == start.date():
            return end + _DAY  # "22:00 to 0:00", with the date of the evening
        return end


def _after(start: datetime, clock: int) -> datetime:
    """The time of day on the start's day, or on the next where it comes before the start."""
    end = at_clock(start.date(), clock, start.tzinfo)
    if end <= start and end + _DAY - start <= _OVERNIGHT:
        return end + _DAY
    return end


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min)
