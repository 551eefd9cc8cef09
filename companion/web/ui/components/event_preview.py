"""EventPreview: real upcoming appointments as Google and as a phone link would show them.

Made by the same projection as every write to Google and every feed: what is shown here is what is
sent. Below it, how many events go and how long the first upload takes by Google's quota.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from markupsafe import Markup

from companion.domain.appointments import Appointment
from companion.domain.event_keys import appointment_id_of
from companion.domain.events import CalendarEvent, project
from companion.domain.settings import PractitionerSettings, SyncChoices
from companion.domain.window import SyncWindow
from companion.services.feeds.views import disclosure_for
from companion.services.pools import EXPORTS
from companion.services.ports import FeedDetail
from companion.services.reminders import reminder_words
from companion.web.ui import formatting
from companion.web.ui.components.event_style_form import COLOURS
from companion.web.ui.site import Site
from companion.web.ui.static_html import StaticHtml, tag
from companion.web.ui.theme import text

MOST_SHOWN = 3
PHONE_DETAIL = FeedDetail.INITIALS
"""What a new link shows unless its maker chooses otherwise."""

LEFT_OUT = (
    "… is a client's name, a telephone number or an address that is left out. A name that is an "
    "ordinary word too (Hand, May) is left out where it stands for a person."
)


class EventPreview:
    def __init__(self, site: Site, record: PractitionerSettings) -> None:
        self._site = site
        self._record = record
        self._asked = 0
        self._place = StaticHtml(Markup(""), "stack").props("aria-live=polite")
        self._count = text("", "soft")

    async def show(self, choices: SyncChoices) -> set[str]:
        """Read the book and draw; a later call replaces an earlier one. The appointment types met,
        as the book spells them."""
        self._asked += 1
        turn = self._asked
        now = self._site.services.clock.now()
        person = self._record.practitioner
        window = SyncWindow.around(
            now,
            person.timezone,
            days_in_arrears=choices.days_in_arrears,
            days_in_advance=choices.days_in_advance,
        )
        slack = timedelta(days=2)
        appointments = await self._site.services.book_view.appointments(
            person.id, window.wall_start - slack, window.wall_end + slack
        )
        names = await self._site.services.book_view.names()
        settings = self._site.services.settings.read()
        draft = replace(self._record, choices=choices)
        google = settings.disclosure_of(draft)
        phone = disclosure_for(PHONE_DETAIL, draft, settings)
        events = await EXPORTS.run(
            project,
            appointments,
            window,
            google,
            names=names,
            practitioner_name=person.name,
            style=choices.style,
        )
        types = {each.appointment_type for each in appointments}
        if turn != self._asked:
            return types
        by_id = {each.id: each for each in appointments}
        chosen = _examples(by_id, [event for event in events if event.ends > now])
        theirs = {each.id: each for each in (by_id[_owner(event)] for event in chosen)}
        on_phone = project(
            theirs.values(), window, phone, names=names, practitioner_name=person.name
        )
        rate = settings.practice.user_rate
        self._count.set_text(
            f"With these choices {formatting.counted(len(events), 'event')} would be in Google. "
            f"A first upload of all of them takes about {formatting.duration(len(events) / rate)}."
        )
        if chosen:
            shown = {each.key: each for each in on_phone}
            rows = [_row(by_id[_owner(each)], each, shown.get(each.key)) for each in chosen]
        else:
            nothing = "No coming appointment to show with these choices."
            rows = [tag("p", nothing, class_="soft")]
        self._place.content = Markup("").join(rows)
        return types


def _owner(event: CalendarEvent) -> str:
    return appointment_id_of(event.key)


def _row(appointment: Appointment, event: CalendarEvent, phone: CalendarEvent | None) -> Markup:
    sides = {
        "In the book": _as_in_book(appointment, event),
        "What Google will show": _as_shown(event),
        "What a phone link shows (initials)": _as_shown(phone)
        if phone
        else tag("p", "Nothing", class_="soft"),
    }
    return tag(
        "div",
        *(
            tag("div", tag("p", heading, class_="soft small"), side, class_="stack")
            for heading, side in sides.items()
        ),
        class_="columns columns--three",
    )


def _examples(by_id: dict[str, Appointment], upcoming: list[CalendarEvent]) -> list[CalendarEvent]:
    """The next one of each kind, at most three."""
    found: dict[str, CalendarEvent] = {}
    for event in upcoming:
        appointment = by_id.get(_owner(event))
        if appointment is not None:
            found.setdefault(appointment.kind.value, event)
    return list(found.values())[:MOST_SHOWN]


def _as_in_book(appointment: Appointment, event: CalendarEvent) -> Markup:
    title = appointment.client_name or appointment.title or appointment.kind.value.capitalize()
    kind = appointment.appointment_type if appointment.appointment_type != title else ""
    rest = " · ".join(part for part in (kind, appointment.location) if part)
    return _card(title, event, (tag("p", rest, class_="small soft"),))


def _as_shown(event: CalendarEvent) -> Markup:
    more = []
    if event.location:
        more.append(tag("p", event.location, class_="small soft"))
    if event.description:
        more.append(tag("pre", event.description))
    if event.reminder_minutes is not None:
        reminder = f"Reminder: {reminder_words(event.reminder_minutes).lower()}"
        more.append(tag("p", reminder, class_="small soft"))
    if event.colour:
        more.append(tag("p", f"Colour: {COLOURS[event.colour]}", class_="small soft"))
    if "…" in f"{event.summary}{event.location}{event.description}":
        more.append(tag("p", LEFT_OUT, class_="small soft"))
    return _card(event.summary, event, more)


def _card(title: str, event: CalendarEvent, more: Iterable[Markup]) -> Markup:
    when = formatting.local_span(event.begins, event.ends, event.timezone)
    return tag(
        "div",
        tag("p", title, class_="shown__title"),
        tag("p", when, class_="small"),
        *more,
        class_="shown",
    )
