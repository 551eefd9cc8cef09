"""Watchers: which workstation of a practice looks at which folder, and whether it is on.

A folder lies where one workstation sees it: that one watches it, whoever keeps the calendars. A
folder for which none is named, as after a move into the practice, is watched by the one that keeps
the calendars, and so is what is fetched. A home that is not shared watches everything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from companion.domain.errors import StoreError
from companion.domain.settings import SourceSettings
from companion.services.ports import AlwaysHeld, Lease, Workstation, WorkstationRegistry
from companion.services.workstations import Workstations

NETWORK_PATH = "\\\\"
"""How the path of a share begins, which is the same on every workstation."""
LONG_OFF = timedelta(days=1)
"""A workstation is off overnight; after this somebody is told of the folders that it watches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """Who watches a folder of a practice."""

    name: str
    """Of the workstation; empty for one that is not of the practice any more."""
    here: bool = False
    off_since: datetime | None = None
    """When it was last seen; None while it is on."""

    @property
    def absent(self) -> str:
        """Why nobody looks at the folder, as a sentence; empty while somebody does."""
        if not self.name:
            return "The workstation that watched this folder has left the practice."
        return f"{self.name} is off: the folder is not watched." if self.off_since else ""

    def missed(self, now: datetime) -> bool:
        """Whether nobody will look at the folder, or has not for long."""
        return not self.name or (self.off_since is not None and now - self.off_since > LONG_OFF)

    @property
    def remedy(self) -> str:
        """What to do where it is absent."""
        if not self.name:
            return "Watch it from a workstation that sees it."
        return (
            "Start Calendar Companion there, or watch the folder from here if this computer sees "
            "it too."
        )


async def _nobody() -> Workstations:
    return Workstations()


class Watchers:
    def __init__(
        self,
        *,
        practice: WorkstationRegistry | None = None,
        lease: Lease | None = None,
        workstations: Callable[[], Awaitable[Workstations]] = _nobody,
    ) -> None:
        """`workstations`: as last read. `practice`: None for a home that is not shared."""
        self._practice = practice
        self._lease = lease or AlwaysHeld()
        self._workstations = workstations

    @property
    def this_one(self) -> str:
        """Id of this workstation; empty in a home that is not shared."""
        return self._practice.this_one if self._practice is not None else ""

    def is_here(self, source: SourceSettings) -> bool:
        """Whether it is looked at, or fetched, from this workstation just now. Cheap."""
        if self._practice is None or not source.folder or not source.workstation:
            return self._lease.held
        return source.workstation == self.this_one

    def is_elsewhere(self, source: SourceSettings) -> bool:
        """Whether its folder is another workstation's, and may be a different one here."""
        if self._practice is None or source.folder.startswith(NETWORK_PATH):
            return False
        return bool(source.workstation) and source.workstation != self.this_one

    async def of(self, sources: Iterable[SourceSettings]) -> dict[str, Watcher]:
        """By source: who watches its folder, where that is known."""
        named = [each for each in sources if each.folder and each.workstation]
        if self._practice is None or not named:
            return {}
        try:
            known = (await self._workstations()).all
        except StoreError:
            return {}
        return {each.name: _watcher(each, known, self.this_one) for each in named}


def missed_folders(
    sources: Iterable[SourceSettings], workstations: Workstations, now: datetime
) -> dict[str, list[str]]:
    """Names of the sources whose folder nobody will look at, or has not for long, by the id of the
    workstation that each names."""
    missed: dict[str, list[str]] = {}
    for each in sources:
        if each.folder and each.workstation:
            watcher = _watcher(each, workstations.all, workstations.this_one)
            if watcher.missed(now):
                missed.setdefault(each.workstation, []).append(each.name)
    return missed


def watched_by(workstation_id: str, sources: Iterable[SourceSettings]) -> list[str]:
    """Names of the sources whose folder that workstation alone watches."""
    return [each.name for each in sources if each.folder and each.workstation == workstation_id]


def _watcher(source: SourceSettings, known: Iterable[Workstation], this_one: str) -> Watcher:
    found = next((each for each in known if each.id == source.workstation), None)
    if found is None:
        return Watcher(name="")
    here = found.id == this_one
    return Watcher(
        name=found.name, here=here, off_since=None if here or found.on else found.seen_at
    )
