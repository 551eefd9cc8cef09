"""The signed-in user as the Appointment Book needs it.

It decides what is offered; whether a call is allowed, the gate of the services decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from companion.services.access.policy import Action, Reach, reach
from companion.web.ui.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class BookViewer:
    name: str
    """As noted with what they enter."""
    practitioner_id: str = ""
    """Whose calendar is *My Calendar*; empty for a user without one."""
    only_own: bool = False
    """May see and export no calendar but their own."""
    edits: bool = True
    """May change the book."""
    uploads: bool = True
    """May upload to Google, their own calendar at least."""


def current_person(site: Site) -> BookViewer:
    """Raises SignedOut."""
    user = site.who()
    return BookViewer(
        name=user.name,
        practitioner_id=user.practitioner_id,
        only_own=reach(user, Action.SEE_BOOK) is not Reach.ALL,
        edits=site.may(Action.EDIT_BOOK),
        uploads=site.may(Action.UPLOAD),
    )


def calendars_of(person: BookViewer, everyone: Sequence[str]) -> list[str]:
    """The practitioner ids this person may look at, in the order given."""
    if person.only_own:
        return [each for each in everyone if each == person.practitioner_id]
    return list(everyone)
