"""The rows of a preview: what happens to each appointment, to be filtered and searched.

Rows are markup, a part of them at a time: all are searched.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup
from nicegui import ui

from companion.domain.appointments import fold_name
from companion.services.activity_csv import plain
from companion.web.ui import formatting
from companion.web.ui.importing.wording import FILE, ImportWording
from companion.web.ui.static_html import StaticHtml, icon, table_of_rows, tag
from companion.web.ui.theme import box, button, card, scrolling, text

if TYPE_CHECKING:
    from companion.services.imports.plan import PreviewRow
    from companion.services.imports.previews import RejectedRow
    from companion.services.sources.fetched_sources import SampleAppointment

AT_ONCE = 100
ALL = ""
_MARKS = {
    "remove": ("remove_circle", "Remove", "remove"),
    "cancel": ("event_busy", "Cancelled", "remove"),
    "move": ("schedule", "Move", "change"),
    "change": ("edit", "Change", "change"),
    "add": ("add_circle", "Add", "add"),
    "kept": ("shield", "Kept", "kept"),
    "older": ("history", "Older, left alone", "kept"),
    "same": ("content_copy", "In the book already", "kept"),
}
_HEADINGS = ("What happens", "Client", "Practitioner", "Date", "Time", "Length", "Type", "Note")


class PreviewRows:
    def __init__(self, rows: Sequence[PreviewRow], wording: ImportWording = FILE) -> None:
        self._wording = wording
        self._rows = rows
        self._texts = [_searched(each) for each in rows]
        self._most = AT_ONCE
        counts = Counter[str](each.action for each in rows)
        options = {ALL: f"Everything ({formatting.number(len(rows))})"}
        options |= {
            action: f"{label} ({formatting.number(counts[action])})"
            for action, (_icon, label, _look) in _MARKS.items()
            if counts[action]
        }
        with box("columns"):
            self._filter = ui.select(options, label="Show", value=ALL, on_change=self._begin)
            self._filter.classes("field").props("outlined options-dense")
            self._search = ui.input("Search client, practitioner, date or type")
            self._search.on_value_change(self._begin)
            self._search.classes("field").props("outlined clearable type=search debounce=200")
        self._place = scrolling("What would happen", tall=True)
        with box("actions"):
            self._said = text("", "soft small").props("role=status")
            self._more = button("Show more", self._show_more, look="plain")
        self._draw()

    def _begin(self) -> None:
        self._most = AT_ONCE
        self._draw()

    def _show_more(self) -> None:
        self._most += AT_ONCE
        self._draw()

    def _draw(self) -> None:
        found = self.found()
        shown = found[: self._most]
        self._place.clear()
        with self._place:
            rows_table(shown)
        several = formatting.counted(len(found), "appointment")
        self._said.set_text(
            f"Nothing like that in {self._wording.what}."
            if not found
            else several
            if len(shown) == len(found)
            else f"The first {formatting.number(len(shown))} of {several}"
        )
        self._more.set_visibility(len(shown) < len(found))

    def found(self) -> list[PreviewRow]:
        words = fold_name(str(self._search.value or "")).split()
        action = self._filter.value or ALL
        return [
            row
            for row, searched in zip(self._rows, self._texts, strict=True)
            if action in {ALL, row.action} and all(word in searched for word in words)
        ]


def rows_table(rows: Iterable[PreviewRow]) -> StaticHtml:
    return table_of_rows(_HEADINGS, map(_line, rows), "table table--stacked")


def _line(row: PreviewRow) -> Markup:
    drawing, label, look = _MARKS[row.action]
    mark = tag("span", icon(drawing), tag("span", label), class_=f"mark mark--{look}")
    date, time, length = when(row)
    cells = [tag("td", mark, data_label=_HEADINGS[0])]
    words = (row.client, row.practitioner, date, time, length, _type(row), row.why)
    cells += [
        tag("td", each or "–", data_label=heading, class_="" if each else "none")
        for heading, each in zip(_HEADINGS[1:], words, strict=True)
    ]
    return tag("tr", *cells)


def _type(row: PreviewRow) -> str:
    return row.what or (row.kind.value.capitalize() if row.kind else "")


def when(row: PreviewRow | SampleAppointment) -> tuple[str, str, str]:
    """Date with its year, time, length."""
    date = formatting.day(row.start.date(), year=True)
    if row.all_day:
        days = max(1, (row.end.date() - row.start.date()).days)
        return date, "All day", formatting.counted(days, "day")
    length = formatting.duration((row.end - row.start).total_seconds())
    return date, f"{row.start:%H:%M}–{row.end:%H:%M}", length


def _searched(row: PreviewRow) -> str:
    date, time, _length = when(row)
    numbers = f"{row.start:%d/%m/%Y}"
    return fold_name(
        " ".join((row.client, row.practitioner, date, numbers, time, _type(row), row.why))
    )


# ── rejected ──────────────────────────────────────────────────────────────────────────────────

MOST_REJECTED = 200


def rejected_rows(
    rows: Sequence[RejectedRow], file_name: str, wording: ImportWording = FILE
) -> None:
    with card("Rows that cannot be used"):
        text(f"They are left out; every other row is fine. {wording.rows_are}")
        with scrolling("Rejected rows", tall=True):
            lines = (
                tag("tr", tag("td", formatting.number(each.row)), tag("td", each.reason))
                for each in rows[:MOST_REJECTED]
            )
            table_of_rows(("Row", "Why"), lines)
        if len(rows) > MOST_REJECTED:
            more = formatting.number(len(rows) - MOST_REJECTED)
            text(f"… and {more} more, in the saved list.", "soft small")

        def save() -> None:
            ui.download.content(rejected_csv(rows), f"{file_name}-rows.csv", "text/csv")

        with box("actions"):
            button("Save this list (CSV)", save, icon="download")


def rejected_csv(rows: Iterable[RejectedRow]) -> bytes:
    """UTF-8 with a mark at its beginning, by which Excel knows it."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow(("Row", "Why"))
    writer.writerows((each.row, plain(each.reason)) for each in rows)
    return written.getvalue().encode("utf-8-sig")
