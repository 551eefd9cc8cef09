"""Dialogs: open until closed, and never closed over what somebody typed without asking.

A dialog belongs to the page, not to the place that opened it: a list that is drawn anew, or a
dialog that closes, must not take it along. Esc, a click beside it and Back (static/page.js) are one
wish to close it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from nicegui import ui
from nicegui.elements.mixins.value_element import ValueElement

from companion.web.ui.presses import once
from companion.web.ui.theme import box, button, set_class, text

_FIELDS = (ui.input, ui.number, ui.select, ui.textarea, ui.radio, ui.checkbox, ui.switch)
_FOCUSED_FIRST = (ui.input, ui.number, ui.select)


class Dialog(ui.dialog):
    def __init__(self, title: str, size: str) -> None:
        super().__init__()
        self.title = title
        self._before: dict[ValueElement[Any], Any] = {}
        self._kept = False
        self.typed = False
        """Whether a field differs from what it was."""
        self.looks: tuple[ui.element, ...] = ()
        """Fields that only choose what is looked at."""
        self.on("hide", self.delete)
        self.on("shake", once(self.leave), args=[])  # instead of closing, while it is persistent
        with self:
            self.card = ui.card().classes(f"dialog dialog--{size}")
        with self.card:
            heading = text(title, tag="h2")
            self.props(f"aria-labelledby={heading.html_id}")

    def watch(self, *, typed: bool = False) -> None:
        """From now on, what the fields hold is what was there before anybody typed; or `typed`:
        something was typed that no field shows any more."""
        self._kept = typed
        every = [each for each in self.descendants() if isinstance(each, _FIELDS)]
        fields = [each for each in every if each not in self.looks]
        new = [each for each in fields if each not in self._before]
        self._before = {each: each.value for each in fields}
        for each in new:
            each.on_value_change(self._look)
        if fields:  # here it is known what was typed: the browser asks before it closes
            self.props("persistent")
        self._look()

    def focus_first(self) -> None:
        fields = [each for each in self.descendants() if isinstance(each, _FOCUSED_FIRST)]
        shown = [each for each in fields if _shown(each) and each.enabled]
        if shown and not any("autofocus" in each.props for each in fields):
            shown[0].props("autofocus")

    def _look(self) -> None:
        fields = self._before.items()
        typed = self._kept or any((each.value or None) != (was or None) for each, was in fields)
        if typed == self.typed:
            return
        self.typed = typed
        set_class(self.card, "unsaved", on=typed)

    def _handle_value_change(self, value: Any) -> None:
        super()._handle_value_change(value)
        if not value:  # nothing of it is to be missed any more
            self._before, self._kept = {}, False
            self._look()

    async def may_go(self) -> bool:
        """Asks where something was typed; whether that may go."""
        return not self.typed or await _throw_away()

    async def leave(self) -> bool:
        """Close it, unless what was typed is to be kept; whether it is closed."""
        if may := await self.may_go():
            self.close()
        return may


@contextmanager
def dialog(
    title: str, size: Literal["plain", "small", "wide", "form"] = "plain", *, asks: bool = True
) -> Iterator[Dialog]:
    """Opened at the end of the block. `asks`: what is typed into it would be missed."""
    with ui.context.client.content:
        opened = Dialog(title, size)
    try:
        with opened.card:
            yield opened
    except BaseException:
        opened.delete()
        raise
    if asks:
        opened.watch()
    opened.focus_first()
    opened.open()


@contextmanager
def question(
    title: str, yes: str, on_yes: Callable[[], Awaitable[None]], *, no: str = "Keep it"
) -> Iterator[Dialog]:
    """Before something that is not taken back easily; the block says what becomes of it."""
    with dialog(title) as opened:
        yield opened

        async def go() -> None:
            opened.close()
            await on_yes()

        with box("actions"):
            button(yes, go, look="danger")
            button(no, opened.close, look="primary")


def dialog_of(element: ui.element) -> Dialog | None:
    """The dialog that it is in."""
    return next((each for each in element.ancestors() if isinstance(each, Dialog)), None)


async def _throw_away() -> bool:
    with dialog("Throw away what you typed?", "small") as asked, box("actions"):
        button("Go on typing", lambda: asked.submit(False), look="primary")
        button("Throw it away", lambda: asked.submit(True), look="danger")
    return bool(await asked)


def _shown(element: ui.element) -> bool:
    return element.visible and all(each.visible for each in element.ancestors())
