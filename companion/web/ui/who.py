"""The user whose page is being made or used, by the session of its request.

A page is known where NiceGUI knows it, and throughout a handler (`at_page`), even when the element
that was pressed has gone meanwhile. A task that a handler starts, `gather` and threads have none:
there is no user, and every gated service refuses. Such work belongs to the program and gets the
services themselves, or is started by a gated call that has checked already.

When a session ends, however it did, each of its tabs is led to the sign-in within a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from nicegui import Client, ui
from nicegui import app as nicegui_app

from companion.domain.errors import SignedOut
from companion.domain.users import User
from companion.services.access.gate import Who
from companion.services.accounts.accounts import Accounts

SWEEP_SECONDS = 1.0
SIGN_IN = "/sign-in?ended=1"
UserOf = Callable[[str], User | None]
"""Of a session's hash; None when it has ended."""

_handling: ContextVar[tuple[Client, asyncio.Task[Any] | None] | None] = ContextVar(
    "handling", default=None
)
"""The page a handler works for, and the handler's task: tasks it starts inherit the variable and
are recognised by it."""


class NoPageUser(RuntimeError):
    """A gated service was called where there is no page: an error in the program."""


def session_of(client: Client) -> str:
    """Hash of the session's token; empty where the guard named none. Raises RuntimeError for
    what is no browser's page (NiceGUI's own, while pages are registered)."""
    return str(client.request.scope.get("companion.session", ""))


def asking(user_of: UserOf) -> Who:
    """Raises SignedOut when the session of the page has ended, NoPageUser without a page."""

    def who() -> User:
        user = user_of(_session())
        if user is None:
            raise SignedOut
        return user

    return who


@contextmanager
def at_page(client: Client) -> Iterator[None]:
    """Calls in this task are made for that page."""
    token = _handling.set((client, _task()))
    try:
        yield
    finally:
        _handling.reset(token)


def _session() -> str:
    try:
        return session_of(ui.context.client)
    except RuntimeError as error:
        handling = _handling.get()
        if handling is None or handling[1] is not _task():
            raise NoPageUser("a gated service was asked outside of every page") from error
        return session_of(handling[0])


def _task() -> asyncio.Task[Any] | None:
    """None in a thread."""
    with suppress(RuntimeError):
        return asyncio.current_task()
    return None


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
