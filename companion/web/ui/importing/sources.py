"""Sources: where appointments come from by themselves, each with its folder or link, what came of
its last file, what waits.

A timer asks what is remembered of the folders and draws the list anew when it differs, so a file
that is dropped while somebody looks shows within seconds.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from companion.services.access.policy import Action
from companion.services.access.rules import Rule
from companion.services.sources.reports import every_words
from companion.web.ui import formatting
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.error_reports import notify_done, notify_of, report_errors
from companion.web.ui.importing.history import Imports
from companion.web.ui.importing.link_form import LinkForm, open_new_link
from companion.web.ui.importing.source_form import SourceForm, open_reading
from companion.web.ui.importing.waiting import say_waiting, since_words
from companion.web.ui.pages import page
from companion.web.ui.site import Site
from companion.web.ui.theme import (
    back_link,
    badge,
    box,
    button,
    card,
    frame,
    notice,
    page_head,
    text,
)

if TYPE_CHECKING:
    from companion.domain.settings import SourceSettings
    from companion.services.sources.sources import SourceStatus

LOOK_SECONDS = 1.5
_HOLDS = {None: "Whole or changes: found out", False: "Changes only", True: "Whole book"}


def create(site: Site) -> None:
    @page(site, "/sources", Rule(Action.IMPORT))
    async def sources() -> None:
        known = await site.services.sources.overview()
        with frame(site, "Sources", active="/import", narrow=True):
            back_link("Import", "/import")
            page_head(
                "Sources",
                "Save an export into a watched folder, or give the link of a calendar, and it is "
                "imported by itself while Calendar Companion runs.",
            )
            _Sources(site, known)


class _Sources:
    def __init__(self, site: Site, known: tuple[SourceStatus, ...]) -> None:
        self._site = site
        self._may_change = site.may(Action.PRACTICE)
        self._list = box("stack stack--loose").props("aria-live=polite")
        if self._may_change:
            with card("Watch a folder"):
                self._form = SourceForm(site, None, report_errors(self._look))
            with card("Fetch a calendar"):
                text("Where the practice software gives a private calendar link (.ics, webcal).")
                with box("actions"):
                    new = partial(open_new_link, site, report_errors(self._look))
                    button("Add a link …", new, icon="add_link")
        self._draw(known)
        self._imports = Imports(site)
        ui.timer(LOOK_SECONDS, report_errors(self._look))

    async def _look(self) -> None:
        known = await self._site.services.sources.overview()
        if known != self._shown:
            self._draw(known)
            await self._imports.fill()

    def _draw(self, known: tuple[SourceStatus, ...]) -> None:
        self._shown = known
        self._list.clear()
        with self._list:
            if not known:
                with box("card empty"):
                    ui.icon("folder_open").props("aria-hidden=true")
                    text("No folder is watched yet", tag="h2")
                    text(
                        "Most practice software can save an export on a schedule, or by one "
                        "button. Let it save into a folder of its own, and name it below."
                    )
            for status in known:
                self._source(status)

    def _source(self, status: SourceStatus) -> None:
        settings, note = status.settings, status.note
        with card(settings.name):
            with box("actions"):
                if not status.automatic:
                    badge("No folder is watched", "calm")
                elif note.trouble:
                    badge("Not reached", "warn")
                elif settings.remote:
                    badge(f"Fetched {every_words(settings.remote.every)}", "ok")
                else:
                    badge("Watched", "ok")
                text(_HOLDS[settings.snapshot], "soft", tag="span")
            if status.automatic:
                text(
                    settings.remote.place if settings.remote else settings.folder, "address"
                ).props("dir=ltr")
            if status.failing:
                with notice("warn", alert=True):
                    text(f"{note.trouble}{since_words(self._site, note)}")
            self._last(status)
            for waiting in note.waiting:
                say_waiting(self._site, settings.name, waiting, self._look)
            if settings.remote:
                with box("actions"):
                    fetch = partial(self._fetch, settings)
                    button("Fetch now", fetch, icon="sync", look="primary")
            if self._may_change:
                with box("actions"):
                    button("Change …", partial(self._change, settings), icon="edit")
                    if status.automatic:
                        stop = "Stop fetching" if settings.remote else "Stop watching"
                        button(stop, partial(self._stop, settings))
                    button(
                        "Forget this source …",
                        partial(self._ask_to_remove, settings),
                        look="plain",
                    )
                with box("actions"):
                    how = partial(open_reading, self._site, settings, self._look)
                    button("How its files are read …", how, icon="view_column")
                    button(
                        "Remove its appointments …",
                        partial(self._ask_to_clear, settings),
                        icon="delete_sweep",
                        look="plain",
                    )

    def _last(self, status: SourceStatus) -> None:
        note = status.note
        if note.last_at is None:
            if status.automatic:
                fetched = "It has not been fetched yet."
                text(fetched if status.settings.remote else "No file has come yet.", "soft")
            return
        now = self._site.services.clock.now()
        when = formatting.short(note.last_at, self._site.timezone, now)
        with box("facts", tag="dl"):
            if note.fetched.good_at is not None:
                good = formatting.short(note.fetched.good_at, self._site.timezone, now)
                text("Last fetched", tag="dt")
                text(good, tag="dd")
            link = status.settings.remote is not None
            text("Last change" if link else "Last file", tag="dt")
            text(when if link else f"{note.last_file}, {when}", tag="dd")
            text("Result", tag="dt")
            text(note.last_result, tag="dd")

    def _change(self, settings: SourceSettings) -> None:
        with dialog(f"Change {settings.name}") as opened:

            async def done() -> None:
                opened.close()
                await self._look()

            form = LinkForm if settings.remote else SourceForm
            form(self._site, settings, report_errors(done))
            button("Cancel", opened.close, look="plain")

    async def _fetch(self, settings: SourceSettings) -> None:
        outcome = await self._site.services.fetched_sources.sync(settings.name)
        await self._look()
        if outcome.error is not None:
            raise outcome.error
        if outcome.held:
            notify_of("Fetched. It waits for you to look at it.")
        else:
            report = outcome.report
            changes = report.added + report.changed + report.removed if report else 0
            new = formatting.counted(changes, "change") if changes else "nothing has changed"
            notify_done(f"Fetched: {new}.")

    async def _stop(self, settings: SourceSettings) -> None:
        await self._site.services.sources.stop(settings.name)
        gone = "It is fetched no more." if settings.remote else "The folder is watched no more."
        notify_done(gone)
        await self._look()

    async def _ask_to_remove(self, settings: SourceSettings) -> None:
        imports = self._site.services.imports
        brought = await imports.brought_by(settings.name)
        with dialog(f"Forget {settings.name}?", asks=False) as opened:
            text(
                "Its folder is watched, or its link fetched, no more, and how its files are read "
                "is forgotten. Its appointments stay in the book, and the files where they are."
            )

            appointments = formatting.counted(brought, "appointment")
            too = ui.checkbox(f"Take its {appointments} out of the book too").classes("field")
            too.set_visibility(brought > 0)

            async def go() -> None:
                opened.close()
                if too.value:
                    await imports.remove_source(settings.name, by=self._site.who().name)
                await self._site.services.sources.remove(settings.name)
                notify_done("Forgotten.")
                await self._look()

            with box("actions"):
                button("Forget it", go, look="danger")
                button("Keep it", opened.close, look="primary")

    async def _ask_to_clear(self, settings: SourceSettings) -> None:
        imports = self._site.services.imports
        count = await imports.brought_by(settings.name)
        with dialog(f"Remove the appointments of {settings.name}?") as opened:
            if not count:
                text("The book holds no appointments of this source.")
                button("Close", opened.close, look="primary")
                return
            counted = formatting.counted(count, "appointment")
            text(f"The book holds {counted} of this source. All of them would go.", "strong")
            text(
                "They go from Google and from the calendar links too. Appointments of other "
                "sources, and those entered in the book, stay. It can be undone in the list of "
                "imports. How its files are read stays known."
            )

            async def go() -> None:
                gone = await imports.remove_source(settings.name, by=self._site.who().name)
                opened.close()
                notify_done(f"Removed: {formatting.counted(gone, 'appointment')}.")
                await self._imports.fill()

            with box("actions"):
                button(f"Remove {counted}", go, look="danger")
                button("Keep them", opened.close, look="primary")
