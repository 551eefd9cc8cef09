"""The first rows that a source gives: as appointments, or where that is not known yet, as given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from companion.services.workbooks import Cell
from companion.web.ui.importing.rows import when
from companion.web.ui.static_html import table_of_rows, tag
from companion.web.ui.theme import scrolling

if TYPE_CHECKING:
    from companion.services.sources.fetched_sources import SampleAppointment

_LONGEST = 60
"""Characters of a cell."""


def sample_table(rows: Sequence[Sequence[Cell]]) -> None:
    """`rows`: the headings first. Columns that are empty in all of them are left out."""
    headings, *body = rows
    width = max(len(row) for row in rows)
    used = [at for at in range(width) if any(_cell(row, at) for row in body)]
    names = {at: _cell(headings, at) for at in used}
    lines = (
        tag("tr", *(tag("td", _cell(row, at), data_label=name) for at, name in names.items()))
        for row in body
    )
    with scrolling("Its first rows"):
        table_of_rows(names.values(), lines, "table table--stacked")


def sample_appointments(rows: Sequence[SampleAppointment]) -> None:
    headings = ("When", "Practitioner", "Client", "Type")
    lines = []
    for row in rows:
        date, time, _length = when(row)
        words = (f"{date}, {time}", row.practitioner, row.client, row.what)
        cells = (
            tag("td", each or "–", data_label=heading, class_="" if each else "none")
            for heading, each in zip(headings, words, strict=True)
        )
        lines.append(tag("tr", *cells))
    with scrolling("Its first appointments"):
        table_of_rows(headings, lines, "table table--stacked")


def _cell(row: Sequence[Cell], at: int) -> str:
    value = row[at] if at < len(row) else None
    if value is None:
        return ""
    text = f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
