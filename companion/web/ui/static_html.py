"""Static HTML: what a page shows without interaction, such as rows of a table, as one element.

NiceGUI keeps every element on the server and watches it, which costs about a third of a millisecond
each: a table of two hundred rows as elements blocks every page for half a second. Here it is one
text. All words in it are escaped by markupsafe, attributes too, so a client called ``<b>`` is shown
so.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup, escape
from nicegui import ui

_TAGS = re.compile(r"<[^>]*>")


def tag(name: str, *inside: str, **attributes: str) -> Markup:
    """``tag("td", "words", class_="when")``. Plain strings are escaped, Markup is taken as it is;
    ``aria_label`` becomes ``aria-label``. The text decides its own direction, so any script is
    right."""
    named = (
        {"dir": "auto", **attributes}
        if any(not isinstance(e, Markup) for e in inside)
        else attributes
    )
    pairs = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in named.items()
    )
    return Markup(f"<{name}{pairs}>{''.join(map(escape, inside))}</{name}>")  # noqa: S704 - all of it is escaped


def icon(drawing: str, *, name: str = "") -> Markup:
    """A Material icon; without a name a screen reader skips it."""
    spoken = {"role": "img", "aria_label": name} if name else {"aria_hidden": "true"}
    return tag("i", escape(drawing), class_="q-icon material-icons", **spoken)


class StaticHtml(ui.html):
    """Markup on a page."""

    def __init__(self, content: Markup, classes: str = "", *, tag: str = "div") -> None:
        super().__init__(content, sanitize=False, tag=tag)
        if classes:
            self.classes(classes)

    def _displayed_contents(self, *, only_visible: bool) -> list[Any]:  # noqa: ARG002 - NiceGUI's
        """To tests: the words that a person sees."""
        return [html.unescape(_TAGS.sub(" ", self.content))]


def table(headings: Sequence[str], rows: Iterable[Iterable[str]]) -> StaticHtml:
    """A plain table; each row is what its cells hold, of which the first names it. In a narrow
    window a row is a stack, each cell beside its heading."""

    def row_of(cells: Sequence[str]) -> Markup:
        pairs = zip(headings[1:], cells[1:], strict=True)
        return tag(
            "tr",
            tag("th", cells[0], scope="row"),
            *(tag("td", cell, data_heading=heading) for heading, cell in pairs),
        )

    lines = (row_of(list(cells)) for cells in rows)
    return table_of_rows(headings, lines, "table table--stacks")


def table_of_rows(
    headings: Iterable[str], rows: Iterable[Markup], look: str = "table"
) -> StaticHtml:
    """`rows`: each a ``tr``."""
    head = tag("tr", *(tag("th", each, scope="col") for each in headings))
    body = Markup("").join(rows)
    return StaticHtml(tag("thead", head) + tag("tbody", body), look, tag="table")
