"""*Export to Google/iCal*: whose calendar, where to, and for a file which days."""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from collections.abc import Mapping
from datetime import date, timedelta

from nicegui import ui

from companion.domain.errors import BadInput
from companion.web.ui.book.person import BookViewer
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.components.fields import errors_at
from companion.web.ui.components.typed_fields import DayField
from companion.web.ui.error_reports import notify_done
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, text

MINE, CHOSEN = "mine", "chosen"
GOOGLE, FILE = "google", "file"


class ExportDialog:
    def __init__(
        self, site: Site, person: BookViewer, names: Mapping[str, str], *, focus: str, today: date
    ) -> None:
        """`names` by practitioner id: those this person may export. `focus`: whose calendar is
        meant by *mine* where the person has none of their own."""
        self._site = site
        self._names = dict(names)
        mine = person.practitioner_id or focus or next(iter(names), "")
        with dialog("Export to Google/iCal") as self._dialog:
            whose = {MINE: "Just My Calendar", CHOSEN: "Chosen practitioners"}
            self._whose = ui.radio(whose, value=MINE, on_change=self._arrange)
            self._whose.props('inline aria-label="Whose appointments"')
            self._mine = ui.select(self._names, label="My calendar is", value=mine or None)
            self._mine.classes("field").props("outlined dense options-dense")
            self._mine.set_enabled(not person.practitioner_id)
            self._everyone: dict[str, ui.checkbox] = {}
            with box("choices", tag="fieldset") as self._list:
                text("Practitioners", "small", tag="legend")
                for key, name in self._names.items():
                    self._everyone[key] = ui.checkbox(name, value=True)
            where = {FILE: "To an .ics file"}
            if person.uploads:
                where = {GOOGLE: "To Google", **where}
            self._where = ui.radio(where, value=next(iter(where)), on_change=self._arrange)
            self._where.props('inline aria-label="Where to"')
            with box("columns") as self._days:
                self._first = DayField("First day", today, near=today, field="from")
                last = today + timedelta(days=60)
                self._last = DayField("Last day", last, near=today, field="to")
                for each in (self._first, self._last):
                    each.props("dense")
            self._hint = text("", "soft small")
            with box("actions"):
                button("OK", self._go, look="primary")
                button("Cancel", self._dialog.close, look="plain")
        self._arrange()

    def _arrange(self) -> None:
        mine, file = self._whose.value == MINE, self._where.value == FILE
        self._mine.set_visibility(mine)
        self._list.set_visibility(not mine)
        self._days.set_visibility(file)
        self._hint.set_text(
            "The file shows what Google would: names as the settings allow."
            if file
            else "Only what differs is written; nothing is deleted first."
        )

    def _chosen(self) -> list[str]:
        if self._whose.value == MINE:
            chosen = [self._mine.value] if self._mine.value else []
        else:
            chosen = [key for key, each in self._everyone.items() if each.value]
        if not chosen:
            raise BadInput("Nobody is chosen.", "Choose at least one practitioner.", field="who")
        return chosen

    async def _go(self) -> None:
        with errors_at({"from": self._first, "to": self._last, "who": self._mine}):
            chosen = self._chosen()
            if self._where.value == FILE:
                await self._download(chosen)
            else:
                self._upload(chosen)
            self._dialog.close()

    def _upload(self, chosen: list[str]) -> None:
        records = self._site.services.settings.read().practitioners
        ready = [e for e in chosen if records[e].syncs]
        if not ready:
            raise BadInput(
                "None of them is connected to Google with sync switched on.",
                "Connect them on the overview first.",
                field="who",
            )
        for practitioner_id in ready:
            self._site.live.upload(practitioner_id)
        missing = [self._names[each] for each in chosen if each not in ready]
        if missing:
            notify_done(f"Not connected, so left out: {', '.join(missing)}.")

    async def _download(self, chosen: list[str]) -> None:
        first, last = self._first.day(), self._last.day()
        export = self._site.services.feeds.export
        files = {
            file_name(self._names[key], taken): await export(key, first_day=first, last_day=last)
            for key, taken in zip(chosen, _taken(self._names, chosen), strict=True)
        }
        if len(files) == 1:
            ((name, content),) = files.items()
            ui.download.content(content, name, "text/calendar")
            return
        ui.download.content(zipped(files), "calendars.zip", "application/zip")


def file_name(name: str, number: int = 0) -> str:
    """A file name every system takes; `number` tells namesakes apart."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-") or "calendar"
    return f"{words}{f'-{number + 1}' if number else ''}.ics"


def _taken(names: Mapping[str, str], chosen: list[str]) -> list[int]:
    seen: dict[str, int] = {}
    numbers = []
    for key in chosen:
        name = file_name(names[key])
        numbers.append(seen.get(name, 0))
        seen[name] = numbers[-1] + 1
    return numbers


def zipped(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()
