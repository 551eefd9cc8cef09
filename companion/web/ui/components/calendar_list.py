"""The calendars of the account that signed in, to choose one."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from nicegui import ui

from companion.domain.errors import BadInput, CalendarInUse, CalendarNotReached
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.components.take_over import ask_to_take_over
from companion.web.ui.error_reports import report_errors
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, link_button, text

if TYPE_CHECKING:
    from companion.services.ports import CalendarInfo

WIDER = (
    "For a calendar that is shared, Google gives permission only for events on all calendars of "
    "the account. Calendar Companion uses it for this calendar alone. Google asks once."
)


def shared_address(practitioner_id: str, calendar_id: str) -> str:
    """Where Google is asked for the permission that a shared calendar needs."""
    query = urlencode({"calendar": calendar_id, "shared": "1"})
    return f"/oauth/start/{practitioner_id}?{query}"


class CalendarList:
    """Fills itself once the page is shown."""

    def __init__(self, site: Site, practitioner_id: str) -> None:
        self._site = site
        self._id = practitioner_id
        self._place = box("stack")
        with self._place:
            text("Your calendars are being read …", "soft").props("role=status")
        ui.timer(0.05, report_errors(self._show), once=True)

    async def _show(self) -> None:
        found = {each.id: each for each in await self._site.services.connecting.calendars(self._id)}
        self._place.clear()
        with self._place:
            if not found:
                text("This account has no calendar that may be written to.", "soft")
                return
            options = {key: _label(each) for key, each in found.items()}
            chosen = ui.radio(options, value=None).props('aria-label="My calendars"')

            async def take() -> None:
                if chosen.value is None:
                    raise BadInput("No calendar is chosen.", "Choose one of the list.")
                await self._take(found[str(chosen.value)])

            button("Use this calendar", take, look="primary", icon="check")
            text("Or choose another way below and press Connect again.", "soft small")

    async def _take(self, calendar: CalendarInfo) -> None:
        try:
            await self._site.services.connecting.choose(self._id, calendar.id)
        except CalendarInUse as error:
            ask_to_take_over(self._site, self._id, error)
        except CalendarNotReached:
            self._explain_wider(calendar)
        else:
            ui.navigate.to(f"/practitioner/{self._id}")

    def _explain_wider(self, calendar: CalendarInfo) -> None:
        with dialog(f"“{calendar.name}” is shared with this account") as opened, box("stack"):
            text(WIDER)
            with box("actions"):
                target = shared_address(self._id, calendar.id)
                link_button("Continue at Google", target, look="primary", icon="login")
                button("Choose another", opened.close, look="plain")


def _label(calendar: CalendarInfo) -> str:
    if calendar.primary:
        return f"{calendar.name} (your main calendar)"
    owned = calendar.access_role == "owner"
    return calendar.name if owned else f"{calendar.name} (shared with you)"
