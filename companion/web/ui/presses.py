"""Presses: what a button, a menu item or a key does, once at a time.

`once` is around every handler that a person sets going. While it runs its button shows so, and
further presses do nothing; nor do presses that come from a dialog which has closed meanwhile. The
second click of a double click is dropped by the browser (static/page.js).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, ParamSpec

from nicegui import Client, ui

from companion.web.ui.error_reports import page_at_hand, reporting

P = ParamSpec("P")
SHOWN_AFTER = 0.2
"""Seconds until a button shows that its action runs: what is quicker would only flicker."""


def once(
    handler: Callable[P, Any],
    element: ui.element | None = None,
    *,
    key: Callable[P, object] = lambda *_args, **_kwargs: "",
) -> Callable[P, Awaitable[None] | None]:
    """`handler`, its errors reported, while it is not running already. `element`: what is pressed.
    `key` tells actions apart that may run beside each other; None for one that always may."""
    running: set[object] = set()

    @wraps(handler)
    def pressed(*args: P.args, **kwargs: P.kwargs) -> Awaitable[None] | None:
        wanted = key(*args, **kwargs)
        if wanted in running or (element is not None and _gone(element)):
            return None
        if wanted is not None:
            running.add(wanted)
        return run(wanted, page_at_hand(), *args, **kwargs)

    async def run(wanted: object, client: Client | None, *args: P.args, **kwargs: P.kwargs) -> None:
        button = element if isinstance(element, ui.button) else None
        shows = asyncio.get_running_loop().call_later(SHOWN_AFTER, _show, button)
        try:
            await reporting(client, handler, *args, **kwargs)
        finally:
            shows.cancel()
            running.discard(wanted)
            if button is not None and "loading" in button.props and not button.is_deleted:
                button.props(remove="loading aria-busy")

    return pressed


def on_press(element: ui.element, handler: Callable[..., Any], event: str = "click") -> None:
    """The handler is given no arguments."""
    element.on(event, once(handler, element), args=[])


def _show(button: ui.button | None) -> None:
    if button is not None and not button.is_deleted:
        button.props("loading aria-busy=true")


def _gone(element: ui.element) -> bool:
    return element.is_deleted or any(
        isinstance(each, ui.dialog) and not each.value for each in element.ancestors()
    )
