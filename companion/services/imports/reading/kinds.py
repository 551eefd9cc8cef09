"""Kinds: what the values of a column look like, whatever its heading says.

A `Profile` counts, over the distinct values of a column, how many can be read as a date, a time of
day, a range of times, a length, yes or no, a zone, a name and so on. `fits` says how well such a
column would serve a field, from 0 (not at all) to 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import available_timezones

from companion.services.imports.cells import CellError, read_line
from companion.services.imports.lengths import plain_number, worded_length
from companion.services.imports.moments import EXCEL_EPOCH, CellMoment, DateOrder, read_stamp
from companion.services.imports.reading.names import TITLES
from companion.services.imports.reading.statuses import is_known_status

SAMPLE = 300
"""Distinct values looked at in each column."""
EMPTY_WORDS = frozenset(
    {"NULL", "null", "(null)", "(NULL)", r"\N", "<null>", "<NULL>", "#N/A", "NaT"}
)
"""How exports of databases write that a cell holds nothing."""
_YES_NO = frozenset({
    "yes", "no", "y", "n", "true", "false", "t", "f", "0", "1", "-1", "x", "✓", "✔", "on", "off",
})  # fmt: skip
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"'?\+?[\d\s()-]{8,}")
_NAME = re.compile(r"[^\W\d_][^\d_@/\\:;=<>#*!?]*")
_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?E\+?\d{1,3}", re.IGNORECASE)
_FOLDED_ZONES = frozenset(each.casefold() for each in available_timezones())


@dataclass(frozen=True, slots=True)
class Kind:
    """What one value may be."""

    stamp: CellMoment | None = None
    number: float | None = None
    length: bool = False
    yes_no: bool = False
    zone: bool = False
    name: bool = False
    status: bool = False
    contact: bool = False
    scientific: bool = False


@dataclass(slots=True)
class Profile:
    """The distinct values of one column, counted."""

    filled: int = 0
    """Rows with a value."""
    distinct: int = 0
    """All distinct values, also those beyond the sample."""
    looked_at: int = 0
    days: int = 0
    """With a date, whatever else."""
    moments: int = 0
    """With a date and a time of day."""
    midnights: int = 0
    """Of these, at midnight."""
    clocks: int = 0
    """With a time of day and no date."""
    ranges: int = 0
    numbers: int = 0
    fractions: int = 0
    """Of a day: more than 0 and less than 1."""
    lengths: int = 0
    """With a unit, or h:mm."""
    yes_no: int = 0
    zones: int = 0
    names: int = 0
    statuses: int = 0
    contacts: int = 0
    scientific: int = 0
    texts: set[str] = field(default_factory=set)
    """The sample, folded."""

    def share(self, count: int) -> float:
        return count / self.looked_at if self.looked_at else 0.0

    @property
    def unique(self) -> float:
        """1 where no value occurs twice."""
        return self.distinct / self.filled if self.filled else 0.0


def profile_of(counts: Mapping[object, int]) -> Profile:
    """`counts`: every value of the column that holds anything, and how often."""
    found = Profile(filled=sum(counts.values()), distinct=len(counts))
    values: Iterable[object] = counts
    if len(counts) > SAMPLE:
        listed = list(counts)
        values = listed[:: len(listed) // SAMPLE + 1]
    for value in values:
        kind = kind_of(value)
        found.looked_at += 1
        stamp = kind.stamp
        if stamp is not None:
            if stamp.day is not None:
                found.days += 1
                found.moments += stamp.clock is not None
                found.midnights += stamp.clock == 0
            elif stamp.clock is not None:
                found.clocks += 1
            found.ranges += stamp.until is not None
        found.numbers += kind.number is not None
        found.fractions += kind.number is not None and 0 < kind.number < 1
        found.lengths += kind.length
        found.yes_no += kind.yes_no
        found.zones += kind.zone
        found.names += kind.name
        found.statuses += kind.status
        found.contacts += kind.contact
        found.scientific += kind.scientific
        found.texts.add(read_line(value).casefold())
    return found


def kind_of(value: object) -> Kind:
    if isinstance(value, str):
        return _kind_of_text(read_line(value, 200))
    if isinstance(value, bool):
        return Kind(yes_no=True)
    if isinstance(value, int | float):
        return Kind(
            number=float(value),
            stamp=_stamp(value) if isinstance(value, float) else None,
            yes_no=value in (0, 1, -1),
            scientific=isinstance(value, float) and value >= 1e15,
        )
    if isinstance(value, timedelta):
        return Kind(stamp=CellMoment(clock=0), length=True)
    if isinstance(value, datetime | date | time):
        return Kind(stamp=_stamp(value), length=isinstance(value, time))
    return Kind()


@lru_cache(maxsize=16_384)
def _kind_of_text(text: str) -> Kind:
    number = plain_number(text)
    if number is not None:
        stamp = _stamp(text) if re.fullmatch(r"\d{5}\.\d+|20\d{6}|\d{3,4}", text) else None
        return Kind(number=number, stamp=stamp, yes_no=text in _YES_NO)
    if _SCIENTIFIC.fullmatch(text):
        return Kind(scientific=True)
    folded = text.casefold()
    stamp = _stamp(text) if any(map(str.isdigit, text)) or folded in {"noon", "midnight"} else None
    clock_like = re.fullmatch(r"\d{1,3}:\d{2}(?::\d{2})?", text) is not None
    length = clock_like or worded_length(text) is not None
    return Kind(
        stamp=stamp,
        length=length,
        yes_no=folded in _YES_NO,
        zone=_is_zone(folded),
        name=stamp is None and not length and _is_name(text),
        status=is_known_status(folded),
        contact=bool(_EMAIL.fullmatch(text) or _PHONE.fullmatch(text)),
    )


def _stamp(value: object) -> CellMoment | None:
    for order in (DateOrder.DMY, DateOrder.MDY, DateOrder.YMD):
        try:
            return read_stamp(value, order, EXCEL_EPOCH)
        except CellError:
            continue
    return None


def _is_zone(folded: str) -> bool:
    return folded in _FOLDED_ZONES and ("/" in folded or folded in {"utc", "gmt"})


def _is_name(text: str) -> bool:
    """Like "Jo Smith", "SMITH, Jo (Mrs)" or "Dr A. Example", and no sentence."""
    return bool(_NAME.fullmatch(text)) and 3 <= len(text) <= 60 and 1 <= text.count(" ") <= 6


# ── how well a column serves a field ──────────────────────────────────────────────────────────


def fits(field_name: str, profile: Profile) -> float:
    """0 to 1. A column without values serves anything, badly."""
    if not profile.filled:
        return 0.3
    return _FITS.get(field_name, _any_text)(profile)


def _any_text(profile: Profile) -> float:
    return 1.0 if not profile.share(profile.contacts) > 0.5 else 0.2


def _wording(profile: Profile) -> float:
    """What an appointment is called: not how its client is addressed ("Mr", "Dr")."""
    titles = sum(each.rstrip(".") in TITLES for each in profile.texts)
    return 0.0 if titles * 2 > len(profile.texts) else _any_text(profile)


def _link(profile: Profile) -> float:
    links = sum(each.startswith("https://") for each in profile.texts)
    return 1.0 if links * 2 >= len(profile.texts) else 0.0


def _day(profile: Profile) -> float:
    return _steep(profile.share(profile.days))


def _clock(profile: Profile) -> float:
    times = profile.clocks + profile.moments + (profile.numbers if not profile.days else 0)
    return _steep(min(1.0, profile.share(times)))


def _moment(profile: Profile) -> float:
    return _steep(profile.share(profile.days + profile.clocks + profile.fractions))


def _length(profile: Profile) -> float:
    dated = profile.share(profile.days)
    return 0.0 if dated > 0.5 else _steep(profile.share(profile.lengths + profile.numbers))


def _yes(profile: Profile) -> float:
    return _steep(profile.share(profile.yes_no))


def _cancelled(profile: Profile) -> float:
    """Yes and no, moments or reasons; not amounts of money."""
    if profile.share(profile.yes_no + profile.days) > 0.5:
        return 1.0
    return 0.2 if profile.share(profile.numbers) > 0.5 else 0.8


def _status(profile: Profile) -> float:
    """Few words that come again and again, of which we know some."""
    if profile.share(profile.days) > 0.5 or profile.share(profile.contacts) > 0.2:
        return 0.0
    known = profile.share(profile.statuses)
    if known >= 0.3:
        return 1.0
    few = profile.distinct <= max(6, profile.filled // 4)
    return 0.6 if known and few else 0.4 if few and not profile.share(profile.names) > 0.5 else 0.1


def _zone(profile: Profile) -> float:
    return 1.0 if profile.share(profile.zones) >= 0.5 else 0.5


def _person(profile: Profile) -> float:
    share = profile.share(profile.names)
    if profile.share(profile.days + profile.clocks) > 0.5 or profile.share(profile.contacts) > 0.5:
        return 0.0
    return 1.0 if share >= 0.5 else 0.7 if profile.share(profile.numbers) < 0.5 else 0.5


def _identifier(profile: Profile) -> float:
    if profile.share(profile.days) > 0.5 and profile.share(profile.numbers) < 0.5:
        return 0.0
    return 1.0 if profile.unique > 0.3 else 0.6


def _kinds(profile: Profile) -> float:
    return 1.0 if len(profile.texts & _KIND_WORDS) * 2 >= len(profile.texts) else 0.0


_KIND_WORDS = frozenset({"client", "patient", "casual", "meeting", ""})


def _steep(share: float) -> float:
    """Half right is wrong: a column of dates has dates in nearly every row."""
    return 0.0 if share < 0.5 else share


_FITS = {
    "start": _moment,
    "end": _moment,
    "date": _day,
    "time": _clock,
    "end_date": _day,
    "end_time": _clock,
    "length": _length,
    "all_day": _yes,
    "recurring": _yes,
    "cancelled": _cancelled,
    "status": _status,
    "timezone": _zone,
    "practitioner": _person,
    "client_name": _person,
    "created": _day,
    "updated": _day,
    "id": _identifier,
    "kind": _kinds,
    "type": _wording,
    "telehealth_link": _link,
    "title": _wording,
}
