"""Users: who may sign in, and in which role. Values; a password is kept as its hash."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from companion.domain.appointments import fold_name


class Role(StrEnum):
    """What each role may do is in `companion.services.access.policy`."""

    ADMINISTRATOR = "administrator"
    RECEPTION = "reception"
    PRACTITIONER = "practitioner"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    id: str
    name: str
    """What is typed to sign in; compared without regard to case and spacing."""
    role: Role
    practitioner_id: str = ""
    """Whose calendar is theirs; only practitioners have one."""
    password: str = ""
    """Hash as the PasswordHasher writes it; empty for the demo's administrator, who signs in
    without one."""
    epoch: int = 0
    """Sessions begun under another number have ended: raised by a new password and by *sign out
    everywhere*."""
    must_change: bool = False
    """The password was set by another user: a new one is asked for first."""

    def matches_name(self, name: str) -> bool:
        return fold_name(name) == fold_name(self.name)
