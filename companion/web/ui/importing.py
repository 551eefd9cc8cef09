"""Import: drop an export, see what would change, apply.

    choose ── file read ──> preview ── Apply ──> report
       ^                      │  ^
       │                      │  ├── questions answered
       │                      │  └── columns explained (a layout nobody knows)
       └──────── Cancel ──────┘

The file lies in `Incoming` until the report is shown, the page is closed or an hour has passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nicegui import ui

from companion.domain.errors import BadInput, CompanionError, FileRefused
from companion.services.access.policy import Action
from companion.services.access.rules import Rule
from companion.web.ui import formatting
from companion.web.ui.components.file_drop import FileDrop
from companion.web.ui.components.import_history import show_history
from companion.web.ui.components.import_preview import ImportView, show_report
from companion.web.ui.components.import_questions import ImportQuestions
from companion.web.ui.components.mapping_form import MappingForm
from companion.web.ui.error_reports import as_companion_error, report_errors
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

BY_LAYOUT = ""
_MODES = {
    False: "Changes only: appointments that the file does not name stay as they are",
    True: "Whole book: for its dates and practitioners, what the file does not name was removed",
}


def create(site: Site) -> None:
    @page(site, "/import", Rule(Action.IMPORT))
    async def importing() -> None:
        with frame(site, "Import", active="/import"):
            actions, _ = page_head(
                "Import appointments",
                "From an export of your practice software. Nothing changes before you say so.",
            )
            with actions:
                link_button("Watched folders", "/sources", icon="folder_open")
            _Import(site)


class _Import:
    """One visit; what it holds of the file goes when the page does."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._ticket = ""
        self._path: Path | None = None
        self._file_name = ""
        self._source: str | None = None
        self._snapshot: bool | None = None
        self._mapping: str | None = None
        self._answers: dict[str, str] = {}
        self._headers: tuple[str, ...] = ()
        self._area = box("stack stack--loose").props("aria-live=polite")
        ui.context.client.on_delete(self._discard)
        with self._area:
            self._choose()

    def _discard(self) -> None:
        self._site.incoming.discard(self._ticket)
        self._ticket, self._path = "", None

    def _begin_again(self) -> None:
        self._discard()
        self._mapping = None
        self._answers = {}
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
                accept=".csv,.txt,.tsv,.xlsx,.xlsm,.xlsb,.xls,.ods,.htm,.html,.xml,.ics,.json,.ndjson",
            )
            if self._site.options.samples:
                with box("stack"):
                    text("Or try an export of the invented practice:", "soft")
                    with box("actions"):
                        for sample in self._site.options.samples:
                            button(
                                sample.label,
                                report_errors(partial(self._sample, sample.path)),
                                icon="science",
                            )
        with card("How to read it"):
            mode = ui.radio(dict(_MODES), value=bool(self._snapshot), on_change=self._set_mode)
            mode.props('aria-label="How to read it"')
            known = self._site.services.settings.read().sources
            options = {BY_LAYOUT: "Found by the file's own columns"}
            options |= {name: name for name in (*known, self._source) if name}
            source = ui.select(
                options,
                label="Source",
                value=self._source or BY_LAYOUT,
                on_change=self._set_source,
                with_input=True,
                new_value_mode="add-unique",
                key_generator=str,
            )
            source.classes("field").props("outlined")
            text("Another site with numbers of its own is a source of its own: type its name.")
        show_history(self._site)

    def _set_mode(self, event: object) -> None:
        self._snapshot = bool(getattr(event, "value", False))

    def _set_source(self, event: object) -> None:
        self._source = getattr(event, "value", "") or None
        known = self._site.services.settings.read().sources.get(self._source or "")
        if known is not None:
            self._snapshot = known.snapshot

    async def _sample(self, path: Path) -> None:
        self._path, self._file_name = path, path.name
        await self._read()

    async def _received(self, ticket: str, file_name: str) -> None:
        self._discard()
        self._ticket, self._file_name = ticket, file_name
        self._path = self._site.incoming.path(ticket)
        await self._read()

    # ── preview ──────────────────────────────────────────────────────────────────────────────

    async def _read(self) -> None:
        """Read the file and show what it would do; or what is wrong with it."""
        path = self._path
        if path is None:
            raise FileRefused("The file is no longer here.", "Choose it again.")
        self._area.clear()
        with self._area, card(), box("actions").props("role=status"):
            ui.spinner(size="24px").props("aria-hidden=true")
            text(f"Reading {self._file_name} …")
        try:
            preview = await self._site.services.importing.preview(
                path,
                source=self._source,
                mapping=self._mapping,
                snapshot=self._snapshot,
                file_name=self._file_name,
                answers=self._answers,
            )
        except Exception as error:  # noqa: BLE001 - shown on the page instead of a notice
            self._area.clear()
            with self._area:
                self._refused(as_companion_error(error))
            return
        self._area.clear()
        with self._area:
            self._preview(preview)

    def _refused(self, error: CompanionError) -> None:
        headers: tuple[str, ...] = tuple(getattr(error, "headers", ()))
        with notice("bad", alert=True):
            text(error.what, "strong")
            text("Say below what they mean." if headers else error.remedy)
        if headers or (self._mapping is not None and isinstance(error, BadInput)):
            headers = headers or self._headers
            self._headers = headers
            with card("Say what the columns are"):
                text(
                    "This layout is not known yet. Choose a column for each line that the file "
                    "has; it is remembered for the next file.",
                    "card__lead",
                )
                self._form = MappingForm(
                    headers, source=self._source or "", on_ready=report_errors(self._mapped)
                )
        with box("actions"):
            button("Choose another file", report_errors(self._begin_again), icon="arrow_back")

    async def _mapped(self, mapping: str) -> None:
        self._mapping = mapping
        await self._read()

    async def _answered(self, answers: Mapping[str, str]) -> None:
        self._answers |= answers
        await self._read()

    def _preview(self, preview: ImportPreview) -> None:
        asked_by_name = {f"practitioner:{each.name}" for each in preview.new_names}
        questions = [each for each in preview.open if each.key not in asked_by_name]
        if questions:
            ImportQuestions(questions, self._answered)
        view = ImportView(self._site, preview)
        with box("savebar"):
            summary = text("", "strong").props("role=status")
            with box("actions"):
                button("Cancel", report_errors(self._begin_again), look="plain")
                apply = button("Apply", look="primary", icon="check")

        def update() -> None:
            shown = view.preview
            changes = shown.added + shown.changed + shown.removed
            summary.set_text(
                "Answer first what the file leaves open."
                if questions
                else f"{formatting.counted(changes, 'change')} to the book"
                if changes
                else "The book already says the same: nothing to apply."
            )
            apply.set_visibility(bool(changes or shown.new_names) and not questions)
            apply.set_enabled(view.agreed)

        async def go() -> None:
            apply.set_enabled(False)
            try:
                report = await self._site.services.importing.apply(
                    preview,
                    assignments=view.assignments(),
                    release=view.released,
                    cause=self._site.who().name,
                )
            finally:
                apply.set_enabled(True)
            if report.held:
                raise FileRefused(report.why_held, "Look at the preview again.")
            self._report(report, preview)

        view.on_change = update
        update()
        apply.on_click(report_errors(go))

    def _report(self, report: ImportReport, preview: ImportPreview) -> None:
        self._discard()
        self._area.clear()
        with self._area:
            show_report(report, preview)
            with box("actions"):
                link_button("Go to the overview", "/", look="primary")
                button("Import another file", report_errors(self._begin_again))
