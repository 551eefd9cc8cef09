"""Search of the book by client, title or notes; a result leads to its day."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from nicegui import ui

from companion.services.book.occurrences import Shown
from companion.web.ui import formatting
from companion.web.ui.book.payload import title_of
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.error_reports import report_errors
from companion.web.ui.presses import on_press
from companion.web.ui.theme import box, text

MOST_SHOWN = 40


class SearchDialog:
    def __init__(
        self,
        search: Callable[[str], Awaitable[list[Shown]]],
        names: Callable[[], dict[str, str]],
        on_pick: Callable[[Shown], Awaitable[None]],
    ) -> None:
        self._search = search
        self._names = names
        self._pick = on_pick
        self._asked = 0
        with dialog("Search the book", asks=False) as self._dialog:
            self._field = ui.input("Client, title or notes", on_change=report_errors(self._look))
            self._field.classes("field").props("outlined clearable debounce=200")
            self._count = text("", "soft small").props("role=status")
            self._results = box("results", tag="ul")

    async def _look(self) -> None:
        """A later search replaces an earlier one."""
        self._asked += 1
        turn = self._asked
        wanted = (self._field.value or "").strip()
        found = await self._search(wanted) if len(wanted) > 1 else []
        if turn != self._asked or self._results.is_deleted:
            return
        said = formatting.counted(len(found), "appointment") if len(wanted) > 1 else ""
        if len(found) > MOST_SHOWN:
            said = f"The first {MOST_SHOWN} of {said} or more: type more to find yours."
        self._count.set_text(said)
        self._results.clear()
        names = self._names()
        with self._results:
            for each in found[:MOST_SHOWN]:
                self._result(each, names)

    def _result(self, each: Shown, names: dict[str, str]) -> None:
        occurrence, appointment = each.occurrence, each.occurrence.appointment
        span = formatting.span(occurrence.start, occurrence.end, all_day=appointment.all_day)
        gone = "cancelled" if each.cancelled else ""
        rest = (span, str(occurrence.start.year), names.get(appointment.practitioner_id, ""), gone)
        with box(tag="li"), box("result", tag="button").props("type=button") as found:
            text(title_of(appointment, occurrence.title), "strong", tag="span")
            text(" · ".join(filter(None, rest)), "small soft", tag="span")
        on_press(found, partial(self._choose, each))

    async def _choose(self, each: Shown) -> None:
        self._dialog.close()
        await self._pick(each)
