"""What a search may ask: parameters as HAPI's server takes them, and which resources match."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

Resource = dict[str, Any]
_DATE = re.compile(
    r"(?P<prefix>eq|ne|gt|lt|ge|le|sa|eb)?(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)"
    r"(T(?P<clock>\d\d:\d\d(:\d\d(\.\d+)?)?)(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?"
)
_PREFIXES: dict[str, Callable[[datetime, datetime, datetime], bool]] = {
    "eq": lambda found, first, after: first <= found < after,
    "ne": lambda found, first, after: not first <= found < after,
    "gt": lambda found, _first, after: found >= after,
    "sa": lambda found, _first, after: found >= after,
    "ge": lambda found, first, _after: found >= first,
    "lt": lambda found, first, _after: found < first,
    "eb": lambda found, first, _after: found < first,
    "le": lambda found, _first, after: found < after,
}
_ACTORS = {
    "practitioner": "Practitioner",
    "patient": "Patient",
    "location": "Location",
    "actor": "",
}
"""Search parameters of an appointment that name a participant of a type; "" for any."""
KNOWN = {
    "Appointment": frozenset({"_id", "_lastUpdated", "date", "status", *_ACTORS}),
    **dict.fromkeys(
        ("Patient", "Practitioner", "PractitionerRole", "Location"),
        frozenset({"_id", "_lastUpdated"}),
    ),
}
INCLUDES = frozenset(f"Appointment:{each}" for each in _ACTORS)
CONTROLS = frozenset({"_count", "_include", "_format"})


class BadSearch(Exception):
    """As HAPI words it: the code, then the diagnostics."""


@dataclass(slots=True, kw_only=True)
class FhirQuery:
    tests: list[Callable[[Resource], bool]] = field(default_factory=list)
    includes: list[str] = field(default_factory=list)
    count: int = 0
    """0: as many as the server likes."""
    applied: list[tuple[str, str]] = field(default_factory=list)

    def matches(self, resource: Resource) -> bool:
        return all(test(resource) for test in self.tests)


def read_query(kind: str, text: str, *, lenient: bool, supported: frozenset[str]) -> FhirQuery:
    """`supported`: of KNOWN and CONTROLS; others are left out where `lenient`, else refused.
    Raises BadSearch."""
    found = FhirQuery()
    for name, value in parse_qsl(text, keep_blank_values=True):
        bare = name.partition(":")[0]
        if bare not in (KNOWN[kind] | CONTROLS) & supported:
            if lenient:
                continue
            known = ", ".join(sorted(KNOWN[kind] & supported))
            raise BadSearch(
                f'HAPI-0524: Unknown search parameter "{bare}" for resource type "{kind}". '
                f"Valid search parameters for this search are: [{known}]"
            )
        found.applied.append((name, value))
        if bare == "_count":
            found.count = _whole(value)
        elif bare == "_include":
            if value not in INCLUDES or kind != "Appointment":
                raise BadSearch(f"HAPI-2015: Invalid _include parameter value: {value}")
            found.includes.append(value.partition(":")[2])
        elif bare != "_format":
            found.tests.append(_test(bare, value))
    return found


def included(resource: Resource, includes: Sequence[str]) -> Iterator[str]:
    """References of an appointment that are to come with it."""
    for include in includes:
        yield from _references(resource, _ACTORS[include])


def _test(name: str, value: str) -> Callable[[Resource], bool]:
    wanted = value.split(",")
    if name == "_id":
        return lambda resource: resource["id"] in wanted
    if name == "status":
        return lambda resource: resource["status"] in wanted
    if name in _ACTORS:
        kind = _ACTORS[name]
        full = {each if "/" in each else f"{kind}/{each}" for each in wanted}
        return lambda resource: bool(full & set(_references(resource, kind)))
    ranges = [_range(each) for each in wanted]

    def test(resource: Resource) -> bool:
        text = resource.get("start") if name == "date" else resource["meta"]["lastUpdated"]
        return text is not None and any(
            _PREFIXES[prefix](_moment(text), *bounds) for prefix, *bounds in ranges
        )

    return test


def _references(resource: Resource, kind: str) -> Iterator[str]:
    for each in resource["participant"]:
        reference = each.get("actor", {}).get("reference", "")
        if reference and reference.startswith(f"{kind}/" if kind else ""):
            yield reference


def _range(text: str) -> tuple[str, datetime, datetime]:
    """Prefix, first moment of what was written, and the moment after it."""
    parts = _DATE.fullmatch(text)
    if parts is None:
        raise BadSearch(f"HAPI-1882: Invalid date/time format: {text!r}")
    prefix = parts["prefix"] or "eq"
    try:
        if parts["clock"]:
            clock, zone = parts["clock"], parts["zone"] or "Z"
            whole = f"{parts['year']}-{parts['month']}-{parts['day']}T{clock}{zone}"
            first = datetime.fromisoformat(whole).astimezone(UTC)
            return prefix, first, first + timedelta(seconds=1 if clock.count(":") == 2 else 60)
        month, day = int(parts["month"] or 1), int(parts["day"] or 1)
        first = datetime(int(parts["year"]), month, day, tzinfo=UTC)
    except ValueError:
        raise BadSearch(f"HAPI-1882: Invalid date/time format: {text!r}") from None
    if parts["day"]:
        return prefix, first, first + timedelta(days=1)
    after = first.replace(year=first.year + 1) if not parts["month"] else _next_month(first)
    return prefix, first, after


def _next_month(first: datetime) -> datetime:
    return (first + timedelta(days=32)).replace(day=1)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise BadSearch(f"HAPI-0436: Invalid value for _count: {text!r}")
    return int(text)
