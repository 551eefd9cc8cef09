"""TablePlace: where in the file the table of appointments is, said where it was found wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from nicegui import ui

from companion.services.imports.questions import Answers
from companion.web.ui.components.fields import errors_at
from companion.web.ui.components.typed_fields import NumberField
from companion.web.ui.theme import box, button, text

if TYPE_CHECKING:
    from companion.services.imports.reading.grid import SheetUse

LAST_ROW = 10_000


class TablePlace:
    def __init__(
        self,
        sheets: Sequence[SheetUse],
        answers: Answers,
        on_said: Callable[[Mapping[str, str]], Awaitable[None]],
    ) -> None:
        """`sheets`: as far as they are known."""
        self._on_said = on_said
        found = next((each.header_row for each in sheets if each.used), None)
        said = answers.get("header_row", "")
        text("Is the table somewhere else in the file?", "strong")
        self._sheets: ui.select | None = None
        with box("columns"):
            self._row = NumberField(
                "Row with the names of the columns",
                int(said) if said.isdecimal() else found,
                least=1,
                most=LAST_ROW,
                field="header_row",
            )
            self._row.props('hint="Counted from the top of the sheet"')
            if len(sheets) > 1:
                names = [each.name for each in sheets]
                chosen = [each.name for each in sheets if each.used]
                self._sheets = ui.select(names, label="Sheets", value=chosen, multiple=True)
                self._sheets.classes("field").props("outlined")
        with box("actions"):
            button("Read from there", self._read)

    async def _read(self) -> None:
        with errors_at({"header_row": self._row}):
            said = {"header_row": str(self._row.whole())}
            if self._sheets is not None and self._sheets.value:
                said["sheets"] = ", ".join(self._sheets.value)
            await self._on_said(said)
