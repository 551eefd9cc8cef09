"""RowReader: one row of an export as a draft, or the reason why not.

- An all-day row's end is its last day, inclusive; where only a time of day stands in the end
  column, it is on the day of the start; where the end is missing, the length counts.
- Created, updated and reminder help, but never cost a row: what cannot be read there is left out.
- A reason begins with the header of the column it is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    AppointmentStatus,
    ShowAs,
    check_times,
)
from companion.domain.errors import BadInput
from companion.services.imports.cells import (
    CellError,
    folded,
    is_blank,
    read_line,
    read_notes,
    read_yes_no,
)
from companion.services.imports.drafts import Draft, Rejection
from companion.services.imports.layouts import CANCELLED_WORDS, Layout
from companion.services.imports.moments import (
    has_seconds_form,
    is_time_alone,
    read_date,
    read_length,
    read_moment,
    read_time,
)
from companion.services.settings.checks import text

_DAY = timedelta(days=1)
_EMPTY = "the cell is empty"


class RowReader:
    """Reads the row it took last; `problem_at` is the field under way, for a rejection."""

    def __init__(self, layout: Layout, width: int, *, has_ids: bool) -> None:
        self._layout = layout
        self._columns = layout.columns
        self._width = width
        self._has_ids = has_ids
        self._cancelling = CANCELLED_WORDS | (layout.words.cancelled or frozenset())
        self._row = 0
        self._cells: Sequence[object] = (None,)
        self.problem_at = ""

    def take(self, row: int, cells: Sequence[object]) -> None:
        """The cells are followed by at least one None, which every field without a column is."""
        self._row = row
        self._cells = (*cells, *[None] * max(1, self._width + 1 - len(cells)))
        self.problem_at = ""

    def _cell(self, name: str) -> object:
        return self._cells[self._columns.get(name, -1)]

    def _line(self, name: str) -> str:
        return read_line(self._cell(name))

    def read(self) -> Draft:
        """Raises CellError or BadInput."""
        source_id = self._source_id()
        name = self._practitioner()
        all_day = self._yes_no("all_day", self._layout.words.all_day)
        start, end, zone = self._days() if all_day else self._times()
        check_times(start, end, all_day=all_day)
        client = self._client()
        kind = self._kind(has_client=any(client))
        appointment = Appointment(
            id="",
            practitioner_id="",
            kind=kind,
            start=start,
            end=end,
            timezone=zone,
            all_day=all_day,
            status=self._status(),
            show_as=self._layout.words.show_as.get(folded(self._cell("status")), ShowAs.BUSY),
            title=self._line("title"),
            appointment_type=self._type(kind),
            client_id=client[0],
            client_first_name=client[1],
            client_last_name=client[2],
            location=self._line("location") or self._layout.fallbacks.location,
            notes=self._notes(),
            reminder_minutes=self._reminder(),
            recurring=self._recurring(kind),
            source_id=source_id,
            created_by=self._line("created_by"),
        )
        self.problem_at = ""
        return Draft(
            row=self._row,
            name=name,
            appointment=appointment,
            created=self._stamp("created"),
            updated=self._stamp("updated"),
        )

    def rejection(self, error: CellError | BadInput, *, slipped: bool) -> Rejection:
        """The reason, and what else can be said of the row."""
        reason = error.what if isinstance(error, BadInput) else str(error)
        named = error.field if isinstance(error, BadInput) else self.problem_at
        title = self._layout.titles.get(named, self._layout.titles.get(self.problem_at, ""))
        moment_cell = self._cell("start") if "start" in self._columns else self._cell("date")
        try:
            day = read_date(moment_cell, self._layout.date_order)
        except CellError:
            day = None
        # The column's name comes first; a sentence of the domain's own has its stop already.
        source_id = read_line(self._cell("id")) if self._has_ids else ""
        return Rejection(
            row=self._row,
            reason=f"{title}: {reason}".removeprefix(": ").removesuffix(".") + ".",
            source_id=source_id,
            id_is_sure=bool(source_id) and not slipped,
            name=person_name(self._cell("practitioner")) or self._layout.fallbacks.practitioner,
            day=day,
            unread=slipped and not (source_id or day),
        )

    def _needed(self, name: str) -> object:
        self.problem_at = name
        cell = self._cell(name)
        if is_blank(cell):
            raise CellError(_EMPTY)
        return cell

    def _source_id(self) -> str:
        return read_line(self._needed("id")) if self._has_ids else ""

    def _practitioner(self) -> str:
        name = person_name(self._cell("practitioner")) or self._layout.fallbacks.practitioner
        if not name:
            self._needed("practitioner")
        return name

    def _yes_no(self, name: str, words: frozenset[str] | None) -> bool:
        self.problem_at = name
        return read_yes_no(self._cell(name), words)

    # times

    def _days(self) -> tuple[datetime, datetime, str]:
        """Midnights; the end exclusive."""
        order = self._layout.date_order
        first = read_date(self._needed("start" if "start" in self._columns else "date"), order)
        last = first
        if not is_blank(self._cell("end")):
            last = read_date(self._needed("end"), order)
        if last < first:
            raise CellError("the last day comes before the first")
        if last == date.max:
            raise CellError("the year is not a plausible one")
        return _midnight(first), _midnight(last + _DAY), ""

    def _times(self) -> tuple[datetime, datetime, str]:
        """Wall times, and their zone as for `Draft`."""
        start = self._start()
        end = self._end(start)
        if start.tzinfo is None and end.tzinfo is None:
            zone = self._layout.timezone
        elif start.tzinfo is None or end.tzinfo is None:
            raise CellError("only one of start and end names its time zone")
        else:
            start, end, zone = _plain_utc(start), _plain_utc(end), "UTC"
        if end <= start:
            raise CellError("the end does not come after the start")
        return start, end, zone

    def _start(self) -> datetime:
        if "start" in self._columns:
            return self._moment("start")
        day = read_date(self._needed("date"), self._layout.date_order)
        return datetime.combine(day, read_time(self._needed("time")))

    def _end(self, start: datetime) -> datetime:
        if not is_blank(self._cell("end")):
            cell = self._needed("end")
            return (
                _on_day_of(start, read_time(cell)) if is_time_alone(cell) else self._moment("end")
            )
        if not is_blank(self._cell("end_time")):
            return _on_day_of(start, read_time(self._needed("end_time")))
        fallback = self._layout.fallbacks.length
        if fallback is not None and is_blank(self._cell("length")):
            return start + fallback
        cell = self._needed("length" if "length" in self._columns else "end")
        return start + read_length(cell, seconds=has_seconds_form(self._cell("time")))

    def _moment(self, name: str) -> datetime:
        cell = self._needed(name)
        moment = read_moment(cell, self._layout.date_order)
        if isinstance(moment, datetime):
            return moment
        if isinstance(cell, str):
            raise CellError(f"“{read_line(cell, 40)}” has no time of day")
        return _midnight(moment)  # a spreadsheet's midnight has lost its time of day

    def _stamp(self, name: str) -> datetime | None:
        cell = self._cell(name)
        if cell is None or cell == "":
            return None
        try:
            moment = read_moment(cell, self._layout.date_order)
        except CellError:
            return None
        return moment if isinstance(moment, datetime) else _midnight(moment)

    # what it is

    def _client(self) -> tuple[str, str, str]:
        """Id, first and last name; 0 is how a database says that there is no client."""
        client_id = self._line("client_id")
        first, last = self._line("client_first_name"), self._line("client_last_name")
        if not (first or last):
            first, last = split_name(self._line("client_name"))
        return "" if client_id == "0" else client_id, first, last

    def _kind(self, *, has_client: bool) -> AppointmentKind:
        self.problem_at = "kind"
        value = folded(self._cell("kind"))
        if value:
            kind = self._layout.words.kinds.get(value) or self._layout.fallbacks.kind
            if kind is None:
                shown = read_line(self._cell("kind"), 20)
                raise CellError(f"“{shown}” is none of client, casual, meeting")
            return kind
        inferred = AppointmentKind.CLIENT if has_client else AppointmentKind.CASUAL
        return self._layout.fallbacks.kind or inferred

    def _status(self) -> AppointmentStatus:
        cancelled = self._yes_no("cancelled", self._layout.words.cancelled)
        if cancelled or folded(self._cell("status")) in self._cancelling:
            return AppointmentStatus.CANCELLED
        return AppointmentStatus.BOOKED

    def _recurring(self, kind: AppointmentKind) -> bool:
        recurring = self._yes_no("recurring", self._layout.words.recurring)
        return recurring and kind is AppointmentKind.MEETING

    def _type(self, kind: AppointmentKind) -> str:
        own, other = ("meeting_type", "type"), ("type", "meeting_type")
        order = own if kind is AppointmentKind.MEETING else other
        return self._line(order[0]) or self._line(order[1])

    def _notes(self) -> str:
        reason, notes = self._line("reason"), read_notes(self._cell("notes"))
        return f"{reason}\n{notes}".strip() if reason else notes

    def _reminder(self) -> int | None:
        cell = self._cell("reminder")
        if cell is None:
            return None
        try:
            length = read_length(cell)
        except CellError:
            return None
        minutes = round(length / timedelta(minutes=1))
        return minutes if minutes <= 40_320 else None  # four weeks: as much as Google takes


@lru_cache(maxsize=4_096)
def person_name(cell: object) -> str:
    """A practitioner's name exactly as the settings would keep it."""
    return text(read_line(cell, 200), "practitioner")


def split_name(name: str) -> tuple[str, str]:
    """First and last name of "Last, First" or "First Last"."""
    if "," in name:
        last, _comma, first = name.partition(",")
        return first.strip(), last.strip()
    first, _space, last = name.rpartition(" ")
    return (first, last) if first else (last, "")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min)


def _on_day_of(start: datetime, clock: time) -> datetime:
    return datetime.combine(start.date(), clock, tzinfo=start.tzinfo)


def _plain_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
