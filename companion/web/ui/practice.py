"""Practice: its name and zone, what may be shown at most, and the Google client file."""

from __future__ import annotations

from nicegui import ui

from companion.domain.disclosure import ClientName, Item
from companion.domain.errors import BadInput, FileRefused
from companion.web.incoming import Incoming
from companion.web.ui.components.disclosure_form import CLIENT_NAMES, ITEMS
from companion.web.ui.components.fields import clear_errors, fail_field, zone_select
from companion.web.ui.components.file_drop import FileDrop
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
from companion.web.ui.troubles import careful, say_done

CLIENT_FILE_BYTES = 64 * 1024


def create(site: Site) -> None:
    @page(site, "/practice")
    async def practice() -> None:
        client = await site.services.connecting.client_name()
        with frame(site, "Practice", active="/practice", narrow=True):
            page_head("Practice")
            _names(site)
            _GoogleClient(site, client)
            _privacy(site)
            _phones(site)


def _names(site: Site) -> None:
    practice = site.services.settings.read().practice
    with card("Name and time zone"):
        name = ui.input("Name of the practice", value=practice.name)
        name.classes("field").props("outlined maxlength=200")
        zone = zone_select("Time zone", practice.timezone)
        text("New practitioners get this time zone; each may have another.", "soft small")

        async def save() -> None:
            clear_errors(name, zone)
            try:
                await site.services.practitioners.set_practice(
                    {"name": name.value or "", "timezone": zone.value or ""}
                )
            except BadInput as error:
                fail_field(error, {"name": name, "timezone": zone})
                return
            site.live.touch()
            say_done("Saved.")

        with box("actions"):
            button("Save", careful(save), look="primary")


class _GoogleClient:
    """The practice's OAuth client: added once, then everyone can connect."""

    def __init__(self, site: Site, client: str | None) -> None:
        self._site = site
        with card("Google client"):
            text(
                "A file from Google's console that lets this practice ask its practitioners for "
                "permission. It is needed once, and kept sealed on this computer.",
                "card__lead",
            )
            self._state = box()
            self._show(client)
            FileDrop(
                "Drop client_secret….json here",
                self._received,
                choose="Replace it" if client else "Choose the file",
                accept=".json",
                icon="key",
                small=True,
            )

    def _show(self, client: str | None) -> None:
        self._state.clear()
        with self._state:
            if client:
                with notice("ok"):
                    text(client, "strong")
                    text("Practitioners can connect to Google.")
            else:
                with notice("warn"):
                    text("Not added yet", "strong")
                    text("Nobody can connect to Google before this file is here.")

    async def _received(self, ticket: str, _: str) -> None:
        incoming = self._site.incoming
        try:
            content = await _small_file(incoming, ticket)
            client = await self._site.services.connecting.set_client(content)
        finally:
            incoming.discard(ticket)
        self._show(client)
        say_done("The Google client was added.")


async def _small_file(incoming: Incoming, ticket: str) -> bytes:
    content = await incoming.read(ticket, most_bytes=CLIENT_FILE_BYTES)
    if content is None:
        raise FileRefused(
            "This is not a Google client file: it is too large.",
            "Download the OAuth client (type Desktop app) as JSON from Google's console.",
        )
    return content


def _privacy(site: Site) -> None:
    cap = site.services.settings.read().practice.cap
    with card("Privacy: the most that may be shown"):
        text(
            "No practitioner's Google calendar and no phone link shows more than this, whatever "
            "they choose. Less takes effect at the next sync.",
            "card__lead",
        )
        labels = {mode.value: label for mode, label in CLIENT_NAMES.items()}
        labels[ClientName.INITIALS.value] = "Initials"
        name = ui.select(labels, label="Client's name, at most", value=cap.client_name.value)
        name.classes("field").props("outlined")
        with box(tag="fieldset"):
            text("May be shown", tag="legend")
            with box("choices"):
                ticks: dict[Item, ui.checkbox] = {
                    item: ui.checkbox(label, value=item in cap.items)
                    for item, label in ITEMS.items()
                }

        async def save() -> None:
            allowed = [item.value for item, tick in ticks.items() if tick.value]
            await site.services.practitioners.set_practice(
                {"cap_client_name": str(name.value), "cap_include": ",".join(allowed) or "none"}
            )
            site.services.worker.nudge()
            site.live.touch()
            say_done("Saved.")

        with box("actions"):
            button("Save", careful(save), look="primary")


def _phones(site: Site) -> None:
    with card("Phones"):
        reach = site.services.reachability
        if reach.door.problem:
            with notice("warn"):
                text("Phones cannot fetch anything at the moment.", "strong")
                text(reach.door.problem)
        text("Phones fetch their calendars from", "soft")
        text(reach.address(), "address").props("dir=ltr")
        text(reach.sentence(), "soft small")
        with box("actions"):
            link_button("Links and reachability", "/phone", icon="smartphone")
