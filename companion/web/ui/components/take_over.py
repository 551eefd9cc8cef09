"""Calendars that another installation keeps: what they hold, and the ways to decide."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from nicegui import ui

from companion.web.ui import formatting
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, link_button, notice, text

if TYPE_CHECKING:
    from companion.domain.calendar_writers import EarlierCalendar
    from companion.domain.errors import CalendarInUse

WHAT_HAPPENS = (
    "If that computer is no longer used, take the calendar over: what is right stays as it is, the "
    "rest is brought up to date, and nothing is there twice. Otherwise leave it alone."
)


def add_decision(site: Site, practitioner_id: str) -> bool:
    """What a sign-in waits for, if anything; whether it does."""
    connecting = site.services.connecting
    waiting = connecting.undecided(practitioner_id)
    if waiting is None:
        return False
    zone = site.services.settings.read().record(practitioner_id).practitioner.timezone

    async def decide(calendar_id: str = "") -> None:
        await connecting.decide(practitioner_id, calendar_id, upload_by_hand=True)
        ui.navigate.to(f"/practitioner/{practitioner_id}")

    def decline() -> None:
        connecting.decline(practitioner_id)
        ui.navigate.to(f"/practitioner/{practitioner_id}")

    with notice("warn", alert=True):
        text("Another installation of Calendar Companion keeps a calendar here.", "strong")
        for offer in waiting.offers:
            text(_described(offer, zone))
        text(WHAT_HAPPENS, "small")
        with box("actions"):
            for offer in waiting.offers:
                alone = len(waiting.offers) == 1
                label = "Take it over" if alone else f"Take “{offer.name}” over"
                _offer_button(practitioner_id, offer, label, partial(decide, offer.calendar_id))
            if waiting.choice.kind == "new":
                button("Create a new calendar instead", decide)
            button("Neither", decline, look="plain")
    return True


def _offer_button(
    practitioner_id: str,
    offer: EarlierCalendar,
    label: str,
    decide: Callable[[], Awaitable[None]],
) -> None:
    if offer.events is not None:
        button(label, decide, look="primary", icon="devices")
        return
    # Another Google client made it: that takes the permission for calendars the account owns.
    target = f"/oauth/start/{practitioner_id}?calendar={quote(offer.calendar_id)}&take_over=1"
    link_button(f"{label}: Google asks once more", target, look="primary", icon="devices")


def _described(offer: EarlierCalendar, zone: str) -> str:
    if offer.events is None:
        return f"“{offer.name}”, made with another Google client."
    said = f"“{offer.name}” holds {formatting.counted(offer.events, 'event')}"
    last = formatting.exact(offer.last_write, zone)
    return f"{said}, last written on {last}." if last else f"{said}."


def ask_to_take_over(site: Site, practitioner_id: str, error: CalendarInUse) -> None:
    """Of a calendar that was chosen from the list."""
    [offer] = error.offers
    zone = site.services.settings.read().record(practitioner_id).practitioner.timezone
    with dialog(f"Take “{offer.name}” over?") as opened:
        text("Another installation of Calendar Companion keeps this calendar.", "strong")
        text(_described(offer, zone))
        text(WHAT_HAPPENS)

        async def take() -> None:
            await site.services.connecting.choose(
                practitioner_id, offer.calendar_id, take_over=True
            )
            ui.navigate.to(f"/practitioner/{practitioner_id}")

        with box("actions"):
            button("Take it over", take, look="primary", icon="devices")
            button("Choose another", opened.close, look="plain")
