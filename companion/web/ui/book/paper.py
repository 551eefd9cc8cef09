"""A day on paper: a plain table per practitioner, nothing else."""

from __future__ import annotations

from datetime import date

from nicegui import ui

from companion.services.access.policy import Action
from companion.services.access.rules import Rule
from companion.services.book.view import BookEntry
from companion.web.ui import formatting
from companion.web.ui.book.payload import title_of
from companion.web.ui.book.person import calendars_of, current_person
from companion.web.ui.pages import page
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, link_button, text


def create(site: Site) -> None:
    @page(site, "/book/print", Rule(Action.SEE_BOOK, somewhere=True))
    async def book_print(day: str = "", who: str = "", cancelled: str = "") -> None:
        view = site.services.book_view
        try:
            shown = date.fromisoformat(day)
        except ValueError:
            shown = view.today()
        records = site.services.settings.read().practitioners
        allowed = calendars_of(current_person(site), list(records))
        wanted = [each for each in allowed if not who or each in who.split(",")]
        entries = await view.entries(wanted, shown, shown)
        ui.add_head_html(
            f'<link rel="stylesheet" href="/static/calendar/book.css?v={site.options.version}">'
        )
        ui.page_title(f"Appointments {formatting.day(shown, year=True)}")
        ui.dark_mode(False)
        with box("paper"):
            with box("paper__actions actions"):
                button("Print", lambda: ui.run_javascript("window.print()"), icon="print")
                link_button("Back to the book", f"/book?day={shown.isoformat()}", look="plain")
            settings = site.services.settings.read()
            now = site.services.clock.now()
            with box("paper__head"):
                text(f"{shown:%A} {shown.day} {shown:%B} {shown.year}", tag="h1")
                text(settings.practice.name, "strong")
                printed = formatting.exact(now, settings.practice.timezone)
                text(f"Printed {printed}. Later changes are not on it.", "small")
            for practitioner_id in wanted:
                theirs = [
                    each
                    for each in entries
                    if each.appointment.practitioner_id == practitioner_id
                    and (cancelled or not each.shown.cancelled)
                ]
                if theirs or len(wanted) == 1:
                    _table(records[practitioner_id].practitioner.name, theirs)


def _table(name: str, entries: list[BookEntry]) -> None:
    with box("paper__person", tag="section"):
        text(name, tag="h2")
        if not entries:
            text("No appointments.")
            return
        with box("paper__table", tag="table"):
            with box(tag="colgroup"):
                for column in ("time", "who", "what", "where", "notes"):
                    box(f"paper__{column}", tag="col")
            with box(tag="thead"), box(tag="tr"):
                for heading in ("Time", "Who", "What", "Where", "Notes"):
                    text(heading, tag="th").props("scope=col")
            with box(tag="tbody"):
                for entry in entries:
                    _row(entry)


def _row(entry: BookEntry) -> None:
    occurrence, appointment = entry.occurrence, entry.appointment
    times = "All day" if appointment.all_day else f"{occurrence.start:%H:%M}–{occurrence.end:%H:%M}"
    title = title_of(appointment, occurrence.title)
    what = appointment.appointment_type if appointment.appointment_type != title else ""
    gone = "Cancelled. " if entry.shown.cancelled else ""
    with box(tag="tr"):
        for cell in (times, title, what, occurrence.location, f"{gone}{occurrence.notes}"):
            text(cell, "notes", tag="td")
