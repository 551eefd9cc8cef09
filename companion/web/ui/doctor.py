"""Doctor: findings as they come, the worst first, each with the action that resolves it.

The examination belongs to the visit: it begins when the page opens and ends with it. Findings
arrive from the service; a timer redraws the list when there are new ones, so that many findings at
once cost one drawing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from companion.services.access.policy import Action
from companion.services.access.rules import Rule
from companion.web.ui import formatting
from companion.web.ui.components.dialogs import question
from companion.web.ui.components.self_test import open_self_test
from companion.web.ui.error_reports import notify_done
from companion.web.ui.pages import page
from companion.web.ui.site import Site
from companion.web.ui.theme import (
    Tone,
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
    from companion.services.maintenance.doctor import Diagnosis, Examined
    from companion.services.maintenance.findings import Finding, FindingAction

LOOK_SECONDS = 0.2
_RANK = {"fail": 0, "warn": 1, "ok": 2}
_TONES: dict[str, Tone] = {"fail": "bad", "warn": "warn"}


def create(site: Site) -> None:
    @page(site, "/doctor", Rule(Action.PRACTICE))
    async def doctor() -> None:
        with frame(site, "Doctor", active="/doctor"):
            _Doctor(site)


class _Doctor:
    """One visit."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._findings: list[Finding] = []
        self._diagnosis: Diagnosis | None = None
        self._done, self._total = 0, 0
        self._changed = True
        self._reachable = True
        """Of the server, as the examination began; with a change it begins anew."""
        self._task: asyncio.Task[Diagnosis] | None = None
        actions, self._lead = page_head("Doctor", "Checks everything and says what to do.")
        self._lead.props("role=status")
        with actions:
            self._again = button("Check again", self.begin, icon="refresh")
            button("Test Google", partial(open_self_test, self._site), icon="science")
            button("Support bundle", self._bundle, icon="folder_zip")
            link_button("Backup", "/backup", icon="archive")
        self._bar = ui.linear_progress(value=0.0, show_value=False)
        self._bar.props('aria-label="How far the doctor is" rounded')
        self._list = box("stack stack--loose")
        ui.context.client.on_delete(self._stop)
        ui.timer(LOOK_SECONDS, self._look)
        self.begin()

    def begin(self) -> None:
        """Examine from the beginning, unless that is under way."""
        if self._task is not None and not self._task.done():
            return
        self._findings, self._diagnosis = [], None
        self._reachable = self._site.server_reachable()
        self._done, self._total, self._changed = 0, 0, True
        # The gate checks at this call, while the page is known; the task has none.
        self._task = asyncio.create_task(self._site.services.doctor.examine(self._on_examined))
        self._task.add_done_callback(self._on_end)

    def _on_end(self, task: asyncio.Task[Diagnosis]) -> None:
        if not task.cancelled():
            self._diagnosis, self._changed = task.result(), True

    def _on_examined(self, examined: Examined) -> None:
        self._findings.extend(examined.findings)
        self._done, self._total, self._changed = examined.done, examined.total, True

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    # ── drawing ──────────────────────────────────────────────────────────────────────────────

    def _look(self) -> None:
        ended = self._diagnosis is not None
        if ended and self._site.server_reachable() is not self._reachable:
            self.begin()
        if not self._changed:
            return
        self._changed = False
        ended = self._diagnosis is not None  # also where it has just begun again
        self._bar.set_visibility(not ended)
        self._bar.set_value(self._done / self._total if self._total else 0.0)
        self._again.set_enabled(ended)
        self._lead.set_text(self._sentence(ended=ended))
        findings = sorted(self._findings, key=lambda each: (_RANK[each.state], each.title))
        ill = [each for each in findings if each.state != "ok"]
        well = [each for each in findings if each.state == "ok"]
        self._list.clear()
        with self._list:
            for each in ill:
                self._draw_ill(each)
            if well:
                _draw_well(well)

    def _sentence(self, *, ended: bool) -> str:
        if not ended:
            return f"Checking: {self._done} of {self._total or '…'} done."
        fails = sum(each.state == "fail" for each in self._findings)
        warnings = sum(each.state == "warn" for each in self._findings)
        if not fails and not warnings:
            return "Everything is well."
        parts = [f"{fails} to mend"] if fails else []
        parts += [f"{warnings} to look at"] if warnings else []
        return f"{' and '.join(parts)}; the rest is well."

    def _draw_ill(self, finding: Finding) -> None:
        with notice(_TONES[finding.state]):
            text(finding.title, "strong", tag="h2")
            text(finding.what)
            if finding.remedy:
                text(finding.remedy)
            self._draw_action(finding)

    def _draw_action(self, finding: Finding) -> None:
        action = finding.action
        if action is None:
            return
        if action.fix:
            mend = partial(self._ask if action.warning else self._fix, action)
            with box("actions"):
                button(action.label, mend, icon="healing")
        elif action.page:
            with box("actions"):
                link_button(action.label, action.page, icon="arrow_forward")
        elif action.command.startswith("run.py"):
            text(f"python {action.command}", "address", tag="code").props("dir=ltr")
        else:
            text(action.command, "soft small")

    # ── what can be pressed ──────────────────────────────────────────────────────────────────

    def _ask(self, action: FindingAction) -> None:
        with question(action.label, action.label, partial(self._fix, action), no="Cancel"):
            text(action.warning)

    async def _fix(self, action: FindingAction) -> None:
        notify_done(await self._site.services.doctor.fix(action.fix))
        self.begin()

    async def _bundle(self) -> None:
        support = self._site.services.support
        content = await support.bundle(self._diagnosis)
        ui.download.content(content, support.file_name(), "application/zip")
        notify_done(
            "The support bundle holds no names and no sign-ins. Look through it before you send it."
        )


def _draw_well(findings: Sequence[Finding]) -> None:
    with card(f"Well ({formatting.number(len(findings))})"), box("activity", tag="ul"):
        for each in findings:
            with box(tag="li"):
                ui.icon("check_circle").props("aria-hidden=true")
                with box():
                    text(each.title, "strong")
                    text(each.what, "soft small")
