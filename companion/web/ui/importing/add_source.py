"""Adding a source, in three steps: where it comes from, a test with ten rows, and what its first
fetch would bring. A folder needs one step only.

Everything is fetched once: what was looked at is what goes into the book.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from nicegui import ui

from companion.domain.errors import BadInput, CompanionError
from companion.services.sources.fetched_sources import Sample, Trial, TypedPlace
from companion.services.sources.one_fetch import UnderWay
from companion.services.sources.remote import Stopped
from companion.services.sources.reports import every_words
from companion.web.ui.components.dialogs import Dialog, dialog
from companion.web.ui.components.fields import clear_errors, fail_field
from companion.web.ui.error_reports import as_companion_error, notify_done, report_errors
from companion.web.ui.importing.remote_form import RemoteFields, chosen, every_select
from companion.web.ui.importing.review import ImportReview, OnStage
from companion.web.ui.importing.sample_table import sample_appointments, sample_table
from companion.web.ui.importing.source_choice import SourceChoice
from companion.web.ui.importing.source_form import SourceForm
from companion.web.ui.importing.wording import FETCHED
from companion.web.ui.importing.working import Working
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, notice, say_error, text

if TYPE_CHECKING:
    from companion.services.imports.importing import ImportPreview, ImportReport
    from companion.services.imports.questions import Answers
    from companion.services.sources.remote import SourceKind

T = TypeVar("T")
_FOLDER = "folder"
_LOOK = 0.4
"""Seconds between two looks at how far a fetch has come."""


def open_add_source(site: Site, on_done: Callable[[], Awaitable[None]]) -> None:
    with dialog("Add a source", "wide") as opened:
        _AddSource(site, opened, on_done)


class _AddSource:
    def __init__(self, site: Site, opened: Dialog, on_done: Callable[[], Awaitable[None]]) -> None:
        self._site = site
        self._dialog = opened
        self._on_done = on_done
        self._kinds = {each.name: each for each in site.services.fetched_sources.kinds()}
        self._fields: RemoteFields | None = None
        self._file: _NewSource | None = None
        self._step = text("", "soft").props("role=status")
        self._first = box("stack")
        self._second = box("stack stack--loose").props("tabindex=-1")
        self._third = box("stack stack--loose").props("tabindex=-1")
        opened.on_value_change(self._left)
        ui.context.client.on_delete(self._close_file)
        with self._first:
            labels = {_FOLDER: "A folder into which exports are saved"}
            labels |= {name: each.title for name, each in self._kinds.items()}
            text("Where do the appointments come from?", "strong")
            self._kind = ui.radio(labels, value=_FOLDER, on_change=self._chosen).props("inline")
            self._kind.props["aria-label"] = "Where the appointments come from"
            opened.looks = (self._kind,)
            self._form = box("stack")
        self._chosen()
        self._show(1)

    @property
    def _chosen_kind(self) -> SourceKind | None:
        """None for a folder."""
        return self._kinds.get(str(self._kind.value))

    def _chosen(self) -> None:
        kind = self._chosen_kind
        self._form.clear()
        with self._form:
            if kind is None:
                text(
                    "Most practice software can save an export on a schedule, or by one button. "
                    "Let it save into a folder of its own, and name it here."
                )
                SourceForm(self._site, None, report_errors(self._folder_added))
                return
            text(kind.about)
            known = self._site.services.settings.read().sources.values()
            free = sorted((each.name for each in known if not each.remote), key=str.casefold)
            # Its exports may have been imported before, as the source that is called so.
            same = next((each for each in free if each.casefold() == kind.name), "")
            self._name = SourceChoice(
                free, value=same, another="A new source: give it a name", new=True
            )
            if free:
                text(
                    "If you have imported its appointments before, choose that source: it goes on "
                    "with the same appointments.",
                    "soft small",
                )
            self._fields = RemoteFields(kind)
            with box("actions dialog__foot"):
                button("Test it", self._test, look="primary", icon="network_check")
                button("Cancel", self._dialog.leave, look="plain")
        self._dialog.watch()
        self._show(1)

    async def _folder_added(self) -> None:
        self._dialog.close()
        await self._on_done()

    def _show(self, step: int) -> None:
        words = ("where it comes from", "a test", "its first fetch, and how often")
        several = self._chosen_kind is not None
        self._step.set_text(f"Step {step} of 3: {words[step - 1]}" if several else "")
        self._step.set_visibility(several)
        for number, place in enumerate((self._first, self._second, self._third), 1):
            place.set_visibility(number == step)

    # ── a test ────────────────────────────────────────────────────────────────────────────────

    async def _test(self) -> None:
        assert self._fields is not None  # noqa: S101 - the button is below them
        places = {"source": self._name.name, **self._fields.places}
        clear_errors(*places.values())
        missing = self._fields.missing()
        if self._name.value is None:
            name_missing = BadInput("What is it called?", "Type a short name.", field="source")
            missing = [name_missing, *missing]
        for each in reversed(missing):  # the keyboard goes on at the first
            fail_field(each, places)
        name = self._name.value
        if missing or name is None:
            return
        wanted = self._fields.wanted
        fetched = self._site.services.fetched_sources
        try:
            place = fetched.checked(name, wanted)
        except BadInput as error:
            fail_field(error, places)
            return
        self._show(2)
        self._second.clear()
        with self._second:
            asking = asyncio.create_task(fetched.sample(name, wanted))
            Working(f"Asking {place}", asking.cancel, stop="Stop")
        try:
            sample = await _let_go(asking)
        except Exception as error:  # noqa: BLE001 - shown in the dialog instead of a notice
            self._refused(as_companion_error(error))
            return
        if sample is None:
            await self._back()
        else:
            self._show_sample(name, wanted, sample)

    def _refused(self, error: CompanionError) -> None:
        self._second.clear()
        with self._second:
            say_error(error)
            with box("actions"):
                button("Back", self._back, look="primary", icon="arrow_back")
                button("Test it again", self._test, icon="refresh")

    def _show_sample(self, name: str, wanted: TypedPlace, sample: Sample) -> None:
        self._second.clear()
        with self._second:
            rows = len(sample.rows) - 1
            with notice("ok" if rows > 0 else "warn"):
                said = "These are its first rows" if rows > 0 else "It holds no appointment yet"
                text(f"{sample.place} answers. {said}.", "strong").props("role=status")
                text("Nothing has been kept so far.")
            if sample.appointments:
                sample_appointments(sample.appointments)
            elif rows > 0:
                sample_table(sample.rows)
            with box("actions dialog__foot"):

                async def go() -> None:
                    await self._preview(name, wanted)

                button("Fetch everything and look at it", go, look="primary", icon="cloud_download")
                button("Back", self._back, look="plain")
        _focus(self._second)

    async def _back(self) -> None:
        """What was typed is there still, to be mended."""
        await self._close_file()
        self._second.clear()
        self._third.clear()
        self._show(1)

    # ── its first fetch ───────────────────────────────────────────────────────────────────────

    async def _preview(self, name: str, wanted: TypedPlace) -> None:
        kind = self._kinds[wanted.kind]
        self._show(3)
        self._third.clear()
        with self._third:
            every = every_select(kind, kind.every)
            self._file = _NewSource(self._site, name, wanted, every)

            async def done(_report: ImportReport, _preview: ImportPreview) -> None:
                await self._close_file()
                self._dialog.close()
                words = every_words(chosen(every))
                notify_done(f"Imported. It is fetched {words} from now on.")
                await self._on_done()

            review = ImportReview(
                self._site, self._file, on_done=done, on_leave=self._back, leave="Back", back="Back"
            )
        _focus(self._third)
        await review.read()

    async def _left(self) -> None:
        if not self._dialog.value:
            await self._close_file()

    async def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            await file.close()


class _NewSource:
    """A FileToImport: everything that a place gives which is no source yet."""

    wording = FETCHED
    change_source = None
    """Its name was said before."""

    def __init__(self, site: Site, name: str, wanted: TypedPlace, every: ui.select) -> None:
        self._site = site
        self._source = name
        self._wanted = wanted
        self._every = every
        self._trial: Trial | None = None
        self._closed = False
        self.name = f"what {site.services.fetched_sources.checked(name, wanted)} gives"

    @property
    def kept_mapping(self) -> str:
        source = self._site.services.settings.read().sources.get(self._source)
        return source.mapping if source else ""

    async def close(self) -> None:
        self._closed = True
        trial, self._trial = self._trial, None
        if trial is not None:
            await trial.close()

    async def read(self, answers: Answers, mapping: str | None, on_stage: OnStage) -> ImportPreview:
        fetched = self._site.services.fetched_sources
        if self._trial is None:
            trial = await self._fetch(on_stage)
            if self._closed:  # the dialog was left meanwhile
                await trial.close()
                raise asyncio.CancelledError
            self._trial = trial
        on_stage("Comparing it with the book", 0.0)
        return await fetched.preview(self._trial, answers=answers, mapping=mapping)

    async def _fetch(self, on_stage: OnStage) -> Trial:
        going = UnderWay(since=self._site.services.clock.now())
        fetching = asyncio.create_task(
            self._site.services.fetched_sources.trial(self._source, self._wanted, going=going)
        )
        try:
            while not fetching.done():
                on_stage(*how_far(going))
                await asyncio.wait([fetching], timeout=_LOOK)
        except asyncio.CancelledError:
            fetching.cancel()
            await asyncio.gather(fetching, return_exceptions=True)
            raise
        return fetching.result()

    async def apply(
        self, preview: ImportPreview, answers: Answers, mapping: str | None, *, release: bool
    ) -> ImportReport:
        if self._trial is None:
            raise BadInput("What was fetched is gone.", "Press “Back” and fetch it again.")
        return await self._site.services.fetched_sources.subscribe(
            self._trial,
            preview,
            every=chosen(self._every),
            answers={**preview.answers, **answers},
            mapping=mapping,
            release=release,
            cause=self._site.who().name,
        )


def how_far(going: UnderWay) -> tuple[str, float]:
    """In words, and as a share (0 where it is not known)."""
    if not going.done:
        return "Fetching", 0.0
    of = f" of {going.of:,}" if going.of else ""
    share = going.done / going.of if going.of else 0.0
    return f"{going.done:,}{of} appointments fetched", min(share, 0.99)


def _focus(step: ui.element) -> None:
    """The keyboard, and who reads by ear, go on here; the heading stays in sight."""
    place = f"document.getElementById('{step.html_id}')"
    ui.run_javascript(f"{place}.focus({{preventScroll: true}})")


async def _let_go(task: asyncio.Task[T]) -> T | None:
    """None where somebody stopped it."""
    try:
        return await task
    except Stopped:
        return None
    except asyncio.CancelledError:
        current = asyncio.current_task()
        if not task.cancelled() or (current is not None and current.cancelling()):
            raise
        return None
