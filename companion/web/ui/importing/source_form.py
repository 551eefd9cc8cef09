"""Forms about a source: its folder, and how its files are read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from nicegui import ui

from companion.domain.errors import BadInput
from companion.domain.expectations import Expected
from companion.services.imports.reading.results import FileColumn
from companion.web.ui import formatting
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.components.fields import errors_at
from companion.web.ui.error_reports import notify_done
from companion.web.ui.importing.column_choices import choices_of
from companion.web.ui.importing.columns import ColumnsForm
from companion.web.ui.importing.source_choice import SNAPSHOTS, SourceChoice, mode_of
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, facts, text

if TYPE_CHECKING:
    from companion.domain.settings import SourceSettings

_MODES = {
    "": "Found out: whole where a file has no appointment numbers, else changes only",
    "changes": "Changes only: appointments that a file does not name stay as they are",
    "whole": "Whole book: for its dates and practitioners, what a file does not name was removed",
}
_EXPECTED = {
    Expected.AUTOMATIC: "As often as it usually comes",
    Expected.DAILY: "On each opening day",
    Expected.WEEKLY: "Once a week",
    Expected.NEVER: "At no set time",
}


class SourceForm:
    """Name, folder and mode of a source; `source` is None for a new folder."""

    def __init__(
        self,
        site: Site,
        source: SourceSettings | None,
        on_saved: Callable[[], Awaitable[None]],
    ) -> None:
        self._site = site
        self._source = source
        self._on_saved = on_saved
        self._choice: SourceChoice | None = None
        if source is None:
            known = site.services.settings.read().sources.values()
            free = sorted((each.name for each in known if not each.automatic), key=str.casefold)
            self._choice = SourceChoice(free, on_change=self._chosen)
        self._folder = ui.input("Folder", value=source.folder if source else "")
        self._folder.classes("field").props(
            f'outlined maxlength=1000 dir=ltr hint="Its whole path, {_seen_from(site, source)}"'
        )
        self._mode = ui.radio(dict(_MODES), value=mode_of(source) if source else "")
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
            'outlined hint="When none comes, the calendars say so: see Practice"'
        )
        if source is None:
            text(
                "If you have imported such a file by hand, choose its source above: the folder "
                "goes on with the same appointments.",
                "soft small",
            )
        with box("actions"):
            label = "Save" if source else "Watch this folder"
            button(label, self._save, look="primary", icon="visibility")

    def _chosen(self) -> None:
        name = self._choice.value if self._choice else None
        known = self._site.services.settings.read().sources.get(name or "")
        if known is not None:
            self._mode.value = mode_of(known)
            self._expected.value = known.expected

    async def _save(self) -> None:
        fields = {"folder": self._folder}
        if self._choice is not None:
            fields["source"] = self._choice.name
        folder = str(self._folder.value or "")
        name = self._source.name if self._source else ""
        if self._choice is not None:
            name = self._choice.value or ""
        with errors_at(fields):
            if self._source is None and not folder.strip():
                raise BadInput("Which folder?", "Type its whole path.", field="folder")
            await self._site.services.sources.add(
                name,
                folder,
                snapshot=SNAPSHOTS[str(self._mode.value or "")],
                leave_files=bool(self._leave.value),
                expected=Expected(self._expected.value),
            )
            if self._choice is not None:
                self._choice.clear()
                self._folder.value = ""
            notify_done("Saved.")
            await self._on_saved()


def _seen_from(site: Site, source: SourceSettings | None) -> str:
    here = "on this computer or a share"
    if source is None or not source.workstation or not site.services.sources.is_elsewhere(source):
        return here
    return "as the workstation that watches it sees it"


def _about(key: str) -> str:
    """What an answer that is kept under `key` is about."""
    kind, _, name = key.partition(":")
    return "Whose appointments" if name == "*" else name or kind.replace("_", " ")


async def open_reading(
    site: Site, source: SourceSettings, on_saved: Callable[[], Awaitable[None]]
) -> None:
    """How a source's files are read: its columns, its answers; both can be changed."""
    choices = choices_of(source.mapping)
    sources = site.services.sources
    with dialog(f"How files of {source.name} are read", "wide") as opened:

        async def keep(mapping: str) -> None:
            await sources.change_reading(source.name, mapping=mapping)
            await done("Saved: the next file is read so.")

        async def forget_columns() -> None:
            await sources.change_reading(source.name, mapping="")
            await done("The next file is read by its headings and values.")

        async def forget_answers() -> None:
            await sources.change_reading(source.name, forget_answers=True)
            await done("The next file asks again.")

        async def done(sentence: str) -> None:
            opened.close()
            notify_done(sentence)
            await on_saved()

        if source.mapping:
            text("What somebody said its columns hold:", "strong")
            columns = [FileColumn(heading=each) for each in choices.holds]
            ColumnsForm(columns, choices, on_ready=keep, label="Save", with_values=False)
            button("Forget this: read by headings and values", forget_columns)
        else:
            text(
                "Its columns are found by their headings and values. To say otherwise, import a "
                "file and press “Change how columns are read”."
            )
            if source.columns:
                found = ", ".join(f"“{each}”" for each in source.columns.values())
                text(f"In the last file: {found}.", "soft small")
        if source.answers or source.statuses:
            text("Answers so far", "strong")
            people = site.services.settings.read().names()
            facts(
                (_about(key), people.get(value, value))
                for key, value in {
                    **{f"status:{word}": means for word, means in source.statuses.items()},
                    **source.answers,
                }.items()
            )
            count = formatting.counted(len({*source.answers, *source.statuses}), "answer")
            button(f"Forget {count}: ask again", forget_answers)
        button("Close", opened.close, look="plain")
