"""Watched folders: each source with its folder, what came of its last file, and what waits.

A timer asks what is remembered of the folders and draws the list anew when it differs, so a file
that is dropped while somebody looks shows within seconds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from nicegui import ui

from companion.domain.errors import BadInput, FileRefused
from companion.domain.expectations import Expected
from companion.services.access.policy import Action
from companion.services.access.rules import Rule
from companion.web.ui import formatting
from companion.web.ui.components.fields import clear_errors, fail_field
from companion.web.ui.components.import_questions import ImportQuestions
from companion.web.ui.error_reports import notify_done, report_errors
from companion.web.ui.pages import page
from companion.web.ui.site import Site
from companion.web.ui.theme import (
    back_link,
    badge,
    box,
    button,
    card,
    dialog,
    frame,
    notice,
    page_head,
    text,
)

if TYPE_CHECKING:
    from companion.domain.settings import SourceSettings
    from companion.services.imports.importing import ImportPreview
    from companion.services.sources.notes import Waiting
    from companion.services.sources.sources import SourceStatus

LOOK_SECONDS = 1.5
_MODES = {
    False: "Changes only: appointments that a file does not name stay as they are",
    True: "Whole book: for its dates and practitioners, what a file does not name was removed",
}

_EXPECTED = {
    Expected.AUTOMATIC: "As often as it usually comes",
    Expected.DAILY: "On each opening day",
    Expected.WEEKLY: "Once a week",
    Expected.NEVER: "At no set time",
}


def create(site: Site) -> None:
    @page(site, "/sources", Rule(Action.IMPORT))
    async def sources() -> None:
        known = await site.services.sources.overview()
        with frame(site, "Watched folders", active="/import", narrow=True):
            back_link("Import", "/import")
            page_head(
                "Watched folders",
                "Save an export into such a folder, and it is imported within seconds while "
                "Calendar Companion runs.",
            )
            _Sources(site, known)


class _Sources:
    def __init__(self, site: Site, known: tuple[SourceStatus, ...]) -> None:
        self._site = site
        self._may_change = site.may(Action.PRACTICE)
        self._shown: tuple[SourceStatus, ...] | None = None
        self._list = box("stack stack--loose").props("aria-live=polite")
        if self._may_change:
            with card("Watch a folder"):
                _Form(site, None, report_errors(self._look))
        self._draw(known)
        ui.timer(LOOK_SECONDS, report_errors(self._look))

    async def _look(self) -> None:
        self._draw(await self._site.services.sources.overview())

    def _draw(self, known: tuple[SourceStatus, ...]) -> None:
        if known == self._shown:
            return
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
                if not status.watched:
                    badge("No folder is watched", "calm")
                elif note.trouble:
                    badge("Not reached", "warn")
                else:
                    badge("Watched", "ok")
                text("Whole book" if settings.snapshot else "Changes only", "soft", tag="span")
            if status.watched:
                text(settings.folder, "address").props("dir=ltr")
            if status.watched and note.trouble:
                with notice("warn", alert=True):
                    text(note.trouble)
            self._last(status)
            for waiting in note.waiting:
                self._waiting(settings, waiting)
            if self._may_change:
                with box("actions"):
                    button("Change …", report_errors(partial(self._change, settings)), icon="edit")
                    if status.watched:
                        button("Stop watching", report_errors(partial(self._stop, settings)))
                    button(
                        "Forget this source …",
                        report_errors(partial(self._ask_to_remove, settings)),
                        look="plain",
                    )

    def _last(self, status: SourceStatus) -> None:
        note = status.note
        if note.last_at is None:
            if status.watched:
                text("No file has come yet.", "soft")
            return
        now = self._site.services.clock.now()
        when = formatting.short(note.last_at, self._site.timezone, now)
        with box("facts", tag="dl"):
            text("Last file", tag="dt")
            text(f"{note.last_file}, {when}", tag="dd")
            text("Result", tag="dt")
            text(note.last_result, tag="dd")

    def _waiting(self, settings: SourceSettings, waiting: Waiting) -> None:
        name = waiting.place.rpartition("/")[2]
        with notice("warn" if waiting.held else "bad"):
            text(f"{name} {'waits for you' if waiting.held else 'could not be used'}", "strong")
            text(waiting.what)
            if "/" in waiting.place and not waiting.held:
                text("A report lies beside it in the folder “set aside”.", "small")
            with box("actions"):
                if waiting.held:
                    button(
                        "Look at it",
                        report_errors(partial(self._look_at, settings, waiting)),
                        look="primary",
                    )
                button(
                    "Take off the list",
                    report_errors(partial(self._discard, settings, waiting)),
                    look="plain",
                )

    async def _look_at(
        self,
        settings: SourceSettings,
        waiting: Waiting,
        given: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`given`: answers so far."""
        answers, sources = dict(given), self._site.services.sources
        preview = await sources.look_at(settings.name, waiting.place, answers=answers)
        imports = await self._site.services.imports.recent(50)
        newer = any(each.source == settings.name and each.at > waiting.at for each in imports)
        with dialog(f"Import {preview.file_name}?") as opened:
            text(_effect(preview), "strong")
            if preview.open:

                async def again(said: Mapping[str, str]) -> None:
                    opened.close()
                    await self._look_at(settings, waiting, {**answers, **said})

                ImportQuestions(preview.open, again)
            if preview.held:
                with notice("warn"):
                    text(preview.held)
            for each in preview.kept:
                text(f"{formatting.number(each.count)} not removed: {each.why}.", "small")
            if newer:
                with notice("warn"):
                    text(
                        f"A later file of {settings.name} has been imported since. This one would "
                        "bring older appointments back."
                    )

            async def go() -> None:
                press.props("loading")
                try:
                    report = await sources.release(
                        settings.name,
                        waiting.place,
                        answers=answers,
                        cause=self._site.who().name,
                    )
                finally:
                    press.props(remove="loading")
                if report.held:
                    raise FileRefused(report.why_held, "Answer what is open, then import it.")
                opened.close()
                changes = report.added + report.changed + report.removed
                notify_done(f"Imported: {formatting.counted(changes, 'change')}.")
                await self._look()

            with box("actions"):
                press = button("Import it", report_errors(go), look="danger", icon="check")
                press.set_enabled(not preview.open)
                button("Leave it", opened.close, look="primary")

    async def _discard(self, settings: SourceSettings, waiting: Waiting) -> None:
        await self._site.services.sources.discard(settings.name, waiting.place)
        await self._look()

    def _change(self, settings: SourceSettings) -> None:
        with dialog(f"Change {settings.name}") as opened:

            async def done() -> None:
                opened.close()
                await self._look()

            _Form(self._site, settings, report_errors(done))
            button("Cancel", opened.close, look="plain")

    async def _stop(self, settings: SourceSettings) -> None:
        await self._site.services.sources.stop(settings.name)
        notify_done("The folder is watched no more.")
        await self._look()

    async def _ask_to_remove(self, settings: SourceSettings) -> None:
        imports = self._site.services.imports
        brought = await imports.brought_by(settings.name)
        with dialog(f"Forget {settings.name}?") as opened:
            text(
                "Its folder is watched no more, and how its files are read is forgotten. Its "
                "appointments stay in the book, and the files where they are."
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
                button("Forget it", report_errors(go), look="danger")
                button("Keep it", opened.close, look="primary")


class _Form:
    """Name, folder and mode of a source; `source` is None for a new one."""

    def __init__(
        self,
        site: Site,
        source: SourceSettings | None,
        on_saved: Callable[[], Awaitable[None]],
    ) -> None:
        self._site = site
        self._source = source
        self._on_saved = on_saved
        self._name = ui.input("Name of the source", value=source.name if source else "")
        self._name.classes("field").props('outlined maxlength=60 hint="Such as: our clinic"')
        self._name.set_enabled(source is None)
        self._folder = ui.input("Folder", value=source.folder if source else "")
        self._folder.classes("field").props(
            r'outlined maxlength=1000 dir=ltr hint="Its whole path, on this computer or a share"'
        )
        self._mode = ui.radio(dict(_MODES), value=bool(source and source.snapshot))
        self._mode.props('aria-label="What its files hold"')
        self._leave = ui.checkbox(
            "Leave imported files where they are (otherwise they are moved to “imported” inside)",
            value=source.leave_files if source else False,
        )
        self._expected = ui.select(
            dict(_EXPECTED),
            label="A file is expected",
            value=source.expected if source else Expected.AUTOMATIC,
        )
        self._expected.classes("field").props(
            'outlined hint="When none comes, calendars say so: see Practice"'
        )
        text(
            "A layout that we do not know: import one file by hand first, and say what its "
            "columns are. It is remembered under the source's name.",
            "soft small",
        )
        with box("actions"):
            label = "Save" if source else "Watch this folder"
            button(label, report_errors(self._save), look="primary", icon="visibility")

    async def _save(self) -> None:
        clear_errors(self._name, self._folder)
        folder = str(self._folder.value or "")
        try:
            if self._source is None and not folder.strip():
                raise BadInput("Which folder?", "Type its whole path.", field="folder")
            await self._site.services.sources.add(
                str(self._name.value or ""),
                folder,
                snapshot=bool(self._mode.value),
                leave_files=bool(self._leave.value),
                expected=Expected(self._expected.value),
            )
        except BadInput as error:
            fail_field(error, {"source": self._name, "folder": self._folder})
            return
        if self._source is None:
            self._name.value, self._folder.value = "", ""
        notify_done("Saved.")
        await self._on_saved()


def _effect(preview: ImportPreview) -> str:
    parts = (
        f"{formatting.number(preview.added)} would be added",
        f"{formatting.number(preview.changed)} changed",
        f"{formatting.number(preview.removed)} removed",
    )
    return f"{', '.join(parts)}; {formatting.number(preview.unchanged)} stay as they are."
