"""What to ask Google for, and whether what came back is what was asked.

The narrowest scopes that serve the choice made:

| choice | scope | what Google lets us do |
| --- | --- | --- |
| a new calendar | calendar.app.created, | make calendars, change events in those alone, |
| | calendar.calendarlist.readonly | and see the list, where one of ours may be already |
| an existing one | calendar.events.owned | events in calendars the account owns |
| an existing one shared with the account | calendar.events | events in every calendar |
| choose from a list | the second, and calendar.calendarlist.readonly | see the list besides |

The list is for finding a calendar that an earlier installation made, or a try whose answer was
lost; without that permission a new one is made, unless such a try has to be looked for.

Whether a calendar is owned or shared cannot be told from its id, so the narrow scope is tried
first; when Google answers that it does not reach, or a person says that the calendar is shared, the
wider one is asked for. A calendar that another Google client made is one that the account owns.

A service account always asks for `DELEGATION`, and for a calendar that it did not make for one of
the others besides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from companion.domain.errors import BadInput
from companion.domain.settings import GoogleLink
from companion.domain.sync_state import SyncState

_PREFIX = "https://www.googleapis.com/auth/"
FULL = f"{_PREFIX}calendar"
APP_CREATED = f"{_PREFIX}calendar.app.created"
EVENTS_OWNED = f"{_PREFIX}calendar.events.owned"
EVENTS = f"{_PREFIX}calendar.events"
CALENDAR_LIST = f"{_PREFIX}calendar.calendarlist.readonly"
IDENTITY = ("openid", "email")
DELEGATION = (APP_CREATED, CALENDAR_LIST)
"""What an administrator of Google Workspace authorises: to make calendars, and find them again."""
_SERVED_BY = {
    APP_CREATED: {FULL},
    EVENTS_OWNED: {EVENTS, FULL},
    EVENTS: {FULL},
    CALENDAR_LIST: {FULL, f"{_PREFIX}calendar.readonly", f"{_PREFIX}calendar.calendarlist"},
}
LONGEST_NAME = 200
NOTHING_KNOWN = SyncState()


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarChoice:
    kind: Literal["new", "existing", "list"]
    """``list``: sign in first, then choose with `Connecting.choose`."""
    name: str = ""
    """Of a new calendar; empty for one made of the practitioner's name."""
    calendar_id: str = ""
    """Of an existing one: the *Google Calendar ID*."""
    look: bool = True
    """Before a new one is made, for one of ours that the account has already."""
    take_over: bool = False
    """Also where another installation keeps it."""
    shared: bool = False
    """A person says that it is shared with the account."""

    @classmethod
    def of(
        cls, calendar: str, name: str = "", *, take_over: bool = False, shared: bool = False
    ) -> CalendarChoice | None:
        """``new`` with a name, ``list`` to choose afterwards, or the id of a calendar there is;
        None keeps the present one."""
        if not calendar:
            return None
        if calendar == "new":
            return cls(kind="new", name=name)
        if calendar == "list":
            return cls(kind="list")
        return cls(kind="existing", calendar_id=calendar, take_over=take_over, shared=shared)

    def checked(self) -> CalendarChoice:
        """Tidied; raises BadInput."""
        if self.kind == "existing":
            calendar_id = self.calendar_id.strip()
            if not calendar_id or any(c.isspace() or not c.isprintable() for c in calendar_id):
                raise BadInput(
                    "That is not a Google Calendar ID.",
                    "Copy it from Google Calendar: Settings, the calendar's name, Integrate "
                    "calendar, Calendar ID.",
                    field="calendar",
                )
            return replace(self, calendar_id=calendar_id)
        return replace(self, name=" ".join(self.name.split())[:LONGEST_NAME])


def default_choice(link: GoogleLink, *, login: str = "", take_over: bool = False) -> CalendarChoice:
    """Signing in again keeps the present calendar; the first time, and with another `login` than
    before, makes one of our own."""
    before = link.calendar_account or link.account or link.login
    another = login and before and not same_account(login, before)
    if link.calendar_id and not another:
        return CalendarChoice(kind="existing", calendar_id=link.calendar_id, take_over=take_over)
    return CalendarChoice(kind="new", take_over=take_over)


def scopes_for(
    choice: CalendarChoice,
    link: GoogleLink,
    *,
    client_id: str,
    state: SyncState = NOTHING_KNOWN,
    look: bool = False,
) -> tuple[str, ...]:
    """`client_id`: of the practice's Google client. `state`: which permissions did not reach their
    calendar before. `look`: a new calendar may exist already and has to be looked for."""
    if choice.kind == "new":
        return (*IDENTITY, APP_CREATED, *([CALENDAR_LIST] if look or choice.look else ()))
    if choice.kind == "list":
        return (*IDENTITY, EVENTS_OWNED, CALENDAR_LIST)
    wanted = choice.calendar_id
    granted = link.scopes if wanted == link.calendar_id else ()
    if choice.shared or wanted == state.shared_calendar or EVENTS in granted:
        return (*IDENTITY, EVENTS)
    narrow = (
        wanted == link.calendar_id
        and link.created_by_us
        and not link.delegated
        and link.made_by in {"", client_id}
        and wanted != state.owned_calendar
        and EVENTS_OWNED not in granted
    )
    return (*IDENTITY, APP_CREATED if narrow else EVENTS_OWNED)


def delegated_scopes(choice: CalendarChoice, link: GoogleLink) -> tuple[tuple[str, ...], ...]:
    """Of a service account, the narrowest first; each next one where those do not reach."""
    owned, shared = (*DELEGATION, EVENTS_OWNED), (*DELEGATION, EVENTS)
    if choice.kind == "new":
        return (DELEGATION,)
    if choice.kind == "list":
        return (owned,)
    kept = choice.calendar_id == link.calendar_id
    if kept and EVENTS in link.scopes:
        return (shared,)
    return (DELEGATION, owned) if kept and link.created_by_us else (owned, shared)


def to_authorise(client_id: str, links: Iterable[GoogleLink]) -> tuple[str, ...]:
    """The scopes with which a service account connects everybody: those for its own calendars, and
    for calendars that people have already."""
    kept = [each for each in links if each.calendar_id]
    owned = any(each.delegated != client_id or EVENTS_OWNED in each.scopes for each in kept)
    shared = any(EVENTS in each.scopes for each in kept)
    return (*DELEGATION, *([EVENTS_OWNED] if owned else []), *([EVENTS] if shared else []))


def missing(wanted: Iterable[str], granted: Iterable[str]) -> tuple[str, ...]:
    """Calendar scopes that were asked for and not given, nor a wider one instead."""
    given = set(granted)
    return tuple(
        scope
        for scope in wanted
        if scope not in IDENTITY and scope not in given and not given & _SERVED_BY.get(scope, set())
    )


def same_account(one: str, other: str) -> bool:
    """Two spellings of one Google account: no case, and Gmail's own habits with dots."""
    return bool(one) and _plain(one) == _plain(other)


def _plain(email: str) -> str:
    local, at, domain = email.strip().casefold().rpartition("@")
    if domain in {"gmail.com", "googlemail.com"}:
        return f"{local.replace('.', '')}@gmail.com"
    return f"{local}{at}{domain}"
