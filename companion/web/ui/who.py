"""Who is at the screen: the user whose page is being made or used, by the session of its request.

Work that has left every page (a task of its own: progress shared by all tabs, what other
processes changed) is the program's own and asks nobody. Handlers and pages always have a page.

When a session ends, however it did, each of its tabs is led to the sign-in within a second.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from nicegui import Client, ui
from nicegui import app as nicegui_app

from companion.domain.errors import SignedOut
from companion.domain.users import Role, User
from companion.services.accounts.accounts import Accounts

SWEEP_SECONDS = 1.0
SIGN_IN = "/sign-in?ended=1"
_PROGRAM = User(id="", name="Calendar Companion", role=Role.ADMINISTRATOR)


def session_of(client: Client) -> str:
    """Hash of the session's token; empty where the guard named none. Raises RuntimeError for
    what is no browser's page (NiceGUI's own, while pages are registered)."""
    return str(client.request.scope.get("companion.session", ""))


def asking(accounts: Accounts) -> Callable[[], User]:
    def who() -> User:
        try:
            session = session_of(ui.context.client)
        except RuntimeError:  # no page at hand
            return _PROGRAM
        user = accounts.sessions.user(session)
        if user is None:
            raise SignedOut
        return user

    return who


def lead_out(accounts: Accounts) -> None:
    """From now on, tabs whose session has ended go to the sign-in."""

    async def sweep() -> None:
        for client in list(Client.instances.values()):
            session = ""
            with suppress(RuntimeError):
                session = session_of(client)
            if session and accounts.sessions.user(session) is None:
                client.open(SIGN_IN)
        await accounts.sessions.keep()

    nicegui_app.timer(SWEEP_SECONDS, sweep)
