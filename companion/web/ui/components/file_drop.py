"""FileDrop: a place to drop or choose one file, which is streamed to `Incoming`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import events, ui

from companion.domain.errors import FileRefused
from companion.web.incoming import MOST_BYTES
from companion.web.ui.error_reports import notify
from companion.web.ui.presses import once


class FileDrop(ui.element, component="file_drop.js"):
    def __init__(
        self,
        label: str,
        on_received: Callable[[str, str], Any],
        *,
        choose: str = "Choose a file",
        hint: str = "",
        accept: str = "",
        icon: str = "upload_file",
        small: bool = False,
    ) -> None:
        """`on_received(ticket, file_name)` once the file is in the home."""
        super().__init__()
        self.props.update(
            label=label,
            hint=hint,
            choose=choose,
            accept=accept,
            icon=icon,
            small=small,
            most=MOST_BYTES,
        )

        async def received(event: events.GenericEventArguments) -> None:
            result = on_received(str(event.args["ticket"]), str(event.args["name"])[:200])
            if result is not None:
                await result

        def refused(event: events.GenericEventArguments) -> None:
            notify(FileRefused(str(event.args["what"])[:300], str(event.args["remedy"])[:300]))

        self.on("received", once(received))
        self.on("refused", refused)

    def _displayed_contents(self, *, only_visible: bool) -> list[Any]:
        contents = super()._displayed_contents(only_visible=only_visible)
        return [*contents, self.props["label"], self.props["choose"]]
