"""Moments: a cell of an export as day, time of day and zone.

Files write the same moment in many ways; `read_stamp` takes any of them apart. The rules:

- a date in figures follows the file's order and is never guessed the other way round: 3/25/2026
  is no day-first date; year-first dates are always read as such; a year of two figures is 20yy;
- month and weekday names, ordinals ("14th"), "at", commas and blanks of any width are read;
- a time of day is 24-hour or am/pm, "12 noon" and "24:00" (the end of the day) included; ``0930``
  is half past nine (what other numbers mean in a column of times: `clock_times`);
- two times with a dash or "to" between them are a range ("9:00am – 9:45am");
- an offset, Z or the name of a zone of one meaning (AEDT) makes the moment aware; without one it
  is the clinic's wall time;
- a bare number is a serial day of the workbook's epoch, its fraction the time of day.

Lengths are read by `lengths`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from enum import StrEnum
from functools import lru_cache

from companion.services.imports.cells import CellError, quoted, read_line


class DateOrder(StrEnum):
    DMY = "dmy"
    MDY = "mdy"
    YMD = "ymd"

    @property
    def words(self) -> str:
        names = {"d": "day", "m": "month", "y": "year"}
        return "/".join(names[letter] for letter in self.value)


@dataclass(frozen=True, slots=True)
class CellMoment:
    """What a cell says of a moment; any part may be missing."""

    day: date | None = None
    clock: int | None = None
    """Seconds after midnight; 86,400 for "24:00"."""
    zone: tzinfo | None = None
    until_day: date | None = None
    until: int | None = None
    """The end of a range, seconds after midnight."""

    @property
    def start(self) -> datetime | None:
        """Day and time, aware where the cell names a zone; None where either is missing."""
        if self.day is None or self.clock is None:
            return None
        return at_clock(self.day, self.clock, self.zone)


DAY_SECONDS = 86_400
EXCEL_EPOCH = date(1899, 12, 30)


def at_clock(day: date, clock: int, zone: tzinfo | None = None) -> datetime:
    if clock >= DAY_SECONDS:
        day, clock = day + timedelta(days=clock // DAY_SECONDS), clock % DAY_SECONDS
    hour, rest = divmod(clock, 3_600)
    return datetime(day.year, day.month, day.day, hour, rest // 60, rest % 60, tzinfo=zone)


# ── reading ───────────────────────────────────────────────────────────────────────────────────

_ANY_CASE = re.IGNORECASE
_FIGURES = re.compile(r"(?<![\d:])(\d{1,4})([/.-])(\d{1,2})\2(\d{1,4})(?![\d:])")
_PLAIN = re.compile(
    r"(\d{1,4})([/.-])(\d{1,2})\2(\d{1,4})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.0+)?)?)?"
)
"""The most frequent form, read without any search: a date in figures and a 24-hour time."""
_DAY_FIRST = re.compile(
    r"(?<![\d:.])(\d{1,2})(?:st|nd|rd|th)?[ /.-]*(?:of )?([^\W\d_]{3,10})\.?,?[ /.-]*"
    r"(\d{4}|\d{2})(?![\d:]|\s?[ap]m)",
    _ANY_CASE,
)
_MONTH_FIRST = re.compile(
    r"(?<![^\W\d_])([^\W\d_]{3,10})\.?[ -](\d{1,2})(?:st|nd|rd|th)?,?[ -]+(\d{4})(?!\d)", _ANY_CASE
)
_COMPACT = re.compile(r"(?<!\d)(\d{4})(\d{2})(\d{2})(?=$|[T ]|\d{4}(?:\d{2})?$)")
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
_WEEKDAY = re.compile(
    r"(?<![^\W\d_])(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?(?![^\W\d_])"
    r"\.?,?",
    _ANY_CASE,
)
_ZERO_DATES = frozenset({"0000-00-00", "0001-01-01", "00/00/0000", "01/01/0001", "1/1/0001"})
"""How databases write that there is no date."""
LAST_SERIAL = 73_050
"""Of the year 2099: a larger number is not meant as a day."""
MONTHS: dict[str, int] = {}
for _number, _names in enumerate(
    (
        "january jan januar janvier janv enero ene gennaio gen januari",
        "february feb februar fevrier février fév fev febrero febbraio februari",
        "march mar märz maerz mrz mars marzo maart mrt",
        "april apr avril avr abril abr aprile",
        "may mai mayo maggio mag mei",
        "june jun juni juin junio giugno giu",
        "july jul juli juillet juil julio luglio lug",
        "august aug août aout agosto ago augustus",
        "september sep sept septembre septiembre settembre set",
        "october oct oktober okt octobre octubre ottobre ott",
        "november nov novembre noviembre",
        "december dec dezember dez décembre decembre déc diciembre dic dicembre",
    ),
    1,
):
    MONTHS |= dict.fromkeys(_names.split(), _number)
_OFFSET = re.compile(r"\s*(?:(Z)|(?:UTC|GMT)?\s?([+-])(\d{1,2})(?::?([0-5]\d))?)$", _ANY_CASE)
_ZONE_NAME = re.compile(r"\s*\(?([A-Z]{3,5})\)?$")
ZONE_HOURS: dict[str, float] = {
    "UTC": 0, "GMT": 0, "AEST": 10, "AEDT": 11, "ACST": 9.5, "ACDT": 10.5, "AWST": 8, "NZST": 12,
    "NZDT": 13, "BST": 1, "CET": 1, "CEST": 2, "EDT": -4, "CDT": -5, "MDT": -6, "PDT": -7,
    "PST": -8, "AKST": -9, "HST": -10,
}  # fmt: skip
"""Abbreviations of one meaning, in hours from UTC. EST, CST, IST and the like have several."""
_CLOCK = re.compile(
    r"(\d{1,2})(?:[:.h](\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?)?\s*(?:([ap])\.?\s*m?\.?)?(?:\s*(?:hrs?|h|uhr))?",
    _ANY_CASE,
)
_RANGE = re.compile(r"\s*(?:–|—|−|-|~|\bto\b|\buntil\b|\btill?\b|→|>)\s*", _ANY_CASE)
_NAMED_TIMES = {
    "noon": 43_200, "12 noon": 43_200, "12noon": 43_200, "midday": 43_200, "12 midday": 43_200,
    "midnight": 0, "12 midnight": 0, "12midnight": 0, "12 mn": 0,
}  # fmt: skip


def read_stamp(cell: object, order: DateOrder, epoch: date = EXCEL_EPOCH) -> CellMoment:
    """Whatever the cell says of a moment. Raises CellError where it says nothing of one."""
    if isinstance(cell, str):
        return stamp_of(cell, order, epoch)
    if isinstance(cell, datetime):
        rounded = to_the_second(cell)
        clock = seconds_after_midnight(rounded.time())
        return _checked(cell, CellMoment(rounded.date(), clock, rounded.tzinfo))
    if isinstance(cell, date):
        return _checked(cell, CellMoment(cell))
    if isinstance(cell, time):
        return CellMoment(clock=seconds_after_midnight(cell))
    if isinstance(cell, timedelta) and timedelta(0) <= cell <= timedelta(days=1):
        return CellMoment(clock=round(cell.total_seconds()))
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return _checked(cell, _stamp_of_serial(float(cell), order, epoch))
    raise _not_a_date(cell, order)


@lru_cache(maxsize=8_192)
def stamp_of(text: str, order: DateOrder, epoch: date) -> CellMoment:
    simple = _PLAIN.fullmatch(text)
    if simple:
        day = day_in_figures((simple[1], simple[3], simple[4]), order)
        if day is None:
            raise _not_a_date(text, order)
        if simple[5] is None:
            return _checked(text, CellMoment(day))
        clock = seconds_of(int(simple[5]), int(simple[6]), int(simple[7] or 0), "")
        if clock is not None:
            return _checked(text, CellMoment(day, clock))
    plain = plain_text(text)
    if _SERIAL.fullmatch(plain):
        return _stamp_of_serial(float(plain), order, epoch)
    if plain in _ZERO_DATES:
        raise _not_a_date(text, order)
    plain = " ".join(_WEEKDAY.sub(" ", plain).split())
    day, before, after = _leading_or_trailing_date(plain, order)
    if day is None:
        return _time_only(text, plain, order)
    until_day = None
    second, gap, rest = _leading_or_trailing_date(after, order)
    if second is not None:  # "1/12/2026 9:00 - 1/12/2026 9:45"
        until_day, after = second, f"{gap} {rest}"
    words = _bare(f"{before} {after}")
    if not words:
        return _checked(text, CellMoment(day, until_day=until_day))
    try:
        clock, until, zone = _clocks(words, compact_zone=plain[:4].isdigit())
    except ValueError:
        raise CellError(f"{quoted(text)} is not a date and time") from None
    return _checked(text, CellMoment(day, clock, zone, until_day, until))


def plain_text(text: str) -> str:
    return read_line(text).replace("\u200e", "").replace("\u200f", "")


def _bare(words: str) -> str:
    """Without what joins a date and a time: commas, "at", a dash, the T of ISO 8601."""
    words = re.sub(
        r"^(?:\s|,|;|\bat\b|@|[-–]\s)+|(?:\s|,|;|\bat\b|\s[-–])+$", "", words, flags=re.IGNORECASE
    )
    return re.sub(r"^[Tt](?=\d)", "", words)


def _leading_or_trailing_date(text: str, order: DateOrder) -> tuple[date | None, str, str]:
    """The first date of the text, and the words before and after it."""
    for form in (_FIGURES, _DAY_FIRST, _MONTH_FIRST, _COMPACT):
        found = form.search(text)
        if found is None:
            continue
        if form is _FIGURES:
            day = day_in_figures((found[1], found[3], found[4]), order)
        elif form is _DAY_FIRST:
            day = _date(found[3], MONTHS.get(found[2].casefold(), 0), found[1])
        elif form is _MONTH_FIRST:
            day = _date(found[3], MONTHS.get(found[1].casefold(), 0), found[2])
        else:
            day = _date(found[1], int(found[2]), found[3])
        if day is not None:
            return day, text[: found.start()], text[found.end() :]
    return None, text, ""


def figures(text: str) -> tuple[str, str, str] | None:
    """The three numbers of a date written in figures whose order is open; None without one."""
    found = _FIGURES.search(text)
    if found is None or len(found[1]) == 4:
        return None
    return found[1], found[3], found[4]


def day_in_figures(parts: tuple[str, str, str], order: DateOrder) -> date | None:
    """What the order makes of three numbers; None where it makes no date of them."""
    one, two, three = parts
    if len(one) == 4:
        return _date(one, int(two), three)
    if order is DateOrder.DMY:
        return _date(three, int(two), one)
    if order is DateOrder.MDY:
        return _date(three, int(one), two)
    return _date(one, int(two), three)


def _date(year: str, month: int, day: str) -> date | None:
    if len(year) not in {2, 4} or len(day) > 2:
        return None
    try:
        return date(int(year) + (2000 if len(year) == 2 else 0), month, int(day))
    except ValueError:
        return None


def _time_only(text: str, plain: str, order: DateOrder) -> CellMoment:
    try:
        clock, until, zone = _clocks(_bare(plain), compact_zone=False)
    except ValueError:
        raise _not_a_date(text, order) from None
    return CellMoment(clock=clock, zone=zone, until=until)


def _clocks(text: str, *, compact_zone: bool) -> tuple[int, int | None, tzinfo | None]:
    """Start, end of a range, zone. Raises ValueError for what is no time of day."""
    zone: tzinfo | None = None
    offset = _OFFSET.search(text)
    if offset and (compact_zone or _is_offset(offset)):
        text, zone = text[: offset.start()], _offset_of(offset)
    else:
        name = _ZONE_NAME.search(text)
        if name and name[1] in ZONE_HOURS:
            text = text[: name.start()]
            hours = ZONE_HOURS[name[1]]
            zone = UTC if not hours else timezone(timedelta(hours=hours))
    parts = [each for each in _RANGE.split(text.strip()) if each]
    if not 1 <= len(parts) <= 2:
        raise ValueError
    until = _clock(parts[1]) if len(parts) == 2 else None
    if until is None:
        return _clock(parts[0]), None, zone
    half = re.search(r"([ap])\.?\s*m?\.?$", parts[1], re.IGNORECASE)
    if half and not re.search(r"[ap]\.?\s*m?\.?$", parts[0], re.IGNORECASE):
        start = _clock(f"{parts[0]} {half[0]}")  # "1:00 - 1:45pm"
        if start > until:  # "11:30 - 12:15pm"
            start = _clock(parts[0] if ":" in parts[0] else f"{parts[0]}:00")
        return start, until, zone
    return _clock(parts[0]), until, zone


def _is_offset(found: re.Match[str]) -> bool:
    """Rather than the second half of a range: "9:00 -10", "9:00-1000"."""
    named = found[0].strip()[:3].upper() in {"UTC", "GMT"}
    return bool(found[1] or named or found[2] == "+" or (found[4] and found.start() >= 8))


def _offset_of(found: re.Match[str]) -> tzinfo:
    if found[1]:
        return UTC
    offset = timedelta(hours=int(found[3]), minutes=int(found[4] or 0))
    return timezone(-offset if found[2] == "-" else offset) if offset else UTC


@lru_cache(maxsize=8_192)
def _clock(text: str) -> int:
    """Seconds after midnight. Raises ValueError."""
    plain = text.strip().casefold()
    if plain in _NAMED_TIMES:
        return _NAMED_TIMES[plain]
    if re.fullmatch(r"\d{4}(?:\d{2})?", plain):
        found = seconds_of(int(plain[:2]), int(plain[2:4]), int(plain[4:] or 0), "")
    else:
        parts = _CLOCK.fullmatch(plain)
        if parts is None or not (parts[2] or parts[4] or plain.endswith(("h", "hr", "hrs", "uhr"))):
            raise ValueError
        found = seconds_of(int(parts[1]), int(parts[2] or 0), int(parts[3] or 0), parts[4] or "")
    if found is None:
        raise ValueError
    return found


def seconds_of(hour: int, minute: int, second: int, half: str) -> int | None:
    if half == "p" and hour < 12:
        hour += 12
    elif half == "a" and hour == 12:
        hour = 0
    elif half == "a" and hour > 12:
        return None
    seconds = hour * 3_600 + minute * 60 + second
    return seconds if minute < 60 and second < 60 and seconds <= DAY_SECONDS else None


def _stamp_of_serial(number: float, order: DateOrder, epoch: date) -> CellMoment:
    if not 1 <= number <= LAST_SERIAL:
        raise _not_a_date(number, order)
    moment = datetime.combine(epoch, time.min) + timedelta(days=number)
    if number == int(number):
        return CellMoment(moment.date())
    moment = to_the_second(moment)
    return CellMoment(moment.date(), seconds_after_midnight(moment.time()))


_SINCE_1970 = re.compile(r"(9\d{8}|1\d{9}|2[0-7]\d{8})(?:\d{3}|\d{6})?(?:\.\d+)?")


def epoch_stamp(cell: object) -> CellMoment | None:
    """A count of seconds, milliseconds or microseconds since 1970 UTC, of the years 1998 to 2058.
    Only for a cell that must hold a moment: telephone numbers look the same."""
    found = _SINCE_1970.fullmatch(read_line(cell))
    if found is None:
        return None
    moment = datetime.fromtimestamp(int(found[1]), UTC)
    return CellMoment(moment.date(), seconds_after_midnight(moment.time()), UTC)


def seconds_after_midnight(clock: time) -> int:
    return clock.hour * 3_600 + clock.minute * 60 + clock.second


def _checked(cell: object, stamp: CellMoment) -> CellMoment:
    if stamp.day is not None and not 1900 <= stamp.day.year < 2200:
        if stamp.day.year == 1899 and stamp.clock is not None:
            return CellMoment(clock=stamp.clock)  # a database's time of day
        raise CellError(f"{quoted(cell)} is in no plausible year")
    return stamp


def read_moment(cell: object, order: DateOrder, epoch: date = EXCEL_EPOCH) -> datetime | date:
    """A date with a time of day (aware only where the cell names its zone), or a date alone."""
    stamp = read_stamp(cell, order, epoch)
    if stamp.day is None:
        raise _not_a_date(cell, order)
    return stamp.day if stamp.start is None else stamp.start


def read_date(cell: object, order: DateOrder, epoch: date = EXCEL_EPOCH) -> date:
    """The day alone, whatever time of day stands beside it."""
    stamp = read_stamp(cell, order, epoch)
    if stamp.day is None:
        raise _not_a_date(cell, order)
    return stamp.day


def to_the_second(moment: datetime) -> datetime:
    """A fraction of a day is rarely exact: 08:59:59.9999 means nine."""
    if not moment.microsecond:
        return moment
    return (moment + timedelta(microseconds=500_000)).replace(microsecond=0)


def _not_a_date(cell: object, order: DateOrder) -> CellError:
    return CellError(f"{quoted(cell)} is not a date ({order.words} is expected)")
