"""GoogleClient: the practice's OAuth client file, dropped once; its name, and replacing it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from companion.domain.errors import FileRefused
from companion.web.incoming import Incoming
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.components.file_drop import FileDrop
from companion.web.ui.error_reports import notify_done
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, notice, text

if TYPE_CHECKING:
    from companion.services.google.connecting import ClientChange

CLIENT_FILE_BYTES = 64 * 1024


class GoogleClientCard:
    """Checked (type Desktop app), compared with the one that is kept, sealed, never shown again
    but for its name."""

    def __init__(self, site: Site, client: str | None) -> None:
        self._site = site
        self._client = client
        self._state = box("stack").props("aria-live=polite")
        self._show()
        self._drop = FileDrop(
            "Drop client_secret….json here",
            self._received,
            choose="Replace it" if client else "Choose the file",
            accept=".json",
            icon="key",
            small=True,
        )

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

    async def _received(self, ticket: str, _: str) -> None:
        incoming = self._site.incoming
        try:
            content = await _small_file(incoming, ticket)
            change = await self._site.services.connecting.set_client(content)
        finally:
            incoming.discard(ticket)
        if change.held:
            self._ask(content, change)
        else:
            self._kept(change)

    def _kept(self, change: ClientChange) -> None:
        self._client = change.name
        self._show()
        self._drop.props["choose"] = "Replace it"
        notify_done(change.sentence)

    def _ask(self, content: bytes, change: ClientChange) -> None:
        with dialog("Replace the Google client?") as opened:
            text(change.sentence)
            with box("quiet-list", tag="ul"):
                for name in change.signed_in:
                    text(name, "strong", tag="li")
            text(
                "Until then their calendars stay as they are now. With the same client as before "
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


async def _small_file(incoming: Incoming, ticket: str) -> bytes:
    content = await incoming.read(ticket, most_bytes=CLIENT_FILE_BYTES)
    if content is None:
        raise FileRefused(
            "This is not a Google client file: it is too large.",
            "Download the OAuth client (type Desktop app) as JSON from Google's console.",
        )
    return content
