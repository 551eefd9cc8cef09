"""MappingForm: a person says what the columns of an unknown export are; the answer is TOML.

Guesses come from the headers, so that most lines are right before anybody looks. What the form
writes is the mapping file of `companion.services.imports.mappings`, no more.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from difflib import get_close_matches

from nicegui import ui

from companion.domain.errors import BadInput
from companion.web.ui.error_reports import report_errors
from companion.web.ui.theme import box, button, text

NONE = ""
FIELD_LABELS: Mapping[str, str] = {
    "practitioner": "Practitioner *",
    "start": "Start (date and time) *",
    "end": "End (date and time)",
    "date": "or: Date",
    "time": "or: Start time",
    "end_time": "or: End time",
    "length": "or: Length in minutes",
    "id": "Appointment number",
    "client_id": "Client number",
    "client_name": "Client, whole name",
    "client_first_name": "Client, first name",
    "client_last_name": "Client, last name",
    "type": "Appointment type",
    "kind": "Client, casual or meeting",
    "title": "Title of a meeting",
    "location": "Location",
    "status": "Status",
    "cancelled": "Cancelled",
    "all_day": "All day",
    "notes": "Notes",
}
_GUESSES: Mapping[str, Sequence[str]] = {
    "practitioner": ("practitioner", "provider", "doctor", "clinician", "staff", "therapist"),
    "start": ("start", "start time", "starts", "begins", "from", "start date time"),
    "end": ("end", "end time", "ends", "finish", "finishes", "to", "until"),
    "date": ("date", "appointment date", "day"),
    "time": ("time", "appointment time"),
    "length": ("length", "duration", "minutes"),
    "id": ("id", "appointment id", "appointment number", "appt no", "booking id", "reference"),
    "client_id": ("client id", "patient id", "client number", "file number"),
    "client_name": ("client", "patient", "client name", "patient name", "name"),
    "client_first_name": ("first name", "given name", "client first name"),
    "client_last_name": ("last name", "surname", "family name", "client last name"),
    "type": ("type", "appointment type", "service", "consultation type"),
    "location": ("location", "room", "clinic", "site", "business"),
    "status": ("status", "state"),
    "cancelled": ("cancelled", "canceled", "cancellation"),
    "all_day": ("all day", "allday"),
    "notes": ("notes", "note", "comment", "comments"),
}
_ORDERS = {
    "dmy": "Day before month: 24/11/2026",
    "mdy": "Month before day: 11/24/2026",
    "ymd": "Year first: 2026-11-24",
}
_KINDS = {
    NONE: "By whether the row names a client",
    "client": "Client appointments",
    "casual": "Casual appointments",
    "meeting": "Meetings",
}


def guess_columns(headers: Sequence[str]) -> dict[str, str]:
    """Field → header, as far as the headers tell; no header is guessed twice."""
    free = {" ".join(header.casefold().replace("_", " ").split()): header for header in headers}
    found: dict[str, str] = {}
    for cutoff in (1.0, 0.85):
        for field, names in _GUESSES.items():
            if field in found:
                continue
            for name in names:
                close = get_close_matches(name, free, n=1, cutoff=cutoff)
                if close:
                    found[field] = free.pop(close[0])
                    break
    if "start" in found:
        for part in ("date", "time"):
            found.pop(part, None)
    return found


def mapping_toml(
    columns: Mapping[str, str],
    *,
    source: str = "",
    date_order: str = "dmy",
    kind: str = NONE,
    cancelled: Sequence[str] = (),
    length: int | None = None,
) -> str:
    """The mapping as `companion.services.imports.mappings` reads it."""
    lines = [f"source = {_quoted(source)}"] if source else []
    lines += [f"date_order = {_quoted(date_order)}", "", "[columns]"]
    lines += [f"{field} = {_quoted(header)}" for field, header in columns.items() if header]
    if cancelled:
        lines += ["", "[values]", f"cancelled = [{', '.join(map(_quoted, cancelled))}]"]
    if kind or length:
        lines += ["", "[defaults]"]
        lines += [f"kind = {_quoted(kind)}"] if kind else []
        lines += [f"length = {length}"] if length else []
    return "\n".join(lines) + "\n"


def _quoted(words: str) -> str:
    """A TOML basic string: JSON's, unescaped beyond ASCII, and DEL escaped."""
    return json.dumps(words, ensure_ascii=False).replace("\x7f", "\\u007f")


class MappingForm:
    def __init__(
        self,
        headers: Sequence[str],
        *,
        source: str,
        on_ready: Callable[[str], Awaitable[None]],
    ) -> None:
        self._on_ready = on_ready
        guesses = guess_columns(headers)
        options = {NONE: "(none)"} | {header: header for header in headers if header}
        self._source = ui.input("Name of this source", value=source)
        self._source.classes("field").props('outlined maxlength=60 hint="Such as: our clinic"')
        self._columns: dict[str, ui.select] = {}
        with box("columns"):
            for field, label in FIELD_LABELS.items():
                select = ui.select(options, label=label, value=guesses.get(field, NONE))
                self._columns[field] = select.classes("field").props("outlined options-dense")
        with box("columns"):
            self._order = ui.select(_ORDERS, label="Dates are written", value="dmy")
            self._order.classes("field").props("outlined")
            self._kind = ui.select(_KINDS, label="The appointments are", value=NONE)
            self._kind.classes("field").props("outlined")
            self._cancelled = ui.input("Words that mean cancelled")
            self._cancelled.classes("field").props('outlined hint="With commas: DNA, Cancelled"')
            self._length = ui.number("Minutes, where the file has no end", min=1, max=1440)
            self._length.classes("field").props("outlined")
        text("Lines with * are needed: the start in one column, or date and time.", "soft small")
        button("Read the file again", report_errors(self._ready), look="primary", icon="refresh")

    async def _ready(self) -> None:
        columns = {field: str(select.value or "") for field, select in self._columns.items()}
        if not columns["practitioner"]:
            raise BadInput("Which column names the practitioner?", "Choose it in the first line.")
        if not columns["start"] and not (columns["date"] and (columns["time"])):
            raise BadInput(
                "Which column holds the start?", "Choose Start, or both Date and Start time."
            )
        spoken = (word.strip() for word in str(self._cancelled.value or "").split(","))
        minutes = self._length.value
        await self._on_ready(
            mapping_toml(
                columns,
                source=" ".join(str(self._source.value or "").split()),
                date_order=str(self._order.value),
                kind=str(self._kind.value or ""),
                cancelled=[word for word in spoken if word],
                length=int(minutes) if minutes else None,
            )
        )
