"""Moments: a cell of an export as date, date and time, time of day, or length.

Files write the same moment in many ways. The rules:

- a date in figures follows the file's order (day first unless a mapping says otherwise) and is
  never guessed the other way round: 3/25/2026 is no day-first date; year-first dates are always
  read as such; a year of two figures is 20yy;
- a bare number is an Excel serial day (1900 system), its fraction the time of day;
- a time of day is 24-hour or am/pm; ``0930`` is half past nine; a whole number of five figures is
  seconds after midnight, as practice databases keep it;
- an offset or Z after a time makes the moment aware; without one it is the clinic's wall time.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum
from functools import lru_cache

from companion.services.imports.cells import CellError, quoted, read_line, text_of


class DateOrder(StrEnum):
    DMY = "dmy"
    MDY = "mdy"
    YMD = "ymd"

    @property
    def words(self) -> str:
        names = {"d": "day", "m": "month", "y": "year"}
        return "/".join(names[letter] for letter in self.value)


# ── dates and moments ─────────────────────────────────────────────────────────────────────────

_ANY_CASE = re.IGNORECASE
_WEEKDAY = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+", _ANY_CASE)
_FIGURES = re.compile(r"(\d{1,4})([/.-])(\d{1,2})\2(\d{1,4})(?!\d)")
_DAY_FIRST = re.compile(r"(\d{1,2})[ /.-]?([a-z]{3,9})\.?,?[ /.-]?(\d{4}|\d{2})(?!\d)", _ANY_CASE)
_MONTH_FIRST = re.compile(r"([a-z]{3,9})\.?[ -](\d{1,2}),?[ -](\d{4})(?!\d)", _ANY_CASE)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?!\d)")
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_SERIAL_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 - wall time
_LAST_SERIAL = 73_050
"""Of the year 2099: a larger number is not meant as a day."""


def read_moment(cell: object, order: DateOrder) -> datetime | date:
    """A date with a time of day (aware only where the cell names its offset), or a date alone."""
    if isinstance(cell, str):
        moment = _moment_of(cell, order)
    elif isinstance(cell, date):
        moment = cell
    elif isinstance(cell, int | float) and not isinstance(cell, bool):
        moment = _day_of_serial(float(cell), order)
    else:
        raise _not_a_date(cell, order)
    if not 1900 <= moment.year < 2200:
        raise CellError(f"{_shown(cell)} is in no plausible year")
    if isinstance(moment, datetime) and moment.microsecond:
        return _to_the_second(moment)
    return moment


def read_date(cell: object, order: DateOrder) -> date:
    """The day alone, whatever time of day stands beside it."""
    moment = read_moment(cell, order)
    return moment.date() if isinstance(moment, datetime) else moment


@lru_cache(maxsize=65_536)
def _moment_of(text: str, order: DateOrder) -> datetime | date:
    plain = read_line(text).replace("\u200e", "").replace("\u200f", "")
    if _SERIAL.fullmatch(plain):
        return _day_of_serial(float(plain), order)
    weekday = _WEEKDAY.match(plain)
    rest = plain[weekday.end() :] if weekday else plain
    day, end = _leading_date(rest, order)
    if day is None:
        raise _not_a_date(text, order)
    rest = re.sub(r"^(?:\s*,\s*|\s+|[Tt])", "", rest[end:])
    if not rest:
        return day
    try:
        return _with_time(day, rest, may_have_offset=plain[:4].isdigit())
    except ValueError:
        raise CellError(f"{_shown(text)} is not a date and time") from None


def _leading_date(text: str, order: DateOrder) -> tuple[date | None, int]:
    """The date that the text begins with, and where it ends."""
    found = _FIGURES.match(text)
    if found:
        parts = (found[1], found[3], found[4])
        shape = DateOrder.YMD if len(found[1]) == 4 else order
        year, month, day = (parts[shape.value.index(letter)] for letter in "ymd")
    elif found := _DAY_FIRST.match(text):
        day, month, year = found[1], _month(found[2]), found[3]
    elif found := _MONTH_FIRST.match(text):
        month, day, year = _month(found[1]), found[2], found[3]
    elif found := _COMPACT.match(text):
        year, month, day = found[1], found[2], found[3]
    else:
        return None, 0
    if len(year) not in {2, 4} or len(day) > 2:
        return None, 0
    try:
        full_year = int(year) + (2000 if len(year) == 2 else 0)
        return date(full_year, int(month), int(day)), found.end()
    except ValueError:
        return None, 0


def _month(name: str) -> str:
    folded = name.casefold()
    matching = [number for number, full in enumerate(_MONTHS, 1) if full.startswith(folded[:3])]
    known = matching and (_MONTHS[matching[0] - 1].startswith(folded) or folded == "sept")
    return str(matching[0]) if known else "0"


def _with_time(day: date, text: str, *, may_have_offset: bool) -> datetime:
    """Raises ValueError for what is no time of day."""
    found = _OFFSET.search(text) if may_have_offset else None
    if found is None:
        return datetime.combine(day, _clock_time(text))
    wall = datetime.combine(day, _clock_time(text[: found.start()]))
    if found[1] is None:
        return wall.replace(tzinfo=UTC)
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return wall.replace(tzinfo=timezone(-offset if found[1] == "-" else offset))


def _day_of_serial(number: float, order: DateOrder) -> datetime | date:
    if not 1 <= number <= _LAST_SERIAL:
        raise _not_a_date(number, order)
    moment = _SERIAL_ZERO + timedelta(days=number)
    return moment.date() if number == int(number) else moment


def _to_the_second(moment: datetime) -> datetime:
    """A fraction of a day is rarely exact: 08:59:59.9999 means nine."""
    return (moment + timedelta(microseconds=500_000)).replace(microsecond=0)


def _shown(cell: object) -> str:
    """The cell where it holds a figure; a name in the wrong column stays unsaid."""
    words = quoted(cell)
    return words if any(map(str.isdigit, words)) else "the text there"


def _not_a_date(cell: object, order: DateOrder) -> CellError:
    return CellError(f"{_shown(cell)} is not a date ({order.words} is expected)")


# ── times and lengths ─────────────────────────────────────────────────────────────────────────

_OFFSET = re.compile(r"\s*(?:Z|([+-])(\d{2}):?([0-5]\d))$", _ANY_CASE)
_CLOCK = re.compile(
    r"(\d{1,2})(?:[:.h](\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?)?\s*(?:([ap])\.?\s*m?\.?)?",
    _ANY_CASE,
)
_LENGTH = re.compile(r"(?:(\d+(?:\.\d+)?)\s*h[a-z]*\.?)?\s*(?:(\d+)\s*(?:m[a-z]*\.?)?)?", _ANY_CASE)
_HOURS_MINUTES = re.compile(r"(\d{1,3}):(\d{2})(?::\d{2})?")


def read_time(cell: object) -> time:
    """A time of day, to the second."""
    if isinstance(cell, datetime):
        return _to_the_second(cell).time()
    if isinstance(cell, time):
        return _to_the_second(datetime.combine(date(2000, 1, 1), cell)).time()
    try:
        if isinstance(cell, timedelta):
            return _after_midnight(cell.total_seconds())
        if isinstance(cell, int | float) and not isinstance(cell, bool):
            return _time_of_number(float(cell))
        return _time_of(text_of(cell))
    except (ValueError, OverflowError):
        raise CellError(f"{_shown(cell)} is not a time of day") from None


def is_time_alone(cell: object) -> bool:
    """A time of day without a date?"""
    if isinstance(cell, str):
        return _is_clock(cell)
    return isinstance(cell, time | timedelta)


@lru_cache(maxsize=65_536)
def _is_clock(text: str) -> bool:
    try:
        _clock_time(read_line(text))
    except ValueError:
        return False
    return True


def has_seconds_form(cell: object) -> bool:
    """Does this time-of-day cell count seconds after midnight, as a database does?"""
    return re.fullmatch(r"\d{5}", text_of(cell).strip()) is not None


@lru_cache(maxsize=4_096)
def _time_of(text: str) -> time:
    plain = read_line(text).replace("\u200e", "")
    if re.fullmatch(r"\d{3,5}|0?\.\d+", plain):
        return _time_of_number(float(plain))
    try:
        return _clock_time(plain)
    except ValueError:
        moment = _moment_of(plain, DateOrder.DMY)
        if not isinstance(moment, datetime):
            raise
        return moment.time()


def _time_of_number(number: float) -> time:
    if 0 <= number < 1:
        return _after_midnight(number * 86_400)
    if not number.is_integer():
        raise ValueError
    if number >= 10_000:
        return _after_midnight(number)
    return time(int(number) // 100, int(number) % 100)


def _after_midnight(seconds: float) -> time:
    if not 0 <= round(seconds) < 86_400:
        raise ValueError
    return (_SERIAL_ZERO + timedelta(seconds=round(seconds))).time()


def _clock_time(text: str) -> time:
    if re.fullmatch(r"\d{4}", text):
        return time(int(text[:2]), int(text[2:]))
    found = _CLOCK.fullmatch(text.strip())
    if found is None or not (found[2] or found[4]):
        raise ValueError
    hour, half = int(found[1]), (found[4] or "").casefold()
    if half == "p" and hour < 12:
        hour += 12
    elif half == "a" and hour == 12:
        hour = 0
    elif half == "a" and hour > 12:
        raise ValueError
    return time(hour, int(found[2] or 0), int(found[3] or 0))


def read_length(cell: object, *, seconds: bool = False) -> timedelta:
    """How long: minutes, ``h:mm``, ``1 h 30 min``, or a share of a day as Excel keeps it.

    `seconds`: the file counts times in seconds, so a number of 300 and more does too.
    """
    if isinstance(cell, timedelta):
        length = cell
    elif isinstance(cell, datetime | time):
        length = timedelta(hours=cell.hour, minutes=cell.minute, seconds=cell.second)
    else:
        length = _length_of(text_of(cell).strip(), seconds=seconds)
    if not timedelta(0) < length <= timedelta(days=366):
        raise CellError(f"{_shown(cell)} is not a possible length")
    return length


def _length_of(text: str, *, seconds: bool) -> timedelta:
    clock = _HOURS_MINUTES.fullmatch(text)
    if clock:
        return timedelta(hours=int(clock[1]), minutes=int(clock[2]))
    try:
        number = float(text) if text[:1].isdigit() or text[:1] == "." else None
    except ValueError:
        number = None
    if number is not None:
        if number < 1:
            return timedelta(seconds=round(number * 86_400))
        if number > 40_000_000:
            raise CellError(f"{quoted(text)} is not a possible length")
        return timedelta(seconds=number) if seconds and number >= 300 else timedelta(minutes=number)
    words = _LENGTH.fullmatch(text) if len(text) <= 40 else None
    if words is None or not (words[1] or words[2]):
        raise CellError(f"{_shown(text)} is not a length in minutes or hours:minutes")
    return timedelta(hours=float(words[1] or 0), minutes=int(words[2] or 0))
