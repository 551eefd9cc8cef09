"""The Appointment Book page and its printed day: who may open them, and what an address says."""

from __future__ import annotations

from functools import partial

from nicegui import ui

from companion.services.access.policy import Action
from companion.services.access.rules import Rule
from companion.web.ui.book import paper
from companion.web.ui.book.choice import ShownView
from companion.web.ui.book.person import calendars_of, current_person
from companion.web.ui.book.screen import BookScreen
from companion.web.ui.components.add_practitioner import open_add_dialog
from companion.web.ui.pages import page
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, frame, link_button, page_head, text


def create(site: Site) -> None:
    @page(site, "/book", Rule(Action.SEE_BOOK, somewhere=True))
    async def book(
        day: str = "", view: str = "", who: str = "", one: str = "", cancelled: str = ""
    ) -> None:
        ui.add_head_html(_head(site))
        with frame(site, "Appointment Book", active="/book") as place:
            place.classes("page--book")
            if not site.services.settings.read().practitioners:
                _no_practitioners(site)
                return
            text("Appointment Book", "sr-only", tag="h1")
            choice = ShownView.of(
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


def _no_practitioners(site: Site) -> None:
    page_head("Appointment Book")
    with box("card empty"):
        ui.icon("groups").props("aria-hidden=true")
        text("No practitioners yet", tag="h2")
        if not site.may(Action.PRACTITIONERS):
            text("An administrator has to add them, or to import the first export.")
            return
        text(
            "Add those whose appointments are kept, or import an export of your practice "
            "software: the practitioners in it are found by name."
        )
        with box("actions"):
            add = partial(open_add_dialog, site)
            button("Add practitioner", add, icon="person_add", look="primary")
            link_button("Import appointments", "/import", icon="upload_file")
