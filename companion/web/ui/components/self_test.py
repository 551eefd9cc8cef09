"""The self-test of Google as a dialog: whose account, a line as it comes, a report to send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from companion.services.google.consents import APP_CREATED, missing
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, notice, text

if TYPE_CHECKING:
    from companion.services.google.selftest import SelfTestReport
    from companion.services.ports import Assumption

FILE_NAME = "google-self-test.txt"


def open_self_test(site: Site) -> None:
    with dialog("Test Google", asks=False) as opened:
        _SelfTest(site, opened)


class _SelfTest:
    def __init__(self, site: Site, opened: ui.dialog) -> None:
        self._site = site
        text(
            "Makes a calendar of its own in one practitioner's Google account, tries there what "
            "the sync relies on, and removes it again. Nobody's appointments are touched.",
        )
        people = {
            key: each.practitioner.name
            for key, each in site.services.settings.read().practitioners.items()
            if each.google.account and not missing([APP_CREATED], each.google.scopes)
        }
        if not people:
            with notice("warn"):
                text(
                    "Nobody is connected with a calendar that Calendar Companion created. Connect "
                    "a practitioner with a new calendar first."
                )
            with box("actions"):
                button("Close", opened.close, look="plain")
            return
        self._whose = ui.select(people, label="In whose account", value=next(iter(people)))
        self._whose.classes("field").props("outlined")
        with box().props('role=log aria-label="What was found"'):
            self._lines = box("activity", tag="ul")
        self._end = box("stack")
        with box("actions"):
            button("Start the test", self._run, look="primary")
            button("Close", opened.close, look="plain")

    async def _run(self) -> None:
        self._lines.clear()
        self._end.clear()
        report = await self._site.services.selftest.run(str(self._whose.value), self._show)
        with self._end:
            self._conclude(report)

    def _show(self, line: Assumption) -> None:
        with self._lines, box(tag="li"):
            ui.icon("check_circle" if line.holds else "error").props("aria-hidden=true")
            with box():
                text(line.assumed, "" if line.holds else "strong")
                if not line.holds:
                    text(f"Instead: {line.came}", "soft small")

    def _conclude(self, report: SelfTestReport) -> None:
        with notice("ok" if report.passed else "bad", alert=True):
            text(report.sentence)

        def save() -> None:
            ui.download.content(report.text().encode(), FILE_NAME, "text/plain")

        with box("actions"):
            button("Save the report", save, icon="download")
