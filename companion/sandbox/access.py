"""Which scope opens which method, and who may do what in a calendar.

The table is that of the discovery document, reduced to the methods we simulate (a test compares
the two). A scope is enforced twice: the method must list it, and it must reach the calendar in
question. `calendar.app.created` reaches only calendars that the same client created, and
`calendar.events.owned` only calendars that the account owns. Google's answer in these two cases is
not documented: `Policy.out_of_reach` chooses it.
"""

from dataclasses import dataclass

from companion.sandbox import refusals
from companion.sandbox.calendars import Calendar

PREFIX = "https://www.googleapis.com/auth/"
FULL = "calendar"
APP_CREATED = "calendar.app.created"
OWNED = frozenset({"calendar.events.owned", "calendar.events.owned.readonly"})
_ROLES = ("reader", "writer", "owner")

_EVENT_WRITES = frozenset({FULL, APP_CREATED, "calendar.events", "calendar.events.owned"})
_EVENT_READS = _EVENT_WRITES | {
    "calendar.events.owned.readonly",
    "calendar.events.readonly",
    "calendar.readonly",
}
_CALENDAR_WRITES = frozenset({FULL, APP_CREATED, "calendar.calendars"})
_CALENDAR_READS = _CALENDAR_WRITES | {"calendar.calendars.readonly", "calendar.readonly"}
_LIST_READS = frozenset(
    {FULL, "calendar.calendarlist", "calendar.calendarlist.readonly", "calendar.readonly"}
)

SCOPES: dict[str, frozenset[str]] = {
    "events.get": _EVENT_READS,
    "events.list": _EVENT_READS,
    "events.instances": _EVENT_READS,
    "events.insert": _EVENT_WRITES,
    "events.update": _EVENT_WRITES,
    "events.patch": _EVENT_WRITES,
    "events.delete": _EVENT_WRITES,
    "calendars.get": _CALENDAR_READS,
    "calendars.insert": _CALENDAR_WRITES,
    "calendars.update": _CALENDAR_WRITES,
    "calendars.patch": _CALENDAR_WRITES,
    "calendars.delete": _CALENDAR_WRITES,
    "calendarList.list": _LIST_READS,
    "calendarList.get": _LIST_READS | {APP_CREATED},
}
EVENT_WRITES = frozenset({"events.insert", "events.update", "events.patch", "events.delete"})
CALENDAR_OWNER_ONLY = frozenset({"calendars.update", "calendars.patch", "calendars.delete"})
IDENTITY_SCOPES = frozenset({"openid", "email", "profile"})
KNOWN_SCOPES = frozenset().union(*SCOPES.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is calling: the account that consented, the client, and what it consented to."""

    account: str
    client_id: str
    scopes: frozenset[str]
    """Short names, without Google's prefix."""
    charged: str = ""
    """Whose quota it is where a call names no `quotaUser`: the service account that speaks for the
    account; empty for the account itself."""


def short_name(scope: str) -> str:
    """`calendar.events` for its full address; `email` for either of its two spellings."""
    name = scope.removeprefix(PREFIX)
    return name.removeprefix("userinfo.") if name.startswith("userinfo.") else name


def full_name(scope: str) -> str:
    if scope == "openid":
        return scope
    return f"{PREFIX}userinfo.{scope}" if scope in IDENTITY_SCOPES else f"{PREFIX}{scope}"


def check_method(caller: Caller, method: str) -> frozenset[str]:
    """The caller's scopes that open the method."""
    useful = caller.scopes & SCOPES[method]
    if not useful:
        raise refusals.insufficient_scope()
    return useful


def reaches(caller: Caller, useful: frozenset[str], calendar: Calendar) -> bool:
    """Whether one of the *useful* scopes extends to this calendar."""
    for scope in useful:
        if scope == APP_CREATED:
            if calendar.created_by == caller.client_id and calendar.owner == caller.account:
                return True
        elif scope in OWNED:
            if calendar.readers.get(caller.account) == "owner":
                return True
        else:
            return True
    return False


def check_role(caller: Caller, calendar: Calendar, method: str) -> None:
    role = calendar.readers.get(caller.account)
    if role is None:
        raise refusals.not_found()
    needed = "reader"
    if method in EVENT_WRITES:
        needed = "writer"
    elif method in CALENDAR_OWNER_ONLY:
        needed = "owner"
    if _ROLES.index(role) < _ROLES.index(needed):
        raise refusals.needs_role(needed)
