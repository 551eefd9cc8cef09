"""What the simulated browser lacks: pressing one certain element, and waiting for a fact."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from typing import Any

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from companion.web.ui.components.file_drop import FileDrop
from companion.web.ui.static_html import StaticHtml
from tests.fakes.waiting import until as until  # noqa: PLC0414 - page tests take it from here
from tests.pages.conftest import Visit


def press(element: ui.element, event: str = "click", args: Any = None) -> None:
    """As the browser tells it."""
    for listener in list(element._event_listeners.values()):
        if listener.type == event:
            element._handle_event({"listener_id": listener.id, "args": args or []})
            return
    raise AssertionError(f"{element} listens to no {event}")


def button(visit: Visit, label: str) -> ui.button:
    """The newest visible button with exactly this text."""
    found = [each for each in visit.elements(ui.button) if each.text == label]
    assert found, f"no button {label}"
    newest: ui.button = found[-1]
    return newest


def field(visit: Visit, label: str) -> Any:
    """The newest field with exactly this label."""
    kinds = (ui.input, ui.number, ui.select)
    found = [
        each for kind in kinds for each in visit.elements(kind) if each.props.get("label") == label
    ]
    assert found, f"no field {label}"
    return found[-1]


def radio(visit: Visit, name: str) -> ui.radio:
    """The newest group of buttons with this name."""
    found = [each for each in visit.elements(ui.radio) if each.props.get("aria-label") == name]
    assert found, f"no group {name}"
    newest: ui.radio = found[-1]
    return newest


def radio_of(visit: Visit, option: object) -> Any:
    """The newest group of buttons with that one."""
    found = [each for each in visit.elements(ui.radio) if option in each.options]
    assert found, f"no group with {option}"
    return found[-1]


def leads_to(visit: Visit) -> list[str]:
    """The addresses that the page goes to from now on, instead of going there."""
    gone_to: list[str] = []
    visit.user.navigate.to = gone_to.append  # type: ignore[method-assign, assignment]
    return gone_to


def named(visit: Visit, name: str) -> ui.button:
    """The newest button that a screen reader calls so."""
    found = [each for each in visit.elements(ui.button) if each.props.get("aria-label") == name]
    assert found, f"no button {name}"
    newest: ui.button = found[-1]
    return newest


def item(visit: Visit, label: str) -> ui.menu_item:
    """The newest entry of a menu with exactly this text."""
    found = [
        each
        for each in visit.elements(ui.menu_item)
        if any(isinstance(e, TextElement) and e.text == label for e in each.descendants())
    ]
    assert found, f"no entry {label}"
    newest: ui.menu_item = found[-1]
    return newest


def opened(select: ui.select) -> ui.select:
    """As after a look at what can be chosen."""
    for each in [each for each in select._event_listeners.values() if each.type == "popupShow"]:
        select._handle_event({"listener_id": each.id, "args": []})
    return select


def tick(visit: Visit, label: str) -> Any:
    found = [
        each
        for kind in (ui.checkbox, ui.switch)
        for each in visit.elements(kind)
        if each.text == label
    ]
    assert found, f"no tick box {label}"
    return found[-1]


async def drop(
    visit: Visit, content: str | bytes, name: str = "export.csv", place: int = 0
) -> None:
    """A file as the browser sends it: streamed first, then announced to the page. `place`: of those
    that take a file."""

    async def chunks() -> AsyncIterator[bytes]:
        yield content.encode() if isinstance(content, str) else content

    ticket = await visit.site.incoming.receive(chunks(), file_name=name)
    press(visit.elements(FileDrop)[place], "received", {"ticket": ticket, "name": name})


def previewed(visit: Visit) -> list[str]:
    """Titles of the preview: in the book, in Google, on a phone, of each appointment in turn."""
    pages = "".join(each.content for each in visit.elements(StaticHtml))
    return [html.unescape(each) for each in re.findall(r'class="shown__title">(.*?)</p>', pages)]
