"""Site: what every page is given, and registering all pages with NiceGUI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from companion.services.house import Services
from companion.web.incoming import Incoming
from companion.web.options import AppOptions

if TYPE_CHECKING:
    from companion.web.ui.live import Live


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    services: Services
    options: AppOptions
    incoming: Incoming
    live: Live

    @property
    def timezone(self) -> str:
        """The practice's zone: times on screen are said in it."""
        return self.services.settings.read().practice.timezone
