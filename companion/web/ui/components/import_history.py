"""Earlier imports: who brought what, and putting the book back as it was before one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from companion.web.ui import formatting
from companion.web.ui.error_reports import notify_done, report_errors
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, card, dialog, text

if TYPE_CHECKING:
    from companion.services.ports import ImportRecord

SHOWN = 10
_HEADINGS = ("When", "File", "Undo", "Who", "Source", "Added", "Changed", "Removed", "Rejected")
_PROGRAMS = {"folder": "Watched folder", "import": "Command", "command": "Command", "demo": "Demo"}


def show_history(site: Site) -> None:
    """Filled in once the page stands."""
    place = box()

    async def fill() -> None:
        records = await site.services.imports.recent(SHOWN)
        place.clear()
        if records:
            with place:
                _table(site, records, fill)

    ui.timer(0.05, report_errors(fill), once=True)


def _table(site: Site, records: list[ImportRecord], again: Callable[[], Awaitable[None]]) -> None:
    now = site.services.clock.now()
    with card("Earlier imports"):
        scroll = box("scroll").props('tabindex=0 role=region aria-label="Earlier imports"')
    with scroll, box("table", tag="table"):
        with box(tag="thead"), box(tag="tr"):
            for heading in _HEADINGS:
                text(heading, tag="th").props("scope=col")
        with box(tag="tbody"):
            for each in records:
                with box(tag="tr"):
                    text(formatting.short(each.at, site.timezone, now), "when", tag="td")
                    text(each.file_name or "Its appointments were removed", tag="td")
                    with box(tag="td"):
                        _undo(site, each, again)
                    text(_PROGRAMS.get(each.by, each.by) or "–", tag="td")
                    text(each.source, tag="td")
                    for count in (each.added, each.changed, each.removed, each.rejected):
                        text(formatting.number(count), "number", tag="td")


def _undo(site: Site, record: ImportRecord, again: Callable[[], Awaitable[None]]) -> None:
    if record.undone_at is not None:
        text(f"Undone by {_PROGRAMS.get(record.undone_by, record.undone_by)}", "soft small")
    elif record.can_undo:
        press = report_errors(partial(_ask, site, record, again))
        what = record.file_name or record.source
        button("Undo", press, look="plain", icon="undo").props(f'aria-label="Undo {what}"')
    else:
        text("–")


async def _ask(site: Site, record: ImportRecord, again: Callable[[], Awaitable[None]]) -> None:
    preview = await site.services.imports.look_at(record.id)
    with dialog(f"Undo {record.file_name or 'the removal'}?") as opened:
        text(preview.sentence, "strong")
        text(
            "The next file of this source brings its appointments again, unless it is corrected.",
            "soft small",
        )

        async def go() -> None:
            opened.close()
            done = await site.services.imports.undo(record.id, by=site.who().name)
            undone = done.takes_out + done.puts_back + done.restores
            notify_done(f"Undone: {formatting.counted(undone, 'appointment')} as before.")
            await again()

        with box("actions"):
            button("Undo it", report_errors(go), look="danger", icon="undo")
            button("Leave it", opened.close, look="primary")
