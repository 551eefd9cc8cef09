"""The activity list as a table for a spreadsheet: one line each, times in the practice's zone.

A cell that begins like a formula is made plain text by an apostrophe: what a person typed (a
source's name, a cause) must not run when the file is opened.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from companion.services.ports import Activity

EVERYTHING = 1_000_000
"""More lines than are ever kept."""
HEADINGS = ("When", "Practitioner", "Cause", "Kind", "Count", "What")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def activity_csv(lines: Sequence[Activity], names: Mapping[str, str], timezone: str) -> bytes:
    """UTF-8 with a mark at its beginning, by which Excel knows it. `names`: practitioner id to
    name."""
    zone = ZoneInfo(timezone)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for line in lines:
        cells = (
            line.at.astimezone(zone).isoformat(sep=" ", timespec="seconds"),
            names.get(line.practitioner_id, line.practitioner_id),
            line.cause,
            line.kind,
            str(line.count),
            line.text,
        )
        writer.writerow([plain(cell) for cell in cells])
    return text.getvalue().encode("utf-8-sig")


def plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
