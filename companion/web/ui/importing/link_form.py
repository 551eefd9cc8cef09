"""Adding a source that is a link: name and link, then what its calendar would bring, then it is
kept. The link is a secret: what was typed is shown as dots, and never again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from nicegui import ui

from companion.domain.errors import BadInput
from companion.services.sources.fetched_sources import Trial, Wanted
from companion.services.sources.reports import every_words
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.components.fields import clear_errors, fail_field
from companion.web.ui.error_reports import notify_done
from companion.web.ui.importing.review import ImportReview, OnStage
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, text

if TYPE_CHECKING:
    from companion.domain.settings import SourceSettings
    from companion.services.imports.importing import ImportPreview, ImportReport
    from companion.services.imports.questions import Answers

_MINUTES = (5, 15, 30, 60, 240, 1_440)


class _NewLink:
    """A FileToImport: the calendar at a link that is no source yet. It is fetched once."""

    def __init__(self, site: Site, name: str, link: str, every: timedelta) -> None:
        self._site = site
        self._source = name
        self._wanted = Wanted(kind="link", secret=link)
        self._every = every
        self._trial: Trial | None = None
        self.name = f"the calendar at {site.services.fetched_sources.checked(name, self._wanted)}"

    async def close(self) -> None:
        trial, self._trial = self._trial, None
        if trial is not None:
            await trial.close()

    @property
    def kept_mapping(self) -> str:
        source = self._site.services.settings.read().sources.get(self._source)
        return source.mapping if source else ""

    @property
    def change_source(self) -> None:
        """Its name was said before."""
        return

    async def read(self, answers: Answers, mapping: str | None, on_stage: OnStage) -> ImportPreview:
        on_stage("Fetching it", 0.0)
        fetched = self._site.services.fetched_sources
        if self._trial is None:
            self._trial = await fetched.trial(self._source, self._wanted, every=self._every)
        return await fetched.preview(self._trial, answers=answers, mapping=mapping)

    async def apply(
        self, preview: ImportPreview, answers: Answers, mapping: str | None, *, release: bool
    ) -> ImportReport:
        assert self._trial is not None  # noqa: S101 - it was read before
        return await self._site.services.fetched_sources.subscribe(
            self._trial,
            preview,
            answers={**preview.answers, **answers},
            mapping=mapping,
            release=release,
            cause=self._site.who().name,
        )


def open_new_link(site: Site, on_done: Callable[[], Awaitable[None]]) -> None:
    with dialog("Fetch a calendar from a link", "wide") as opened:
        first = box("stack")
        with first:
            text(
                "Most practice software can give a private calendar link (.ics, iCal) for each "
                "practitioner. Whoever has it can read that calendar, so it is kept sealed."
            )
            name = ui.input("Name of the source")
            name.classes("field").props(
                'outlined maxlength=60 hint="Such as: Jo\'s calendar in the practice software"'
            )
            link = _link_input()
            every = _every_select(timedelta(minutes=15))
        review_place = box("stack")
        tried: list[_NewLink] = []

        async def test() -> None:
            clear_errors(name, link)
            typed = str(name.value or "").strip()
            try:
                if not typed:
                    raise BadInput("What is it called?", "Type a short name.", field="source")
                file = _NewLink(site, typed, str(link.value or ""), _chosen(every))
            except BadInput as error:
                fail_field(error, {"source": name, "secret": link})
                return
            tried.append(file)
            first.set_visibility(False)
            with review_place:
                review = ImportReview(
                    site, file, on_done=done, on_leave=back, leave="Back", back="Back"
                )
            await review.read()

        async def file_closed() -> None:
            while tried:
                await tried.pop().close()

        async def back() -> None:
            """What was typed is there still, to be mended."""
            await file_closed()
            review_place.clear()
            first.set_visibility(True)
            link.run_method("focus")

        async def done(_report: ImportReport, _preview: ImportPreview) -> None:
            await file_closed()
            opened.close()
            notify_done(f"Imported. It is fetched {every_words(_chosen(every))} from now on.")
            await on_done()

        with first, box("actions"):
            button("Fetch and look at it", test, look="primary", icon="cloud_download")
            button("Cancel", opened.close, look="plain")


class LinkForm:
    """Another rhythm, or another link, for a source that is fetched."""

    def __init__(
        self, site: Site, source: SourceSettings, on_saved: Callable[[], Awaitable[None]]
    ) -> None:
        self._site = site
        self._source = source
        self._on_saved = on_saved
        self._link = _link_input("Left empty, the link stays as it is")
        self._every = _every_select(source.remote.every if source.remote else timedelta(minutes=15))
        with box("actions"):
            button("Save", self._save, look="primary")

    async def _save(self) -> None:
        clear_errors(self._link)
        try:
            await self._site.services.fetched_sources.add(
                self._source.name,
                Wanted(kind="link", secret=str(self._link.value or "")),
                every=_chosen(self._every),
            )
        except BadInput as error:
            fail_field(error, {"secret": self._link})
            return
        notify_done("Saved.")
        await self._on_saved()


def _link_input(hint: str = "It begins with https:// or webcal://") -> ui.input:
    made = ui.input("Link", password=True, password_toggle_button=True)
    return made.classes("field").props(
        f'outlined maxlength=4000 dir=ltr autocomplete=off hint="{hint}"'
    )


def _every_select(every: timedelta) -> ui.select:
    options = {each: every_words(timedelta(minutes=each)) for each in _MINUTES}
    minutes = round(every / timedelta(minutes=1))
    options.setdefault(minutes, every_words(every))
    made = ui.select(options, label="Fetched", value=minutes)
    return made.classes("field").props("outlined")


def _chosen(every: ui.select) -> timedelta:
    return timedelta(minutes=int(every.value))
