"""The imports so far: when, who, what they did. Each can be undone, after a look at what that
does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from companion.web.ui import formatting
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.error_reports import notify_done, report_errors
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, card, notice, scrolling, text

if TYPE_CHECKING:
    from companion.services.imports.history import UndoPreview
    from companion.services.ports import ImportRecord

AT_FIRST, MORE = 8, 50
MOST_LEFT = 10
_WHO = {
    "folder": "Watched folder",
    "link": "Fetched by itself",
    "import": "A command",
    "command": "A command",
    "demo": "Demo",
    "": "–",
}
_HEADINGS = ("When", "Who", "File", "Source", "What it did", "Undo")


class Imports:
    """Filled in once the page stands."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._limit = AT_FIRST
        self._place = box()
        ui.timer(0.05, report_errors(self.fill), once=True)

    async def fill(self) -> None:
        found = await self._site.services.imports.recent(self._limit + 1)
        self._place.clear()
        if not found:
            return
        shown = found[: self._limit]
        with self._place, card("Imports so far"):
            with scrolling("The imports"), box("table table--stacked", tag="table"):
                with box(tag="thead"), box(tag="tr"):
                    for heading in _HEADINGS:
                        text(heading, tag="th").props("scope=col")
                with box(tag="tbody"):
                    for each in shown:
                        self._line(each)
            if len(found) > len(shown):
                button("Show more", self._show_more, look="plain")

    async def _show_more(self) -> None:
        self._limit += MORE
        await self.fill()

    def _line(self, record: ImportRecord) -> None:
        cells = (
            self._site.short(record.at),
            _WHO.get(record.by, record.by),
            record.file_name or "–",
            record.source,
            did(record),
        )
        with box(tag="tr"):
            for heading, words in zip(_HEADINGS, cells, strict=False):
                text(words, tag="td").props["data-label"] = heading
            with box(tag="td") as last:
                last.props["data-label"] = _HEADINGS[-1]
                if record.undone_at is not None:
                    when = self._site.short(record.undone_at)
                    text(f"Undone, {when}, {_WHO.get(record.undone_by, record.undone_by)}")
                elif record.can_undo:
                    undo_button(self._site, record, self.fill)


def did(record: ImportRecord) -> str:
    if not record.file_name:
        return f"All {formatting.counted(record.removed, 'appointment')} of the source removed"
    parts = [
        f"{formatting.number(count)} {word}"
        for count, word in (
            (record.added, "added"),
            (record.changed, "changed"),
            (record.removed, "removed"),
            (record.cancelled, "of them cancelled"),
            (record.older, "older, left alone"),
            (record.kept, "not removed"),
            (record.rejected, "rejected"),
        )
        if count
    ]
    return ", ".join(parts) or "Nothing changed"


def undo_button(
    site: Site, record: ImportRecord, on_undone: Callable[[], Awaitable[None] | None]
) -> None:
    made = button("Undo …", partial(_ask, site, record, on_undone), icon="undo")
    made.props["aria-label"] = f"Undo the import of {record.file_name or record.source}"


async def _ask(
    site: Site, record: ImportRecord, on_undone: Callable[[], Awaitable[None] | None]
) -> None:
    preview = await site.services.imports.look_at(record.id)
    with dialog("Undo this import?") as opened:
        whose = _WHO.get(record.by, record.by)
        text(f"{record.file_name or record.source}, {site.short(record.at)}, {whose}.", "soft")
        text(preview.sentence, "strong")
        if preview.left:
            _say_left(preview)
        text(
            "Google and the phone links follow. The next file of this source brings its "
            "appointments again, unless it is corrected.",
            "soft small",
        )

        async def go() -> None:
            undone = await site.services.imports.undo(record.id, by=site.who().name)
            opened.close()
            left = f" {undone.left} were changed since and stay." if undone.left else ""
            notify_done(f"The import is undone.{left}")
            result = on_undone()
            if result is not None:
                await result

        with box("actions"):
            button("Undo this import", go, look="danger", icon="undo")
            button("Leave it", opened.close, look="primary")


def _say_left(preview: UndoPreview) -> None:
    """A clear word about later edits."""
    one = preview.left == 1
    with notice("warn"):
        text(
            f"{formatting.counted(preview.left, 'appointment')} "
            f"{'has' if one else 'have'} been changed since, by a later import or in the book: "
            f"{'it stays as it is' if one else 'they stay as they are'} now. Undo the later import "
            "first, if you want all of this one undone."
        )
        known = [each for each in preview.later if each is not None][:MOST_LEFT]
        for each in known:
            when = formatting.span(each.start, each.end, all_day=each.all_day)
            text(f"{when}: {each.client_name or each.title or each.appointment_type}", "small")
        more = len(preview.later) - len(known)
        if known and more > 0:
            text(f"and {formatting.number(more)} more", "small")
