"""Backup: everything in one sealed file, every day or by hand; restoring; settings as a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from companion.domain.errors import BadInput, FileRefused
from companion.services.access.policy import Action
from companion.services.access.rules import Rule
from companion.services.maintenance.backup_places import parts_of
from companion.services.settings.transfer import LARGEST
from companion.web.ui import formatting
from companion.web.ui.components.daily_backups import DailyBackupsCard
from companion.web.ui.components.dialogs import question
from companion.web.ui.components.fields import errors_at, secret_field
from companion.web.ui.components.file_drop import FileDrop
from companion.web.ui.components.restore_backup import RestoreCard
from companion.web.ui.error_reports import notify_done
from companion.web.ui.pages import page
from companion.web.ui.site import Site
from companion.web.ui.static_html import table
from companion.web.ui.theme import box, button, card, frame, page_head, say_error, scrolling, text

if TYPE_CHECKING:
    from datetime import datetime

    from companion.services.settings.transfer import TransferReport


def create(site: Site) -> None:
    @page(site, "/backup", Rule(Action.PRACTICE))
    async def backup() -> None:
        with frame(site, "Backup", active="/backup"):
            page_head("Backup", "Everything in one file that only its passphrase opens.")
            backups = _Backups(site)
            await backups.draw()
            _Settings(site)


class _Backups:
    """The daily ones, making one by hand, those that there are, and restoring one."""

    def __init__(self, site: Site) -> None:
        self._site = site
        report = box()
        self._daily = DailyBackupsCard(site, self._draw_list)
        with card("A backup to take along"):
            text(
                "The book, what is known of Google, settings and links. Keep the file on another "
                "disk, and the passphrase where the practice keeps its keys: nobody can open the "
                "backup without it.",
                "card__lead",
            )
            self._first = secret_field("Passphrase")
            self._second = secret_field("The same once more")
            self._sign_ins = ui.checkbox(
                "With the Google sign-ins, so that nobody has to connect again", value=True
            )
            with box("actions"):
                button("Make a backup", self._back_up, look="primary")
        with card("Backups there are"):
            self._list = box("activity", tag="ul")
        self._restore = RestoreCard(site, report)

    async def draw(self) -> None:
        await self._daily.draw()
        await self._draw_list()

    async def _back_up(self) -> None:
        with errors_at({"passphrase": self._first, "again": self._second}):
            if self._first.value != self._second.value:
                raise BadInput("The two are not the same.", "Type them again.", field="again")
            made = await self._site.services.backups.back_up(
                None, self._first.value or "", sign_ins=bool(self._sign_ins.value)
            )
            self._first.value = self._second.value = ""
            await self._draw_list()
            ui.download.file(made.path, made.path.name)
            count = formatting.counted(made.manifest.appointments, "appointment")
            notify_done(f"A backup of {count} was made.")

    async def _draw_list(self) -> None:
        services = self._site.services
        kept, standing = await services.backups.kept(), await services.daily_backups.standing()
        await self._restore.draw()
        self._list.clear()
        with self._list:
            if not kept and not standing.good:
                text("None yet.", "activity__none soft", tag="li")
            for path, size, at in kept:
                with self._row(path.name, size, at, "on this computer"):
                    button("Download", partial(self._download, path.name))
                    button("Delete", partial(self._ask, path.name), look="plain")
            for each in standing.good:
                folder, name = parts_of(each.path)
                place = standing.where(each)
                place = f"on {place}, in {folder}" if place else f"in {folder}"
                with self._row(name, each.size, each.made_at, place):
                    button("Download", partial(self._download_daily, each.path))

    @contextmanager
    def _row(self, name: str, size: int, at: datetime, place: str) -> Iterator[None]:
        """With its buttons inside."""
        now = self._site.services.clock.now()
        with box(tag="li"):
            ui.icon("archive").props("aria-hidden=true")
            with box():
                text(name, "strong")
                text(f"{formatting.size(size)} · {formatting.ago(at, now)} · {place}", "soft small")
            with box("actions"):
                yield

    def _download(self, name: str) -> None:
        ui.download.file(self._site.services.backups.kept_path(name), name)

    async def _download_daily(self, path: str) -> None:
        found = await self._site.services.daily_backups.good_path(path)
        ui.download.file(found, found.name)

    def _ask(self, name: str) -> None:
        async def go() -> None:
            await self._site.services.backups.discard(name)
            await self._draw_list()

        with question("Delete this backup?", "Delete", go, no="Keep"):
            text(name, "strong")


class _Settings:
    """Out to a file, and in again."""

    def __init__(self, site: Site) -> None:
        self._site = site
        with card("Settings as a file"):
            text(
                "All settings, without sign-ins and passwords: to keep, to compare, or for another "
                "practice.",
                "card__lead",
            )
            with box("actions"):
                button("Download the settings", self._export, icon="download")
            FileDrop(
                "Drop a file of settings here",
                self._received,
                choose="Choose a file",
                accept=".json",
                icon="tune",
                small=True,
            )
            self._seen = box("stack").props("aria-live=polite")

    def _export(self) -> None:
        content = self._site.services.transfer.export()
        ui.download.content(content, "calendar-companion-settings.json", "application/json")

    async def _received(self, ticket: str, _name: str) -> None:
        try:
            content = await self._site.incoming.read(ticket, most_bytes=LARGEST)
        finally:
            self._site.incoming.discard(ticket)
        if content is None:
            raise FileRefused("This file is too large for settings.", "Choose the right file.")
        self._preview(content)

    def _preview(self, content: bytes) -> None:
        self._seen.clear()
        with self._seen:
            try:
                report = self._site.services.transfer.preview(content)
            except BadInput as error:
                say_error(error)
                return
            for line in _lines(report):
                text(line)
            if report.differences:
                with scrolling("What would change", tall=True):
                    table(
                        ("Whose", "Setting", "Now", "In the file"),
                        (
                            (
                                each.whose or "The practice",
                                each.setting,
                                each.before or "(empty)",
                                each.after or "(empty)",
                            )
                            for each in report.differences
                        ),
                    )
            if report.changes:
                with box("actions"):
                    button("Apply", partial(self._apply, content), look="primary")
                    button("Cancel", self._seen.clear, look="plain")

    async def _apply(self, content: bytes) -> None:
        await self._site.services.transfer.take(content)
        self._seen.clear()
        notify_done("The settings were taken over.")


def _lines(report: TransferReport) -> list[str]:
    if not report.changes:
        return ["Nothing to change: the settings are already as in the file."]
    lines = [f"{name}: would be added" for name in report.added]
    lines += [f"{name}: would be changed" for name in report.changed]
    if report.practice_changed:
        lines.append("The practice's own settings would be changed.")
    if report.sources_changed:
        lines.append("The import sources would be changed.")
    if report.kept:
        lines.append(f"Not in the file, so as before: {', '.join(report.kept)}.")
    return lines
