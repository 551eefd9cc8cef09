"""Items to include: which appointments go, and what of each, under the practice's cap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nicegui import ui
from nicegui.elements.mixins.value_element import ValueElement

from companion.domain.disclosure import (
    ClientName,
    Disclosure,
    DisclosureCap,
    DisclosureItem,
    KindChoice,
)
from companion.services.settings.checks import folded_types
from companion.services.settings.formatting import listed, parts
from companion.web.ui.theme import box, text

CLIENT_NAMES: Mapping[ClientName, str] = {
    ClientName.FULL: "Full name",
    ClientName.FIRST: "First name only",
    ClientName.INITIALS: "Initials (recommended)",
    ClientName.ID: "Client number",
    ClientName.NONE: "No name at all",
}
KINDS: Mapping[KindChoice, str] = {
    KindChoice.CLIENT: "Client appointments",
    KindChoice.CASUAL: "Casual appointments",
    KindChoice.MEETING: "Meetings",
    KindChoice.RECURRING: "Recurring meetings",
}
ITEMS: Mapping[DisclosureItem, str] = {
    DisclosureItem.TYPE: "Appointment type",
    DisclosureItem.LOCATION: "Location",
    DisclosureItem.NOTES: "Notes",
    DisclosureItem.STATUS: "Status (tentative, out of office)",
    DisclosureItem.PRACTITIONER: "Practitioner's name",
    DisclosureItem.REMINDER: "Reminder",
    DisclosureItem.ADDRESS: "Address of a home visit",
    DisclosureItem.TELEHEALTH: "Telehealth link",
}


class DisclosureForm:
    def __init__(
        self, disclosure: Disclosure, cap: DisclosureCap, on_change: Callable[[], None]
    ) -> None:
        self._disclosure = disclosure
        changed = lambda _: on_change()  # noqa: E731 - the event holds nothing we need
        with box(tag="fieldset"):
            text("Which appointments", tag="legend")
            with box("choices"):
                self._kinds = {
                    kind: ui.checkbox(label, value=kind in disclosure.kinds, on_change=changed)
                    for kind, label in KINDS.items()
                }
        with box(tag="fieldset"):
            text("Client's name", tag="legend")
            allowed = {
                mode: label
                for mode, label in CLIENT_NAMES.items()
                if mode.openness <= cap.client_name.openness
            }
            shown = disclosure.capped(cap).client_name
            self._name = ui.radio(allowed, value=shown, on_change=changed)
            self._name.props('inline aria-label="Client\'s name"')
            if len(allowed) < len(CLIENT_NAMES):
                text("The practice does not allow more.", "soft small")
        with box(tag="fieldset"):
            text("What else is shown", tag="legend")
            with box("choices"):
                self._items = {}
                for item, label in ITEMS.items():
                    may = item in cap.items
                    tick = ui.checkbox(
                        label if may else f"{label} (not allowed by the practice)",
                        value=may and item in disclosure.items,
                        on_change=changed,
                    )
                    tick.set_enabled(may)
                    self._items[item] = tick
        self._masked = ui.input(
            "Appointment types shown only as Busy",
            value=listed(disclosure.masked_types),
            on_change=changed,
        )
        self._masked.classes("field").props(
            'outlined debounce=400 hint="With commas, such as: Counselling, Supervision"'
        )
        self._left_out = ui.input(
            "Appointment types left out altogether",
            value=listed(disclosure.left_out_types),
            on_change=changed,
        )
        self._left_out.classes("field").props(
            'outlined debounce=400 hint="With commas, such as: Admin, Travel"'
        )
        text("Cancelled appointments are never shown.", "soft small")

    @property
    def fields(self) -> tuple[ValueElement[Any], ...]:
        return (
            *self._kinds.values(),
            self._name,
            *self._items.values(),
            self._masked,
            self._left_out,
        )

    def draft(self) -> Disclosure:
        """The present choices. Raises BadInput for types that cannot be."""
        types = parts(str(self._masked.value or ""))
        return Disclosure(
            kinds=frozenset(kind for kind, tick in self._kinds.items() if tick.value),
            items=frozenset(item for item, tick in self._items.items() if tick.value),
            client_name=self._name.value,
            masked_types=folded_types(types, "masked_types"),
            left_out_types=folded_types(parts(str(self._left_out.value or "")), "left_out_types"),
            busy_only=self._disclosure.busy_only,
        )
