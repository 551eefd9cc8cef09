"""ColumnsForm: what each column of a file holds, three of its values beside it, to be changed.

It begins with how the file was read, or with what the headings say, so that most lines are right
before anybody looks. What it gives is a mapping (see `column_choices`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from nicegui import ui

from companion.domain.errors import BadInput, CompanionError
from companion.web.ui.components.fields import fail_field, offer_when_opened, zone_names
from companion.web.ui.components.typed_fields import NumberField
from companion.web.ui.importing.column_choices import FIELD_LABELS, NONE, ColumnChoices
from companion.web.ui.theme import box, button, say_error, text

if TYPE_CHECKING:
    from companion.services.imports.reading.results import FileColumn

_OPTIONS = {NONE: "Not used", **FIELD_LABELS}
_ORDERS = {
    NONE: "Found from the values",
    "dmy": "Day before month: 24/11/2026",
    "mdy": "Month before day: 11/24/2026",
    "ymd": "Year first: 2026-11-24",
}
_UNITS = {NONE: "Minutes", "hours": "Hours", "seconds": "Seconds"}
_KINDS = {
    NONE: "By whether the row names a client",
    "client": "Client appointments",
    "casual": "Casual appointments",
    "meeting": "Meetings",
}
_NO_COLUMN = "Where no column says"
_OWN_ZONE = {NONE: "As at the practice"}


class ColumnsForm:
    def __init__(
        self,
        columns: Sequence[FileColumn],
        choices: ColumnChoices,
        *,
        on_ready: Callable[[str], Awaitable[None]],
        on_cancel: Callable[[], object] | None = None,
        label: str = "Read the file again",
        with_values: bool = True,
    ) -> None:
        """`on_ready` is given the mapping's text. `with_values`: there is a file that has them."""
        self._with_values = with_values
        self._choices = choices
        self._on_ready = on_ready
        self._fields: dict[str, ui.select] = {}
        with box("column-rows", tag="ul"):
            for column in columns:
                if column.heading and column.heading not in self._fields:
                    self._line(column)
        with box("columns"):
            self._order = self._select("Dates are written", _ORDERS, "date_order")
            self._unit = self._select("Lengths without a unit are", _UNITS, "length_unit")
            self._kind = self._select("The appointments are", _KINDS, "defaults.kind")
            self._zone = self._zone_select()
            self._person = self._input(
                "Whose appointments", choices.get("defaults.practitioner"), _NO_COLUMN
            )
            minutes = choices.get("defaults.length")
            self._length = NumberField(
                "Minutes of every appointment",
                float(minutes) if isinstance(minutes, int) else None,
                least=1,
                most=1440,
                field="defaults.length",
                needed=False,
            )
            self._length.props["hint"] = _NO_COLUMN
            self._cancelled = self._words("Words that mean cancelled", "values.cancelled")
            self._booked = self._words("Words that mean booked", "values.booked")
        self._trouble = box()
        with box("actions"):
            button(label, self._ready, look="primary", icon="refresh")
            if on_cancel is not None:
                button("Leave it as it is", on_cancel, look="plain")

    def _line(self, column: FileColumn) -> None:
        with box("column-row", tag="li"):
            with box("stack stack--tight"):
                text(column.heading, "strong")
                if self._with_values:
                    text(" · ".join(column.samples) or "No value", "soft small")
            select = ui.select(
                _OPTIONS,
                label=f"“{column.heading}” holds",
                value=self._choices.holds.get(column.heading, NONE),
            )
            self._fields[column.heading] = select.classes("field").props("outlined options-dense")

    def _select(self, label: str, options: Mapping[str, str], key: str) -> ui.select:
        value = str(self._choices.get(key) or NONE)
        select = ui.select(dict(options), label=label, value=value if value in options else NONE)
        return select.classes("field").props("outlined options-dense")

    def _zone_select(self) -> ui.select:
        zone = str(self._choices.get("timezone") or NONE)
        few = {**_OWN_ZONE, **({zone: zone} if zone else {})}
        select = ui.select(few, label="Times are of the zone", value=zone, with_input=True)
        every = {**_OWN_ZONE, **{each: each for each in zone_names()}}
        offer_when_opened(select, lambda: {**every, **few})
        return select.classes("field").props("outlined options-dense")

    def _input(self, label: str, value: object, hint: str = "") -> ui.input:
        field = ui.input(label, value=str(value or ""))
        field.classes("field").props("outlined")
        if hint:
            field.props["hint"] = hint
        return field

    def _words(self, label: str, key: str) -> ui.input:
        value = self._choices.get(key) or []
        listed = value if isinstance(value, list) else [value]
        return self._input(label, ", ".join(map(str, listed)), "With commas: DNA, Rebooked")

    async def _ready(self) -> None:
        choices = self._choices
        for heading, select in self._fields.items():
            choices.holds[heading] = str(select.value or NONE)
        choices.put("date_order", self._order.value)
        choices.put("length_unit", self._unit.value)
        choices.put("defaults.kind", self._kind.value)
        choices.put("timezone", self._zone.value)
        choices.put("defaults.practitioner", " ".join(str(self._person.value or "").split()))
        try:
            choices.put("defaults.length", self._length.number())
        except BadInput as error:
            fail_field(error, {"defaults.length": self._length})
            return
        choices.put("values.cancelled", _spoken(self._cancelled))
        choices.put("values.booked", _spoken(self._booked))
        self._trouble.clear()
        try:
            choices.check()
        except CompanionError as error:
            with self._trouble:
                say_error(error)
            return
        await self._on_ready(choices.mapping())


def _spoken(field: ui.input) -> list[str]:
    words = (" ".join(word.split()) for word in str(field.value or "").split(","))
    return [word for word in words if word]
