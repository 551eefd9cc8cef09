"""What NiceGUI does for each page far more slowly than it need, done faster."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType, SimpleNamespace
from typing import Any

from nicegui import client, helpers, json
from nicegui.classes import Classes
from nicegui.props import Props
from nicegui.style import Style

_inspected = helpers.expects_arguments
_INCURIOUS = frozenset(
    each
    for each in (Classes._update, Props._update, Style._update)
    if not _inspected(MethodType(each, object()))
)


def make_pages_faster() -> None:
    helpers.expects_arguments = _expects_arguments
    vars(client)["json"] = SimpleNamespace(dumps=_dumps, loads=json.loads)


def _expects_arguments(func: Callable[..., Any]) -> bool:
    """For every element NiceGUI inspects the same three methods, to see whether they take an event:
    a third of the time that a page takes to make. They do not."""
    return getattr(func, "__func__", None) not in _INCURIOUS and _inspected(func)


class ForHtml(str):
    """JSON that NiceGUI escapes for HTML. `str.translate` looks up each character of a text that is
    not all ASCII, which took half of the time of a page with two hundred cards."""

    __slots__ = ()

    def translate(self, table: Any, /) -> str:
        if table is not client.HTML_ESCAPE_TABLE:
            return super().translate(table)
        text = str(self)
        for character, escaped in table.items():  # & is the first
            text = text.replace(chr(character), escaped)
        return text


def _dumps(*args: Any, **named: Any) -> str:
    return ForHtml(json.dumps(*args, **named))
