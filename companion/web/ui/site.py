"""Site: what every page is given, and registering all pages with NiceGUI."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from companion.domain.users import User
from companion.services.accounts.policy import Action, may, may_somewhere
from companion.services.assembly import Application
from companion.web.incoming import Incoming
from companion.web.options import AppOptions

if TYPE_CHECKING:
    from companion.web.ui.upload_board import UploadBoard


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    services: Application
    """Behind the gate: every call asks whether the signed-in user may."""
    options: AppOptions
    incoming: Incoming
    live: UploadBoard
    """Behind the gate too."""
    who: Callable[[], User]
    """The signed-in user of the page at hand; raises SignedOut."""

    def may(self, action: Action, practitioner_id: str = "") -> bool:
        """To decide what a page offers; whether it is done, the gate decides."""
        user = self.who()
        if practitioner_id:
            return may(user, action, practitioner_id)
        return may_somewhere(user, action)

    @property
    def timezone(self) -> str:
        """The practice's zone: times on screen are said in it."""
        return self.services.settings.read().practice.timezone
