"""Zones: whose clock a row's times are of, where the file has a column that says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from companion.domain.errors import BadInput
from companion.services.imports.cells import folded, read_line
from companion.services.imports.layouts import Layout
from companion.services.imports.questions import Question
from companion.services.imports.reading.asking import AskedQuestions

if TYPE_CHECKING:
    from companion.services.imports.reading.columns import Column


def with_zones(
    layout: Layout, columns: Sequence[Column], asking: AskedQuestions, practice: str
) -> Layout:
    """A time-zone column is obeyed; a word that names no zone is asked about."""
    answered = asking.answer("timezone")
    if answered is not None:
        answered = _known_zone(answered)
    at = layout.columns.get("timezone")
    if at is None:
        return replace(layout, timezone=answered) if answered else layout
    zones: dict[str, str] = {}
    unknown: dict[str, int] = {}
    for cell, count in columns[at].values.items():
        word = folded(cell)
        zone = zone_of(word)
        if zone:
            zones[word] = zone
        else:
            unknown[word] = count
    if unknown:
        first = next(iter(unknown))
        named = f"“{read_line(first, 40)}”"
        zone = asking.settle(
            Question(
                key="timezone",
                about=f"the time zone {named}",
                text=f"Which time zone does {named} mean? Answer as in Australia/Sydney.",
                choices=(),
                guess=practice,
                count=sum(unknown.values()),
                example=first,
            )
        )
        zones |= dict.fromkeys(unknown, _known_zone(zone))
    return replace(layout, zones=zones)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput(
            f"“{name[:60]}” is no time zone such as Australia/Sydney.", field="timezone"
        ) from error
    return name


@cache
def _zones() -> Mapping[str, str]:
    """Folded IANA names; cities alone; the names that Windows and Rails give the zones of
    Australia and New Zealand."""
    names = sorted(available_timezones())
    cities: dict[str, str] = {}
    for each in names:
        if each.count("/") == 1 and not each.startswith(("Etc/", "US/", "Canada/", "Brazil/")):
            cities.setdefault(each.rpartition("/")[2].replace("_", " ").casefold(), each)
    return {
        **cities,
        **{each.casefold(): each for each in names},
        "aest": "Australia/Brisbane",
        "acst": "Australia/Darwin",
        "awst": "Australia/Perth",
        "aus eastern standard time": "Australia/Sydney",
        "e. australia standard time": "Australia/Brisbane",
        "w. australia standard time": "Australia/Perth",
        "cen. australia standard time": "Australia/Adelaide",
        "aus central standard time": "Australia/Darwin",
        "tasmania standard time": "Australia/Hobart",
        "new zealand standard time": "Pacific/Auckland",
        "gmt standard time": "Europe/London",
        "canberra": "Australia/Sydney",
        "wellington": "Pacific/Auckland",
        "eastern time (us & canada)": "America/New_York",
        "central time (us & canada)": "America/Chicago",
        "mountain time (us & canada)": "America/Denver",
        "pacific time (us & canada)": "America/Los_Angeles",
        "z": "UTC",
    }


def zone_of(word: str) -> str:
    """The IANA zone a folded word names; empty where it names none, or several."""
    known = _zones()
    return known.get(word) or known.get(word.rpartition(") ")[2]) or ""
