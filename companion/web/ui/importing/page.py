"""Import: drop an export, see what would change, apply; and the imports so far.

The file lies in `Incoming` until the report is shown, the page is closed or an hour has passed.
What was chosen beside it (source, whole book or changes) stays for the next file.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nicegui import ui

from companion.domain.errors import FileRefused
from companion.services.access.policy import Action
from companion.services.access.rules import Rule
from companion.web.ui.components.file_drop import FileDrop
from companion.web.ui.importing.history import Imports, undo_button
from companion.web.ui.importing.preview import say_report
from companion.web.ui.importing.review import ImportReview, OnStage
from companion.web.ui.importing.rows import rejected_rows
from companion.web.ui.importing.source_choice import SNAPSHOTS, SourceChoice, mode_of
from companion.web.ui.importing.wording import FILE
from companion.web.ui.pages import page
from companion.web.ui.site import Site
from companion.web.ui.theme import (
    box,
    button,
    card,
    frame,
    link_button,
    notice,
    page_head,
    text,
)

if TYPE_CHECKING:
    from companion.services.imports.importing import ImportPreview, ImportReport
    from companion.services.imports.questions import Answers

_MODES = {
    "": "Found out: whole where the file has no appointment numbers, else changes only",
    "changes": "Changes only: appointments that the file does not name stay as they are",
    "whole": "Whole book: for its dates and practitioners, what the file does not name was removed",
}
ACCEPTED = ".csv,.txt,.tsv,.xlsx,.xlsm,.xlsb,.xls,.ods,.htm,.html,.xml,.ics,.json,.ndjson"


def create(site: Site) -> None:
    @page(site, "/import", Rule(Action.IMPORT))
    async def importing() -> None:
        with frame(site, "Import", active="/import"):
            actions, _ = page_head(
                "Import appointments",
                "From an export of your practice software. Nothing changes before you say so.",
            )
            with actions:
                link_button("Sources", "/sources", icon="folder_open")
            _Import(site)


class _DroppedFile:
    wording = FILE

    def __init__(
        self, site: Site, path: Path, name: str, source: str | None, snapshot: bool | None
    ) -> None:
        self._site = site
        self._path = path
        self.name = name
        self._source = source
        self._snapshot = snapshot

    @property
    def kept_mapping(self) -> str:
        source = self._site.services.settings.read().sources.get(self._source or "")
        return source.mapping if source else ""

    def change_source(self, source: str) -> None:
        self._source = source

    async def read(self, answers: Answers, mapping: str | None, on_stage: OnStage) -> ImportPreview:
        return await self._site.services.importing.preview(
            self._path,
            source=self._source,
            mapping=mapping,
            snapshot=self._snapshot,
            file_name=self.name,
            answers=answers,
            on_stage=on_stage,
        )

    async def apply(
        self,
        preview: ImportPreview,
        answers: Answers,
        mapping: str | None,  # noqa: ARG002 - the preview was read with it
        *,
        release: bool,
    ) -> ImportReport:
        return await self._site.services.importing.apply(
            preview, answers=answers, release=release, cause=self._site.who().name
        )


class _Import:
    """One visit; what it holds of the file goes when the page does."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._ticket = ""
        self._source: str | None = None
        self._mode = ""
        self._area = box("stack stack--loose")
        ui.context.client.on_delete(self._discard)
        with self._area:
            self._choose()

    def _discard(self) -> None:
        self._site.incoming.discard(self._ticket)
        self._ticket = ""

    def _begin_again(self) -> None:
        self._discard()
        self._area.clear()
        with self._area:
            self._choose()

    # ── choose ───────────────────────────────────────────────────────────────────────────────

    def _choose(self) -> None:
        with card("Choose the export"):
            FileDrop(
                "Drop the export here",
                self._received,
                hint="CSV, Excel, OpenDocument, calendar (.ics) or FHIR, at most 50 MB",
                accept=ACCEPTED,
            )
            if self._site.options.samples:
                with box("stack"):
                    text("Or try an export of the invented practice:", "soft")
                    with box("actions"):
                        for sample in self._site.options.samples:
                            button(
                                sample.label,
                                partial(self._sample, sample.path),
                                icon="science",
                            )
        with card("How to read it"):
            self._choice = SourceChoice(
                sorted(self._site.services.settings.read().sources, key=str.casefold),
                value=self._source,
                by_columns="Found by the file's own columns",
                on_change=self._set_source,
            )
            text("What does the file hold?", "strong")
            self._radio = ui.radio(dict(_MODES), value=self._mode, on_change=self._set_mode)
            self._radio.props["aria-label"] = "What the file holds"
        Imports(self._site)

    def _set_mode(self) -> None:
        self._mode = str(self._radio.value or "")

    def _set_source(self) -> None:
        self._source = self._choice.value
        known = self._site.services.settings.read().sources.get(self._source or "")
        if known is not None:
            self._radio.value = mode_of(known)

    async def _sample(self, path: Path) -> None:
        await self._review(path, path.name)

    async def _received(self, ticket: str, file_name: str) -> None:
        self._discard()
        self._ticket = ticket
        await self._review(self._site.incoming.path(ticket), file_name)

    # ── look and apply ───────────────────────────────────────────────────────────────────────

    async def _review(self, path: Path, file_name: str) -> None:
        if self._choice.unnamed:
            raise FileRefused("The other source has no name yet.", "Type its name, or choose one.")
        file = _DroppedFile(self._site, path, file_name, self._source, SNAPSHOTS[self._mode])
        self._area.clear()
        with self._area:
            review = ImportReview(
                self._site, file, on_done=self._report, on_leave=self._begin_again
            )
        await review.read()

    async def _report(self, report: ImportReport, preview: ImportPreview) -> None:
        self._discard()
        newest = await self._site.services.imports.recent(1, report.source)
        self._area.clear()
        with self._area:
            with notice("ok"):
                text("The book is up to date with the file.", "strong").props("role=status")
                if report.created:
                    names = ", ".join(each.name for each in report.created)
                    text(f"New: {names}. Connect each to Google from the overview.")
            say_report(report, preview.file_name)
            if report.rejected:
                rejected_rows(report.rejected, preview.file_name)
            with box("actions"):
                link_button("Go to the overview", "/", look="primary")
                button("Import another file", self._begin_again)
                if newest and newest[0].can_undo:
                    undo_button(self._site, newest[0], self._begin_again)
