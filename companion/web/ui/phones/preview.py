"""PhonePreview: what a link of the present choices would show, before it is made."""

from __future__ import annotations

from companion.domain.appointments import ShowAs
from companion.domain.disclosure import Disclosure
from companion.domain.events import CalendarEvent
from companion.domain.settings import PractitionerSettings
from companion.services.ports import FeedDetail
from companion.web.ui import formatting
from companion.web.ui.phones.formatting import WHY_A_LIMIT, size_line, trimmed
from companion.web.ui.site import Site
from companion.web.ui.theme import box, text

MOST_SHOWN = 4


class PhonePreview:
    def __init__(self, site: Site, record: PractitionerSettings) -> None:
        self._site = site
        self._record = record
        self._asked = 0
        text("What this link shows", tag="h3")
        self._place = box("stack").props("aria-live=polite")
        self._size = text("", "soft small")

    async def show(
        self, *, detail: FeedDetail, custom: Disclosure | None, arrears: int, advance: int
    ) -> None:
        """Read the book and draw; a later call replaces an earlier one. Raises BadInput."""
        self._asked += 1
        turn = self._asked
        found = await self._site.services.feeds.preview(
            self._record.practitioner.id,
            detail=detail,
            custom=custom,
            days_in_arrears=arrears,
            days_in_advance=advance,
        )
        if turn != self._asked:
            return
        now = self._site.services.clock.now()
        coming = [each for each in found.events if each.ends > now][:MOST_SHOWN]
        left_out = trimmed(found.trimmed_past, found.trimmed_future)
        line = size_line(found.size, len(found.events))
        self._size.set_text(f"{line}. {left_out} {WHY_A_LIMIT}" if left_out else f"{line}.")
        self._place.clear()
        with self._place:
            if not coming:
                text("No coming appointment to show with these choices.", "soft")
            for event in coming:
                _entry(event)


def _entry(event: CalendarEvent) -> None:
    with box("shown"):
        text(event.summary, "shown__title")
        when = formatting.local_span(event.begins, event.ends, event.timezone)
        text(f"{when} (free)" if event.show_as is ShowAs.FREE else when, "small")
        if event.location:
            text(event.location, "small soft")
        if event.description:
            text(event.description, tag="pre")
