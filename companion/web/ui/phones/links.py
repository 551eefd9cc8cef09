"""PhoneLinks: on a practitioner's page, how many devices have a link, and the way to them."""

from __future__ import annotations

from companion.services.feeds.facts import facts_of
from companion.web.ui import formatting
from companion.web.ui.phones.device import warn_of_listener
from companion.web.ui.phones.formatting import STATES, fetched
from companion.web.ui.site import Site
from companion.web.ui.theme import badge, box, link_button, text


class PhoneLinks:
    def __init__(self, site: Site, practitioner_id: str) -> None:
        self._site = site
        self._practitioner_id = practitioner_id
        warn_of_listener(site)
        self._list = box("stack stack--loose")
        with box("actions"):
            link_button("Phone links", f"/phone/{practitioner_id}", icon="smartphone")

    async def fill(self) -> None:
        services = self._site.services
        links = await services.feeds.links(self._practitioner_id)
        now = services.clock.now()
        unused_after = services.settings.read().practice.feed_unused_after
        every = [facts_of(link, now, unused_after) for link in links]
        working = [each for each in every if each.works]
        self._list.clear()
        with self._list:
            if not working:
                text("No device has a link yet.", "soft")
                return
            text(f"{formatting.counted(len(working), 'device')} with a link:", "soft")
            for each in working:
                with box("card__head"):
                    with box("stack"):
                        text(each.link.label, "strong")
                        if each.link.last_fetched_at is not None:
                            text(fetched(each, now), "soft small")
                    if each.state != "in use":
                        badge(*STATES[each.state])
