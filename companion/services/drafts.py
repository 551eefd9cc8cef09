"""Drafts: the rows of an export as appointments whose practitioner is still only a name.

Each row becomes a `Draft`, or a `Rejection` with its row number and a plain reason that begins
with the column's header; a bad row never stops a good one. Decisions:

- a second row with the same appointment id is rejected, naming the first; of two rows that are
  the same in everything, in a file without ids, likewise;
- a file without ids (no such column, or nothing in it) is matched by a natural key: practitioner,
  start, client and type. Several appointments with one key are numbered in file order;
- an all-day row's end is its last day, inclusive; where only a time of day stands in the end
  column, it is on the day of the start; where the end is missing, the length counts;
- created, updated and reminder help, but never cost a row: what cannot be read there is left out;
- a rejection keeps what is known of the row (id, practitioner, day), so that a snapshot removes
  nothing that the row may have meant.

A draft's times are wall time of `timezone` (UTC where the cell named an offset), or of its
practitioner's own zone where that is empty; `settled` makes the final appointment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    AppointmentStatus,
    Practitioner,
    ShowAs,
    appointment_id,
    check_times,
    fold_name,
    instant,
)
from companion.domain.errors import BadInput
from companion.services.cells import (
    CellError,
    folded,
    has_seconds_form,
    is_blank,
    is_time_alone,
    read_date,
    read_length,
    read_line,
    read_moment,
    read_notes,
    read_time,
    read_yes_no,
)
from companion.services.layouts import CANCELLED_WORDS, Layout
from companion.services.ports import Table
from companion.services.setting_checks import text

_DAY = timedelta(days=1)
_EMPTY = "the cell is empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    row: int
    name: str
    """The practitioner, as the file spells it."""
    appointment: Appointment
    """Without practitioner and id; `source_id` empty where the file has no ids."""
    created: datetime | None
    updated: datetime | None
    """As in the cell: aware, or wall time of the same zone as the start."""
    number: int = 1
    """Of several with one natural key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    row: int
    reason: str
    source_id: str = ""
    id_is_sure: bool = False
    """Not where there is none, or where cells have slipped into other columns."""
    name: str = ""
    day: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileContent:
    drafts: Sequence[Draft]
    rejections: Sequence[Rejection]
    has_ids: bool


@dataclass(slots=True)
class _Seen:
    """What earlier rows have taken."""

    ids: dict[str, int] = field(default_factory=dict)
    natural: dict[str, list[Draft]] = field(default_factory=dict)


def read_drafts(table: Table, layout: Layout) -> FileContent:
    """Every row that holds anything, as a draft or a rejection, in file order."""
    rows = [(row, cells) for row, cells in table.rows if not all(map(is_blank, cells))]
    at = layout.columns.get("id")
    has_ids = at is not None and any(at < len(each) and not is_blank(each[at]) for _, each in rows)
    seen = _Seen()
    reader = _RowReader(layout, len(table.headers), has_ids=has_ids)
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


def _unrepeated(draft: Draft, seen: _Seen, layout: Layout, *, has_ids: bool) -> Draft:
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


def natural_key(draft: Draft, name: str) -> str:
    """The source id of an appointment whose file has none, with its practitioner as `name`.

    A digest: it lies in the book's index and must not spell out a client."""
    each = draft.appointment
    parts = (
        fold_name(name),
        each.start.isoformat(),
        each.timezone,
        "day" if each.all_day else "",
        each.client_id or fold_name(each.client_name),
        fold_name(each.appointment_type),
        fold_name(each.title),
        each.kind.value,
        str(draft.number),
    )
    return "key-" + hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:24]


class _RowReader:
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


def settled(draft: Draft, practitioner: Practitioner, source: str, source_id: str) -> Appointment:
    """The appointment for the book, in the practitioner's wall time."""
    each, zone = draft.appointment, practitioner.timezone
    start, end = each.start, each.end
    if each.timezone not in {"", zone} and not each.all_day:
        start = _moved(start, each.timezone, zone)
        end = _moved(end, each.timezone, zone)
        if end <= start:  # both in the hour that the clocks repeat
            end = start + (each.end - each.start)
    stamps = each.timezone or zone
    return replace(
        each,
        id=appointment_id(source, source_id),
        practitioner_id=practitioner.id,
        start=start,
        end=end,
        timezone=zone,
        source=source,
        source_id=source_id,
        created=_aware(draft.created, stamps),
        updated=_aware(draft.updated, stamps),
    )


def _moved(wall: datetime, from_zone: str, to_zone: str) -> datetime:
    return instant(wall, from_zone).astimezone(ZoneInfo(to_zone)).replace(tzinfo=None)


def _aware(moment: datetime | None, zone: str) -> datetime | None:
    if moment is None:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else instant(moment, zone)
