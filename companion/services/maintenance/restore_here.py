"""Restoring from a page: what a backup would change, and handing over to a process of its own.

A home cannot be replaced while its app runs. So the app only looks, then starts the command
``restore --restart``, which stops the app, restores and starts it again. What came of it lies in
`REPORT`, for the page that comes back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from companion.domain.errors import CompanionError
from companion.domain.settings import Settings
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.files import Disk, write_durably
from companion.services.maintenance.backup import Manifest
from companion.services.maintenance.daily_backups import DailyBackups
from companion.services.maintenance.restore import BackupContents
from companion.services.pools import BACKUPS
from companion.services.ports import AppointmentBook, FeedStore, SettingsStore

REPORT = "restored.json"
RestoreApart = Callable[[Path, str, bool], None]
"""Begins it in a process of its own: file, passphrase, with the sign-ins. Blocking; raises
StoreError."""


class LooksIntoBackups(Protocol):
    async def look(self, path: Path, passphrase: str) -> BackupContents: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One line: what the backup has, and what is here now."""

    label: str
    backup: int
    now: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreComparison:
    manifest: Manifest
    last_import: datetime | None
    """Of the backup."""
    last_import_now: datetime | None
    lines: tuple[Compared, ...]
    people: tuple[Compared, ...]
    """Appointments of each practitioner whose number differs, by name."""
    back: tuple[str, ...]
    """Practitioners whom only the backup knows."""
    gone: tuple[str, ...]
    """Practitioners whom only this home knows."""
    daily_off: bool
    """Daily backups are on now, and off in the backup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreReport:
    done: bool
    what: str
    remedy: str = ""


@dataclass(kw_only=True)
class RestoreHere:
    settings: SettingsStore
    book: AppointmentBook
    feeds: FeedStore
    daily: DailyBackups
    backups: LooksIntoBackups
    apart: RestoreApart | None
    """None where the home ends with the app, as a demo's does."""
    home: Path

    @property
    @allows(Action.PRACTICE)
    def offered(self) -> bool:
        return self.apart is not None

    @allows(Action.PRACTICE)
    async def look(self, path: Path, passphrase: str = "") -> RestoreComparison:
        """Opened and proven as for a restore; nothing is changed. Without a passphrase, that of the
        daily backups. Raises as `Restoring.restore`."""
        passphrase = passphrase or await self.daily.passphrase()
        found = await self.backups.look(path, passphrase)
        here, last = self.settings.read(), await self.book.imports(1)
        there = found.settings
        feeds = sum(each.revoked_at is None for each in await self.feeds.links())
        names = {**here.names(), **there.names()}
        now = {each: await self.book.count(each) for each in names}
        people = (
            Compared(label=names[each], backup=found.appointments.get(each, 0), now=now[each])
            for each in names
            if found.appointments.get(each, 0) != now[each]
        )
        lines = (
            ("Appointments", found.manifest.appointments, await self.book.count()),
            ("Practitioners", len(there.practitioners), len(here.practitioners)),
            ("Connected to Google", _connected(there), _connected(here)),
            ("Links for phones", found.feeds, feeds),
            ("Users", len(there.users), len(here.users)),
            ("Sources", len(there.sources), len(here.sources)),
        )
        return RestoreComparison(
            manifest=found.manifest,
            last_import=found.last_import,
            last_import_now=last[0].at if last else None,
            lines=tuple(Compared(label=e, backup=a, now=b) for e, a, b in lines),
            people=tuple(sorted(people, key=lambda each: each.label.casefold())),
            back=_only_in(there, here),
            gone=_only_in(here, there),
            daily_off=bool(here.backups.folder) and not there.backups.folder,
        )

    @allows(Action.PRACTICE)
    async def begin(self, path: Path, passphrase: str = "", *, sign_ins: bool = True) -> None:
        """Returns while the app still runs; in a moment it ends, and starts again restored.

        It is looked into once more before. Raises as `look`, StoreError."""
        if self.apart is None:
            raise CompanionError(
                "In the demo nothing can be restored.", "It ends with this window."
            )
        passphrase = passphrase or await self.daily.passphrase()
        await self.backups.look(path, passphrase)
        await BACKUPS.run((self.home / REPORT).unlink, missing_ok=True)
        await BACKUPS.run(self.apart, path, passphrase, sign_ins)

    @allows(Action.PRACTICE)
    async def report(self) -> RestoreReport | None:
        """What came of the last one, until it is `seen`."""
        return await BACKUPS.run(read_report, self.home / REPORT)

    @allows(Action.PRACTICE)
    async def seen(self) -> None:
        await BACKUPS.run((self.home / REPORT).unlink, missing_ok=True)


def write_report(home: Path, report: RestoreReport) -> None:
    """Blocking; raises OSError."""
    write_durably(home / REPORT, json.dumps(asdict(report)).encode(), Disk())


def read_report(path: Path) -> RestoreReport | None:
    try:
        return RestoreReport(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _connected(settings: Settings) -> int:
    return sum(each.google.connected for each in settings.practitioners.values())


def _only_in(one: Settings, other: Settings) -> tuple[str, ...]:
    names: Sequence[str] = [
        each.practitioner.name
        for key, each in one.practitioners.items()
        if key not in other.practitioners
    ]
    return tuple(names)
