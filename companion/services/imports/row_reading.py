"""RowReader: one row of an export as drafts, or the reason why not.

- A cell that names several practitioners gives a draft for each of them.
- Created, updated and reminder help, but never cost a row: what cannot be read there is left out.
- A reason begins with the header of the column it is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    AppointmentStatus,
    ShowAs,
    check_times,
)
from companion.domain.errors import BadInput
from companion.domain.plain_text import safe_link
from companion.services.imports.cells import CellError, folded, read_line, read_notes, read_yes_no
from companion.services.imports.drafts import Draft, Rejection
from companion.services.imports.layouts import Layout
from companion.services.imports.reading.asking import CANCELLED
from companion.services.imports.reading.grid import SHEET
from companion.services.imports.reading.names import client_name
from companion.services.imports.reading.statuses import takes_away
from companion.services.imports.row_cells import RowCells
from companion.services.imports.row_times import RowTimes
from companion.services.reminders import read_reminder
from companion.services.settings.checks import text


class RowReader:
    """Reads the row it took last."""

    def __init__(self, layout: Layout, headings: Sequence[str], *, has_ids: bool) -> None:
        self._layout = layout
        self._has_ids = has_ids
        self._cells = RowCells(layout.columns, len(headings))
        self._times = RowTimes(layout, self._cells)
        self._sheet_at = headings.index(SHEET) if SHEET in headings else -1
        self._row = 0

    def take(self, row: int, cells: Sequence[object]) -> None:
        self._row = row
        self._cells.take(cells)

    def read(self) -> tuple[Draft, ...]:
        """One for each practitioner. Raises CellError or BadInput."""
        cells, layout = self._cells, self._layout
        source_id = read_line(cells.needed("id")) if self._has_ids else ""
        names = self._practitioners()
        all_day = self._yes_no("all_day", layout.words.all_day)
        start, end, zone = self._times.days() if all_day else self._times.times()
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
            show_as=self._show_as(),
            title=cells.line("title"),
            appointment_type=self._type(kind),
            client_id=client[0],
            client_first_name=client[1],
            client_last_name=client[2],
            location=cells.line("location") or layout.fallbacks.location,
            visit_address=cells.line("visit_address"),
            telehealth_link=safe_link(cells.line("telehealth_link")),
            notes=self._notes(),
            reminder_minutes=self._reminder(),
            recurring=self._recurring(kind),
            source_id=source_id,
            created_by=cells.line("created_by"),
        )
        cells.problem_at = ""
        draft = Draft(
            row=self._row,
            name=names[0],
            appointment=appointment,
            created=self._times.moment("created"),
            updated=self._times.moment("updated"),
        )
        return (draft, *(replace(draft, name=each) for each in names[1:]))

    def rejection(self, error: CellError | BadInput, *, slipped: bool) -> Rejection:
        """The reason, and what else can be said of the row."""
        reason = error.what if isinstance(error, BadInput) else str(error)
        at = self._cells.problem_at
        named = error.field if isinstance(error, BadInput) else at
        title = self._layout.titles.get(named, self._layout.titles.get(at, ""))
        # The column's name comes first; a sentence of the domain's own has its stop already.
        reason = f"{title}: {reason}".removeprefix(": ").removesuffix(".") + "."
        if self._sheet_at >= 0:
            reason = f"Sheet “{read_line(self._cells.at(self._sheet_at), 40)}”: {reason}"
        source_id = self._cells.line("id") if self._has_ids else ""
        day = self._times.day()
        return Rejection(
            row=self._row,
            reason=reason,
            source_id=source_id,
            id_is_sure=bool(source_id) and not slipped,
            name=next(iter(self._names()), ""),
            day=day,
            unread=slipped and not (source_id or day),
        )

    # who

    def _practitioners(self) -> tuple[str, ...]:
        names = self._names()
        if not names:
            self._cells.needed("practitioner")
        return names or ("",)

    def _names(self) -> tuple[str, ...]:
        parts = ("practitioner_first_name", "practitioner_last_name")
        cell = self._cells["practitioner"]
        if cell is None and parts[1] in self._layout.columns:
            cell = " ".join(filter(None, map(self._cells.line, parts)))
        name = person_name(cell) or self._layout.fallbacks.practitioner
        if not name:
            return ()
        return tuple(self._layout.several.get(name, (name,)))

    def _client(self) -> tuple[str, str, str]:
        """Id, first and last name; 0 is how a database says that there is no client."""
        line = self._cells.line
        client_id = line("client_id")
        first, last = line("client_first_name"), line("client_last_name")
        if not last:
            whole = line("client_name")
            if whole:
                first, last = client_name(whole)
        return "" if client_id == "0" else client_id, first, last

    # what it is

    def _yes_no(self, name: str, words: frozenset[str] | None) -> bool:
        self._cells.problem_at = name
        return read_yes_no(self._cells[name], words)

    def _kind(self, *, has_client: bool) -> AppointmentKind:
        self._cells.problem_at = "kind"
        value = folded(self._cells["kind"])
        if value:
            kind = self._layout.words.kinds.get(value) or self._layout.fallbacks.kind
            if kind is None:
                raise CellError("the text there is none of client, casual, meeting")
            return kind
        inferred = AppointmentKind.CLIENT if has_client else AppointmentKind.CASUAL
        return self._layout.fallbacks.kind or inferred

    def _status(self) -> AppointmentStatus:
        layout, cells = self._layout, self._cells
        words = layout.words.cancelled
        for place in layout.cancelling:
            cell = cells.at(place)
            if cell is not None and (takes_away(cell) if words is None else folded(cell) in words):
                return AppointmentStatus.CANCELLED
        for place in layout.status_columns:
            if layout.statuses.get(folded(cells.at(place))) == CANCELLED:
                return AppointmentStatus.CANCELLED
        return AppointmentStatus.BOOKED

    def _show_as(self) -> ShowAs:
        words = self._layout.words.show_as
        found = words.get(folded(self._cells["show_as"])) or words.get(
            folded(self._cells["status"])
        )
        return found or ShowAs.BUSY

    def _recurring(self, kind: AppointmentKind) -> bool:
        recurring = self._yes_no("recurring", self._layout.words.recurring)
        return recurring and kind is AppointmentKind.MEETING

    def _type(self, kind: AppointmentKind) -> str:
        own, other = ("meeting_type", "type"), ("type", "meeting_type")
        order = own if kind is AppointmentKind.MEETING else other
        return self._cells.line(order[0]) or self._cells.line(order[1])

    def _notes(self) -> str:
        reason, notes = self._cells.line("reason"), read_notes(self._cells["notes"])
        return f"{reason}\n{notes}".strip() if reason else notes

    def _reminder(self) -> int | None:
        try:
            return read_reminder(read_line(self._cells["reminder"], 40))
        except ValueError:
            return None


@lru_cache(maxsize=4_096)
def person_name(cell: object) -> str:
    """A practitioner's name exactly as the settings would keep it."""
    return text(read_line(cell, 200), "practitioner")
