"""Restoring one: chosen or dropped, looked into, and put in place while this page waits."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nicegui import ui

from companion.assets import typed
from companion.domain.errors import BadInput
from companion.web.ui import formatting
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.components.fields import errors_at
from companion.web.ui.components.file_drop import FileDrop
from companion.web.ui.site import Site
from companion.web.ui.static_html import table
from companion.web.ui.theme import box, button, card, notice, scrolling, text

if TYPE_CHECKING:
    from companion.services.maintenance.restore_here import RestoreComparison

MOST_NAMED = 10


class RestoreCard:
    def __init__(self, site: Site, report: ui.element) -> None:
        """`report`: where the page says what came of the last one."""
        self._site = site
        self._path: Path | None = None
        self._daily = False
        """It is one of the daily ones, which the kept passphrase opens."""
        self._report = report
        with card("Put a backup in place"):
            text(
                "It takes the place of everything here. First it is opened, and you see what would "
                "change; then the app stops, restores it and starts again by itself. What is here "
                "now is kept in a folder of its own.",
                "card__lead",
            )
            if site.services.restore_here.offered:
                self._choice()
            else:
                text("Not in the demo: what it shows ends with its window.", "soft")

    def _choice(self) -> None:
        self._select = ui.select(
            {}, label="Backup", on_change=lambda event: self._chosen(event.value)
        )
        self._select.classes("field").props("outlined options-dense")
        FileDrop(
            "Drop the file of a backup here",
            self._received,
            choose="Choose a file",
            accept=".ccbackup",
            hint=typed(
                "Up to 50 MB; a larger one by command: python run.py restore FILE --restart"
            ),
            icon="archive",
            small=True,
        )
        self._name = text("", "strong wraps")
        self._name.set_visibility(False)
        self._passphrase = ui.input("Its passphrase", password=True, password_toggle_button=True)
        self._passphrase.classes("field").props("outlined autocomplete=off maxlength=200")
        with box("actions"):
            button("Look into it", self._look, look="primary")
        self._seen = box("stack stack--loose").props("aria-live=polite")

    async def draw(self) -> None:
        """Also after there is another backup."""
        services = self._site.services
        await self._draw_report()
        if not services.restore_here.offered:
            return
        options = {}
        standing = await services.daily_backups.standing()
        for each in standing.good:
            place = standing.where(each)
            place = f", on {place}" if place else ""
            options[f"daily {each.path}"] = f"Daily, {self._site.short(each.made_at)}{place}"
        for path, _size, at in await services.backups.kept():
            options[f"kept {path.name}"] = f"On this computer, {self._site.short(at)}"
        self._select.set_options(options)
        self._select.set_visibility(bool(options))

    async def _draw_report(self) -> None:
        report = await self._site.services.restore_here.report()
        self._report.clear()
        self._report.set_visibility(report is not None)
        if report is None:
            return
        with self._report, notice("ok" if report.done else "bad", alert=True):
            text(report.what, "strong")
            if report.remedy:
                text(report.remedy, "wraps")
            text(
                "Import the latest export now; then each calendar is compared with Google."
                if report.done
                else "Nothing was changed: everything is as it was."
            )
            with box("actions"):
                button("Seen", self._close_report)

    async def _close_report(self) -> None:
        await self._site.services.restore_here.seen()
        await self._draw_report()

    async def _chosen(self, value: str | None) -> None:
        if not value:
            return
        kind, _, name = value.partition(" ")
        services = self._site.services
        if kind == "daily":
            self._use(await services.daily_backups.good_path(name), daily=True)
        else:
            self._use(services.backups.kept_path(name))

    def _received(self, ticket: str, name: str) -> None:
        self._select.value = None
        self._use(self._site.incoming.path(ticket), shown=name)

    def _use(self, path: Path, *, daily: bool = False, shown: str = "") -> None:
        self._path, self._daily = path, daily
        self._name.set_text(shown or path.name)
        self._name.set_visibility(True)
        hint = "Empty for the one kept for daily backups" if daily else ""
        self._passphrase.props["hint"] = hint
        self._seen.clear()

    async def _look(self) -> None:
        self._seen.clear()
        if self._path is None:
            raise BadInput("No backup is chosen.", "Choose one, or drop its file.")
        passphrase = self._passphrase.value or ""
        if not passphrase and not self._daily:
            self._passphrase.error = "Type it."
            return
        with errors_at({"passphrase": self._passphrase}):
            found = await self._site.services.restore_here.look(self._path, passphrase)
            with self._seen:
                self._compare(found)
                with box("actions"):
                    button("Put it in place …", partial(self._ask, found), look="danger")
                    button("Cancel", self._seen.clear, look="plain")

    def _compare(self, found: RestoreComparison) -> None:
        day = formatting.exact(found.manifest.made_at, self._site.timezone)
        text(f"Made on {day}, by version {found.manifest.program}", "strong")
        rows = [(each.label, each.backup, each.now) for each in found.lines]
        changes = [(f"{each.label}’s appointments", each.backup, each.now) for each in found.people]
        shown = [
            (label, formatting.number(there), formatting.number(here))
            for label, there, here in rows + changes[:MOST_NAMED]
        ]
        imports = (found.last_import, found.last_import_now)
        last = [self._site.short(each) if each else "none" for each in imports]
        with scrolling("What would change"):
            table(["What", "In the backup", "Here now"], [*shown, ("Last import", *last)])
        if len(changes) > MOST_NAMED:
            text(f"and {len(changes) - MOST_NAMED} more whose appointments differ", "soft small")
        for names, words in ((found.gone, "would be gone"), (found.back, "would be back")):
            if names:
                text(f"{', '.join(names)}: {words}.")
        if found.daily_off:
            text("Daily backups are off in this backup: switch them on again afterwards.")

    def _ask(self, found: RestoreComparison) -> None:
        with dialog("Put this backup in place?") as opened:
            day = formatting.exact(found.manifest.made_at, self._site.timezone)
            text(
                f"Everything becomes as it was on {day}. What is here now is kept in a folder "
                "beside it."
            )
            text(
                "The app stops for about a minute; phones and calendars wait. Everybody may have "
                "to sign in again."
            )
            sign_ins = ui.checkbox(
                "With its Google sign-ins and links", value=found.manifest.sign_ins
            )
            sign_ins.set_enabled(found.manifest.sign_ins)

            async def go() -> None:
                wanted = bool(sign_ins.value)
                assert self._path is not None  # noqa: S101 - looked into before
                await self._site.services.restore_here.begin(
                    self._path, self._passphrase.value or "", sign_ins=wanted
                )
                opened.close()
                self._wait()

            with box("actions"):
                button("Put it in place", go, look="danger")
                button("Keep what is here", opened.close, look="plain")

    def _wait(self) -> None:
        with dialog("The backup is being put in place", asks=False) as opened:
            opened.props("persistent")
            with box("actions"):
                ui.spinner(size="2em").props("aria-hidden=true")
                text(
                    "The app stops and starts again. This page comes back by itself; it takes "
                    "about a minute."
                ).props("role=status")
        ui.run_javascript('companionComesBack("/backup")')
