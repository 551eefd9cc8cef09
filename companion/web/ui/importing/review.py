"""ImportReview: one file looked at before anything is imported, and imported.

    reading ──> questions, what would happen, how it is read ── Apply ──> report
       ^                 │
       └── answers, columns or people changed; all other choices stay ─┘

Where the file comes from is a `FileToImport`: dropped on the page, or set aside by a watched
folder. What somebody chose (answers, columns) is kept here until the file is done with, also
when it cannot be read so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from nicegui import ui

from companion.domain.errors import BadInput, CompanionError, FileRefused
from companion.services.access.policy import Action
from companion.services.imports.layout_choice import EmptyFile
from companion.services.imports.questions import Answers, Question, folded_key
from companion.services.imports.reports import FOR_AN_ADMINISTRATOR
from companion.web.ui import formatting
from companion.web.ui.components.dialogs import dialog, dialog_of
from companion.web.ui.error_reports import as_companion_error, notify_done
from companion.web.ui.importing.column_choices import ColumnChoices, choices_of, in_page_words
from companion.web.ui.importing.columns import ColumnsForm
from companion.web.ui.importing.preview import new_people, say_how_read, status_words, what_happens
from companion.web.ui.importing.questions import ImportQuestions
from companion.web.ui.importing.rows import rejected_rows
from companion.web.ui.importing.source_choice import SourceChoice
from companion.web.ui.importing.table_place import TablePlace
from companion.web.ui.importing.titles import title_parts
from companion.web.ui.importing.wording import ImportWording
from companion.web.ui.importing.working import Working
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, card, notice, text

if TYPE_CHECKING:
    from companion.services.imports.importing import ImportPreview, ImportReport
    from companion.services.imports.reading.results import FileColumn

OnStage = Callable[[str, float], None]


class FileToImport(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def wording(self) -> ImportWording:
        """What the page calls it."""
        ...

    @property
    def kept_mapping(self) -> str:
        """What somebody said of this source's columns before; empty for nothing."""
        ...

    @property
    def change_source(self) -> Callable[[str], None] | None:
        """Reads it as another source from now on; None where its source is known."""
        ...

    async def read(
        self, answers: Answers, mapping: str | None, on_stage: OnStage
    ) -> ImportPreview: ...

    async def apply(
        self, preview: ImportPreview, answers: Answers, mapping: str | None, *, release: bool
    ) -> ImportReport: ...


@dataclass(slots=True, kw_only=True)
class _Choices:
    """What somebody said of this file."""

    answers: dict[str, str]
    mapping: str | None = None
    columns: tuple[FileColumn, ...] = ()
    """Of the file, as last seen."""


