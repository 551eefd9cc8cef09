"""Times of day: a cell of an export as seconds after midnight.

Besides what `moments` reads as text, a number: ``930`` is half past nine, a fraction the share of
a day, a whole number of five figures seconds after midnight, as practice databases keep it. What
a whole number means is told from all of its column, see `TimeUnit`.
"""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache

from companion.services.imports.cells import CellError, quoted, text_of
from companion.services.imports.moments import (
    DAY_SECONDS,
    EXCEL_EPOCH,
    LAST_SERIAL,
    DateOrder,
    plain_text,
    seconds_after_midnight,
    seconds_of,
    stamp_of,
    to_the_second,
)


class TimeUnit(StrEnum):
    """What a whole number means in a column of times of day."""

    CLOCK = "clock"
    """930 is half past nine; five figures are seconds after midnight."""
    SECONDS = "seconds"
    MINUTES = "minutes"


def read_clock(cell: object, unit: TimeUnit = TimeUnit.CLOCK) -> int:
    """Seconds after midnight; 86,400 for "24:00"."""
    if isinstance(cell, datetime):
        return seconds_after_midnight(to_the_second(cell).time())
    if isinstance(cell, time):
        return seconds_after_midnight(to_the_second(datetime.combine(EXCEL_EPOCH, cell)).time())
    try:
        if isinstance(cell, timedelta):
            return _within_a_day(cell.total_seconds())
        if isinstance(cell, int | float) and not isinstance(cell, bool):
            return _clock_of_number(float(cell), unit)
        return _clock_of(text_of(cell), unit)
    except (ValueError, OverflowError):
        raise CellError(f"{quoted(cell)} is not a time of day") from None


def counts_seconds(cell: object) -> bool:
    """Does this cell, as a time of day, count seconds after midnight?"""
    return re.fullmatch(r"\d{5}", text_of(cell).strip()) is not None


@lru_cache(maxsize=8_192)
def _clock_of(text: str, unit: TimeUnit) -> int:
    plain = plain_text(text)
    if re.fullmatch(r"\d{3,5}|0?\.\d+|\d{1,4}\.0", plain) or (
        unit is not TimeUnit.CLOCK and re.fullmatch(r"\d+(?:\.0+)?", plain)
    ):
        return _clock_of_number(float(plain), unit)
    try:
        stamp = stamp_of(text, DateOrder.DMY, EXCEL_EPOCH)
    except CellError:
        stamp = stamp_of(text, DateOrder.MDY, EXCEL_EPOCH)
    if stamp.clock is None:
        raise ValueError
    return stamp.clock


def _clock_of_number(number: float, unit: TimeUnit) -> int:
    if 0 <= number < 1:
        return _within_a_day(number * DAY_SECONDS)
    if not number.is_integer():
        if number <= LAST_SERIAL and number > 365:  # a serial day and its time
            return _within_a_day((number % 1) * DAY_SECONDS)
        raise ValueError
    if unit is TimeUnit.CLOCK and 0 < number < 100:
        raise ValueError  # hours, or minutes: nobody can tell
    if unit is TimeUnit.MINUTES:
        return _within_a_day(number * 60)
    if unit is TimeUnit.SECONDS or number >= 10_000:
        return _within_a_day(number)
    found = seconds_of(int(number) // 100, int(number) % 100, 0, "")
    if found is None:
        raise ValueError
    return found


def _within_a_day(seconds: float) -> int:
    if not 0 <= round(seconds) < DAY_SECONDS:
        raise ValueError
    return round(seconds)
