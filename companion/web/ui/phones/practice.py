"""The practice's view of all links: who has some, and what they may show at most.

The links themselves are not shown here, except a new one to who makes it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime

from nicegui import ui

from companion.services.feeds.facts import LinkFacts, facts_of
from companion.services.ports import FeedLink
from companion.web.ui import formatting
from companion.web.ui.components.dialogs import dialog, question
from companion.web.ui.components.fields import clear_errors
from companion.web.ui.error_reports import notify_done, report_errors
from companion.web.ui.phones.device import open_link_dialog
from companion.web.ui.phones.formatting import limited
from companion.web.ui.phones.wizard import open_wizard
from companion.web.ui.site import Site
from companion.web.ui.static_html import table, tag
from companion.web.ui.theme import box, button, card, link_button, page_head, scrolling, text


class PhonePractice:
    def __init__(self, site: Site) -> None:
        self._site = site
        settings = site.services.settings.read()
        practice = settings.practice
        actions, _lead = page_head(
            "Phone links", "A private link for each device of each practitioner"
        )
        if practice.feeds_allowed and settings.practitioners:
            with actions:
                button("Add a device", self._ask_whose, icon="add_link", look="primary")
        with card("Who has links"):
            self._place = box("stack stack--loose")
        with card("What links may show"):
            limit = limited(practice.cap) or "everything that its owner chooses"
            text(f"At most: {limit}.")
            with box("actions"):
                link_button("Change the limit", "/practice", icon="visibility")
            self._allowed = ui.switch(
                "Practitioners may have links for phones",
                value=practice.feeds_allowed,
                on_change=report_errors(self._switch),
            )
            text(
                "While this is off, every link shows one entry that says so; switched on again, "
                "they show appointments again.",
                "soft small",
            )

    async def fill(self) -> None:
        services = self._site.services
        now = services.clock.now()
        settings = services.settings.read()
        theirs: dict[str, list[LinkFacts]] = defaultdict(list)
        for link in await services.feeds.links(None):
            facts = facts_of(link, now, settings.practice.feed_unused_after)
            if facts.works:
                theirs[link.practitioner_id].append(facts)
        self._place.clear()
        with self._place:
            if not settings.practitioners:
                text("No practitioners yet.", "soft")
                return
            with scrolling("Links by practitioner"):
                table(
                    ("Practitioner", "Links in use", "Last fetched", "To look at"),
                    (
                        _cells(identity, record.practitioner.name, theirs[identity], now)
                        for identity, record in settings.practitioners.items()
                    ),
                )
            if any(theirs.values()):
                with box("actions"):
                    button(
                        "Switch every link off",
                        self._ask_all,
                        icon="link_off",
                        look="danger",
                    )

    def _ask_whose(self) -> None:
        names = self._site.services.settings.read().names()
        with dialog("Add a device", "small") as opened:
            only = next(iter(names)) if len(names) == 1 else None
            whose = ui.select(names, label="Whose device?", value=only, with_input=True)
            whose.classes("field").props("outlined options-dense")

            async def go_on() -> None:
                clear_errors(whose)
                if whose.value is None:
                    whose.error = "Choose whose appointments it is to show."
                    return
                record = self._site.services.settings.read().practitioner(whose.value)
                opened.close()
                await open_wizard(self._site, record, self._made)

            with box("actions"):
                button("Go on", go_on, look="primary")
                button("Cancel", opened.close, look="plain")

    async def _made(self, link: FeedLink, url: str, kind: str) -> None:
        await self.fill()
        open_link_dialog(self._site, url, link.label, link.practitioner_id, kind)

    async def _switch(self) -> None:
        allowed = bool(self._allowed.value)
        await self._site.services.practitioners.edit_practice(
            lambda practice: replace(practice, feeds_allowed=allowed)
        )
        notify_done("Links are allowed." if self._allowed.value else "Links are switched off.")

    def _ask_all(self) -> None:
        async def revoke() -> None:
            count = await self._site.services.feeds.revoke_all(None)
            await self.fill()
            notify_done(f"{formatting.counted(count, 'link')} switched off.")

        title, yes = "Switch every link of the practice off?", "Switch every link off"
        with question(title, yes, revoke, no="Keep them"):
            text(
                "Every phone then shows one entry that says so. This cannot be undone: each device "
                "needs a new link afterwards."
            )


def _cells(identity: str, name: str, links: list[LinkFacts], now: datetime) -> tuple[str, ...]:
    fetched = [each.link.last_fetched_at for each in links if each.link.last_fetched_at]
    unused = sum(each.state == "unused" for each in links)
    flag = tag("span", f"{formatting.number(unused)} unused", class_="badge badge--warn")
    return (
        tag("a", name, href=f"/phone/{identity}"),
        formatting.number(len(links)) if links else "none",
        formatting.ago(max(fetched), now) if fetched else "not yet" if links else "",
        flag if unused else "",
    )
