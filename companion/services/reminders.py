"""Reminders in words: minutes before an appointment, "1 day", "none", or nothing said.

``0`` is a reminder at the start; `NO_REMINDER` is none at all; None leaves it to the calendar.
"""

from __future__ import annotations

import re

from companion.domain.appointments import NO_REMINDER

LONGEST = 28 * 24 * 60
"""Minutes; four weeks are as much as Google takes."""
CALENDAR = "calendar"
"""The word for: as the calendar itself reminds."""
USUAL = (0, 5, 10, 15, 30, 60, 120, 24 * 60, 2 * 24 * 60, 7 * 24 * 60)
"""Minutes to choose from."""
_NONE = frozenset({"none", "no", "off", "never", "false", "no reminder", "n"})
_UNSAID = frozenset({"", CALENDAR, "default", "calendar default", "yes", "true", "y"})
_START = frozenset({"at start", "at the start", "at time of event", "on time", "start"})
_UNITS = {"m": 1, "h": 60, "d": 24 * 60, "w": 7 * 24 * 60}
_LENGTH = re.compile(
    r"(\d{1,6}(?:[.,]\d{1,2})?)\s*(?:(m|h|d|w)(?:in(?:ute)?s?|(?:ou)?rs?|ays?|eeks?)?)?"
    r"(?:\s+(?:before|prior|earlier))?",
    re.IGNORECASE,
)


def read_reminder(words: str) -> int | None:
    """Raises ValueError for words that say no reminder."""
    plain = " ".join(words.split()).casefold()
    if plain in _UNSAID:
        return None
    if plain in _NONE:
        return NO_REMINDER
    if plain in _START:
        return 0
    found = _LENGTH.fullmatch(plain)
    if found is None:
        raise ValueError(words)
    minutes = float(found[1].replace(",", ".")) * _UNITS[found[2] or "m"]
    if minutes > LONGEST or minutes != int(minutes):
        raise ValueError(words)
    return int(minutes)


def reminder_text(minutes: int | None) -> str:
    """As `read_reminder` takes it."""
    return CALENDAR if minutes is None else "none" if minutes == NO_REMINDER else str(minutes)


def reminder_words(minutes: int | None) -> str:
    """For people: ``1 day before``."""
    if minutes is None:
        return "As the calendar does"
    if minutes == NO_REMINDER:
        return "None"
    if minutes == 0:
        return "At the start"
    for unit, name in ((_UNITS["w"], "week"), (_UNITS["d"], "day"), (60, "hour"), (1, "minute")):
        if minutes % unit == 0:
            count = minutes // unit
            return f"{count} {name}{'' if count == 1 else 's'} before"
    raise AssertionError(minutes)
