"""Times as Google's calendar wire carries them.

A `Moment` is the start or the end of an event: a whole day or an instant, with the zone it was
sent with. Google keeps the instant and the zone's name and answers `dateTime` with the offset of
the *calendar's* zone (or of the request's `timeZone`), whatever offset was sent; so the text
comes back changed while the instant does not. Fractions of a second are dropped.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from companion.sandbox import refusals
from companion.sandbox.refusals import Json

_NAIVE_LENGTH = len("2026-03-03T09:30:00")


@lru_cache(maxsize=512)
def find_zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def zone_of(name: str) -> ZoneInfo:
    """The zone of a name that was accepted earlier."""
    found = find_zone(name)
    if found is None:
        raise refusals.invalid("Invalid time zone definition.", "timeZone")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    instant: int
    """Seconds since 1970 in UTC; for a whole day, its midnight in the calendar's zone."""
    day: date | None = None
    """Set for a whole day, in which case the instant only serves comparisons."""
    zone: str | None = None
    """The IANA name that was sent with it, if any."""

    def on_wire(self, zone: ZoneInfo) -> Json:
        if self.day is not None:
            return {"date": self.day.isoformat()}
        return {
            "dateTime": wire_time(self.instant, zone),
            "timeZone": self.zone if self.zone is not None else zone.key,
        }

    def local(self, calendar_zone: ZoneInfo) -> datetime:
        """Naive wall time in the zone of the event (the calendar's, where none was sent)."""
        if self.day is not None:
            return datetime(self.day.year, self.day.month, self.day.day)  # noqa: DTZ001 - wall time
        zone = calendar_zone if self.zone is None else zone_of(self.zone)
        return datetime.fromtimestamp(self.instant, zone).replace(tzinfo=None)

    def key(self) -> str:
        """The suffix of an instance id: original start in UTC, or the date of a whole day."""
        if self.day is not None:
            return self.day.strftime("%Y%m%d")
        return datetime.fromtimestamp(self.instant, UTC).strftime("%Y%m%dT%H%M%SZ")


def wire_time(instant: int, zone: ZoneInfo) -> str:
    text = datetime.fromtimestamp(instant, zone).isoformat()
    return text[:_NAIVE_LENGTH] + "Z" if text.endswith("+00:00") else text


def day_moment(day: date, calendar_zone: ZoneInfo) -> Moment:
    midnight = datetime(day.year, day.month, day.day, tzinfo=calendar_zone)
    return Moment(instant=int(midnight.timestamp()), day=day)


def local_moment(wall: datetime, zone_name: str) -> Moment:
    """The moment of a naive wall time; in a repeated hour the first, in a gap moved forward."""
    return Moment(instant=int(wall.replace(tzinfo=zone_of(zone_name)).timestamp()), zone=zone_name)


def read_moment(raw: object, which: str, calendar_zone: ZoneInfo) -> Moment:
    """The moment that a client sent as `start`, `end` or `originalStartTime` (*which*)."""
    if not isinstance(raw, dict):
        raise refusals.required(f"Missing {which} time.")
    day: Any = raw.get("date")
    time: Any = raw.get("dateTime")
    if (day is None) == (time is None):
        raise (
            refusals.required(f"Missing {which} time.")
            if day is None
            else refusals.invalid(f"Invalid {which} time.")
        )
    zone_name = raw.get("timeZone")
    zone = None
    if zone_name is not None:
        zone = find_zone(zone_name) if isinstance(zone_name, str) else None
        if zone is None:
            raise refusals.invalid(f"Invalid time zone definition for {which} time.")
    try:
        if day is not None:
            return day_moment(date.fromisoformat(day), calendar_zone)
        parsed = datetime.fromisoformat(time)
    except (TypeError, ValueError) as err:
        raise refusals.invalid(f"Invalid {which} time.") from err
    if parsed.tzinfo is None:
        if zone is None:
            raise refusals.required(f"Missing time zone definition for {which} time.")
        parsed = parsed.replace(tzinfo=zone)
    try:
        instant = int(parsed.timestamp())
    except (OverflowError, ValueError) as err:
        raise refusals.invalid(f"Invalid {which} time.") from err
    return Moment(instant=instant, zone=zone_name)


def read_instant(text: str) -> int:
    """Seconds since 1970 of an RFC 3339 query parameter; its zone offset is mandatory."""
    try:
        # A plus sign that was not percent-encoded arrives as a space, and Google refuses it.
        parsed = datetime.fromisoformat(text)
        if parsed.tzinfo is None:
            raise ValueError(text)
        return int(parsed.timestamp())
    except (ValueError, OverflowError) as err:
        raise refusals.bad_request() from err


def stamp(moment: datetime) -> str:
    """`created` and `updated` as Google writes them: UTC with milliseconds."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"
