"""Where daily backups lie: a practice knows them all, each on the workstation that made it.

A path means nothing on another workstation, or another disk. So a file is deleted only by the
workstation that made it. What was made before backups named a workstation belongs to the one that
finds it where it was written; its name says the moment, and its size is compared.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath

from companion.domain.backup_plan import BackupPlan, GoodBackup
from companion.domain.errors import CompanionError
from companion.services.maintenance.backup import remove
from companion.services.pools import BACKUPS
from companion.services.ports import WorkstationRegistry
from companion.services.workstations import Workstations

SOMEWHERE = "another workstation"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupStanding:
    """How the daily backups stand."""

    plan: BackupPlan
    last: GoodBackup | None
    """Not one of a workstation that has left the practice, unless its file can be reached here."""
    good: tuple[GoodBackup, ...]
    """Newest first; of all workstations."""
    what: str = ""
    """Why the last try failed, where it did; empty otherwise."""
    remedy: str = ""
    old: bool = False
    """There should be a newer one by now."""
    too_old: bool = False
    this_one: str = ""
    """Id of this workstation; empty in a home that is not shared."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Of the workstations, by id."""

    @property
    def on(self) -> bool:
        return bool(self.plan.folder)

    def where(self, backup: GoodBackup) -> str:
        """The name of its workstation; empty in a home that was never shared."""
        if not (self.this_one or backup.workstation):
            return ""
        name = name_of(backup, self.names)
        return f"{name}, which has left the practice" if self.is_gone(backup) else name

    def is_gone(self, backup: GoodBackup) -> bool:
        """Whether the workstation that made it has left the practice."""
        return is_gone(backup, self.this_one, self.names)

    @property
    def out_of_reach(self) -> GoodBackup | None:
        """The newest, where it is of a workstation that has left, and none counts."""
        return self.good[0] if self.good and self.last is None else None

    def counts(self) -> dict[str, int]:
        """How many lie on each workstation, by name; empty in a home that is not shared."""
        found: dict[str, int] = {}
        for each in self.good if self.this_one else ():
            name = self.where(each)
            found[name] = found.get(name, 0) + 1
        return found


def name_of(backup: GoodBackup, names: Mapping[str, str]) -> str:
    return names.get(backup.workstation) or backup.computer or SOMEWHERE


def is_gone(backup: GoodBackup, this_one: str, names: Mapping[str, str]) -> bool:
    """Whether its workstation is none of `names`, the practice's; never while those are unknown."""
    return bool(names) and backup.workstation not in {"", this_one, *names}


def parts_of(path: str) -> tuple[str, str]:
    """Folder and name, also of a path of a workstation with another system."""
    found = PureWindowsPath(path) if "\\" in path and "/" not in path else Path(path)
    return str(found.parent), found.name


class BackupPlaces:
    def __init__(
        self,
        practice: WorkstationRegistry | None = None,
        workstations: Callable[[], Awaitable[Workstations]] | None = None,
    ) -> None:
        """`workstations`: as of `SharedPractice`. Neither in a home that is not shared."""
        self.this_one = practice.this_one if practice else ""
        self._workstations = workstations

    async def names(self) -> dict[str, str]:
        """Of the workstations, by id; empty where they cannot be asked for."""
        if not self.this_one or self._workstations is None:
            return {}
        with contextlib.suppress(CompanionError):
            return {each.id: each.name for each in (await self._workstations()).all}
        return {}

    async def own(self, made: Iterable[GoodBackup]) -> list[GoodBackup]:
        """Those that this workstation made."""
        return [each for each in made if await self.is_own(each)]

    async def is_own(self, backup: GoodBackup) -> bool:
        if backup.workstation == self.this_one:
            return True
        nobodys = not (backup.workstation and self.this_one)
        return nobodys and await BACKUPS.run(lies_here, backup)


def lies_here(backup: GoodBackup) -> bool:
    """That very file, also on a share that several workstations reach; blocking."""
    try:
        return Path(backup.path).stat().st_size == backup.size
    except (OSError, ValueError):
        return False


def remove_unfinished(path: Path) -> None:
    """A backup that was never opened, and what it was being written under; blocking."""
    with contextlib.suppress(OSError):
        for left in (path, *path.parent.glob(f"{path.name}.*")):
            remove(left)


def removed(path: Path) -> bool:
    """Whether it is gone now: a share that cannot be reached keeps it for the next time;
    blocking."""
    try:
        if not path.parent.is_dir():
            return False
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
