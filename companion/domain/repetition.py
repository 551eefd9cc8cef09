"""Repetition: the recurring meetings a person can make, between the form, RRULE and plain words.

The form knows five frequencies; `Repetition.rule` writes RFC 5545's RRULE on wall time and
`Repetition.of` reads it back. A rule from elsewhere that the form cannot show is kept, and
`in_words` describes it roughly.

`shifted` is the rule after one of its occurrences, and with it the series, was moved to another
day: that weekday (or that date) moves, the others stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import islice, takewhile

from companion.domain.appointments import parse_rule
from companion.domain.availability import DAYS
from companion.domain.errors import BadInput

CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_WEEKDAYS = frozenset(range(5))
_NTH = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last"}
MOST_TIMES = 1000


class Frequency(StrEnum):
    DAILY = "daily"
    WEEKDAYS = "weekdays"
    WEEKLY = "weekly"
    MONTHLY_DATE = "monthly by date"
    MONTHLY_WEEKDAY = "monthly by weekday"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    frequency: Frequency
    interval: int = 1
    """Every so many days, weeks or months; 1 for weekdays."""
    weekdays: frozenset[int] = frozenset()
    """Of a weekly one; 0 is Monday. Empty: the weekday it starts on."""
    count: int | None = None
    until: date | None = None
    """Last day, inclusive. With neither count nor until it goes on for ever."""

    def rule(self, start: datetime) -> str:
        """RRULE for a series whose first occurrence is due from `start` on; raises BadInput."""
        self._check(start)
        parts = [f"FREQ={_FREQ[self.frequency]}"]
        if self.interval > 1:
            parts.append(f"INTERVAL={self.interval}")
        match self.frequency:
            case Frequency.WEEKDAYS:
                parts.append(f"BYDAY={_codes(_WEEKDAYS)}")
            case Frequency.WEEKLY:
                parts.append(f"BYDAY={_codes(self.weekdays or {start.weekday()})}")
            case Frequency.MONTHLY_DATE:
                parts.append(f"BYMONTHDAY={start.day}")
            case Frequency.MONTHLY_WEEKDAY:
                parts.append(f"BYDAY={_nth_of(start)}{CODES[start.weekday()]}")
            case Frequency.DAILY:
                pass
        if self.count is not None:
            parts.append(f"COUNT={self.count}")
        elif self.until is not None:
            parts.append(f"UNTIL={self.until:%Y%m%d}T235959")
        return ";".join(parts)

    def _check(self, start: datetime) -> None:
        if not 1 <= self.interval <= 99:
            raise BadInput("Repeat every 1 to 99.", field="interval")
        if self.count is not None and not 1 <= self.count <= MOST_TIMES:
            raise BadInput(f"Repeat 1 to {MOST_TIMES} times.", field="count")
        if self.until is not None and self.until < start.date():
            raise BadInput("The last day lies before the first.", field="until")

    @classmethod
    def of(cls, rule: str, start: datetime) -> Repetition | None:
        """None where the form cannot show `rule` as it is."""
        parts = _parts(rule)
        try:
            made = cls(
                frequency=_frequency(parts),
                interval=int(parts.get("INTERVAL", "1")),
                weekdays=_weekdays(parts),
                count=int(parts["COUNT"]) if "COUNT" in parts else None,
                until=_last_day(parts["UNTIL"]) if "UNTIL" in parts else None,
            )
            same = _comparable(_parts(made.rule(start))) == _comparable(parts)
        except (BadInput, ValueError, KeyError):
            return None
        return made if same else None


_FREQ = {
    Frequency.DAILY: "DAILY",
    Frequency.WEEKDAYS: "WEEKLY",
    Frequency.WEEKLY: "WEEKLY",
    Frequency.MONTHLY_DATE: "MONTHLY",
    Frequency.MONTHLY_WEEKDAY: "MONTHLY",
}


def _parts(rule: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in rule.upper().split(";") if "=" in part)


def _joined(parts: dict[str, str]) -> str:
    return ";".join(f"{key}={value}" for key, value in parts.items())


def _comparable(parts: dict[str, str]) -> dict[str, str]:
    """Without what makes no difference to the form."""
    plain = {"WKST": "", **parts, "INTERVAL": str(int(parts.get("INTERVAL", "1")))}
    plain["WKST"] = ""
    if "UNTIL" in plain:
        plain["UNTIL"] = plain["UNTIL"][:8]
    if "BYDAY" in plain:
        plain["BYDAY"] = ",".join(sorted(plain["BYDAY"].split(",")))
    return plain


def _frequency(parts: dict[str, str]) -> Frequency:
    match parts["FREQ"]:
        case "DAILY":
            return Frequency.DAILY
        case "WEEKLY":
            every_weekday = _weekdays(parts) == _WEEKDAYS and int(parts.get("INTERVAL", "1")) == 1
            return Frequency.WEEKDAYS if every_weekday else Frequency.WEEKLY
        case "MONTHLY":
            return Frequency.MONTHLY_DATE if "BYMONTHDAY" in parts else Frequency.MONTHLY_WEEKDAY
    raise ValueError(parts["FREQ"])


def _weekdays(parts: dict[str, str]) -> frozenset[int]:
    if parts["FREQ"] != "WEEKLY" or "BYDAY" not in parts:
        return frozenset()
    return frozenset(CODES.index(code) for code in parts["BYDAY"].split(","))


def _last_day(until: str) -> date:
    return datetime.strptime(until[:8], "%Y%m%d").date()  # noqa: DTZ007 - a wall date


def _codes(weekdays: frozenset[int] | set[int]) -> str:
    return ",".join(CODES[day] for day in sorted(weekdays))


def _nth_of(day: datetime) -> int:
    """Which such weekday of its month: 1 to 4, or -1 for the last where it is the fifth."""
    nth = (day.day - 1) // 7 + 1
    return -1 if nth == 5 else nth


# ── occurrences ───────────────────────────────────────────────────────────────────────────────


def starts(rule: str, start: datetime, after: datetime | None = None) -> Iterator[datetime]:
    """Original starts from `after` (inclusive) on; raises BadInput for a rule we do not keep."""
    return iter(parse_rule(rule, start).xafter(after or start, inc=True))


def first_start(rule: str, start: datetime) -> datetime:
    """When a series that is due from `start` on really begins."""
    return next(starts(rule, start))


def next_starts(rule: str, start: datetime, after: datetime, count: int) -> list[datetime]:
    return list(islice(starts(rule, start, after), count))


def ended_before(rule: str, moment: datetime) -> str:
    """The same rule with its last occurrence on a day before that of `moment`."""
    parts = _parts(rule)
    parts.pop("COUNT", None)
    last = f"{moment.date() - timedelta(days=1):%Y%m%d}T235959"
    parts["UNTIL"] = min(last, parts.get("UNTIL", last))
    return _joined(parts)


def continued(rule: str, start: datetime, split: datetime) -> str:
    """The rule of what follows from `split` on: a COUNT loses what came before."""
    parts = _parts(rule)
    if "COUNT" in parts:
        before = sum(1 for _ in takewhile(lambda each: each < split, starts(rule, start)))
        parts["COUNT"] = str(max(1, int(parts["COUNT"]) - before))
    return _joined(parts)


def names_weekdays(rule: str) -> bool:
    """Is it weekly on several days, of which one can move alone?"""
    parts = _parts(rule)
    return parts["FREQ"] == "WEEKLY" and "," in parts.get("BYDAY", "")


def shifted(rule: str, old: datetime, new: datetime) -> str:
    """The rule when its occurrence at `old` is to be at `new`, and all others alike."""
    parts = _parts(rule)
    days = (new.date() - old.date()).days
    if "UNTIL" in parts:
        last = _last_day(parts["UNTIL"]) + timedelta(days=max(days, 0))
        parts["UNTIL"] = f"{last:%Y%m%d}T235959"
    if days and "BYMONTHDAY" in parts:
        parts["BYMONTHDAY"] = str(new.day)
    elif days and "BYDAY" in parts and parts["FREQ"] == "MONTHLY":
        parts["BYDAY"] = f"{_nth_of(new)}{CODES[new.weekday()]}"
    elif days and "BYDAY" in parts:
        there = set(parts["BYDAY"].split(",")) - {CODES[old.weekday()]}
        there.add(CODES[new.weekday()])
        parts["BYDAY"] = ",".join(code for code in CODES if code in there)
    return _joined(parts)


# ── words ─────────────────────────────────────────────────────────────────────────────────────


def in_words(rule: str, start: datetime) -> str:
    """``Every Monday and Wednesday, 10 times``; a rule the form cannot make is described
    roughly."""
    made = Repetition.of(rule, start)
    if made is None:
        return "Repeats by a rule of its own"
    return _frequency_in_words(made, start) + _end_in_words(made)


def _frequency_in_words(made: Repetition, start: datetime) -> str:
    each = made.interval
    match made.frequency:
        case Frequency.DAILY:
            return "Every day" if each == 1 else f"Every {each} days"
        case Frequency.WEEKDAYS:
            return "Every weekday, Monday to Friday"
        case Frequency.WEEKLY:
            days = _list(DAYS[day] for day in sorted(made.weekdays or {start.weekday()}))
            return f"Every {days}" if each == 1 else f"Every {each} weeks on {days}"
        case Frequency.MONTHLY_DATE:
            often = "Every month" if each == 1 else f"Every {each} months"
            day = "31st" if start.day == 31 else f"{start.day}th"
            short = f"; months without a {day} are left out" if start.day > 28 else ""
            return f"{often} on day {start.day}{short}"
        case Frequency.MONTHLY_WEEKDAY:
            often = "of every month" if each == 1 else f"of every {each} months"
            return f"On the {_NTH[_nth_of(start)]} {DAYS[start.weekday()]} {often}"


def _end_in_words(made: Repetition) -> str:
    if made.count is not None:
        return ", once" if made.count == 1 else f", {made.count} times"
    if made.until is not None:
        return f", until {made.until.day} {made.until:%B %Y}"
    return ""


def _list(names: Iterator[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