class ImportReview:
    def __init__(
        self,
        site: Site,
        file: FileToImport,
        *,
        on_done: Callable[[ImportReport, ImportPreview], Awaitable[None]],
        on_leave: Callable[[], object],
        leave: str = "Cancel",
        back: str = "Choose another file",
    ) -> None:
        self.site = site
        self.file = file
        self.on_done = on_done
        self._on_leave = on_leave
        self.leave = leave
        self._back = back
        self.choices = _Choices(answers={})
        self._task: asyncio.Task[object] | None = None
        self._cancelled = False
        self._area = box("stack stack--loose").props("tabindex=-1")

    async def read(self) -> None:
        """Read the file and show what it would do, or what is wrong with it."""
        choices = self.choices
        self._area.clear()
        with self._area:
            working = Working(f"Reading {self.file.name}", self._stop)
        self._task, self._cancelled = asyncio.current_task(), False
        try:
            preview = await self.file.read(choices.answers, choices.mapping, working.show)
        except asyncio.CancelledError:
            if not self._cancelled:
                raise
            if self._task is not None:
                self._task.uncancel()
            await self.go_away()
            return
        except Exception as error:  # noqa: BLE001 - shown on the page instead of a notice
            self._area.clear()
            with self._area:
                self._refused(as_companion_error(error))
                self._keep_focus()
            return
        finally:
            self._task = None
        choices.columns = preview.reading.file_columns
        self._area.clear()
        with self._area:
            _Shown(self, preview)
            self._keep_focus()

    def _keep_focus(self) -> None:
        """What had the focus is gone: the keyboard goes on here, not at the top of the page."""
        if (shown := dialog_of(self._area)) is not None:
            said = self.choices.answers or self.choices.mapping
            shown.watch(typed=shown.typed or bool(said))
        place = f"document.getElementById('{self._area.html_id}')"
        ui.run_javascript(
            f"if (document.activeElement === document.body) {place}.focus({{preventScroll: true}})"
        )

    def _stop(self) -> None:
        if self._task is not None:
            self._cancelled = True
            self._task.cancel()

    async def go_away(self) -> None:
        self._area.clear()
        with self._area:
            result = self._on_leave()
        if isinstance(result, Awaitable):
            await result

    # ── changing how it is read ───────────────────────────────────────────────────────────────

    async def answer(self, answers: Mapping[str, str]) -> None:
        self.choices.answers |= answers
        await self.read()

    async def read_from(self, place: Mapping[str, str]) -> None:
        """Another table of the file has other columns."""
        self.choices.mapping = None
        await self.answer(place)

    async def read_as(self, mapping: str) -> None:
        self.choices.mapping = mapping
        await self.read()

    def _refused(self, error: CompanionError) -> None:
        """What is wrong, with everything that was chosen still there to be changed."""
        if isinstance(error, EmptyFile):
            # The page lets nobody say whose empty file it is: most likely the export went wrong.
            error = FileRefused("The file is empty: it holds no appointment.", "Export it again.")
        bad_file = isinstance(error, BadInput)
        columns = tuple(getattr(error, "columns", ())) or self.choices.columns
        columns = columns if bad_file else ()
        answered = self.choices.answers.pop(getattr(error, "field", ""), None) is not None
        said = in_page_words(error) if columns else error
        with notice("bad", alert=True):
            text(said.what, "strong")
            by_columns = columns and not answered
            text("Say below what each column holds." if by_columns else said.remedy)
        if columns:
            self.choices.columns = columns
            with card("How the columns are read"):
                text(
                    "Choose for each column what it holds, or “Not used”. It is remembered for "
                    f"{self.file.wording.next}.",
                    "card__lead",
                )
                headings = [each.heading for each in columns]
                mapping = self.choices.mapping or self.file.kept_mapping
                ColumnsForm(columns, choices_of(mapping, headings), on_ready=self.read_as)
                TablePlace((), self.choices.answers, self.read_from)
        elif bad_file and not isinstance(error, FileRefused):
            with card("Where the table is"):
                TablePlace((), self.choices.answers, self.read_from)
        with box("actions"):
            if answered or not bad_file:
                button("Try again", self.read, icon="refresh")
            button(self._back, self.go_away, icon="arrow_back")


