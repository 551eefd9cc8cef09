"""Who may do what: one table, role × action.

A practitioner's rights reach as far as their own calendar, as in the vendor's rule that a calendar
is connected and uploaded by its own user; an administrator may set up others. Reception sees
status and the book, and imports, but not settings of Google. Which page, route and service method
is which action stands beside it (`rules`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum

from companion.domain.errors import NotAllowed
from companion.domain.users import Role, User


class Action(StrEnum):
    OWN_ACCOUNT = "change their own password and sign out"
    SEE_STATUS = "see how the calendars stand"
    SEE_BOOK = "see the appointment book"
    EDIT_BOOK = "change the appointment book"
    EXPORT = "save appointments as a calendar file"
    IMPORT = "import appointments"
    GOOGLE = "change settings of Google"
    UPLOAD = "upload to Google"
    PAUSE = "pause the background sync"
    PHONE = "manage phone links"
    PRACTITIONERS = "add or remove practitioners"
    PRACTICE = "change the practice's settings"
    USERS = "manage users"


class Reach(IntEnum):
    NONE = 0
    OWN = 1
    """What belongs to the user's own practitioner."""
    ALL = 2


_RECEPTION = (
    Action.OWN_ACCOUNT,
    Action.SEE_STATUS,
    Action.SEE_BOOK,
    Action.EDIT_BOOK,
    Action.EXPORT,
    Action.IMPORT,
    Action.PAUSE,
)
_PRACTITIONER = (
    Action.SEE_STATUS,
    Action.SEE_BOOK,
    Action.EXPORT,
    Action.GOOGLE,
    Action.UPLOAD,
    Action.PHONE,
)

POLICY: Mapping[Role, Mapping[Action, Reach]] = {
    Role.ADMINISTRATOR: dict.fromkeys(Action, Reach.ALL),
    Role.RECEPTION: dict.fromkeys(_RECEPTION, Reach.ALL),
    Role.PRACTITIONER: {
        Action.OWN_ACCOUNT: Reach.ALL,
        **dict.fromkeys(_PRACTITIONER, Reach.OWN),
    },
}
"""An action that is not named is not allowed."""


def reach(user: User, action: Action) -> Reach:
    return POLICY[user.role].get(action, Reach.NONE)


def may(user: User, action: Action, practitioner_id: str | None = None) -> bool:
    """Whether this user may do it for this practitioner; without one, for all of them."""
    if reach(user, action) is Reach.OWN:
        return bool(practitioner_id) and practitioner_id == user.practitioner_id
    return reach(user, action) is Reach.ALL


def may_somewhere(user: User, action: Action) -> bool:
    """Whether the user may do it for any practitioner."""
    return reach(user, action) is not Reach.NONE


def refusal(user: User, action: Action) -> NotAllowed:
    whose = " of others" if reach(user, action) is Reach.OWN else ""
    return NotAllowed(
        f"{user.name} may not {action.value}{whose}.",
        "Ask an administrator of the practice to do it, or to change what you may do.",
    )
