"""One stored event: what a client may write into it, and the resource Google makes of it.

Normalisation follows Google: empty texts vanish, default `transparency` and `visibility` are not
echoed, CRLF becomes LF, control characters go, titles and places lose outer blanks while HTML in
a description is left alone; private and shared properties with a key over 44 characters are
dropped without a word and values are cut at 1,024. Fields that we do not know are ignored.
"""

import re
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from companion.sandbox import refusals
from companion.sandbox.moments import Moment, read_moment
from companion.sandbox.occurrences import check_rules
from companion.sandbox.refusals import Json

EVENT_ID = re.compile(r"[a-v0-9]{5,1024}")
CANCELLED = "cancelled"
LONGEST_KEY, LONGEST_VALUE, MOST_PROPERTIES = 44, 1024, 300
MOST_OVERRIDES, LONGEST_REMINDER = 5, 40_320
_CHOICES = {
    "status": ("confirmed", "tentative", CANCELLED),
    "transparency": ("opaque", "transparent"),
    "visibility": ("default", "public", "private", "confidential"),
    "colorId": tuple(str(number) for number in range(1, 12)),
}
_TEXTS = ("summary", "description", "location")
_KEPT = (
    "attendees",
    "source",
    "anyoneCanAddSelf",
    "guestsCanInviteOthers",
    "guestsCanModify",
    "guestsCanSeeOtherGuests",
    "attachments",
    "gadget",
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_RESPONSE_FIELDS = ("start", "end", "recurrence", "sequence", "status")


@dataclass(slots=True, kw_only=True)
class Event:
    """A master, a single event, or the exception that an instance became."""

    id: str
    serial: int
    """Order of creation in the calendar; the default order of a list."""
    revision: int
    """The calendar's change counter at the last change; the sync token's yardstick."""
    updated_at: float
    fields: Json
    """What the client wrote, normalised, without times."""
    start: Moment
    end: Moment
    rules: tuple[str, ...] = ()
    master: str | None = None
    original: Moment | None = None
    wire: Json
    """The resource as it is answered, in the calendar's zone."""

    @property
    def cancelled(self) -> bool:
        return bool(self.wire["status"] == CANCELLED)

    @property
    def sequence(self) -> int:
        return int(self.wire["sequence"])

    @property
    def etag(self) -> str:
        return str(self.wire["etag"])


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDraft:
    """A checked and normalised request body."""

    fields: Json
    status: str
    sequence: int | None
    start: Moment
    end: Moment
    rules: tuple[str, ...]


def read_draft(body: Json, zone: ZoneInfo, *, recurring_allowed: bool = True) -> EventDraft:
    """A full event body (insert, update, or a patch already merged) as a draft."""
    start = read_moment(body.get("start"), "start", zone)
    end = read_moment(body.get("end"), "end", zone)
    if (start.day is None) != (end.day is None):
        raise refusals.invalid("The start and end times must either both be date or dateTime.")
    # An all-day event whose end equals its start is accepted and lasts one day, as Google does.
    if end.instant < start.instant:
        raise refusals.empty_range()
    rules = check_rules(body.get("recurrence") or [], start, zone)
    if rules and not recurring_allowed:
        raise refusals.invalid("Invalid recurrence rule.")
    sequence = body.get("sequence")
    if sequence is not None and (not isinstance(sequence, int) or sequence < 0):
        raise refusals.invalid("Invalid sequence value.")
    fields = _read_fields(body)
    return EventDraft(
        fields=fields,
        status=fields.pop("status", "confirmed"),
        sequence=sequence,
        start=start,
        end=end,
        rules=rules,
    )


def merge_patch(stored: Json, changes: Json) -> Json:
    """Google's patch: objects merge field by field, null removes, lists are replaced."""
    merged = dict(stored)
    for key, value in changes.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge_patch(merged[key], value)
        else:
            merged[key] = value
    return merged


def editable(event: Event) -> Json:
    """The stored event as a request body, the basis of a patch."""
    return {
        **event.fields,
        **{key: event.wire[key] for key in _RESPONSE_FIELDS if key in event.wire},
    }


def _read_fields(body: Json) -> Json:
    fields: Json = {}
    for key in _TEXTS:
        value = body.get(key)
        if value is None:
            continue
        if not isinstance(value, str):
            raise refusals.invalid(f"Invalid value for: {key}")
        text = _clean(value)
        text = text if key == "description" else text.strip()
        if text:
            fields[key] = text
    for key, allowed in _CHOICES.items():
        value = body.get(key)
        if value is None:
            continue
        if value not in allowed:
            raise refusals.invalid(f"Invalid value for: {key}")
        if value not in {"opaque", "default"}:
            fields[key] = value
    fields |= {key: body[key] for key in _KEPT if body.get(key) not in (None, [], {}, "")}
    if body.get("extendedProperties"):
        properties = _read_properties(body["extendedProperties"])
        if properties:
            fields["extendedProperties"] = properties
    fields["reminders"] = _read_reminders(body.get("reminders"))
    return fields


def _clean(text: str) -> str:
    text = _CONTROL.sub("", text.replace("\r\n", "\n"))
    if text.isascii():
        return text
    # JSON may carry half of a surrogate pair, which no encoder could write out again.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _read_properties(raw: object) -> Json:
    if not isinstance(raw, dict):
        raise refusals.invalid("Invalid value for: extendedProperties")
    result: Json = {}
    for kind in ("private", "shared"):
        given = raw.get(kind) or {}
        if not isinstance(given, dict) or len(given) > MOST_PROPERTIES:
            raise refusals.invalid("Invalid value for: extendedProperties")
        kept = {
            key: str(value)[:LONGEST_VALUE]
            for key, value in given.items()
            if len(key) <= LONGEST_KEY and value is not None
        }
        if kept:
            result[kind] = kept
    return result


def _read_reminders(raw: Any) -> Json:
    if raw is None:
        return {"useDefault": True}
    if not isinstance(raw, dict):
        raise refusals.invalid("Invalid value for: reminders")
    overrides = raw.get("overrides") or []
    if raw.get("useDefault"):
        if overrides:
            raise refusals.reminder_clash()
        return {"useDefault": True}
    if len(overrides) > MOST_OVERRIDES:
        raise refusals.invalid("Invalid value for: reminders")
    for override in overrides:
        if (
            not isinstance(override, dict)
            or override.get("method") not in {"email", "popup"}
            or not isinstance(override.get("minutes"), int)
            or not 0 <= override["minutes"] <= LONGEST_REMINDER
        ):
            raise refusals.invalid("Invalid value for: reminders")
    return {"useDefault": False, **({"overrides": overrides} if overrides else {})}
