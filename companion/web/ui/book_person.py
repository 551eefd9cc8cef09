"""Who is at the screen, as the Appointment Book needs to know it: one function, one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from companion.domain.users import Role
from companion.web.ui.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    name: str
    """As noted with what they enter."""
    practitioner_id: str = ""
    """Whose calendar is *My Calendar*; empty for somebody without one."""
    only_own: bool = False
    """May see and export no calendar but their own."""


def current_person(site: Site) -> Person:
    user = site.who()
    return Person(
        name=user.name,
        practitioner_id=user.practitioner_id,
        only_own=user.role is Role.PRACTITIONER,
    )


def calendars_of(person: Person, everyone: Sequence[str]) -> list[str]:
    """The practitioner ids this person may look at, in the order given."""
    if person.only_own:
        return [each for each in everyone if each == person.practitioner_id]
    return list(everyone)
