"""`page`: registers a page whose failures are told in words, with the same frame as any other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec

from nicegui import ui
from starlette.responses import HTMLResponse

from companion.domain.errors import CompanionError, NotFound
from companion.web.plain_page import plain_page
from companion.web.ui.site import Site
from companion.web.ui.troubles import as_companion_error

P = ParamSpec("P")
BUILD_SECONDS = 20.0
"""A page may wait for a busy disk before it is given up."""


def page(
    site: Site, path: str
) -> Callable[[Callable[P, Awaitable[None]]], Callable[P, Awaitable[HTMLResponse | None]]]:
    """As `ui.page`, but what its building raises becomes a plain page with a way back."""

    def register(
        build: Callable[P, Awaitable[None]],
    ) -> Callable[P, Awaitable[HTMLResponse | None]]:
        @ui.page(path, response_timeout=BUILD_SECONDS)
        @wraps(build)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> HTMLResponse | None:
            ui.add_head_html(_head(site))
            try:
                await build(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - the edge of the program
                return trouble_page(as_companion_error(error))
            return None

        return guarded

    return register


def trouble_page(error: CompanionError) -> HTMLResponse:
    missing = isinstance(error, NotFound)
    page = plain_page(error.what, error.remedy, link=("/", "Back to the overview"))
    return HTMLResponse(page, status_code=404 if missing else 500)


def _head(site: Site) -> str:
    version = site.options.version
    return (
        f'<link rel="stylesheet" href="/static/app.css?v={version}">'
        f'<script src="/static/theme.js?v={version}"></script>'
    )
