"""The form of a device's link: what it is for, what it shows, how far and how long. It makes a
link or changes one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement

from companion.domain.disclosure import Disclosure
from companion.domain.errors import BadInput
from companion.domain.settings import PractitionerSettings
from companion.services.feeds.links import last_day
from companion.services.ports import FeedDetail, FeedLink
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.components.disclosure_form import DisclosureForm
from companion.web.ui.components.fields import errors_at
from companion.web.ui.components.typed_fields import DayField, NumberField
from companion.web.ui.error_reports import report_errors
from companion.web.ui.phones.formatting import DETAILS, DEVICES, explained
from companion.web.ui.phones.preview import PhonePreview
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, text

MOST_DAYS = 730
Made = Callable[[FeedLink, str, str], Awaitable[None]]
"""Called with the link, its URL and the kind of device."""


async def open_wizard(site: Site, record: PractitionerSettings, made: Made) -> None:
    async def make() -> None:
        with errors_at(form.fields):
            link, url = await site.services.feeds.add(record.practitioner.id, **form.values())
            opened.close()
            await made(link, url, form.kind)

    with dialog("Add a device") as opened:
        form = _LinkForm(site, record, None)
        with box("actions"):
            button("Make the link", make, look="primary")
            button("Cancel", opened.close, look="plain")
    await form.draw()


async def open_change(
    site: Site,
    record: PractitionerSettings,
    link: FeedLink,
    changed: Callable[[], Awaitable[None]],
) -> None:
    """The link itself stays: nothing has to be set up again on the device."""

    async def change() -> None:
        with errors_at(form.fields):
            await site.services.feeds.edit(link.id, **form.values())
            opened.close()
            await changed()

    with dialog(f"Change “{link.label}”") as opened:
        form = _LinkForm(site, record, link)
        with box("actions"):
            button("Save", change, look="primary")
            button("Cancel", opened.close, look="plain")
    await form.draw()


class _LinkForm:
    def __init__(self, site: Site, record: PractitionerSettings, link: FeedLink | None) -> None:
        """`link`: which one is changed; None for a new one."""
        choices = link or record.choices
        cap = site.services.settings.read().practice.cap
        self._kind = ui.select(
            {key: device.name for key, device in DEVICES.items()}, label="Device", value="apple"
        )
        self._kind.set_visibility(link is None)
        self._label = ui.input(
            "Whose or which one", value=link.label if link else "", placeholder="Anna's iPhone"
        )
        self._label.props("autofocus maxlength=80")
        with box(tag="fieldset"):
            text("What it shows", tag="legend")
            self._detail = ui.radio(
                {key: explained(key, cap) for key in DETAILS},
                value=link.detail if link else FeedDetail.INITIALS,
                on_change=self._changed,
            )
            self._detail.props('aria-label="What it shows"')
            self._custom_box = box("stack stack--loose")
            with self._custom_box:
                shown = (link.custom if link else None) or Disclosure()
                self._custom = DisclosureForm(shown, cap, self._changed)
            self._custom_box.set_visibility(self._detail.value is FeedDetail.CUSTOM)
        with box("columns columns--three"):
            self._arrears = self._days("Days back", choices.days_in_arrears, "days_in_arrears")
            self._advance = self._days("Days ahead", choices.days_in_advance, "days_in_advance")
        self._expires = DayField(
            "Works until (may stay empty)",
            last_day(link, record.practitioner.timezone) if link else None,
            near=site.services.book_view.today(),
            field="expires",
        )
        for field in (self._kind, self._label):
            field.classes("field").props("outlined")
        self._preview = PhonePreview(site, record)

    @property
    def kind(self) -> str:
        return str(self._kind.value)

    def _days(self, label: str, value: int, field: str) -> NumberField:
        made = NumberField(
            label, value, least=0, most=MOST_DAYS, field=field, on_change=self._changed
        )
        return made.props("debounce=250")

    def _changed(self, *_: object) -> None:
        if hasattr(self, "_preview"):
            self._custom_box.set_visibility(self._detail.value is FeedDetail.CUSTOM)
            ui.timer(0.01, report_errors(self.draw), once=True)

    async def draw(self) -> None:
        try:
            arrears, advance = self._arrears.whole(), self._advance.whole()
        except BadInput:  # said under its field
            return
        await self._preview.show(
            detail=self._detail.value,
            custom=self._chosen(),
            arrears=arrears,
            advance=advance,
        )

    def _chosen(self) -> Disclosure | None:
        return self._custom.draft() if self._detail.value is FeedDetail.CUSTOM else None

    def values(self) -> dict[str, Any]:
        """What the services take. Raises BadInput."""
        return {
            "label": self._label.value or "",
            "detail": self._detail.value,
            "custom": self._chosen(),
            "days_in_arrears": self._arrears.whole(),
            "days_in_advance": self._advance.whole(),
            "expires": self._expires.day() if self._expires.value else None,
        }

    @property
    def fields(self) -> dict[str, ValidationElement[Any]]:
        """By the field that an error names."""
        return {
            "label": self._label,
            "days_in_arrears": self._arrears,
            "days_in_advance": self._advance,
            "expires": self._expires,
        }
