"""Registers every page with NiceGUI, mounts it on the host app, and handles errors that reach
NiceGUI."""

from __future__ import annotations

import logging
from functools import partial

from fastapi import FastAPI
from nicegui import app as nicegui_app
from nicegui import ui
from starlette.requests import Request
from starlette.responses import HTMLResponse

from companion.assets import static_dir
from companion.domain.errors import NotFound
from companion.services.access.gate import gated
from companion.services.assembly import Application
from companion.web.access import page_services
from companion.web.incoming import Incoming
from companion.web.options import AppOptions
from companion.web.ui import (
    backup,
    doctor,
    formatting,
    google_guide,
    home,
    practice,
    practitioner,
    setup_table,
    users,
    workspace,
    workstations,
)
from companion.web.ui.book import page as book
from companion.web.ui.book.pulse import BookPulse
from companion.web.ui.error_reports import log_unexpected, notify
from companion.web.ui.faster_pages import make_pages_faster
from companion.web.ui.importing import page as importing
from companion.web.ui.importing import sources
from companion.web.ui.pages import trouble_page
from companion.web.ui.phones import page as phones
from companion.web.ui.site import Site
from companion.web.ui.sockets import bind_sockets
from companion.web.ui.upload_board import UploadBoard
from companion.web.ui.who import UserOf, asking, lead_out

RECONNECT_SECONDS = 30
"""A laptop that stalls for less keeps what was typed."""


def create_site(
    services: Application,
    options: AppOptions,
    incoming: Incoming,
    *,
    user_of: UserOf | None = None,
) -> Site:
    """Registers every page; the page tests call it too, with a user of their own."""
    who = asking(user_of or services.accounts.sessions.user)
    live = UploadBoard(services)
    site = Site(
        services=page_services(services, who),
        options=options,
        incoming=incoming,
        live=gated(live, who),
        pulse=BookPulse(services, live),
        who=who,
        practice_name=lambda: services.settings.read().practice.name,
        server_reachable=lambda: services.shared_practice.reachable,
        known_until=partial(_known_until, services),
    )
    for module in (
        home,
        book,
        importing,
        sources,
        practitioner,
        phones,
        practice,
        google_guide,
        workspace,
        workstations,
        users,
        setup_table,
        doctor,
        backup,
    ):
        module.create(site)
    _report_unhandled_errors(site)
    make_pages_faster()
    return site


def mount_ui(host: FastAPI, services: Application, options: AppOptions, incoming: Incoming) -> Site:
    site = create_site(services, options, incoming)
    lead_out(services.accounts)
    bind_sockets(services.accounts.sessions)
    ui.run_with(
        host,
        title="Calendar Companion",
        favicon=static_dir() / "icon.svg",
        dark=None,
        language="en-GB",
        reconnect_timeout=RECONNECT_SECONDS,
        gzip_middleware_factory=None,  # on loopback it costs more than it saves
        tailwind=False,  # all styles are in static/app.css
        show_welcome_message=False,
    )
    return site


def _known_until(services: Application) -> str:
    moment = services.shared_practice.known_until
    if moment is None:
        return ""
    zone = services.settings.read().practice.timezone
    return formatting.short(moment, zone, services.clock.now())


def _report_unhandled_errors(site: Site) -> None:
    logging.getLogger("nicegui").addFilter(_without_tracebacks)
    for library in ("engineio.server", "socketio.server"):
        logging.getLogger(library).handlers.clear()  # they print tracebacks with all values
    # NiceGUI's own first handler logs tracebacks, whose last line may hold a client's name.
    nicegui_app.on_exception(_on_exception)

    @nicegui_app.exception_handler(404)
    async def missing(_request: Request, _error: Exception) -> HTMLResponse:
        return trouble_page(
            site,
            NotFound("There is no such page.", "Check the address, or go back to the overview."),
        )


def _on_exception(error: Exception) -> None:
    shown = log_unexpected(error)
    try:
        notify(shown)
    except RuntimeError:  # the page it happened on has gone
        logging.getLogger(__name__).info("nobody was looking at that page any more")


def _without_tracebacks(record: logging.LogRecord) -> bool:
    """Keep NiceGUI's log free of exception texts: `log_unexpected` logs what may be logged."""
    if record.exc_info is None:
        return True
    error = record.exc_info[1]
    record.msg, record.args = "%s, see the line with its number", (type(error).__name__,)
    record.exc_info, record.exc_text = None, None
    return True
