"""events.list and events.instances: filters, expansion, pages and sync tokens.

The order of a list is a sort key per entry (creation by default; start or change by `orderBy`),
and a page token carries the last key given out, so that a page never skips or repeats an event
because another one was deleted between two pages. It also carries the calendar's revision at the
first page; the sync token on the last page is that revision, hence changes made while a client
was still paging come again with its next incremental list rather than never.

Time bounds are Google's: `timeMin` bounds the end and `timeMax` the start, both exclusive.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from companion.sandbox import refusals
from companion.sandbox.calendars import Calendar
from companion.sandbox.events import Event
from companion.sandbox.moments import find_zone, read_instant, stamp
from companion.sandbox.refusals import Json
from companion.sandbox.wire import base64_bytes, base64_text

USUAL_PAGE, LONGEST_PAGE = 250, 2500
OLDEST_UPDATED_MIN = timedelta(days=28)
_NO_SYNC_TOKEN_AFTER = (
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "updatedMin",
)
_NOT_WITH_SYNC_TOKEN = (*_NO_SYNC_TOKEN_AFTER, "timeMin", "timeMax")
_TRUE, _FALSE = {"true", "1"}, {"false", "0"}

Parameters = dict[str, list[str]]
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """A checked list request."""

    single_events: bool = False
    show_deleted: bool = False
    time_min: int | None = None
    time_max: int | None = None
    updated_min: int | None = None
    private: tuple[tuple[str, str], ...] = ()
    shared: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] = ()
    uid: str | None = None
    order: str | None = None
    page_size: int = USUAL_PAGE
    changed_after: int | None = None
    """Set by a sync token: only what changed after this revision."""

    @classmethod
    def read(cls, parameters: Parameters) -> Self:
        order = one(parameters, "orderBy")
        single = flag(parameters, "singleEvents")
        if order not in {None, "startTime", "updated"}:
            raise refusals.bad_request("Invalid value for: orderBy")
        if order == "startTime" and not single:
            raise refusals.bad_request("The requested ordering is not available for the query.")
        time_min, time_max = (instant(parameters, name) for name in ("timeMin", "timeMax"))
        if time_min is not None and time_max is not None and time_max <= time_min:
            raise refusals.empty_range()
        return cls(
            single_events=single,
            show_deleted=flag(parameters, "showDeleted"),
            time_min=time_min,
            time_max=time_max,
            updated_min=instant(parameters, "updatedMin"),
            private=_pairs(parameters, "privateExtendedProperty"),
            shared=_pairs(parameters, "sharedExtendedProperty"),
            words=tuple((one(parameters, "q") or "").casefold().split()),
            uid=one(parameters, "iCalUID"),
            order=order,
            page_size=page_size(parameters, USUAL_PAGE, LONGEST_PAGE),
        )


def list_events(calendar: Calendar, parameters: Parameters) -> Json:
    page = _open(one(parameters, "pageToken"), "page")
    sync = _open(one(parameters, "syncToken"), "sync")
    if sync is not None:
        query = _resume(calendar, parameters, sync)
    else:
        query = ListQuery.read(parameters)
        oldest = calendar.now() - OLDEST_UPDATED_MIN
        if query.updated_min is not None and query.updated_min < oldest.timestamp():
            raise refusals.updated_min_too_old()
    revision = calendar.revision if page is None else int(page["r"])
    ordered = _sorted(entries(calendar, query), query.order)
    result = _page(calendar, parameters, ordered, query.page_size, page, revision)
    if "nextPageToken" not in result:
        kept = sync if sync is not None else _query_document(query)
        if not any(name in parameters for name in _NO_SYNC_TOKEN_AFTER):
            result["nextSyncToken"] = _seal("sync", {**kept, "c": calendar.id, "r": revision})
    return result


def list_instances(calendar: Calendar, master_id: str, parameters: Parameters) -> Json:
    master = calendar.get(master_id)
    page = _open(one(parameters, "pageToken"), "page")
    query = ListQuery.read(parameters)
    original = one(parameters, "originalStart")
    wanted = None if original is None else read_instant(original)
    found: list[Event] = []
    if master.rules and not master.cancelled:
        found = [
            instance
            for instance in calendar.instances(master, since=query.time_min, until=query.time_max)
            if _in_window(instance, query)
            and (query.show_deleted or not instance.cancelled)
            and (
                wanted is None
                or (instance.original is not None and instance.original.instant == wanted)
            )
        ]
    elif not master.rules:
        raise refusals.bad_request("The event is not a recurring event.")
    ordered = _sorted(found, "startTime")
    return _page(calendar, parameters, ordered, query.page_size, page, calendar.revision)


# Selection


def entries(calendar: Calendar, query: ListQuery) -> Iterator[Event]:
    """What a query selects, unsorted and unpaged."""
    for event in list(calendar.events.values()):
        if event.rules and query.single_events:
            if event.cancelled:
                # A tombstone of a series is reported to a client that follows changes.
                if query.changed_after is not None and _wanted(event, query):
                    yield event
                continue
            for instance in calendar.instances(event, since=query.time_min, until=query.time_max):
                if instance.id not in calendar.events and _wanted(instance, query):
                    yield instance
        elif event.rules and not event.cancelled:
            if _wanted(event, query, anywhere=True) and _touches(calendar, event, query):
                yield event
        elif _wanted(event, query):
            yield event


def _touches(calendar: Calendar, master: Event, query: ListQuery) -> bool:
    if query.time_min is None and query.time_max is None:
        return True
    return any(
        _in_window(instance, query)
        for instance in calendar.instances(master, since=query.time_min, until=query.time_max)
    )


def _wanted(event: Event, query: ListQuery, *, anywhere: bool = False) -> bool:
    if query.changed_after is not None:
        if event.revision <= query.changed_after:
            return False
        if event.cancelled:
            return True
    if query.updated_min is not None and event.updated_at < query.updated_min:
        return False
    # Cancelled instances of a live series are listed unasked: they are part of the series.
    hidden = event.cancelled and (query.single_events or event.master is None)
    if hidden and not query.show_deleted and query.updated_min is None:
        return False
    if not anywhere and not _in_window(event, query):
        return False
    if query.uid is not None and event.wire["iCalUID"] != query.uid:
        return False
    for kind, pairs in (("private", query.private), ("shared", query.shared)):
        if pairs:
            properties = event.fields.get("extendedProperties", {}).get(kind, {})
            if any(properties.get(key) != value for key, value in pairs):
                return False
    return not query.words or _mentions(event, query.words)


def _in_window(event: Event, query: ListQuery) -> bool:
    if query.time_max is not None and event.start.instant >= query.time_max:
        return False
    return query.time_min is None or event.end.instant > query.time_min


def _mentions(event: Event, words: tuple[str, ...]) -> bool:
    parts = [str(event.fields.get(key, "")) for key in ("summary", "description", "location")]
    for attendee in event.fields.get("attendees", []):
        parts += [str(attendee.get("displayName", "")), str(attendee.get("email", ""))]
    text = " ".join(parts).casefold()
    return all(word in text for word in words)


# Order, pages and tokens


def _sorted(events: Iterable[Event], order: str | None) -> list[tuple[Key, Event]]:
    ordered: list[tuple[Key, Event]]
    if order == "updated":
        ordered = [((event.updated_at, event.revision, event.id), event) for event in events]
    elif order == "startTime":
        ordered = [((event.start.instant, event.id), event) for event in events]
    else:
        ordered = [((event.serial, event.start.instant, event.id), event) for event in events]
    ordered.sort(key=lambda entry: entry[0])
    return ordered


def _page(
    calendar: Calendar,
    parameters: Parameters,
    ordered: list[tuple[Key, Event]],
    size: int,
    page: Json | None,
    revision: int,
) -> Json:
    if page is not None:
        last = tuple(page["k"])
        ordered = [entry for entry in ordered if entry[0] > last]
    given = ordered[:size]
    zone = wanted_zone(parameters)
    result: Json = {
        "kind": "calendar#events",
        "etag": f'"p{calendar.revision:x}0"',
        "summary": calendar.summary,
        "updated": stamp(calendar.now()),
        "timeZone": one(parameters, "timeZone") or calendar.timezone,
        "accessRole": "owner",
        "defaultReminders": [],
        "items": [
            _bare(event)
            if event.cancelled and calendar.policy.bare_tombstones
            else event.wire
            if zone is None
            else calendar.render(event, zone)
            for _, event in given
        ],
    }
    if calendar.description:
        result["description"] = calendar.description
    if len(given) < len(ordered):
        result["nextPageToken"] = _seal("page", {"k": list(given[-1][0]), "r": revision})
    return result


def _bare(event: Event) -> Json:
    kept = ("kind", "etag", "id", "status", "recurringEventId", "originalStartTime")
    return {key: event.wire[key] for key in kept if key in event.wire}


def _query_document(query: ListQuery) -> Json:
    return {"s": query.single_events, "a": query.time_min, "b": query.time_max}


def _resume(calendar: Calendar, parameters: Parameters, token: Json) -> ListQuery:
    if any(name in parameters for name in _NOT_WITH_SYNC_TOKEN):
        raise refusals.sync_token_with_filters()
    if one(parameters, "showDeleted") is not None and not flag(parameters, "showDeleted"):
        raise refusals.sync_token_with_filters()
    if token.get("c") != calendar.id or int(token["r"]) < calendar.sync_floor:
        raise refusals.full_sync_required()
    return ListQuery(
        single_events=bool(token["s"]),
        show_deleted=True,
        time_min=token["a"],
        time_max=token["b"],
        page_size=page_size(parameters, USUAL_PAGE, LONGEST_PAGE),
        changed_after=int(token["r"]),
    )


def _seal(kind: str, content: Json) -> str:
    return base64_text(json.dumps([kind, content], separators=(",", ":")).encode())


def _open(token: str | None, kind: str) -> Json | None:
    if token is None:
        return None
    try:
        found, content = json.loads(base64_bytes(token))
    except (ValueError, TypeError) as err:
        raise _bad_token(kind) from err
    if found != kind or not isinstance(content, dict) or "r" not in content:
        raise _bad_token(kind)
    return content


def _bad_token(kind: str) -> refusals.SimulatedError:
    name = f"{kind}Token"
    return refusals.invalid(f"Invalid {kind} token value.", name)


# Query parameters


def one(parameters: Parameters, name: str) -> str | None:
    values = parameters.get(name)
    return values[-1] if values else None


def flag(parameters: Parameters, name: str) -> bool:
    text = (one(parameters, name) or "false").lower()
    if text not in _TRUE | _FALSE:
        raise refusals.bad_request(f"Invalid boolean value: '{text}'.")
    return text in _TRUE


def instant(parameters: Parameters, name: str) -> int | None:
    text = one(parameters, name)
    return None if text is None else read_instant(text)


def wanted_zone(parameters: Parameters) -> ZoneInfo | None:
    name = one(parameters, "timeZone")
    zone = None if name is None else find_zone(name)
    if name is not None and zone is None:
        raise refusals.bad_request("Invalid value for: timeZone")
    return zone


def page_size(parameters: Parameters, usual: int, longest: int) -> int:
    text = one(parameters, "maxResults")
    if text is None:
        return usual
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise refusals.bad_request(f"Invalid unsigned integer value: '{text}'.")
    return min(int(text), longest)


def _pairs(parameters: Parameters, name: str) -> tuple[tuple[str, str], ...]:
    result = []
    for text in parameters.get(name, ()):
        key, equals, value = text.partition("=")
        if not equals:
            raise refusals.bad_request(f"Invalid value for: {name}")
        result.append((key, value))
    return tuple(result)
