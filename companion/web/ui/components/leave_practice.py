"""Merging a practitioner into another, and removing one: a card, and a dialog for each."""

from __future__ import annotations

from functools import partial

from nicegui import ui

from companion.domain.errors import BadInput
from companion.domain.settings import PractitionerSettings
from companion.web.ui import formatting
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.error_reports import notify_done
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, card, notice, text


def leave_card(site: Site, record: PractitionerSettings) -> None:
    """For those who may add and remove practitioners; nothing for one who is connected."""
    if record.google.account:
        return
    with card("Merge or remove"):
        text(
            "Was this person imported under two names? Merge the two: the appointments move, and "
            "both names are known from then on. Or remove someone who has left.",
            "card__lead",
        )
        with box("actions"):
            button("Merge into another …", partial(_open_merge, site, record))
            button("Remove …", partial(_open_remove, site, record), look="danger")


async def _open_merge(site: Site, record: PractitionerSettings) -> None:
    person = record.practitioner
    others = {
        key: each.practitioner.name
        for key, each in site.services.settings.read().practitioners.items()
        if key != person.id
    }
    theirs = formatting.counted(
        await site.services.practitioners.appointments_of(person.id), "appointment"
    )
    with dialog(f"Merge {person.name} into another practitioner?", asks=False) as opened:
        if not others:
            text("There is nobody else in this practice.", "soft")
            button("Close", opened.close)
            return
        into = ui.select(others, label="Into")
        into.classes("field").props("outlined")
        text(
            f"{theirs} of {person.name} will be the other's. The settings and phone links of "
            f"{person.name} are removed. This cannot be undone.",
            "soft",
        )
        wrong = box().props("aria-live=assertive")

        async def go() -> None:
            wrong.clear()
            if into.value is None:
                with wrong, notice("bad"):
                    text("Choose whom to merge into.")
                return
            try:
                merged = await site.services.practitioners.merge(person.id, into.value)
            except BadInput as error:
                with wrong, notice("bad"):
                    text(str(error))
                return
            _left(f"{person.name} was merged into {merged.name}.")

        with box("actions"):
            button("Merge", go, look="danger")
            button("Cancel", opened.close, look="primary")


async def _open_remove(site: Site, record: PractitionerSettings) -> None:
    person = record.practitioner
    theirs = formatting.counted(
        await site.services.practitioners.appointments_of(person.id), "appointment"
    )
    with dialog(f"Remove {person.name}?") as opened:
        text(f"Settings, phone links and {theirs} in the book are removed. This cannot be undone.")
        wrong = box().props("aria-live=assertive")

        async def go() -> None:
            wrong.clear()
            try:
                await site.services.practitioners.remove(person.id)
            except BadInput as error:
                with wrong, notice("bad"):
                    text(str(error))
                return
            _left(f"{person.name} was removed.")

        with box("actions"):
            button("Remove", go, look="danger")
            button("Keep", opened.close, look="primary")


def _left(sentence: str) -> None:
    notify_done(sentence)
    ui.navigate.to("/")
