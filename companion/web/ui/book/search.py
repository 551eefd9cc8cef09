"""Search of the book by client, client number, type, title or notes; a result leads to its day.

The arrow keys go from the field through what was found and back; Enter in the field opens the
first, as it is found by what is typed by then.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from nicegui import ui

from companion.services.book.occurrences import Shown
from companion.web.ui import formatting
from companion.web.ui.book.payload import title_of
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.error_reports import report_errors
from companion.web.ui.presses import on_press, once
from companion.web.ui.theme import box, text

MOST_SHOWN = 40
SHORTEST = 2
"""Letters from which on it is searched."""
_ARROWS = """(event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const places = [...event.target.closest(".dialog").querySelectorAll("input, .result")];
  const next = places[places.indexOf(event.target) + step];
  event.preventDefault();
  next?.focus();
}"""


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
        self._found: list[Shown] = []
        with dialog("Search the book", asks=False) as self._dialog:
            self._field = ui.input(
                "Client, number, type, title or notes", on_change=report_errors(self._look)
            )
            self._field.classes("field").props("type=search outlined clearable debounce=200")
            self._field.on("keydown.enter", once(self._open_first), args=[])
            self._count = text("", "soft small").props("role=status")
            self._results = box("results", tag="ul")
            self._dialog.card.on("keydown", js_handler=_ARROWS)

    async def _look(self) -> bool:
        """Whether what is shown is what was asked for: a later search replaces an earlier one."""
        self._asked += 1
        turn = self._asked
        wanted = (self._field.value or "").strip()
        long_enough = len(wanted) >= SHORTEST
        found = await self._search(wanted) if long_enough else []
        if turn != self._asked or self._results.is_deleted:
            return False
        self._found = found
        self._count.set_text(_counted(len(found)) if long_enough else "")
        self._results.clear()
        names = self._names()
        with self._results:
            for each in found[:MOST_SHOWN]:
                self._result(each, names)
        return True

    def _result(self, each: Shown, names: dict[str, str]) -> None:
        occurrence, appointment = each.occurrence, each.occurrence.appointment
        title = title_of(appointment, occurrence.title)
        span = formatting.span(
            occurrence.start, occurrence.end, all_day=appointment.all_day, year=True
        )
        rest = (
            span,
            names.get(appointment.practitioner_id, ""),
            appointment.appointment_type if appointment.appointment_type != title else "",
            f"No. {appointment.client_id}" if appointment.client_id else "",
            "cancelled" if each.cancelled else "",
        )
        with box(tag="li"), box("result", tag="button").props("type=button") as found:
            text(title, "strong", tag="span")
            text(" · ".join(filter(None, rest)), "small soft", tag="span")
        on_press(found, partial(self._choose, each))

    async def _open_first(self) -> None:
        if await self._look() and self._found:
            await self._choose(self._found[0])

    async def _choose(self, each: Shown) -> None:
        self._dialog.close()
        await self._pick(each)


def _counted(found: int) -> str:
    if not found:
        return "Nothing found. Try fewer letters, or another word."
    if found > MOST_SHOWN:
        return f"More than {MOST_SHOWN} match. Type more to find yours."
    return formatting.counted(found, "appointment")
