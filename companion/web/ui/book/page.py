"""The Appointment Book page and its printed day: who may open them, and what an address says."""

from __future__ import annotations

from nicegui import ui

from companion.services.access.policy import Action
from companion.services.access.rules import Rule
from companion.web.ui.book import paper
from companion.web.ui.book.choice import Choice
from companion.web.ui.book.person import calendars_of, current_person
from companion.web.ui.book.screen import BookScreen
from companion.web.ui.pages import page
from companion.web.ui.site import Site
from companion.web.ui.theme import box, frame, link_button, text


def create(site: Site) -> None:
    @page(site, "/book", Rule(Action.SEE_BOOK, somewhere=True))
    async def book(
        day: str = "", view: str = "", who: str = "", one: str = "", cancelled: str = ""
    ) -> None:
        ui.add_head_html(_head(site))
        with frame(site, "Appointment Book", active="/book") as place:
            place.classes("page--book")
            text("Appointment Book", "sr-only", tag="h1")
            if not site.services.settings.read().practitioners:
                _no_practitioners(adds=site.may(Action.PRACTITIONERS))
                return
            choice = Choice.of(
                day=day,
                view=view,
                who=who,
                one=one,
                cancelled=cancelled,
                today=site.services.book_view.today(),
                known=_known(site),
            )
            BookScreen(site, choice)

    paper.create(site)


def _head(site: Site) -> str:
    version = site.options.version
    files = ("eventcalendar.css", "book.css")
    return "".join(
        f'<link rel="stylesheet" href="/static/calendar/{name}?v={version}">' for name in files
    )


def _known(site: Site) -> list[str]:
    return calendars_of(current_person(site), list(site.services.settings.read().practitioners))


def _no_practitioners(*, adds: bool) -> None:
    with box("card empty"):
        ui.icon("groups").props("aria-hidden=true")
        text("No practitioners yet", tag="h2")
        if not adds:
            text("An administrator has to add them, or to import the first export.")
            return
        text("Import an export of your practice software, or add a practitioner on the overview.")
        with box("actions"):
            link_button("Import appointments", "/import", icon="upload_file", look="primary")
            link_button("Overview", "/")
