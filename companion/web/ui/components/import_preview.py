"""What an import would do, and what it did: counts, rows, rejected rows, new names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nicegui import ui

from companion.web.ui import formatting
from companion.web.ui.error_reports import report_errors
from companion.web.ui.site import Site
from companion.web.ui.theme import box, card, notice, text

if TYPE_CHECKING:
    from companion.services.imports.importing import ImportPreview, ImportReport

_CREATE = "+"
_MARKS = {
    "add": ("add_circle", "Add"),
    "change": ("edit", "Change"),
    "remove": ("remove_circle", "Remove"),
    "move": ("schedule", "Move"),
    "cancel": ("event_busy", "Cancel"),
    "older": ("history", "Older, left alone"),
    "same": ("content_copy", "In the book already"),
    "kept": ("shield", "Kept"),
}
_LOOKS = {"cancel": "remove", "move": "change", "older": "kept", "same": "kept"}
MOST_REJECTED = 200


def tallies(*counts: tuple[str, int, bool]) -> None:
    """(what, how many, is it bad when there are any)."""
    with box("tallies", tag="ul"):
        for name, count, bad in counts:
            with box("tally tally--bad" if bad and count else "tally", tag="li"):
                text(formatting.number(count), tag="strong")
                text(name, "soft small", tag="span")


class ImportView:
    """The preview on screen; answering whose name it is works out the counts again."""

    def __init__(self, site: Site, preview: ImportPreview) -> None:
        self._site = site
        self._original = preview
        self.preview = preview
        self.on_change: Callable[[], None] = lambda: None
        self._agreed: ui.checkbox | None = None
        self._choices: dict[str, ui.select] = {}
        self._changes = box("stack stack--loose")
        if preview.new_names:
            self._ask_names()
        if preview.rejected:
            _rejected(preview)
        self._held = box()
        self._draw()

    @property
    def agreed(self) -> bool:
        """May it be applied: nothing is held, or a person ticked that they looked."""
        return not self.preview.held or self.released

    @property
    def released(self) -> bool:
        return self._agreed is not None and bool(self._agreed.value)

    def assignments(self) -> dict[str, str | None]:
        """Name in the file → known practitioner's id, or None to create."""
        return {
            name: None if choice.value == _CREATE else str(choice.value)
            for name, choice in self._choices.items()
        }

    def _draw(self) -> None:
        self._changes.clear()
        with self._changes:
            _changes(self.preview)
        self._held.clear()
        self._agreed = None
        if self.preview.held:
            with self._held, notice("warn", alert=True):
                text("This would change a lot", "strong")
                text(self.preview.held)
                self._agreed = ui.checkbox(
                    "I have checked it: change the book",
                    on_change=lambda _: self.on_change(),
                )
        self.on_change()

    def _ask_names(self) -> None:
        known = self._site.services.settings.read().practitioners
        with card("New names"):
            text(
                "No practitioner is known by these names. Create each, or say whose name it is "
                "when it is only spelt differently.",
                "card__lead",
            )
            for new in self.preview.new_names:
                options = {_CREATE: "Create as a new practitioner"}
                options |= {
                    key: f"Is the same as {record.practitioner.name}"
                    for key, record in known.items()
                }
                with box("columns"):
                    with box("stack"):
                        text(new.name, "strong")
                        text(formatting.counted(new.rows, "row"), "soft small")
                    suggested = new.suggestion if new.suggestion in known else None
                    choice = ui.select(
                        options,
                        value=suggested or _CREATE,
                        label=f"Who is {new.name}?",
                        on_change=report_errors(self._reconsider),
                    )
                    self._choices[new.name] = choice.classes("field").props("outlined")
        if any(value is not None for value in self.assignments().values()):
            ui.timer(0.01, report_errors(self._reconsider), once=True)

    async def _reconsider(self) -> None:
        self.preview = await self._site.services.importing.reconsider(
            self._original, self.assignments()
        )
        self._draw()


