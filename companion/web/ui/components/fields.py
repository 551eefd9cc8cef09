"""Form fields used on several pages, and showing an error at its field."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from typing import Any
from zoneinfo import available_timezones

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement

from companion.domain.appointments import NO_REMINDER
from companion.domain.errors import BadInput
from companion.services.reminders import USUAL, read_reminder, reminder_text, reminder_words

_FIRST = (
    "Australia/Sydney",
    "Australia/Melbourne",
    "Australia/Brisbane",
    "Australia/Adelaide",
    "Australia/Darwin",
    "Australia/Perth",
    "Australia/Hobart",
    "Pacific/Auckland",
)
FEW = 24
"""Options that a field has before it is opened."""


@lru_cache(maxsize=1)
def zone_names() -> list[str]:
    """Australian zones and Auckland first, then the rest of the world by name."""
    known = {name for name in available_timezones() if "/" in name and not name.startswith("Etc/")}
    return [*(name for name in _FIRST if name in known), *sorted(known - set(_FIRST)), "UTC"]


def zone_select(label: str, value: str) -> ui.select:
    """The usual zones at first; all six hundred when the field is opened, for they cost a page half
    of its time."""
    few = list(dict.fromkeys([value, *(name for name in _FIRST if name in zone_names())]))
    select = ui.select(few, label=label, value=value, with_input=True)
    offer_when_opened(select, lambda: zone_options(value))
    return select.classes("field").props("outlined options-dense")


def offer_when_opened(select: ui.select, options: Callable[[], list[str] | dict[str, str]]) -> None:
    """The options are loaded when the field is opened. NiceGUI watches each option: two hundred
    names, or six hundred zones, cost a page half of its time. Until then `select` has what is
    chosen and a few more: Quasar opens no empty list."""
    select.on("popup-show", lambda: select.set_options(options()))


def first_of(options: Mapping[str, str], chosen: Collection[str]) -> dict[str, str]:
    """The first ones, all of them in most practices, and what is chosen."""
    shown = {*islice(options, FEW), *chosen}
    return {key: label for key, label in options.items() if key in shown}


def zone_options(value: str) -> list[str]:
    return zone_names() if value in zone_names() else [value, *zone_names()]


def secret_field(label: str) -> ui.input:
    """For a new password or passphrase."""
    field = ui.input(label, password=True, password_toggle_button=True)
    return field.classes("field").props("outlined autocomplete=new-password maxlength=200")


def fail_field(error: BadInput, fields: Mapping[str, ValidationElement[Any]]) -> None:
    """Write the error under the field it names; raise it again when the page has no such field."""
    field = fields.get(error.field)
    if field is None:
        raise error
    field.error = f"{error.what} {error.remedy}"
    field.run_method("focus")


@contextmanager
def errors_at(fields: Mapping[str, ValidationElement[Any]]) -> Iterator[None]:
    """What is wrong with one of the fields stands under it, and the rest of the block is left."""
    clear_errors(*fields.values())
    try:
        yield
    except BadInput as error:
        fail_field(error, fields)


def relabel(field: ui.element, label: str) -> None:
    """Sends nothing while it is the same: what is being typed there might be overwritten."""
    if field.props.get("label") != label:
        field.props["label"] = label


def clear_errors(*fields: ValidationElement[Any]) -> None:
    for field in fields:
        field.error = None


def reminder_choices(*present: int | None) -> dict[str, str]:
    """By `reminder_text`; `present` ones are among them, however unusual."""
    minutes = sorted({*USUAL, *(each for each in present if each is not None and each >= 0)})
    listed = [None, NO_REMINDER, *minutes]
    return {reminder_text(each): reminder_words(each) for each in listed}


def chosen_reminder(value: object) -> int | None:
    """Of a select with `reminder_choices`."""
    return read_reminder(str(value or ""))
