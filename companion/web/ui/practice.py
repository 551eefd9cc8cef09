"""Practice: its name and zone, what may be shown at most, when a schedule is old, who is told of
troubles, and the Google client file."""

from __future__ import annotations

from dataclasses import replace

from nicegui import ui

from companion.domain.disclosure import ClientName, DisclosureItem
from companion.services.access.policy import Action
from companion.services.access.rules import Rule
from companion.web.ui.components.disclosure_form import CLIENT_NAMES, ITEMS
from companion.web.ui.components.fields import errors_at, zone_select
from companion.web.ui.components.notices_card import notices_card
from companion.web.ui.components.staleness_form import StalenessForm
from companion.web.ui.components.this_computer import this_computer
from companion.web.ui.components.unsaved import Unsaved
from companion.web.ui.error_reports import notify_done
from companion.web.ui.google_guide import client_card
from companion.web.ui.pages import page
from companion.web.ui.site import Site
from companion.web.ui.theme import (
    box,
    button,
    card,
    frame,
    link_button,
    notice,
    page_head,
    text,
)
from companion.web.ui.workspace import workspace_card
from companion.web.ui.workstations import workstations_card


def create(site: Site) -> None:
    @page(site, "/practice", Rule(Action.PRACTICE))
    async def practice() -> None:
        client = await site.services.connecting.client_name()
        with frame(site, "Practice", active="/practice"):
            page_head("Practice")
            _names(site)
            client_card(site, client)
            workspace_card(await site.services.connecting.service_account())
            _privacy(site)
            _age(site)
            await notices_card(site)
            _phones(site)
            if not site.options.demo:
                workstations_card(site)
                await this_computer(site)


def _names(site: Site) -> None:
    practice = site.services.settings.read().practice
    with card("Name and time zone"):
        name = ui.input("Name of the practice", value=practice.name)
        name.classes("field").props("outlined maxlength=200")
        zone = zone_select("Time zone", practice.timezone)
        text("New practitioners get this time zone; each may have another.", "soft small")

        unsaved = Unsaved(name, zone)

        async def save() -> None:
            with errors_at({"name": name, "timezone": zone}):
                await site.services.practitioners.set_practice(
                    {"name": name.value or "", "timezone": zone.value or ""}
                )
                unsaved.saved()
                notify_done("Saved.")

        with box("actions"):
            button("Save", save, look="primary")
            unsaved.place()


def _privacy(site: Site) -> None:
    cap = site.services.settings.read().practice.cap
    with card("Privacy: the most that may be shown"):
        text(
            "No practitioner's Google calendar and no phone link shows more than this, whatever "
            "they choose. Less takes effect at the next sync.",
            "card__lead",
        )
        labels = {**CLIENT_NAMES, ClientName.INITIALS: "Initials"}
        name = ui.select(labels, label="Client's name, at most", value=cap.client_name)
        name.classes("field").props("outlined")
        with box(tag="fieldset"):
            text("May be shown", tag="legend")
            with box("choices"):
                ticks: dict[DisclosureItem, ui.checkbox] = {
                    item: ui.checkbox(label, value=item in cap.items)
                    for item, label in ITEMS.items()
                }

        unsaved = Unsaved(name, *ticks.values())

        async def save() -> None:
            allowed = frozenset(item for item, tick in ticks.items() if tick.value)
            await site.services.practitioners.edit_practice(
                lambda practice: replace(
                    practice, cap=replace(practice.cap, client_name=name.value, items=allowed)
                )
            )
            unsaved.saved()
            notify_done("Saved.")

        with box("actions"):
            button("Save", save, look="primary")
            unsaved.place()


def _age(site: Site) -> None:
    with card("When a schedule is old"):
        form = StalenessForm(site)
        unsaved = Unsaved(*form.fields)
        with box("actions"):
            form.actions(unsaved.saved)
            unsaved.place()


def _phones(site: Site) -> None:
    with card("Phones"):
        reach = site.services.reachability
        if reach.listener_status.problem:
            with notice("warn"):
                text("Phones cannot fetch anything at the moment.", "strong")
                text(reach.listener_status.problem)
        text("Phones fetch their calendars from", "soft")
        text(reach.address(), "address").props("dir=ltr")
        text(reach.sentence(), "soft small")
        with box("actions"):
            link_button("Links and reachability", "/phone", icon="smartphone")
