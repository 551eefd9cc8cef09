"""The month of one practitioner: each day with its first appointments; a day leads to its day view.

EventCalendar's own month takes seconds for what a busy practitioner has; this is the month that is
chosen from elsewhere, with a few lines in each day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta

from companion.services.book.view import BookEntry
from companion.web.ui.book.payload import title_of
from companion.web.ui.components.month_picker import MonthPicker

LINES = 4
"""Of a day; more are counted."""
Line = tuple[str, str, bool]
"""Time, title, whether it is cancelled."""


class MonthView(MonthPicker):
    def __init__(self, *, today: date, on_pick: Callable[[date], object]) -> None:
        super().__init__(selected=today, today=today, on_pick=on_pick)
        self.classes("month--large")

    def show(self, month: date, colour: str, entries: Iterable[BookEntry]) -> None:
        days: dict[str, list[Line]] = {}
        for entry in entries:
            for day in _days_of(entry):
                days.setdefault(day.isoformat(), []).append(_line(entry))
        self.props.update(
            month=month.replace(day=1).isoformat(),
            selected=month.isoformat(),
            lines={day: lines[:LINES] for day, lines in days.items()},
            counts={day: len(lines) for day, lines in days.items()},
            counted=True,
        )
        self.style(f"--who: {colour}")
        self.update()


def _days_of(entry: BookEntry) -> Iterable[date]:
    start, end = entry.occurrence.start, entry.occurrence.end
    last = max(start, end - timedelta(microseconds=1)).date()
    return (start.date() + timedelta(days=n) for n in range((last - start.date()).days + 1))


def _line(entry: BookEntry) -> Line:
    appointment, occurrence = entry.appointment, entry.occurrence
    when = "All day" if appointment.all_day else f"{occurrence.start:%H:%M}"
    return when, title_of(appointment, occurrence.title), entry.shown.cancelled