def _changes(preview: ImportPreview) -> None:
    with card("What would change"):
        how = "whole book" if preview.snapshot else "changes only"
        text(f"{preview.file_name}: {preview.layout}, {how}.", "soft")
        tallies(
            ("added", preview.added, False),
            ("changed", preview.changed, False),
            ("removed", preview.removed, bool(preview.held)),
            ("unchanged", preview.unchanged, False),
            *_more_counts(preview),
            ("rejected", len(preview.rejected), True),
        )
        text(f"Matched by {preview.matched_by}. {preview.why_whole}".strip(), "soft small")
        _say_kept(preview)
        if preview.samples:
            _rows(preview)


def _rows(preview: ImportPreview) -> None:
    scroll = box("scroll scroll--tall").props('tabindex=0 role=region aria-label="Changes"')
    with scroll, box("table", tag="table"):
        with box(tag="thead"), box(tag="tr"):
            for heading in ("Change", "When", "Client", "Practitioner", "Kind", "What"):
                text(heading, tag="th").props("scope=col")
        with box(tag="tbody"):
            for row in preview.samples:
                icon, label = _MARKS[row.action]
                when = formatting.span(row.start, row.end, all_day=row.all_day)
                with box(tag="tr"):
                    look = _LOOKS.get(row.action, row.action)
                    with box(tag="td"), box(f"mark mark--{look}", tag="span"):
                        ui.icon(icon).props("aria-hidden=true")
                        text(label, tag="span")
                    text(when, "when", tag="td")
                    text(row.client, tag="td")
                    text(row.practitioner, tag="td")
                    text(row.kind.value.capitalize() if row.kind else "–", tag="td")
                    text(" – ".join(filter(None, (row.what, row.why))), tag="td")
    total = preview.added + preview.changed + preview.removed
    if total > len(preview.samples):
        more = formatting.number(total - len(preview.samples))
        text(f"The first {formatting.number(len(preview.samples))}; {more} more.", "soft small")


def _more_counts(what: ImportPreview | ImportReport) -> tuple[tuple[str, int, bool], ...]:
    """Those that most files have none of."""
    kept = sum(each.count for each in what.kept)
    counts = (("cancelled", what.cancelled), ("older", what.older), ("not removed", kept))
    return tuple((name, count, False) for name, count in counts if count)


def _say_kept(what: ImportPreview | ImportReport) -> None:
    for each in what.kept:
        text(f"{formatting.counted(each.count, 'appointment')} not removed: {each.why}.", "small")


def _rejected(preview: ImportPreview) -> None:
    with card("Rows that cannot be used"):
        text("They are left out; every other row is fine. The row is counted as in the file.")
        scroll = box("scroll scroll--tall")
        scroll.props('tabindex=0 role=region aria-label="Rejected rows"')
        with scroll, box("table", tag="table"):
            with box(tag="thead"), box(tag="tr"):
                for heading in ("Row", "Why"):
                    text(heading, tag="th").props("scope=col")
            with box(tag="tbody"):
                for each in preview.rejected[:MOST_REJECTED]:
                    with box(tag="tr"):
                        text(formatting.number(each.row), "number", tag="td")
                        text(each.reason, tag="td")
        if len(preview.rejected) > MOST_REJECTED:
            more = formatting.number(len(preview.rejected) - MOST_REJECTED)
            text(f"… and {more} more.", "soft small")


def show_report(report: ImportReport, preview: ImportPreview) -> None:
    with notice("ok"):
        text("The book is up to date with the file.", "strong").props("role=status")
        if report.created:
            names = ", ".join(each.name for each in report.created)
            text(f"New: {names}. Connect each to Google from the overview.")
    with card("Imported"):
        text(f"{preview.file_name}, as source “{report.source}”.", "soft")
        tallies(
            ("added", report.added, False),
            ("changed", report.changed, False),
            ("removed", report.removed, False),
            ("unchanged", report.unchanged, False),
            *_more_counts(report),
            ("rejected", len(report.rejected), True),
        )
        _say_kept(report)
    if preview.rejected:
        _rejected(preview)
