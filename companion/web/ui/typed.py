"""What people type into fields: days and times, read as the practice writes them. Pure functions.

The day comes before the month, and the clock has twenty-four hours: 29/11/2026, 19:00. Shorter and
other usual ways are read too (29.11., 29 Nov, 2026-11-29; 7 pm, 1900); the field then shows what
was understood.
"""

from __future__ import annotations

import re
from datetime import date, time

from companion.domain.errors import BadInput

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_IN_NUMBERS = re.compile(r"(\d{1,2})[/. -](\d{1,2})(?:[/. -]+(\d{4}|\d{2}))?[.]?")
_RUN_TOGETHER = re.compile(r"(\d{2})(\d{2})(\d{4})")
_IN_WORDS = re.compile(r"(?:[a-z]+,? +)?(\d{1,2})(?:st|nd|rd|th)?[. -]*([a-z]{3,9})[., -]*(\d{4})?")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_CLOCK = re.compile(r"(\d{1,2})(?:[:.h]?(\d{2}))? *([ap])?\.?(?:m\.?)?")
_WHOLE_DAY = re.compile(r"\d{1,2}/\d{1,2}/\d{4}|\d{4}-\d\d-\d\d")
_WHOLE_CLOCK = re.compile(r"\d{1,2}:\d\d")


def day_text(day: date | None) -> str:
    """``29/11/2026``; empty for None."""
    return f"{day:%d/%m}/{day.year:04}" if day else ""


def clock_text(clock: time) -> str:
    return f"{clock:%H:%M}"


def is_whole_day(text: str) -> bool:
    """Nothing more is going to be typed."""
    return bool(_WHOLE_DAY.fullmatch(text.strip()))


def is_whole_clock(text: str) -> bool:
    return bool(_WHOLE_CLOCK.fullmatch(text.strip()))


def day_of(text: str, *, near: date, field: str = "") -> date:
    """Raises BadInput, naming `field`. Where no year is typed, the one that brings the day nearest
    to `near` is meant."""
    said = " ".join(text.casefold().split())
    if not said:
        raise BadInput("The day is missing.", "Type one such as 29/11/2026.", field=field)
    found: tuple[int | None, int, int] | None = None
    if match := _ISO.fullmatch(said):
        found = int(match[1]), int(match[2]), int(match[3])
    elif match := _RUN_TOGETHER.fullmatch(said):
        found = int(match[3]), int(match[2]), int(match[1])
    elif match := _IN_NUMBERS.fullmatch(said):
        found = _year(match[3]), int(match[2]), int(match[1])
    elif (match := _IN_WORDS.fullmatch(said)) and (month := _month(match[2])):
        found = _year(match[3]), month, int(match[1])
    if found is None:
        raise BadInput("This is no day.", "Type one such as 29/11/2026.", field=field)
    return _existing(*found, near=near, field=field)


def _year(digits: str | None) -> int | None:
    if digits is None:
        return None
    return int(digits) if len(digits) == 4 else 2000 + int(digits)


def _month(word: str) -> int:
    """0 for no month."""
    return next((n for n, name in enumerate(_MONTHS, start=1) if name.startswith(word)), 0)


def _existing(year: int | None, month: int, day: int, *, near: date, field: str) -> date:
    if not 1 <= month <= 12:
        raise BadInput(
            f"There is no month {month}.", "The day comes first: 29/11/2026.", field=field
        )
    years = [year] if year is not None else [near.year - 1, near.year, near.year + 1]
    days = []
    for each in years:
        try:
            days.append(date(each, month, day))
        except ValueError:
            continue
    if not days:
        raise BadInput("There is no such day.", "Look at the calendar beside it.", field=field)
    return min(days, key=lambda each: abs(each - near))


def clock_of(text: str, *, field: str = "") -> time:
    """Raises BadInput, naming `field`."""
    said = " ".join(text.casefold().split())
    if not said:
        raise BadInput("The time is missing.", "Type one such as 09:30.", field=field)
    match = _CLOCK.fullmatch(said)
    hour, minute = (int(match[1]), int(match[2] or 0)) if match else (24, 0)
    if match and match[3]:
        hour = hour % 12 + (12 if match[3] == "p" else 0) if 1 <= hour <= 12 else 24
    if hour > 23 or minute > 59:
        raise BadInput("This is no time.", "Type one such as 09:30.", field=field)
    return time(hour, minute)
