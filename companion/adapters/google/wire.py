"""CalendarEvent to Google's event JSON and back.

What we own goes into every write: times, title, place, description, free or busy, tentative,
visibility, and our three private properties: mark, key and the writer's stamp.
Colour and reminder go in at the insert and later only when asked to (`style`), because they are
the practitioner's to change. No attendees, ever.

- Timed events: `dateTime` in UTC with the book's zone beside it; all-day: `date`, end exclusive.
- Free is `transparency: transparent`; tentative is `status: tentative`; the rest is confirmed.
- A reminder becomes one pop-up. Without one, a timed event takes the calendar's own default
  (Google's words: useDefault), an all-day event takes none at all: a default of "10 minutes
  before" would ring at 23:50 the evening before, and so does one that is to have none.
- A patch leaves `status` out, since `status: confirmed` would revive an event that a person has
  deleted; where the answer shows another status than wanted, it is set by itself (`calendar`).
- A patch clears `recurrence`: if a person made our event repeat in Google, `observe` shows it
  with a title that differs, and the repair ends the repetition.
- Read back, fields Google leaves out are its defaults, so that the round trip keeps the
  fingerprint; times come back in any offset and are turned into UTC.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from companion.domain.appointments import NO_REMINDER
from companion.domain.calendar_writers import CalendarWriter, WriterStamp
from companion.domain.errors import RequestRefused
from companion.domain.events import EPOCH, BusyStatus, CalendarEvent, Content, style_of
from companion.domain.reconcile import ObservedEvent
from companion.services.ports import MarkedEvent

Json = dict[str, Any]

MARK = "companion"
KEY = "companionKey"
STAMP = "companionStamp"
LONGEST_KEY = 1024
LONGEST_REMINDER = 40_320  # minutes; four weeks, Google's limit
REPEATS = " (made to repeat in Google)"
FIELDS = (
    "id,status,etag,summary,location,description,start,end,transparency,visibility,colorId,"
    "reminders,recurrence,extendedProperties/private"
)


def new_event(event_id: str, event: CalendarEvent, writer: CalendarWriter, now: datetime) -> Json:
    """The body of an insert."""
    body = {
        "id": event_id,
        **_owned(event, writer, now),
        "status": status_of(event),
        "reminders": _reminders(event),
    }
    for edge in ("start", "end"):
        body[edge] = {name: value for name, value in body[edge].items() if value is not None}
    if event.colour:
        body["colorId"] = event.colour
    return body


def changed_event(
    event: CalendarEvent, writer: CalendarWriter, now: datetime, *, style: bool
) -> Json:
    """The body of a patch; null clears a field."""
    body = {**_owned(event, writer, now), "recurrence": None}
    if style:
        body |= {"colorId": event.colour or None, "reminders": _reminders(event, clear=True)}
    return body


def status_of(event: CalendarEvent) -> str:
    return "tentative" if event.content.availability is BusyStatus.TENTATIVE else "confirmed"


def _owned(event: CalendarEvent, writer: CalendarWriter, now: datetime) -> Json:
    if len(event.key) > LONGEST_KEY:
        raise RequestRefused(detail=f"key of {len(event.key)} characters")
    availability = event.content.availability
    return {
        "summary": event.summary,
        "location": event.location,
        "description": event.description,
        "start": _moment(event.start, event.timezone),
        "end": _moment(event.end, event.timezone),
        "transparency": "transparent" if availability is BusyStatus.FREE else "opaque",
        "visibility": "private" if event.private else "default",
        "extendedProperties": {
            "private": {MARK: writer.mark, KEY: event.key, STAMP: str(writer.stamp(now))}
        },
    }


def _moment(moment: datetime | date, timezone: str) -> Json:
    """Both forms name the other as null, so that a patch can turn one into the other."""
    if isinstance(moment, datetime):
        utc = moment.astimezone(UTC)
        return {
            "dateTime": utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "timeZone": timezone,
            "date": None,
        }
    return {"date": moment.isoformat(), "dateTime": None, "timeZone": None}


def _reminders(event: CalendarEvent, *, clear: bool = False) -> Json:
    """A patch merges objects, so it must empty `overrides` itself."""
    if event.reminder_minutes == NO_REMINDER:
        return {"useDefault": False, **({"overrides": []} if clear else {})}
    if event.reminder_minutes is not None:
        minutes = min(max(event.reminder_minutes, 0), LONGEST_REMINDER)
        return {"useDefault": False, "overrides": [{"method": "popup", "minutes": minutes}]}
    return {"useDefault": not event.all_day, **({"overrides": []} if clear else {})}


def observe(item: Mapping[str, Any], *, marks: Collection[str], timezone: str) -> ObservedEvent:
    """One event as Google answered it; `timezone` is the calendar's.

    A tombstone may come with nothing but its id, and then stands at `EPOCH`."""
    start = _read_moment(item.get("start"))
    end = _read_moment(item.get("end"))
    if start is None or end is None or isinstance(start, datetime) != isinstance(end, datetime):
        start = end = EPOCH
    private = (item.get("extendedProperties") or {}).get("private") or {}
    summary = str(item.get("summary") or "")
    return ObservedEvent(
        event_id=str(item.get("id") or ""),
        key=str(private.get(KEY) or "") if private.get(MARK) in marks else "",
        etag=str(item.get("etag") or ""),
        content=Content(
            start=start,
            end=end,
            summary=summary + REPEATS if item.get("recurrence") else summary,
            location=str(item.get("location") or ""),
            description=str(item.get("description") or ""),
            availability=_availability(item),
            private=item.get("visibility") in {"private", "confidential"},
        ),
        style=_style(item),
        timezone=timezone,
        deleted=item.get("status") == "cancelled",
        stamp=WriterStamp.parse(str(private.get(STAMP) or "")),
    )


def marked(item: Mapping[str, Any]) -> MarkedEvent | None:
    """None for an event that is not of this program."""
    private = (item.get("extendedProperties") or {}).get("private") or {}
    if not (private.get(MARK) and private.get(KEY)):
        return None
    changed = _read_moment({"dateTime": item.get("updated")})
    return MarkedEvent(
        event_id=str(item.get("id") or ""),
        mark=str(private[MARK]),
        key=str(private[KEY]),
        stamp=WriterStamp.parse(str(private.get(STAMP) or "")),
        changed_at=changed if isinstance(changed, datetime) else None,
    )


def _read_moment(value: Any) -> datetime | date | None:
    if not isinstance(value, Mapping):
        return None
    try:
        if value.get("dateTime"):
            read = datetime.fromisoformat(value["dateTime"])
            if read.tzinfo is None:
                read = read.replace(tzinfo=ZoneInfo(value.get("timeZone") or "UTC"))
            return read.astimezone(UTC)
        return date.fromisoformat(value["date"]) if value.get("date") else None
    except (ValueError, TypeError, KeyError, OverflowError):
        return None


def _availability(item: Mapping[str, Any]) -> BusyStatus:
    if item.get("transparency") == "transparent":
        return BusyStatus.FREE
    if item.get("status") == "tentative":
        return BusyStatus.TENTATIVE
    return BusyStatus.BUSY


def _style(item: Mapping[str, Any]) -> str:
    reminders = item.get("reminders") or {}
    minutes = [
        each["minutes"]
        for each in reminders.get("overrides") or ()
        if each.get("method") == "popup" and isinstance(each.get("minutes"), int)
    ]
    silent = reminders.get("useDefault") is False and not reminders.get("overrides")
    pop_up = minutes[0] if minutes and not reminders.get("useDefault") else None
    if silent and "dateTime" in (item.get("start") or {}):
        pop_up = NO_REMINDER
    return style_of(str(item.get("colorId") or ""), pop_up)
