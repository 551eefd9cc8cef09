"""A text or workbook read as an export, and what was found in it."""

from __future__ import annotations

import io
from datetime import date, datetime

from openpyxl import Workbook as Book

from companion.domain.appointments import Practitioner
from companion.services.imports.drafts import Draft
from companion.services.imports.reading.reader import read_workbook
from companion.services.imports.reading.results import Reading, Setting
from tests.fakes.workbooks import workbook_of


def read(
    content: str | bytes,
    *,
    people: tuple[Practitioner, ...] = (),
    answers: dict[str, str] | None = None,
    timezone: str = "Australia/Sydney",
) -> Reading:
    raw = content if isinstance(content, bytes) else content.strip().encode()
    setting = Setting(
        timezone=timezone, today=date(2026, 11, 29), people=people, answers=answers or {}
    )
    return read_workbook(workbook_of(raw), setting)


def sheets(**content: list[list[object]]) -> bytes:
    book = Book()
    book.remove(book.worksheets[0])
    for name, rows in content.items():
        sheet = book.create_sheet(name.replace("_", " "))
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 12, day, hour, minute)  # noqa: DTZ001 - wall time


def times(reading: Reading) -> list[tuple[datetime, datetime]]:
    return [(each.appointment.start, each.appointment.end) for each in reading.content.drafts]


def drafts(reading: Reading) -> list[Draft]:
    assert reading.content.rejections == []
    return list(reading.content.drafts)


def asked(reading: Reading) -> dict[str, str]:
    return {each.key: each.guess for each in reading.content.questions}
