"""Date order: whether 3/4/2026 is a day in April or in March, and which row proves it.

A date that only one order can read proves that order for the file, unless more dates are none in
that order: then it is the one that is damaged, as where a file was cut. Where no row proves one,
the practice's own order is taken only when reading the file that way is clearly the likelier: its
appointments then lie close together and near today, and far apart the other way round. Everything
else is a question. A month-first file is never read day-first for the rows where that works.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from companion.services.imports.cells import read_line
from companion.services.imports.moments import MONTHS, DateOrder, day_in_figures, figures

_WEEKDAYS = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}
_MONTH_FIRST_ZONES = frozenset({
    "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
    "America/Phoenix", "America/Anchorage", "America/Detroit", "America/Boise", "Pacific/Honolulu",
    "Pacific/Guam", "America/Puerto_Rico", "America/Juneau",
})  # fmt: skip
_MONTH_FIRST_PREFIXES = ("America/Indiana/", "America/Kentucky/", "America/North_Dakota/", "US/")
NEAR_BEFORE, NEAR_AFTER = timedelta(days=45), timedelta(days=120)
"""Exports are of these days around today, mostly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderProof:
    order: DateOrder | None
    """None where the file has no date in figures whose order is open."""
    written: DateOrder | None = None
    """How such a file writes its dates: year first, or with names of months."""
    proved_by: str = ""
    """The date that only this order can read, or why it was taken."""
    row: int = 0
    asked: bool = False
    """Neither proved nor clearly the likelier: `order` is the guess."""
    count: int = 0
    """Dates that the order decides."""
    example: str = ""


def own_order(timezone: str) -> DateOrder:
    """How the practice writes dates itself, by where it is."""
    month_first = timezone in _MONTH_FIRST_ZONES or timezone.startswith(_MONTH_FIRST_PREFIXES)
    return DateOrder.MDY if month_first else DateOrder.DMY


def prove_order(
    cells: Iterable[tuple[int, object, bool]],
    own: DateOrder,
    today: date,
    layout: DateOrder | None = None,
) -> OrderProof:
    """`cells`: row number, cell, and whether it is of the start. `layout`: the order in which
    the recognised software always writes."""
    found = _Evidence(today.year)
    for row, cell, of_start in cells:
        if isinstance(cell, str):
            found.look_at(row, cell, of_start=of_start)
    if not found.readings:
        return OrderProof(order=None, written=found.written, proved_by=found.example)
    proof = partial(OrderProof, count=found.count, example=found.example)
    proofs = {order: each for order, each in found.proofs.items() if each}
    if len(proofs) == 1:
        order, (row, text) = next(iter(proofs.items()))
        if found.only[order] >= found.unread[order]:
            return proof(order=order, proved_by=text, row=row)
    elif proofs:
        # Dates of either order in one file: whichever is taken, somebody must know.
        guess = max(proofs, key=lambda each: found.only[each])
        return proof(order=guess, asked=True)
    preferred = layout or own
    other = DateOrder.MDY if preferred is DateOrder.DMY else DateOrder.DMY
    likelier = _likelier(found.readings, preferred, other, today)
    if likelier is preferred:
        why = "the dates lie together and near today only this way round"
        return proof(order=preferred, proved_by=why)
    if layout is not None and likelier is None:
        return OrderProof(order=layout, proved_by="the software writes dates so", count=found.count)
    return proof(order=likelier or preferred, asked=True)


