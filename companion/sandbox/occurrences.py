"""Recurring events: from the master's rule lines to its instances.

Google keeps RRULE, RDATE and EXDATE lines without a DTSTART; the rule runs on wall time in the
zone of the master's start, so a weekly 9 o'clock stays at 9 across a DST change. The instance's
id is the master's id, an underscore and the *original* start (`Moment.key`).

Infinite rules end `HORIZON_DAYS` after the moment of the request, as Google too stops somewhere;
no expansion gives more than `MOST_INSTANCES`.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rruleset, rrulestr

from companion.sandbox import refusals
from companion.sandbox.moments import Moment, day_moment, find_zone, local_moment, zone_of

HORIZON_DAYS = 730
MOST_INSTANCES = 2500
_UNTIL = re.compile(r"UNTIL=(\d{8}(?:T\d{6}Z?)?)")
_LINE = re.compile(r"^(RRULE|EXRULE|RDATE|EXDATE)((?:;[^:;]+)*):(.+)$", re.IGNORECASE)


def check_rules(lines: object, start: Moment, calendar_zone: ZoneInfo) -> tuple[str, ...]:
    """The rule lines of a new or changed master, refused as Google refuses them."""
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise refusals.invalid("Invalid recurrence rule.")
    if lines and start.day is None and start.zone is None:
        raise refusals.required("Missing time zone definition for start time.")
    rules = tuple(lines)
    if rules:
        _rule_set(rules, start, calendar_zone)
    return rules


def original_starts(
    rules: tuple[str, ...],
    start: Moment,
    calendar_zone: ZoneInfo,
    *,
    since: datetime,
    until: datetime,
) -> Iterator[Moment]:
    """Original starts from *since* up to and including *until*, in order."""
    zone_name = start.zone if start.zone is not None else calendar_zone.key
    zone = calendar_zone if start.day is not None else zone_of(zone_name)
    naive_since = since.astimezone(zone).replace(tzinfo=None)
    naive_until = until.astimezone(zone).replace(tzinfo=None)
    walls = _rule_set(rules, start, calendar_zone).xafter(naive_since, inc=True)
    for wall in islice(takewhile(lambda wall: wall <= naive_until, walls), MOST_INSTANCES):
        if start.day is not None:
            yield day_moment(wall.date(), calendar_zone)
        else:
            yield local_moment(wall, zone_name)


def horizon(now: datetime) -> datetime:
    return now + timedelta(days=HORIZON_DAYS)


def _rule_set(rules: tuple[str, ...], start: Moment, calendar_zone: ZoneInfo) -> rruleset:
    first = start.local(calendar_zone)
    zone = calendar_zone if start.zone is None else zone_of(start.zone)
    result = rruleset()
    has_rule = False
    for line in rules:
        match = _LINE.match(line.strip())
        if match is None:
            raise refusals.invalid("Invalid recurrence rule.")
        name, parameters, value = match.group(1).upper(), match.group(2), match.group(3)
        try:
            if name in {"RRULE", "EXRULE"}:
                rule = rrulestr(_UNTIL.sub(partial(_local_until, zone=zone), value), dtstart=first)
                if not isinstance(rule, rrule):
                    raise refusals.invalid("Invalid recurrence rule.")
                if name == "RRULE":
                    result.rrule(rule)
                    has_rule = True
                else:
                    result.exrule(rule)
            else:
                named = re.search(r"TZID=([^;:]+)", parameters)
                own = find_zone(named.group(1)) if named else None
                for text in value.split(","):
                    wall = _naive(text, zone, own)
                    (result.rdate if name == "RDATE" else result.exdate)(wall)
        except (ValueError, TypeError, KeyError, AttributeError) as err:
            raise refusals.invalid("Invalid recurrence rule.") from err
    if not has_rule:
        result.rdate(first)
    return result


def _naive(text: str, zone: ZoneInfo, own: ZoneInfo | None = None) -> datetime:
    """A rule's DATE or DATE-TIME as wall time in *zone*; *own* is its TZID, if it has one."""
    if "T" not in text:
        return datetime.strptime(text, "%Y%m%d")  # noqa: DTZ007 - wall time on purpose
    if text.endswith("Z"):
        parsed = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return parsed.astimezone(zone).replace(tzinfo=None)
    wall = datetime.strptime(text, "%Y%m%dT%H%M%S")  # noqa: DTZ007 - wall time on purpose
    if own is not None:
        return wall.replace(tzinfo=own).astimezone(zone).replace(tzinfo=None)
    return wall


def _local_until(match: re.Match[str], *, zone: ZoneInfo) -> str:
    """UNTIL as wall time; a bare date means that whole day, so its occurrence is included."""
    text = match.group(1)
    return f"UNTIL={_naive(text, zone):%Y%m%dT%H%M%S}" if "T" in text else f"UNTIL={text}T235959"
