"""Which Google account is connected: asked once whether it is the right one, and who shares it."""

from __future__ import annotations

from nicegui import ui

from companion.domain.settings import PractitionerSettings
from companion.web.ui.error_reports import notify_done
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, notice, text


def add_account_notes(site: Site, record: PractitionerSettings) -> None:
    google, person = record.google, record.practitioner
    if not google.account:
        return
    others = site.services.connecting.sharing(person.id)
    if others:
        text(
            f"{google.account} also serves {' and '.join(others)}: each has a calendar of their "
            "own in that account.",
            "soft small",
        )
    if google.login:
        return
    with notice("info", icon="help") as question:

        async def confirm() -> None:
            await site.services.connecting.confirm_account(person.id)
            question.set_visibility(False)
            notify_done(f"{google.account} is {person.name}'s account.")

        async def refuse() -> None:
            await site.services.connecting.disconnect(person.id)
            ui.navigate.to(f"/practitioner/{person.id}")

        text(f"Connected as {google.account}: is this {person.name}'s account?", "strong")
        with box("actions"):
            button(f"Yes, it is {person.name}'s", confirm, look="primary")
            button("No, disconnect it", refuse)