class _Evidence:
    def __init__(self, this_year: int) -> None:
        self._this_year = this_year
        self.proofs: dict[DateOrder, tuple[int, str] | None] = dict.fromkeys(DateOrder)
        self.only: dict[DateOrder, int] = dict.fromkeys(DateOrder, 0)
        self.unread: Counter[DateOrder] = Counter()
        """Dates that other orders read, and this one does not."""
        self.readings: dict[tuple[str, str, str], dict[DateOrder, date]] = {}
        """Dates of starts (of any moment where no start is in figures) that two orders read."""
        self.count = 0
        self.example = ""
        self.written: DateOrder | None = None
        self._of_start = False

    def look_at(self, row: int, text: str, *, of_start: bool) -> None:
        parts = figures(text)
        if parts is None:
            if self.written is None and not self.count:
                self.written = _written(text)
                self.example = read_line(text, 40) if self.written else ""
            return
        if self.written is not None:
            self.written, self.example = None, ""
        if of_start or not self._of_start:
            self.count += 1
        readings = _readings(parts, self._this_year)
        weekday = _weekday(text)
        if weekday is not None:
            fitting = {order: day for order, day in readings.items() if day.weekday() == weekday}
            readings = fitting or readings
        if not readings:
            return
        if of_start and not self._of_start:
            self._of_start = True
            self.readings.clear()
        self.unread.update(set(DateOrder) - readings.keys())
        if len(readings) == 1:
            order = next(iter(readings))
            self.only[order] += 1
            if self.proofs[order] is None:
                self.proofs[order] = (row, read_line(text, 40))
        if of_start or not self._of_start:
            self.readings[parts] = readings
            if len(readings) > 1 and len(set(readings.values())) > 1:
                self.example = self.example or read_line(text, 40)


def _readings(parts: tuple[str, str, str], this_year: int) -> dict[DateOrder, date]:
    """What each order makes of three numbers. Two figures in front are a year only where that
    is this year or one beside it, and nothing else is."""
    made = {order: day_in_figures(parts, order) for order in DateOrder}
    found = {order: day for order, day in made.items() if day is not None}
    if DateOrder.YMD in found and len(found) > 1:
        plausible = {
            order: each for order, each in found.items() if abs(each.year - this_year) <= 2
        }
        if DateOrder.YMD not in plausible or len(plausible) > 1:
            del found[DateOrder.YMD]
        else:
            found = plausible
    return found


_NAMED_DAY_FIRST = re.compile(
    r"\b\d{1,2}(?:st|nd|rd|th)?[ /.-]*(?:of )?[^\W\d_]{3,}", re.IGNORECASE
)
_NAMED_MONTH_FIRST = re.compile(r"[^\W\d_]{3,}\.?[ -]\d{1,2}\b", re.IGNORECASE)


def _written(text: str) -> DateOrder | None:
    """The order of a date that leaves none open."""
    plain = read_line(text)
    if re.match(r"\d{4}[/.-]?\d{2}", plain):
        return DateOrder.YMD
    day, month = _NAMED_DAY_FIRST.search(plain), _NAMED_MONTH_FIRST.search(plain)
    if day and _names_month(day[0]):
        return DateOrder.DMY
    return DateOrder.MDY if month and _names_month(month[0]) else None


def _names_month(text: str) -> bool:
    return any(word in MONTHS for word in re.findall(r"[^\W\d_]+", text.casefold()))


def _weekday(text: str) -> int | None:
    return _WEEKDAYS.get(text.lstrip()[:3].casefold())


def _likelier(
    readings: Mapping[tuple[str, str, str], Mapping[DateOrder, date]],
    preferred: DateOrder,
    other: DateOrder,
    today: date,
) -> DateOrder | None:
    """Which of two possible readings puts the appointments together and near today; None where
    both do as well, or as badly."""
    one = [each[preferred] for each in readings.values() if preferred in each]
    two = [each[other] for each in readings.values() if other in each]
    if not one or not two or one == two:
        return preferred if one == two else None
    near_one, near_two = _all_near(one, today), _all_near(two, today)
    together = _spread(one) <= _spread(two)
    if near_one and not near_two and together:
        return preferred
    if near_two and not near_one and _spread(two) <= _spread(one):
        return other
    if len(set(one)) >= 3 and near_one == near_two and _spread(one) * 4 < _spread(two):
        return preferred
    if len(set(one)) >= 3 and near_one == near_two and _spread(two) * 4 < _spread(one):
        return other
    return None


def _all_near(days: list[date], today: date) -> bool:
    return today - NEAR_BEFORE <= min(days) and max(days) <= today + NEAR_AFTER


def _spread(days: list[date]) -> int:
    return (max(days) - min(days)).days
