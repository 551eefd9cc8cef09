"""A desktop in memory: `Desktop` of companion.services.workstation."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from companion.domain.errors import CompanionError
from companion.services.workstation import EntryState


@dataclass
class FakeEntry:
    found: EntryState = field(
        default_factory=lambda: EntryState(there=False, place="the fake desktop")
    )
    trouble: CompanionError | None = None

    def state(self) -> EntryState:
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
