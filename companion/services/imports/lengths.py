"""Lengths: how long an appointment takes, in every way that exports write it.

A unit in the cell decides ("45 min", "1h 30", "PT45M", "¾ hr"); ``h:mm`` is hours and minutes; a
plain number counts in the unit of its column, minutes where nothing else is known. In a workbook a
share of a day (0.03125) is what a cell formatted as time holds.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache

from companion.services.imports.cells import CellError, quoted, read_line, text_of


class LengthUnit(StrEnum):
    MINUTES = "minutes"
    HOURS = "hours"
    SECONDS = "seconds"


_UNITS = {
    LengthUnit.MINUTES: timedelta(minutes=1),
    LengthUnit.HOURS: timedelta(hours=1),
    LengthUnit.SECONDS: timedelta(seconds=1),
}
_ANY_CASE = re.IGNORECASE
_NUMBER = re.compile(r"\d*[.,]?\d+|\d+[.,]?")
_CLOCK = re.compile(r"(\d{1,3}):([0-5]\d)(?::([0-5]\d))?(?:\s*(?:h|hrs?|hours?))?", _ANY_CASE)
_FRACTIONS = {"¼": ".25", "½": ".5", "¾": ".75", "⅓": ".3333333", "⅔": ".6666667"}
_ISO = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?", _ANY_CASE)
_WORDS = re.compile(
    r"(?:(\d*\.?\d+)\s*h(?:ou)?rs?\.?|(\d*\.?\d+)\s*h\.?)?[\s,&+]*(?:and\s+)?"
    r"(?:(\d+(?:\.\d+)?)\s*(?:m(?:in(?:ute)?)?s?\.?|['′’])?)?"
    r"(?:[\s,&+]*(\d+)\s*s(?:ec(?:ond)?)?s?\.?)?",
    _ANY_CASE,
)


def read_length(
    cell: object, *, unit: LengthUnit = LengthUnit.MINUTES, seconds: bool = False
) -> timedelta:
    """`unit` of a plain number. `seconds`: the file counts times in seconds, so a number of 300
    and more does too. Raises CellError."""
    if isinstance(cell, timedelta):
        length = cell
    elif isinstance(cell, datetime | time):
        length = timedelta(hours=cell.hour, minutes=cell.minute, seconds=cell.second)
    elif isinstance(cell, date):
        raise CellError(f"{quoted(cell)} is a date, not a length")
    else:
        length = length_of(read_line(text_of(cell), 60), unit, seconds=seconds)
    if not timedelta(minutes=1) <= length <= timedelta(days=366):
        raise CellError(f"{quoted(cell)} is not a possible length")
    return length


@lru_cache(maxsize=8_192)
def length_of(text: str, unit: LengthUnit, *, seconds: bool = False) -> timedelta:
    clock = _CLOCK.fullmatch(text)
    if clock:
        return timedelta(hours=int(clock[1]), minutes=int(clock[2]))
    number = plain_number(text)
    if number is not None:
        return _of_number(number, text, unit, seconds=seconds)
    words = worded_length(text)
    if words is None:
        raise CellError(f"{quoted(text)} is not a length in minutes or hours:minutes")
    return words


def plain_number(text: str) -> float | None:
    """A number without a unit, with a decimal point or comma."""
    if len(text) > 20 or not _NUMBER.fullmatch(text):
        return None
    return float(text.replace(",", "."))


def worded_length(text: str) -> timedelta | None:
    """A length that names its unit; None for anything else."""
    if len(text) > 60 or (not any(map(str.isalpha, text.replace("'", "m"))) and "′" not in text):
        return None
    for sign, decimals in _FRACTIONS.items():
        text = text.replace(sign, decimals)
    iso = _ISO.fullmatch(text)
    if iso and any(iso.groups()):
        return timedelta(hours=int(iso[1] or 0), minutes=int(iso[2] or 0), seconds=int(iso[3] or 0))
    found = _WORDS.fullmatch(re.sub(r"(?<=\d),(?=\d)", ".", text).strip())
    if found is None or not any(found.groups()):
        return None
    return timedelta(
        hours=float(found[1] or found[2] or 0),
        minutes=float(found[3] or 0),
        seconds=int(found[4] or 0),
    )


def _of_number(number: float, text: str, unit: LengthUnit, *, seconds: bool) -> timedelta:
    if unit is LengthUnit.MINUTES and 0 < number < 0.5:
        return timedelta(seconds=round(number * 86_400))  # a share of a day
    if number > 40_000_000:
        raise CellError(f"{quoted(text)} is not a possible length")
    if seconds and number >= 300:
        unit = LengthUnit.SECONDS
    return number * _UNITS[unit]
