"""The dialog that adds a practitioner by hand."""

from __future__ import annotations

from nicegui import ui

from companion.web.ui.components.dialogs import dialog
from companion.web.ui.components.fields import errors_at, zone_select
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, text


def open_add_dialog(site: Site) -> None:
    practice = site.services.settings.read().practice
    with dialog("Add a practitioner") as opened:
        text("Write the name exactly as the practice software shows it.", "soft")
        name = ui.input("Name").classes("field").props("outlined autofocus maxlength=200")
        email = ui.input("E-mail (may stay empty)").classes("field").props("outlined type=email")
        zone = zone_select("Time zone", practice.timezone)

        async def add() -> None:
            with errors_at({"name": name, "email": email, "timezone": zone}):
                added = await site.services.practitioners.add(
                    name.value or "", email=email.value or "", timezone=zone.value or ""
                )
                opened.close()
                ui.navigate.to(f"/practitioner/{added.id}")

        with box("actions"):
            button("Add", add, look="primary")
            button("Cancel", opened.close, look="plain")
