"""Reports errors to the person: what happened, what to do, never a traceback.

`report_errors` wraps every handler of the pages. A CompanionError is shown as it is; anything else
gets a short id that also stands in the log, where only the kind of error and its place are
written: an exception's own text may hold a client's name.
"""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from functools import wraps
from typing import Any, Literal, ParamSpec

from nicegui import Client, helpers, ui

from companion.assets import typed
from companion.domain.errors import CompanionError, SignedOut, Technical
from companion.domain.practice_errors import DatabaseAway
from companion.web.ui.who import SIGN_IN, at_page

_log = logging.getLogger("companion.web")
P = ParamSpec("P")
LEAST_SHOWN, SHOWN_A_LETTER = 4000, 60
"""Milliseconds."""


def log_unexpected(error: BaseException) -> CompanionError:
    """Log kind and place under a fresh id; an error a person can be shown, naming the id."""
    reference = secrets.token_hex(3).upper()
    frames = traceback.extract_tb(error.__traceback__)
    place = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-4:]))
    kind = type(error).__name__
    _log.error("unexpected %s [%s] at %s", kind, Technical(reference), Technical(place or "?"))
    return CompanionError(
        "Something unexpected went wrong.",
        f"Try again. If it happens again, run the doctor and name the number {reference}.",
    )


def as_companion_error(error: Exception) -> CompanionError:
    if isinstance(error, CompanionError):
        if error.detail:
            _log.info("%s: %s", type(error).__name__, error.detail)
        return error
    return log_unexpected(error)


def notify(error: CompanionError) -> None:
    away = isinstance(error, DatabaseAway) and error.remedy == DatabaseAway.default_remedy
    _notify(error.what, "bad", DatabaseAway.on_a_page if away else error.remedy)


def notify_done(
    sentence: str,
    *,
    link: tuple[str, str] | None = None,
    undo: Callable[[], Any] | None = None,
) -> None:
    """`link`: words and address of where it can be looked at; `undo` takes back what was done."""
    event = ""
    if undo is not None:
        event = f"undo{secrets.token_hex(4)}"
        ui.on(event, report_errors(undo), args=[])
    _notify(sentence, "ok", link=link, undo=event)


def notify_of(sentence: str) -> None:
    """What somebody may want to know, and need not do anything about."""
    _notify(sentence, "info")


def _notify(
    words: str,
    tone: Literal["ok", "bad", "info"],
    caption: str = "",
    link: tuple[str, str] | None = None,
    undo: str = "",
) -> None:
    """At the foot, as long as it takes to read; the browser shows three at a time."""
    more: dict[str, Any] = {"link": link} if link else {}
    if undo:
        more["undo"] = undo
    ui.notify(
        typed(words),
        caption=typed(caption),
        icon={"ok": "check_circle", "bad": "error", "info": "info"}[tone],
        textColor="ink",
        classes=f"toast toast--{tone}",
        position="bottom-right",
        timeout=LEAST_SHOWN + round(SHOWN_A_LETTER * len(words + caption)),
        multi_line=bool(caption),
        close_button="Close",
        **more,
    )


def page_at_hand() -> Client | None:
    """None outside of every page."""
    try:
        return ui.context.client
    except RuntimeError:
        return None


def report_errors(handler: Callable[P, Any]) -> Callable[P, Awaitable[None]]:
    """A handler whose errors are shown to the person (see `reporting`)."""

    @wraps(handler)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Awaitable[None]:
        return reporting(page_at_hand(), handler, *args, **kwargs)

    return wrapped


async def reporting(
    client: Client | None, handler: Callable[P, Any], *args: P.args, **kwargs: P.kwargs
) -> None:
    """It belongs to its page until it ends, also when the page is closed before it begins; and to
    the page only: what was pressed may go meanwhile, with all that is in it, and must not take
    along what the handler makes."""
    try:
        with client or nullcontext(), at_page(client) if client else nullcontext():
            result = handler(*args, **kwargs)
            if helpers.should_await(result):  # a dialog can be awaited too: `close` gives it back
                await result
    except Exception as error:  # noqa: BLE001 - the edge of the program: every failure is reported
        shown = as_companion_error(error)
        if client is not None:
            with client:
                if isinstance(shown, SignedOut):
                    ui.navigate.to(SIGN_IN)
                else:
                    notify(shown)
