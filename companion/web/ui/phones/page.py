"""Phone links: a practitioner's own page, and the practice's overview of all."""

from __future__ import annotations

from companion.domain.settings import PractitionerSettings
from companion.services.access.policy import Action
from companion.services.access.rules import Rule
from companion.services.ports import FeedLink
from companion.web.ui.pages import page
from companion.web.ui.phones.device import open_link_dialog, warn_of_listener
from companion.web.ui.phones.practice import PhonePractice
from companion.web.ui.phones.reach import PhoneReach
from companion.web.ui.phones.table import PhoneTable
from companion.web.ui.phones.wizard import open_wizard
from companion.web.ui.site import Site
from companion.web.ui.theme import back_link, button, card, frame, notice, page_head, text


def create(site: Site) -> None:
    @page(site, "/phone", Rule(Action.PHONE, somewhere=True))
    async def phones() -> None:
        own = site.who().practitioner_id
        if own:
            await _theirs(site, own)
            return
        with frame(site, "Phone links", active="/phone"):
            overview = PhonePractice(site)
            if site.may(Action.PRACTICE):
                PhoneReach(site)
            await overview.fill()

    @page(site, "/phone/{practitioner_id}", Rule(Action.PHONE, of="practitioner_id"))
    async def phone(practitioner_id: str) -> None:
        await _theirs(site, practitioner_id)


async def _theirs(site: Site, practitioner_id: str) -> None:
    record = site.services.settings.read().practitioner(practitioner_id)
    with frame(site, f"Phone links of {record.practitioner.name}", active="/phone"):
        if site.who().practitioner_id != record.practitioner.id:
            back_link("All phone links", "/phone")
        await _PhonesPage(site, record).fill()


class _PhonesPage:
    def __init__(self, site: Site, record: PractitionerSettings) -> None:
        self._site = site
        self._record = record
        services = site.services
        actions, _lead = page_head("Phone links", record.practitioner.name)
        if services.settings.read().practice.feeds_allowed:
            with actions:
                button("Add a device", self._add, icon="add_link", look="primary")
        else:
            with notice("warn"):
                text("The practice has switched phone links off.", "strong")
                text("Existing links show one entry that says so.")
        warn_of_listener(site)
        with card("Devices"):
            text(services.reachability.sentence(), "card__lead")
            self._table = PhoneTable(site, record, self._show)

    async def fill(self) -> None:
        await self._table.fill()

    async def _add(self) -> None:
        await open_wizard(self._site, self._record, self._made)

    async def _made(self, link: FeedLink, url: str, kind: str) -> None:
        await self.fill()
        open_link_dialog(self._site, url, link.label, link.practitioner_id, kind)

    async def _show(self, link: FeedLink, url: str) -> None:
        open_link_dialog(self._site, url, link.label, link.practitioner_id, "apple")
