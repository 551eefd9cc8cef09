"""GoogleClient: the practice's OAuth client file, dropped once; its name, and replacing it."""

from __future__ import annotations

from companion.domain.errors import FileRefused
from companion.web.incoming import Incoming
from companion.web.ui.components.file_drop import FileDrop
from companion.web.ui.site import Site
from companion.web.ui.theme import box, notice, text
from companion.web.ui.troubles import say_done

CLIENT_FILE_BYTES = 64 * 1024


class GoogleClient:
    """Checked (type Desktop app), sealed, never shown again but for its name."""

    def __init__(self, site: Site, client: str | None) -> None:
        self._site = site
        self._client = client
        self._state = box("stack").props("aria-live=polite")
        self._show()
        FileDrop(
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
        before = self._client
        try:
            content = await _small_file(incoming, ticket)
            self._client = await self._site.services.connecting.set_client(content)
        finally:
            incoming.discard(ticket)
        self._show()
        say_done("The Google client was replaced." if before else "The Google client was added.")


async def _small_file(incoming: Incoming, ticket: str) -> bytes:
    content = await incoming.read(ticket, most_bytes=CLIENT_FILE_BYTES)
    if content is None:
        raise FileRefused(
            "This is not a Google client file: it is too large.",
            "Download the OAuth client (type Desktop app) as JSON from Google's console.",
        )
    return content
