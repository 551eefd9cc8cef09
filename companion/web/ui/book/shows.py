"""*What does Google show?*: one appointment in the book, in Google and on the phones, side by side.

Made by the same projection as every write: what is shown here is what is sent.
"""

from __future__ import annotations

from companion.domain.events import CalendarEvent
from companion.services.book.view import BookView, Shows
from companion.services.ports import FeedDetail
from companion.services.reminders import reminder_words
from companion.web.ui import formatting
from companion.web.ui.book.payload import title_of
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.theme import box, button, notice, text

_DETAILS = {
    FeedDetail.FULL: "full detail",
    FeedDetail.INITIALS: "initials",
    FeedDetail.BUSY: "busy only",
    FeedDetail.GOOGLE: "the same as Google",
    FeedDetail.CUSTOM: "custom",
}


async def open_shows(view: BookView, key: str) -> None:
    """Raises NotFound for what is gone."""
    shows = await view.shows(key)
    with dialog("What does Google show?", "wide") as opened:
        with notice("info"):
            text(shows.sentence)
        with box("columns"):
            with box("stack"):
                text("In the book", "soft small")
                _in_book(shows)
            with box("stack"):
                text("In Google", "soft small")
                _event(shows.google)
            for feed in shows.feeds:
                with box("stack"):
                    detail = _DETAILS[feed.detail]
                    links = f" ({', '.join(feed.links)})" if feed.links else ""
                    text(f"On phones, {detail}{links}", "soft small")
                    _event(feed.event)
        button("Close", opened.close, look="primary")


def _in_book(shows: Shows) -> None:
    occurrence, appointment = shows.entry.occurrence, shows.entry.appointment
    with box("shown"):
        text(title_of(appointment, occurrence.title), "shown__title")
        span = formatting.span(occurrence.start, occurrence.end, all_day=appointment.all_day)
        text(span, "small")
        rest = (appointment.appointment_type, occurrence.location)
        text(" · ".join(filter(None, rest)), "small soft")
        if occurrence.notes:
            text(occurrence.notes, "small notes")


def _event(event: CalendarEvent | None) -> None:
    with box("shown"):
        if event is None:
            text("Nothing", "shown__title")
            return
        text(event.summary, "shown__title")
        text(formatting.local_span(event.begins, event.ends, event.timezone), "small")
        if event.location:
            text(event.location, "small soft")
        if event.description:
            text(event.description, "small notes")
        if event.reminder_minutes is not None:
            text(f"Reminder: {reminder_words(event.reminder_minutes).lower()}", "small soft")
