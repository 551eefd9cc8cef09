"""Sources: where appointments come from by themselves, one card for each.

A timer asks what is remembered of them and draws the cards that differ anew, so a file that is
dropped, or a fetch that goes on, shows within seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from nicegui import ui

from companion.services.access.policy import Action
from companion.services.access.rules import Rule
from companion.web.ui import formatting
from companion.web.ui.error_reports import report_errors
from companion.web.ui.importing.add_source import open_add_source
from companion.web.ui.importing.history import Imports
from companion.web.ui.importing.source_card import SourceCard
from companion.web.ui.pages import page
from companion.web.ui.site import Site
from companion.web.ui.theme import back_link, box, button, frame, page_head, text

if TYPE_CHECKING:
    from companion.services.sources.sources import SourceStatus

LOOK_SECONDS = 1.5
_MOST = 500
"""Imports of today that are counted."""


def create(site: Site) -> None:
    @page(site, "/sources", Rule(Action.IMPORT))
    async def sources() -> None:
        known = await site.services.sources.overview()
        with frame(site, "Sources", active="/import"):
            back_link("Import", "/import")
            actions, _ = page_head(
                "Sources",
                "Where appointments come from by themselves, while Calendar Companion runs.",
            )
            shown = _Sources(site, known)
            if site.may(Action.PRACTICE):
                with actions:
                    shown.add_button()


class _Sources:
    def __init__(self, site: Site, known: tuple[SourceStatus, ...]) -> None:
        self._site = site
        self._list = box("stack stack--loose").props("aria-live=polite")
        self._cards: dict[str, SourceCard] = {}
        self._draw(known, {})
        self._imports = Imports(site)
        ui.timer(LOOK_SECONDS, report_errors(self.look))
        ui.timer(0.05, report_errors(self._count), once=True)

    def add_button(self) -> None:
        new = partial(open_add_source, self._site, report_errors(self.changed))
        button("Add a source …", new, icon="add", look="primary")

    async def look(self) -> None:
        known = await self._site.services.sources.overview()
        if known != self._shown:
            self._draw(known, await self._today())
            await self._imports.fill()
        going = self._site.services.fetched_sources.under_way()
        for name, each in self._cards.items():
            each.show_progress(going.get(name))

    async def changed(self) -> None:
        """Somebody did something here."""
        self._draw(await self._site.services.sources.overview(), await self._today())
        await self._imports.fill()

    async def _count(self) -> None:
        """Once the page stands."""
        self._draw(self._shown, await self._today())

    def _draw(self, known: tuple[SourceStatus, ...], today: Mapping[str, str]) -> None:
        """Only what differs: a menu that is open, or a field, stays as it is."""
        names = [each.settings.name for each in known]
        if names != [*self._cards] or not names:
            self._list.clear()
            self._cards = {}
            with self._list:
                if not known:
                    self._empty()
                for name in names:
                    self._cards[name] = SourceCard(self._site, self.changed)
        for each in known:
            self._cards[each.settings.name].draw(each, today.get(each.settings.name, ""))
        self._shown = known

    async def _today(self) -> dict[str, str]:
        """By source, what it has brought since midnight, in words."""
        zone, now = ZoneInfo(self._site.timezone), self._site.services.clock.now()
        midnight = datetime.combine(now.astimezone(zone).date(), datetime.min.time(), zone)
        counts: dict[str, list[int]] = {}
        for each in await self._site.services.imports.recent(_MOST):
            if each.at >= midnight and each.undone_at is None:
                sums = counts.setdefault(each.source, [0, 0, 0])
                for at, count in enumerate((each.added, each.changed, each.removed)):
                    sums[at] += count
        return {
            name: ", ".join(
                f"{formatting.number(count)} {word}"
                for count, word in zip(sums, ("added", "changed", "removed"), strict=True)
                if count
            )
            for name, sums in counts.items()
        }

    def _empty(self) -> None:
        with box("card empty"):
            ui.icon("cloud_sync").props("aria-hidden=true")
            text("No source yet", tag="h2")
            text(
                "Appointments can come by themselves: from a folder into which the practice "
                "software saves its exports, from the link of a calendar, or from the software "
                "itself."
            )
