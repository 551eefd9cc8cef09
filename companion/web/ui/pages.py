"""`page`: registers a page whose errors are shown as sentences, in the same frame as any other
page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import ParamSpec

from nicegui import ui
from starlette.responses import HTMLResponse, RedirectResponse, Response

from companion.domain.errors import CompanionError, NotAllowed, NotFound, SignedOut
from companion.domain.practice_errors import DatabaseAway
from companion.domain.users import Role
from companion.services.access.rules import Rule
from companion.services.workstations import AWAY_GOES_ON, AWAY_RESTS
from companion.web.plain_page import plain_page
from companion.web.ui.error_reports import as_companion_error
from companion.web.ui.site import Site
from companion.web.ui.who import SIGN_IN
from companion.web.ways_on import ways_on

P = ParamSpec("P")
BUILD_SECONDS = 20.0
"""Seconds a page may wait for a busy disk before it fails."""
SERVER_SECONDS = 12.0
"""The same for the server of a shared practice; less while it is known to be away."""
AWAY_SECONDS = 2.0
FROM_MEMORY = frozenset({"/", "/users", "/doctor", "/practice/workstations"})
"""Pages that say something true while it is away; another would open half empty."""
AGAIN_SECONDS = 3
"""After which a page that needs the server is tried again by itself."""


def page(
    site: Site, path: str, rule: Rule
) -> Callable[[Callable[P, Awaitable[None]]], Callable[P, Awaitable[Response | None]]]:
    """As `ui.page`, for users whom `rule` allows; an error while building it becomes a plain page
    with a link back."""
    site.pages[path] = rule

    def register(
        build: Callable[P, Awaitable[None]],
    ) -> Callable[P, Awaitable[Response | None]]:
        @ui.page(path, response_timeout=BUILD_SECONDS)
        @wraps(build)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> Response | None:
            ui.add_head_html(_head(site))
            try:
                if (way := _admit(site, path, kwargs)) is not None:
                    return way
                if not site.server_reachable() and path not in FROM_MEMORY:
                    raise DatabaseAway
                await _within_patience(site, build(*args, **kwargs))
            except DatabaseAway:
                return away_page(site, _address(query=True))
            except Exception as error:  # noqa: BLE001 - the edge of the program
                return trouble_page(site, as_companion_error(error), here=_address())
            return None

        return guarded

    return register


def _admit(site: Site, path: str, arguments: Mapping[str, object]) -> Response | None:
    """Raises NotAllowed; where to go instead, for whom this is not the place."""
    rule = site.pages[path]
    try:
        user = site.who()
    except SignedOut:
        return RedirectResponse(SIGN_IN, status_code=303)
    wanted = arguments.get(rule.of)
    if wanted is not None:  # by id or name, as the page will take it
        wanted = site.services.settings.read().practitioner(str(wanted)).practitioner.id
    rule.check(user, () if wanted is None else (str(wanted),))
    if path == "/" and user.role is Role.PRACTITIONER:
        return RedirectResponse(f"/practitioner/{user.practitioner_id}", status_code=303)
    return None


async def _within_patience(site: Site, build: Awaitable[None]) -> None:
    """Raises DatabaseAway for a page that waits for the server in vain."""
    if not site.services.shared_practice.shared:
        await build
        return
    limit = asyncio.timeout(SERVER_SECONDS if site.server_reachable() else AWAY_SECONDS)
    try:
        async with limit:
            await build
    except TimeoutError as error:
        if limit.expired():
            raise DatabaseAway from error
        raise


def _address(*, query: bool = False) -> str:
    url = ui.context.client.request.url
    return f"{url.path}?{url.query}" if query and url.query else str(url.path)


def away_page(site: Site, here: str) -> HTMLResponse:
    """In place of a page that needs the server, until it answers again."""
    page = plain_page(
        DatabaseAway.default_what,
        AWAY_GOES_ON,
        AWAY_RESTS,
        again=here,
        after_seconds=AGAIN_SECONDS,
        practice=_practice(site),
    )
    return HTMLResponse(page, status_code=503)


def trouble_page(site: Site, error: CompanionError, *, here: str = "") -> HTMLResponse:
    """`here`: the address that failed."""
    status = 404 if isinstance(error, NotFound) else 403 if isinstance(error, NotAllowed) else 500
    links = ways_on(error, here=here)
    page = plain_page(error.what, error.remedy, links=links, practice=_practice(site))
    return HTMLResponse(page, status_code=status)


def _practice(site: Site) -> str:
    try:
        return site.practice_name()
    except CompanionError:  # the settings may be what failed
        return ""


def _head(site: Site) -> str:
    version = site.options.version
    return (
        f'<link rel="stylesheet" href="/static/app.css?v={version}">'
        f'<script src="/static/page.js?v={version}"></script>'
    )
