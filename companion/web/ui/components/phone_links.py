"""PhoneLinks: the private calendar links of one practitioner, one per device."""

from __future__ import annotations

from datetime import date
from functools import partial

from nicegui import ui

from companion.domain.errors import BadInput
from companion.services.ports import FeedLink
from companion.web.ui import words
from companion.web.ui.components.fields import fail_field
from companion.web.ui.site import Site
from companion.web.ui.theme import badge, box, button, dialog, notice, text
from companion.web.ui.troubles import careful, say_done

DETAILS = {
    "initials": "Initials and type",
    "busy": "Busy only",
    "full": "Full names and notes",
    "google": "The same as in Google",
    "custom": "My own choice",
}


class PhoneLinks:
    def __init__(self, site: Site, practitioner_id: str) -> None:
        self._site = site
        self._practitioner_id = practitioner_id
        if problem := site.services.reachability.door.problem:
            with notice("warn"):
                text("Phones cannot fetch anything at the moment.", "strong")
                text(problem)
        self._list = box("stack stack--loose")
        allowed = site.services.settings.read().practice.feeds_allowed
        if allowed:
            with box("actions"):
                button("Add a link", careful(self._open_add), icon="add_link")
        else:
            text("The practice has switched these links off.", "soft")

    async def fill(self) -> None:
        links = await self._site.services.feeds.links(self._practitioner_id)
        now = self._site.services.clock.now()
        self._list.clear()
        with self._list:
            if not links:
                text("No link yet. Add one per device, so that one can be switched off.", "soft")
            for link in links:
                self._row(link, over=link.expires_at is not None and link.expires_at <= now)

    def _row(self, link: FeedLink, *, over: bool) -> None:
        now = self._site.services.clock.now()
        with box("card__head"):
            with box("stack"):
                text(link.label, "strong")
                fetched = f"last fetched {words.ago(link.last_fetched_at, now)}"
                by = f" by {link.last_client}" if link.last_client else ""
                detail = DETAILS.get(link.detail, link.detail)
                never = link.last_fetched_at is None
                text(f"{detail} · {'not fetched yet' if never else fetched + by}", "soft small")
            if link.revoked_at is not None:
                badge("Switched off", "calm")
            elif over:
                badge("Expired", "warn")
            else:
                with box("actions"):
                    button(
                        "Copy",
                        careful(partial(self._copy, link.id)),
                        icon="content_copy",
                        look="plain",
                    ).props(f'aria-label="Copy the link {_plain(link.label)}"')
                    button(
                        "Switch off",
                        careful(partial(self._open_revoke, link)),
                        icon="link_off",
                        look="danger",
                    ).props(f'aria-label="Switch off the link {_plain(link.label)}"')

    async def _copy(self, feed_id: str) -> None:
        url = await self._site.services.feeds.url(feed_id)
        self._show_link(url)

    def _show_link(self, url: str) -> None:
        with dialog("The link for this device") as opened:
            text(
                "Whoever has this link can read the calendar. Send it to nobody but the person "
                "whose device it is for.",
            )
            text(url, "address").props("tabindex=0 dir=ltr")

            def copy() -> None:
                ui.clipboard.write(url)
                say_done("Copied.")

            with box("actions"):
                button("Copy", careful(copy), icon="content_copy", look="primary")
                button("Close", opened.close, look="plain")

    def _open_add(self) -> None:
        with dialog("Add a link for a device") as opened:
            label = ui.input("Which device", placeholder="Anna's iPhone")
            label.classes("field").props("outlined autofocus maxlength=80")
            detail = ui.select(DETAILS, label="What it shows", value="initials")
            detail.classes("field").props("outlined")
            expires = ui.input("Works until (may stay empty)")
            expires.classes("field").props("outlined type=date stack-label")

            async def add() -> None:
                try:
                    until = date.fromisoformat(expires.value) if expires.value else None
                except ValueError:
                    expires.error = "This is not a date."
                    return
                try:
                    _, url = await self._site.services.feeds.add(
                        self._practitioner_id,
                        label=label.value or "",
                        detail=str(detail.value),
                        expires=until,
                    )
                except BadInput as error:
                    fail_field(error, {"label": label, "detail": detail, "expires": expires})
                    return
                opened.close()
                self._site.live.touch()
                await self.fill()
                with self._list:
                    self._show_link(url)

            with box("actions"):
                button("Make the link", careful(add), look="primary")
                button("Cancel", opened.close, look="plain")

    def _open_revoke(self, link: FeedLink) -> None:
        with dialog(f"Switch off “{link.label}”?") as opened:
            text("The device then shows one entry that says so. This cannot be undone.")

            async def revoke() -> None:
                await self._site.services.feeds.revoke(link.id)
                opened.close()
                self._site.live.touch()
                await self.fill()

            with box("actions"):
                button("Switch off", careful(revoke), look="danger")
                button("Keep it", opened.close, look="primary")


def _plain(label: str) -> str:
    """For a quoted prop."""
    return label.replace('"', "'").replace("\\", " ")