class _Shown:
    """A preview on screen. People are decided on without reading the file again."""

    def __init__(self, review: ImportReview, preview: ImportPreview) -> None:
        self._review = review
        self._site = review.site
        self._choices = review.choices
        self._preview = preview
        self._agreed: ui.checkbox | None = None
        self._columns_place = box()
        self._body = box("stack stack--loose")
        self._draw()

    @property
    def _asked(self) -> list[Question]:
        """Open ones, and those that were answered while this page was open."""
        here = {folded_key(key) for key in self._choices.answers}
        waiting = {folded_key(each.key) for each in self._preview.open}
        return [each for each in self._preview.questions if folded_key(each.key) in waiting | here]

    def _draw(self) -> None:
        preview, review = self._preview, self._review
        wording = review.file.wording
        people = self._site.services.settings.read().names()
        self._agreed = None
        self._body.clear()
        with self._body:
            if self._for_another:
                with notice("warn"):
                    text(FOR_AN_ADMINISTRATOR, "strong")
            if preview.open:
                self._ask(people)
            with card("What would change"):
                what_happens(preview, wording)
                with box("actions"):
                    button(
                        "Change how columns are read",
                        self._open_columns,
                        icon="view_column",
                    )
                    if review.file.change_source is not None:
                        button("Of another source …", self._ask_source, icon="source")
            if self._asked and not preview.open:
                self._ask(people)
            new_people(preview, people, self._choices.answers, self._decide)
            title_parts(preview, self._choices.answers, review.answer)
            status_words(preview, review.answer, wording)
            say_how_read(preview, wording)
            if preview.rejected:
                rejected_rows(preview.rejected, preview.file_name, wording)
            if preview.held:
                with notice("warn", alert=True):
                    text("This would change a lot", "strong")
                    text(preview.held)
                    self._agreed = ui.checkbox(
                        "I have checked it: change the book", on_change=self._look
                    )
            self._savebar()

    @property
    def _for_another(self) -> bool:
        """Only an administrator may import it."""
        return self._preview.settles_people and not self._site.may(Action.PRACTITIONERS)

    def _ask(self, people: Mapping[str, str]) -> None:
        review = self._review
        ImportQuestions(
            self._asked, review.choices.answers, review.answer, people, review.file.wording
        )

    def _ask_source(self) -> None:
        """Whose numbers these are: another site's, or those of a source that is known already."""
        change = self._review.file.change_source
        known = sorted(self._site.services.settings.read().sources, key=str.casefold)
        with dialog("Which source is this file of?") as opened:
            text(f"It is read as “{self._preview.source}” now.", "soft")
            choice = SourceChoice(known, value=self._preview.source)

            async def go() -> None:
                name = choice.value
                if name is None:
                    raise BadInput("The other source has no name yet.", "Type its name.")
                opened.close()
                if change is not None:
                    change(name)
                await self._review.read()

            with box("actions"):
                button("Read it as this source", go, look="primary")
                button("Leave it", opened.close, look="plain")

    def _savebar(self) -> None:
        with box("savebar"):
            self._summary = text("", "strong").props("role=status")
            with box("actions"):
                button(
                    self._review.leave,
                    self._review.go_away,
                    look="plain",
                )
                label = "Keep the answers" if self._for_another else "Apply"
                self._apply = button(label, self._go, look="primary", icon="check")
        self._look()

    def _look(self) -> None:
        shown = self._preview
        changes = shown.added + shown.changed + shown.removed
        waiting = bool(shown.open)
        self._summary.set_text(
            "Answer first what is left open."
            if waiting
            else "An administrator has to import it."
            if self._for_another
            else f"{formatting.counted(changes, 'change')} to the book"
            if changes
            else "The book already says the same: nothing to apply."
            if shown.unchanged
            else "Nothing of it can be used: no appointment could be read."
            if shown.rejected
            else self._review.file.wording.none
        )
        worth = bool(changes or shown.new_names or self._choices.mapping)
        self._apply.set_visibility(worth and not waiting)
        self._apply.set_enabled(not shown.held or self._released)

    @property
    def _released(self) -> bool:
        return self._agreed is not None and bool(self._agreed.value)

    async def _decide(self, key: str, value: str) -> None:
        """Whose name it is: the counts are worked out again."""
        self._choices.answers[key] = value
        self._preview = await self._site.services.importing.reconsider(
            self._preview, answers=self._choices.answers
        )
        self._draw()

    async def _go(self) -> None:
        choices, preview = self._choices, self._preview
        report = await self._review.file.apply(
            preview, choices.answers, choices.mapping, release=self._released
        )
        if report.held and self._for_another:
            notify_done("Kept for an administrator.")
            return
        if report.held:
            await self._review.read()
            raise FileRefused(report.why_held, "Look at the preview again.")
        await self._review.on_done(report, preview)

    # ── columns ───────────────────────────────────────────────────────────────────────────────

    def _open_columns(self) -> None:
        preview = self._preview
        self._columns_place.clear()
        with self._columns_place, card("How the columns are read") as opened:
            opened.props("tabindex=-1")
            text(
                "Choose for each column what it holds, or “Not used”. Your answers stay as they "
                f"are, and it is remembered for {self._review.file.wording.next}.",
                "card__lead",
            )
            ColumnsForm(
                preview.reading.file_columns,
                as_read(preview),
                on_ready=self._review.read_as,
                on_cancel=self._close_columns,
            )
            TablePlace(preview.reading.sheets, self._choices.answers, self._review.read_from)
        ui.run_javascript(f"document.getElementById('{opened.html_id}').focus()")

    def _close_columns(self) -> None:
        self._columns_place.clear()


def as_read(preview: ImportPreview) -> ColumnChoices:
    """How the file was read; what was only guessed or proved by its rows is not laid down."""
    headings = [each.heading for each in preview.reading.file_columns]
    choices = choices_of(preview.reading.mapping, headings)
    choices.put("source", preview.source)
    if any(each.kind == "length" for each in preview.open):
        choices.put("defaults.length", None)
    if not preview.columns.mapping:
        choices.put("date_order", "")
        for key in ("values.cancelled", "values.booked"):
            choices.put(key, None)
    return choices
