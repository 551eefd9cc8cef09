"""The practice's files from Google: dropped once, checked, compared with what is kept, sealed, and
never shown again but for a name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from companion.domain.errors import FileRefused
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.components.file_drop import FileDrop
from companion.web.ui.error_reports import notify_done
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, notice, text

if TYPE_CHECKING:
    from companion.services.google.client import ClientChange

CLIENT_FILE_BYTES = 64 * 1024
WORKSPACE = "/practice/workspace"


class ClientDrop:
    """Where either file is dropped; asks before everybody would have to connect again."""

    def __init__(
        self, site: Site, label: str, on_kept: Callable[[ClientChange], None], *, replaces: bool
    ) -> None:
        """`on_kept` is called when the file is kept, or was already."""
        self._site = site
        self._on_kept = on_kept
        self._drop = FileDrop(
            label,
            self._received,
            choose="Replace it" if replaces else "Choose the file",
            accept=".json",
            icon="key",
            small=True,
        )

    async def _received(self, ticket: str, _: str) -> None:
        incoming = self._site.incoming
        try:
            content = await incoming.read(ticket, most_bytes=CLIENT_FILE_BYTES)
            if content is None:
                raise FileRefused(
                    "This is not a Google client file: it is too large.",
                    "Download the OAuth client (type Desktop app) as JSON from Google's console.",
                )
            change = await self._site.services.connecting.set_client(content)
        finally:
            incoming.discard(ticket)
        if change.held:
            self._ask(content, change)
        else:
            self._kept(change)

    def _kept(self, change: ClientChange) -> None:
        self._drop.props["choose"] = "Replace it"
        notify_done(change.sentence)
        self._on_kept(change)

    def _ask(self, content: bytes, change: ClientChange) -> None:
        what = "service account" if change.service_account else "Google client"
        with dialog(f"Replace the {what}?") as opened:
            text(change.sentence)
            with box("quiet-list", tag="ul"):
                for name in change.signed_in:
                    text(name, "strong", tag="li")
            text(
                f"Until then their calendars stay as they are now. With the same {what} as before "
                "nobody has to do anything.",
                "soft",
            )
            with box("actions"):
                press = partial(self._replace, content, opened.close)
                button("Replace it", press, look="danger")
                button(f"Keep {change.before}", opened.close, look="primary")

    async def _replace(self, content: bytes, close: Callable[[], object]) -> None:
        close()
        self._kept(await self._site.services.connecting.set_client(content, replace=True))


class GoogleClientCard:
    """The OAuth client, with which people sign in."""

    def __init__(self, site: Site, client: str | None) -> None:
        self._client = client
        self._state = box("stack").props("aria-live=polite")
        self._show()
        ClientDrop(site, "Drop client_secret….json here", self._kept, replaces=client is not None)

    def _show(self) -> None:
        self._state.clear()
        with self._state:
            if self._client:
                with notice("ok"):
                    text(self._client, "strong")
                    text("Practitioners can connect to Google.")
                text(
                    "After replacing it by another client everybody has to connect again: Google "
                    "ties a sign-in to the client it was made with.",
                    "soft small",
                )
            else:
                with notice("warn"):
                    text("Not added yet", "strong")
                    text("Nobody can connect to Google before this file is here.")

    def _kept(self, change: ClientChange) -> None:
        if change.service_account:
            ui.navigate.to(WORKSPACE)
            return
        self._client = change.name
        self._show()
