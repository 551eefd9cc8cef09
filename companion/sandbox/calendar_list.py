"""The resources of calendars: one calendar, its entry in an account's list, and the list."""

from collections.abc import Iterable

from companion.sandbox import access, refusals
from companion.sandbox.access import Caller
from companion.sandbox.calendars import Calendar
from companion.sandbox.listing import Parameters, flag, one, page_size
from companion.sandbox.moments import find_zone
from companion.sandbox.refusals import Json

_LIST_PAGE, _LONGEST_LIST_PAGE = 100, 250
_COLOURS = ("#9fe1e7", "#7bd148", "#fbd75b", "#ff887c", "#a4bdfc", "#dbadff")


def list_calendars(
    calendars: Iterable[Calendar],
    caller: Caller,
    useful: frozenset[str],
    parameters: Parameters,
) -> Json:
    least = one(parameters, "minAccessRole")
    roles = {"owner": {"owner"}, "writer": {"owner", "writer"}}.get(least or "")
    mine = [
        list_entry(caller, calendar)
        for calendar in calendars
        if (role := calendar.readers.get(caller.account)) is not None
        and (roles is None or role in roles)
        and access.reaches(caller, useful, calendar)
    ]
    flag(parameters, "showHidden")
    token = one(parameters, "pageToken") or "0"
    if not token.isdigit():
        raise refusals.invalid("Invalid page token value.", "pageToken")
    first = int(token)
    size = page_size(parameters, _LIST_PAGE, _LONGEST_LIST_PAGE)
    answer: Json = {
        "kind": "calendar#calendarList",
        "etag": f'"p{len(mine)}"',
        "items": mine[first : first + size],
    }
    if first + size < len(mine):
        answer["nextPageToken"] = str(first + size)
    return answer


def list_entry(caller: Caller, calendar: Calendar) -> Json:
    entry = resource(calendar) | {
        "kind": "calendar#calendarListEntry",
        "colorId": "1",
        "backgroundColor": _COLOURS[len(calendar.id) % len(_COLOURS)],
        "foregroundColor": "#000000",
        "selected": True,
        "accessRole": calendar.readers.get(caller.account),
        "defaultReminders": [{"method": "popup", "minutes": 10}] if calendar.primary else [],
    }
    if calendar.primary and calendar.owner == caller.account:
        entry["primary"] = True
    return entry


def resource(calendar: Calendar) -> Json:
    made: Json = {
        "kind": "calendar#calendar",
        "etag": f'"c{calendar.settings_revision}"',
        "id": calendar.id,
        "summary": calendar.summary,
        "timeZone": calendar.timezone,
        "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
    }
    if calendar.description:
        made["description"] = calendar.description
    return made


def timezone_of(body: Json) -> str | None:
    name = body.get("timeZone")
    if name is None:
        return None
    if not isinstance(name, str) or find_zone(name) is None:
        raise refusals.invalid("Invalid value for: timeZone")
    return name
