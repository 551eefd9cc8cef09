"""MonthPicker: a month to choose a day from; with a count per day, where it is given one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, timedelta

from nicegui import events, ui

from companion.web.ui.error_reports import report_errors

Counts = Callable[[date, date], Awaitable[Mapping[date, int]]]


class MonthPicker(ui.element, component="month_picker.js"):
    def __init__(
        self,
        *,
        selected: date,
        today: date | None = None,
        on_pick: Callable[[date], object],
        counts: Counts | None = None,
    ) -> None:
        """`counts` gives appointments by day, from and to inclusive, when a month is looked at."""
        super().__init__()
        self._counts = counts
        self.props.update(
            month=selected.replace(day=1).isoformat(),
            selected=selected.isoformat(),
            today=today.isoformat() if today else "",
            counts={},
            counted=counts is not None,
        )

        @report_errors
        async def pick(event: events.GenericEventArguments) -> None:
            result = on_pick(date.fromisoformat(str(event.args)))
            if isinstance(result, Awaitable):
                await result

        @report_errors
        async def turn(event: events.GenericEventArguments) -> None:
            await self.look(date.fromisoformat(str(event.args)))

        self.on("pick", pick)
        self.on("month", turn)

    async def look(self, month: date) -> None:
        """Show the month of that day, with its counts."""
        first = month.replace(day=1)
        start = first - timedelta(days=first.weekday())
        counts: Mapping[date, int] = {}
        if self._counts is not None:
            counts = await self._counts(start, start + timedelta(days=41))
        self.props["month"] = first.isoformat()
        self.props["counts"] = {day.isoformat(): count for day, count in counts.items()}
        self.update()
