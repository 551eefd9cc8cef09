"""Connecting everybody: how far it is, a way to stop it, and what came of it.

The run belongs to the program, so a page that is opened later shows it too."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nicegui import ui

from companion.web.ui import formatting
from companion.web.ui.error_reports import report_errors
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, notice, say_error, text

if TYPE_CHECKING:
    from companion.services.google.workspace import WorkspaceRun

LOOK_SECONDS = 0.25


class WorkspaceRunView:
    def __init__(self, site: Site, on_end: Callable[[], None]) -> None:
        """`on_end` is called when a run ends that was seen under way."""
        self._site = site
        self._on_end = on_end
        self._seen: object = self
        self._running = False
        self._said = text("", "strong").props("role=status")
        self._bar = ui.linear_progress(show_value=False, size="8px")
        self._bar.props('rounded aria-label="Practitioners connected"')
        with box("actions"):
            self._start = button("Connect everybody", self._begin, icon="group_add", look="primary")
            self._stop = button("Cancel", self._cancel, icon="close")
        self._outcome = box("stack").props("aria-live=polite")
        self._look()
        ui.timer(LOOK_SECONDS, report_errors(self._look))

    def _begin(self) -> None:
        self._site.services.workspace.begin()
        self._look()

    def _cancel(self) -> None:
        self._site.services.workspace.cancel()
        self._stop.set_enabled(False)

    def _look(self) -> None:
        run = self._site.services.workspace.latest()
        seen = None if run is None else (id(run), run.done, run.total, run.running)
        if seen == self._seen:
            return
        self._seen = seen
        running = run is not None and run.running
        for element in (self._said, self._bar, self._stop):
            element.set_visibility(running)
        self._start.set_visibility(not running)
        self._outcome.clear()
        if run is not None and running:
            self._stop.set_enabled(True)
            self._bar.set_value(round(run.done / max(1, run.total), 2))
            done = formatting.number(run.done)
            of = f"{done} of {formatting.counted(run.total, 'practitioner')} …"
            self._said.set_text(of if run.total else "Looking who is to be connected …")
        elif run is not None:
            with self._outcome:
                show_outcome(run)
        if self._running and not running:
            self._on_end()
        self._running = running


def show_outcome(run: WorkspaceRun) -> None:
    """What came of the last run: who is connected, who is not, and why."""
    if run.connected:
        with notice("ok"):
            who = formatting.counted(len(run.connected), "practitioner")
            text(f"{who} {'was' if len(run.connected) == 1 else 'were'} connected.", "strong")
    for error, people in run.reasons():
        with notice("bad", alert=True):
            text(error.what, "strong")
            text(error.remedy)
            with box("quiet-list", tag="ul"):
                for each in people:
                    _person(each.practitioner_id, f"{each.name}: {each.login}")
    if run.stopped_by is not None and not run.refused:
        say_error(run.stopped_by)
    if run.not_tried:
        with notice("warn"):
            left = formatting.counted(len(run.not_tried), "practitioner")
            text(f"{left} not tried. Press Connect everybody to go on; nothing is done twice.")


def _person(practitioner_id: str, words: str) -> None:
    with box(tag="li"):
        text(words, tag="a").props["href"] = f"/practitioner/{practitioner_id}"
