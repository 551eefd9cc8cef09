"""CurrentUser: how the guard finds the user of a known browser.

The cookie is a session cookie, Strict and HttpOnly, named by port; what ends a session is
`companion.services.accounts.sessions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from companion.services.accounts.accounts import Accounts

FREE_PATHS = frozenset({"/sign-in", "/sign-out", "/welcome", "/welcome/administrator"})
"""Open to a known browser before a user is signed in."""
FREE_BELOW = ("/static/", "/welcome/demo")
ACCOUNT = "/account"
"""Where a user is redirected whose password was set by another."""


def cookie_name(port: int) -> str:
    return f"companion-user-{port}"


def cookie_of(port: int, token: str) -> str:
    """The Set-Cookie header; it ends with the browser, the session long before."""
    return f"{cookie_name(port)}={token}; Path=/; HttpOnly; SameSite=Strict"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionUser:
    user_id: str
    session: str
    """Hash of the token."""
    must_change: bool = False


class CurrentUser(Protocol):
    def session_user(self, hashed: str) -> SessionUser | None:
        """Who is signed in by that session."""
        ...

    def seen(self, hashed: str) -> None:
        """Note activity of the session's user."""
        ...

    def has_no_users(self) -> bool:
        """The practice has no user: the welcome comes first."""
        ...

    async def automatic_session(self) -> str | None:
        """A new session's token where no sign-in is needed (the demo)."""
        ...


class SignedInUsers:
    def __init__(self, accounts: Accounts, *, demo: bool) -> None:
        self._accounts = accounts
        self._demo = demo

    def session_user(self, hashed: str) -> SessionUser | None:
        user = self._accounts.sessions.user(hashed)
        if user is None:
            return None
        return SessionUser(user_id=user.id, session=hashed, must_change=user.must_change)

    def seen(self, hashed: str) -> None:
        self._accounts.sessions.seen(hashed)

    def has_no_users(self) -> bool:
        return not self._accounts.users()

    async def automatic_session(self) -> str | None:
        if not self._demo:
            return None
        user = await self._accounts.add_demo()
        return await self._accounts.sessions.begin(user, lasting=True)
