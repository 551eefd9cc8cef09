"""Users: who may sign in, and in which role. Values; a password is kept as its hash."""

from __future__ import annotations

from collections.abc import Iterable
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

    @property
    def short_names(self) -> frozenset[str]:
        """What may be typed in place of the name."""
        words = fold_name(self.name).split()
        return frozenset({self.id, *words[:1], *words[-1:]})

    def matches_name(self, name: str) -> bool:
        return fold_name(name) == fold_name(self.name)


def user_called(users: Iterable[User], name: str) -> User | None:
    """By the whole name; else by its first or last word, or the id, where only one has that."""
    everybody, wanted = list(users), fold_name(name)
    for user in everybody:
        if fold_name(user.name) == wanted:
            return user
    short = [user for user in everybody if wanted in user.short_names]
    return short[0] if len(short) == 1 else None
