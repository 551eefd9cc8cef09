"""PhoneTable: every link of one practitioner, who fetches it, and what can be done about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from nicegui import ui

from companion.domain.settings import PractitionerSettings
from companion.services.feeds.answers import FeedBody
from companion.services.feeds.facts import LinkFacts, facts_of
from companion.services.feeds.links import last_day
from companion.services.ports import FeedLink
from companion.web.ui import formatting
from companion.web.ui.components.dialogs import question
from companion.web.ui.error_reports import notify_done
from companion.web.ui.phones.formatting import (
    STATES,
    WHY_A_LIMIT,
    fetched,
    interval,
    shows,
    size_line,
    trimmed,
)
from companion.web.ui.phones.wizard import open_change
from companion.web.ui.site import Site
from companion.web.ui.static_html import StaticHtml, tag
from companion.web.ui.theme import badge, box, button, notice, scrolling, text

HEADINGS = ("Device", "Last fetched", "Fetches", "Size", "Works until")
_HEAD = tag(
    "tr",
    *(tag("th", each, scope="col") for each in HEADINGS),
    tag("th", tag("span", "Actions", class_="sr-only"), scope="col"),
)
Show = Callable[[FeedLink, str], Awaitable[None]]
"""Called with a link and its URL, to be shown."""


class PhoneTable:
    def __init__(self, site: Site, record: PractitionerSettings, show: Show) -> None:
        self._site = site
        self._record = record
        self._show = show
        self._place = box("stack stack--loose")

    async def fill(self) -> None:
        services = self._site.services
        links = await services.feeds.links(self._record.practitioner.id)
        now = services.clock.now()
        unused_after = services.settings.read().practice.feed_unused_after
        every = [facts_of(link, now, unused_after) for link in links]
        every.sort(key=lambda each: not each.works)  # stable: oldest first among equals
        bodies = await services.feeds.bodies(self._record.practitioner.id) if links else {}
        self._place.clear()
        with self._place:
            if not every:
                text("No device yet. Each gets a link of its own, so that one can be switched off.")
                return
            self._flag(every)
            with scrolling("Links"), box("table table--stacks", tag="table"):
                StaticHtml(_HEAD, tag="thead")
                with box(tag="tbody"):
                    for each in every:
                        self._row(each, bodies.get(each.link.id))
            text(WHY_A_LIMIT, "soft small")
            if sum(each.works for each in every) > 1:
                with box("actions"):
                    button(
                        "Switch all off",
                        self._ask_all,
                        icon="link_off",
                        look="danger",
                    )

    def _flag(self, every: list[LinkFacts]) -> None:
        unused = [each.link.label for each in every if each.state == "unused"]
        if unused:
            names = ", ".join(f"“{label}”" for label in unused)
            with notice("warn"):
                text("Switch off what nobody uses any more.", "strong")
                text(f"Not fetched for a long time: {names}.")

    def _row(self, facts: LinkFacts, body: FeedBody | None) -> None:
        link = facts.link
        now, zone = self._site.services.clock.now(), self._record.practitioner.timezone
        with box(tag="tr"):
            with _cell(0):
                text(link.label, "strong")
                text(shows(facts), "small soft")
                if facts.state != "new":  # the next cell shows it
                    badge(*STATES[facts.state])
            with _cell(1):
                seen = text(fetched(facts, now))
                seen.props["title"] = formatting.exact(link.last_fetched_at, zone)
            with _cell(2):
                if pace := interval(facts.interval):
                    text(pace)
            with _cell(3):
                if body is not None:
                    text(size_line(body.size, body.events))
                    if left_out := trimmed(body.trimmed_past, body.trimmed_future):
                        badge("Too large", "warn")
                        text(left_out, "small")
            with _cell(4):
                until = last_day(link, zone)
                text(formatting.day(until, year=True) if until else "No end")
            with box("table__actions", tag="td"):
                if facts.works:
                    self._actions(link)

    def _actions(self, link: FeedLink) -> None:
        with box("actions"):
            if self._site.who().practitioner_id == link.practitioner_id:
                self._act("Show", "qr_code", link, partial(self._again, link))
            self._act("Change", "edit", link, partial(self._change, link))
            self._act("Renew", "autorenew", link, partial(self._ask_renew, link))
            self._act("Switch off", "link_off", link, partial(self._ask_revoke, link))

    @staticmethod
    def _act(label: str, icon: str, link: FeedLink, act: Callable[[], object]) -> None:
        made = button(label, act, icon=icon, look="plain")
        made.props["aria-label"] = f"{label}: {link.label}"

    async def _again(self, link: FeedLink) -> None:
        await self._show(link, await self._site.services.feeds.url(link.id))

    async def _change(self, link: FeedLink) -> None:
        await open_change(
            self._site, self._record, link, partial(self._done, "Saved; the link is the same.")
        )

    def _ask_renew(self, link: FeedLink) -> None:
        async def renew() -> None:
            made, url = await self._site.services.feeds.renew(link.id)
            await self._done("The old link is switched off.")
            await self._show(made, url)

        with question(f"Renew “{link.label}”?", "Renew", renew):
            text(
                "The device gets a new link, which has to be set up there. The old one is switched "
                "off at once. Do this when a link may have become known to others, or was lost."
            )

    def _ask_revoke(self, link: FeedLink) -> None:
        async def revoke() -> None:
            await self._site.services.feeds.revoke(link.id)
            await self._done("The link is switched off.")

        with question(f"Switch off “{link.label}”?", "Switch off", revoke):
            text("The device then shows one entry that says so. This cannot be undone.")

    def _ask_all(self) -> None:
        person = self._record.practitioner

        async def revoke_all() -> None:
            count = await self._site.services.feeds.revoke_all(person.id)
            await self._done(f"{formatting.counted(count, 'link')} switched off.")

        with question("Switch all links off?", "Switch all off", revoke_all):
            text(
                f"Every device of {person.name} then shows one entry that says so. This cannot be "
                "undone."
            )

    async def _done(self, sentence: str) -> None:
        await self.fill()
        notify_done(sentence)


def _cell(column: int) -> ui.element:
    """Bears its heading for narrow windows, where rows are stacked."""
    cell = box(tag="td")
    cell.props["data-heading"] = HEADINGS[column]
    return cell
