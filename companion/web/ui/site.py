"""Site: what every page is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from companion.domain.users import User
from companion.services.access.policy import Action, may, may_somewhere
from companion.services.access.rules import Rule
from companion.web.access import PageServices
from companion.web.incoming import Incoming
from companion.web.options import AppOptions
from companion.web.ui import formatting

if TYPE_CHECKING:
    from datetime import datetime

    from companion.web.ui.book.pulse import BookPulse
    from companion.web.ui.upload_board import UploadBoard


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    services: PageServices
    """Behind the gate: every call checks whether the signed-in user may make it."""
    options: AppOptions
    incoming: Incoming
    live: UploadBoard
    """Behind the gate too."""
    pulse: BookPulse
    """Shared by all windows of the Appointment Book; it gives a number and nothing else."""
    who: Callable[[], User]
    """The signed-in user of the page at hand; raises SignedOut."""
    practice_name: Callable[[], str]
    """For error pages, also where nobody is known at the page; raises CompanionError."""
    server_reachable: Callable[[], bool]
    """Of a shared practice; always, of one that is not."""
    known_until: Callable[[], str]
    """The time of day at which that server answered last; empty while it is reachable."""
    pages: dict[str, Rule] = field(default_factory=dict)
    """By path: whom each page lets in."""

    def may(self, action: Action, practitioner_id: str = "") -> bool:
        """To decide what a page offers; whether a call is allowed, the gate decides."""
        return self.rights()(action, practitioner_id)

    def rights(self) -> Callable[[Action, str], bool]:
        """`may` as of now: to draw two hundred practitioners, who is there is asked for once."""
        user = self.who()

        def allowed(action: Action, practitioner_id: str) -> bool:
            if practitioner_id:
                return may(user, action, practitioner_id)
            return may_somewhere(user, action)

        return allowed

    def short(self, moment: datetime) -> str:
        """``09:41`` today, ``Mon 23 Nov, 09:41`` before, on the practice's clock."""
        return formatting.short(moment, self.timezone, self.services.clock.now())

    @property
    def timezone(self) -> str:
        """The practice's zone: times on screen are shown in it."""
        return self.services.settings.read().practice.timezone
