"""A desktop in memory: `Desktop` of companion.services.this_computer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from companion.domain.errors import CompanionError
from companion.services.this_computer import DesktopEntryState


@dataclass
class FakeEntry:
    found: DesktopEntryState = field(
        default_factory=lambda: DesktopEntryState(there=False, place="the fake desktop")
    )
    trouble: CompanionError | None = None

    def state(self) -> DesktopEntryState:
        return self.found

    def add(self) -> None:
        self._put(there=True)

    def remove(self) -> None:
        self._put(there=False)

    def _put(self, *, there: bool) -> None:
        if self.trouble:
            raise self.trouble
        self.found = replace(self.found, there=there, fault="", what="")


@dataclass
class FakeDesktop:
    autostart: FakeEntry = field(default_factory=FakeEntry)
    menu: FakeEntry = field(default_factory=FakeEntry)
