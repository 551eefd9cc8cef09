"""Files that a watched folder set aside: said on the overview and on the page of sources, and
looked at, answered and taken in where they are shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from companion.web.ui import formatting
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.error_reports import notify_done, report_errors
from companion.web.ui.importing.review import ImportReview, OnStage
from companion.web.ui.importing.wording import FETCHED, FILE, ImportWording
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, notice, text

if TYPE_CHECKING:
    from companion.services.imports.importing import ImportPreview, ImportReport
    from companion.services.imports.questions import Answers
    from companion.services.sources.notes import SourceNote, Waiting

LOOK_SECONDS = 5.0
MOST_SHOWN = 5


class _WaitingFile:
    change_source = None
    """Its folder says which source it is of."""

    def __init__(self, site: Site, source: str, place: str) -> None:
        self._site = site
        self._source = source
        self._place = place
        self.name = place.rpartition("/")[2]

    @property
    def wording(self) -> ImportWording:
        source = self._site.services.settings.read().sources.get(self._source)
        return FETCHED if source is not None and source.remote is not None else FILE

    @property
    def kept_mapping(self) -> str:
        source = self._site.services.settings.read().sources.get(self._source)
        return source.mapping if source else ""

    async def read(self, answers: Answers, mapping: str | None, on_stage: OnStage) -> ImportPreview:
        on_stage("Reading it", 0.0)
        return await self._site.services.sources.look_at(
            self._source, self._place, answers=answers, mapping=mapping
        )

    async def apply(
        self,
        preview: ImportPreview,
        answers: Answers,
        mapping: str | None,
        *,
        release: bool,  # noqa: ARG002 - a file that waits is let go by being imported
    ) -> ImportReport:
        given = {**preview.answers, **answers}
        return await self._site.services.sources.release(
            self._source,
            self._place,
            answers=given,
            mapping=mapping,
            cause=self._site.who().name,
        )


async def open_waiting(
    site: Site, source: str, waiting: Waiting, on_done: Callable[[], Awaitable[None]]
) -> None:
    """The whole preview in a dialog: its questions answered there, it is imported there."""
    file = _WaitingFile(site, source, waiting.place)
    imports = await site.services.imports.recent(50, source)
    newer = any(each.at > waiting.at and each.file_name for each in imports)
    with dialog(f"Import {file.name}?", "wide") as opened:
        known = site.services.settings.read().sources.get(source)
        fetched = known is not None and known.remote is not None
        text(
            f"As it is now where {source} is fetched from."
            if fetched
            else f"Set aside from the folder of {source}.",
            "soft",
        )
        if newer:
            with notice("warn"):
                text(
                    f"A later file of {source} has been imported since. This one may bring older "
                    "appointments back."
                )

        async def done(report: ImportReport, _preview: ImportPreview) -> None:
            opened.close()
            changes = report.added + report.changed + report.removed
            notify_done(f"Imported: {formatting.counted(changes, 'change')}.")
            await on_done()

        review = ImportReview(
            site, file, on_done=done, on_leave=opened.close, leave="Leave it", back="Leave it"
        )
    await review.read()


def say_waiting(
    site: Site,
    source: str,
    waiting: Waiting,
    look_again: Callable[[], Awaitable[None]],
    *,
    title: str = "",
    lies_at: str = "",
) -> None:
    """Why it waits, its questions, and the way to answer them. `lies_at`: the other workstation in
    whose folder it lies, and where it can be looked at."""
    name = waiting.place.rpartition("/")[2]
    with notice("warn" if waiting.held else "bad"):
        waits = "waits for you" if waiting.held else "could not be used"
        text(title or f"{name} {waits}", "strong")
        if waiting.questions:
            for each in waiting.questions[:MOST_SHOWN]:
                text(each.text)
            if len(waiting.questions) > MOST_SHOWN:
                text(f"… and {len(waiting.questions) - MOST_SHOWN} more questions.")
        else:
            text(waiting.what)
        if "/" in waiting.place and not waiting.held:
            text("A report lies beside it in the folder “set aside”.", "small")
        look = partial(open_waiting, site, source, waiting, look_again)
        label = "Answer and import" if waiting.questions else "Look at it"

        async def discard() -> None:
            await site.services.sources.discard(source, waiting.place)
            await look_again()

        if lies_at:
            text(f"It lies in a folder of {lies_at}: answer it there.", "small")
        with box("actions"):
            if not lies_at:
                button(label, look, look="primary")
            button("Take off the list", discard, look="plain")


def since_words(site: Site, note: SourceNote) -> str:
    return f" Since {site.short(note.trouble_since)}." if note.trouble_since else ""


class WaitingFiles:
    """On the overview: drawn anew when what waits is another."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._shown: object = ()
        self._place = box("stack")

    def set_visibility(self, visible: bool) -> None:
        self._place.set_visibility(visible)

    def begin(self) -> None:
        """Once the page stands: a timer lets NiceGUI send what there is of it."""
        ui.timer(LOOK_SECONDS, report_errors(self.look), immediate=False)
        ui.timer(0.05, report_errors(self.look), once=True)

    async def look(self) -> None:
        known = await self._site.services.sources.overview()
        waiting = [(each, file) for each in known if each.automatic for file in each.note.waiting]
        failing = [each for each in known if each.failing]
        shown = (
            [(each.settings.name, each.lies_at, file) for each, file in waiting],
            [(each.settings.name, each.failing) for each in failing],
        )
        if shown == self._shown:
            return
        self._shown = shown
        self._place.clear()
        with self._place:
            for each in failing[:MOST_SHOWN]:
                with notice("warn"):
                    text(f"Nothing arrives from {each.settings.name}", "strong")
                    text(f"{each.failing}{since_words(self._site, each.note)}")
                    ui.link("Look at the sources", "/sources")
            for status, file in waiting[:MOST_SHOWN]:
                source = status.settings.name
                name = file.place.rpartition("/")[2]
                waits = "waits for you" if file.held else "could not be used"
                title = f"Import from {source}: {name} {waits}"
                say_waiting(
                    self._site, source, file, self.look, title=title, lies_at=status.lies_at
                )
            if len(waiting) > MOST_SHOWN:
                more = formatting.counted(len(waiting) - MOST_SHOWN, "more file")
                ui.link(f"{more} on the page of sources", "/sources")
