"""Daily backups: made by themselves, to a folder on another disk, sealed and opened again.

The passphrase is asked for once and kept among the secrets; the plan is part of the settings.
`BackupNotes` remembers which files this home has made and opened: only those are ever deleted, only
after a newer one has been opened, and of each of the last fourteen days the last one stays. A file
that a crash left unfinished is named there too, and goes before the next one is made. Workstations
of one practice share these notes: each deletes its own files only (`backup_places`), and the last
good one of any is the practice's.

A failure is tried again: soon, because a network may not be there yet when a computer wakes up,
then every quarter of an hour. It is told from the second on.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import NoReturn, Protocol

from companion.domain.backup_plan import (
    USUAL_TIME,
    BackupPlan,
    BackupRecord,
    GoodBackup,
    is_due,
    surplus,
)
from companion.domain.errors import BadInput, Busy, CompanionError, NotFound, StoreError
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.activity import note
from companion.services.files import disk_trouble
from companion.services.maintenance.backup import (
    ENDING,
    BackupMade,
    Backups,
    check_passphrase,
)
from companion.services.maintenance.backup_places import (
    BackupPlaces,
    BackupStanding,
    is_gone,
    lies_here,
    name_of,
    remove_unfinished,
    removed,
)
from companion.services.pools import BACKUPS, PROBES
from companion.services.ports import ActivityKind, ActivityLog, Clock, SecretStore, SettingsStore
from companion.services.settings.checks import file_path
from companion.services.sync.snapshot import NamedLocks

log = logging.getLogger(__name__)
SEALED_AS = "backup/passphrase"
"""Name of what opens them, among the secrets."""
LOOK_EVERY = 60.0
"""Seconds."""
SOON, LATER = timedelta(minutes=2), timedelta(minutes=15)
OLD, TOO_OLD = timedelta(days=2), timedelta(days=7)
_TELL_AFTER = 2


class BackupNotes(Protocol):
    async def read(self) -> BackupRecord: ...

    async def change(self, edit: Callable[[BackupRecord], BackupRecord]) -> None:
        """One step among all processes of this home, or of its practice. Raises StoreError,
        Busy."""
        ...


@dataclass(kw_only=True)
class DailyBackups:
    backups: Backups
    settings: SettingsStore
    secrets: SecretStore
    notes: BackupNotes
    activity: ActivityLog
    clock: Clock
    locks: NamedLocks
    another_disk: Callable[[Path, Path], bool]
    """Whether the first folder lies on another disk than the second; blocking, raises OSError."""
    home: Path
    places: BackupPlaces
    _failures: int = field(default=0, init=False)
    _not_before: datetime | None = field(default=None, init=False)

    @allows(Action.PRACTICE)
    async def look(self, folder: str) -> bool:
        """Whether that folder lies on another disk than the data folder; it is made if need be.
        Raises BadInput whose field is ``folder``."""
        path = Path(file_path(folder, "folder"))
        if not folder.strip():
            raise BadInput("No folder is named.", "Type or paste its path.", field="folder")
        try:
            return await BACKUPS.run(self._try_folder, path)
        except OSError as error:
            raise BadInput(
                f"Nothing can be written to {path}.",
                "Check that the disk or share is connected and that you may write to it.",
                field="folder",
                detail=type(error).__name__,
            ) from error

    @allows(Action.PRACTICE)
    async def switch_on(
        self,
        folder: str,
        passphrase: str = "",
        *,
        at: time = USUAL_TIME,
        sign_ins: bool = True,
        same_disk: bool = False,
    ) -> None:
        """From now on. `passphrase` may be left out where one is kept already.

        Raises BadInput (``folder``, ``passphrase``); where the folder is on this computer's own
        disk, that is `SameDisk` unless `same_disk` says it is meant so."""
        if passphrase or await self.secrets.get(SEALED_AS) is None:
            check_passphrase(passphrase)
        another = await self.look(folder)
        if not (another or same_disk):
            raise SameDisk(folder)
        if passphrase:
            await self.secrets.put(SEALED_AS, passphrase)
        plan = BackupPlan(
            folder=file_path(folder, "folder"), at=at, other_disk=another, sign_ins=sign_ins
        )
        await self.settings.change(lambda settings: replace(settings, backups=plan))
        self._failures, self._not_before = 0, None

    @allows(Action.PRACTICE)
    async def switch_off(self) -> None:
        """The passphrase is forgotten; what was made stays."""
        await self.settings.change(
            lambda settings: replace(settings, backups=replace(settings.backups, folder=""))
        )
        await self.secrets.remove(SEALED_AS)
        await self.notes.change(lambda known: replace(known, failed_at=None, what="", remedy=""))

    @allows(Action.PRACTICE)
    async def standing(self) -> BackupStanding:
        settings, known = self.settings.read(), await self.notes.read()
        names = await self.places.names()
        plan, last = settings.backups, await self._last(known, names)
        age = None if last is None else self.clock.now() - last.made_at
        failing = bool(plan.folder and known.failed_at)
        return BackupStanding(
            plan=plan,
            last=last,
            good=tuple(sorted(known.good, key=lambda each: each.made_at, reverse=True)),
            what=known.what if failing else "",
            remedy=known.remedy if failing else "",
            old=bool(plan.folder) and (age is None or age > OLD),
            too_old=bool(plan.folder) and age is not None and age > TOO_OLD,
            this_one=self.places.this_one,
            names=names,
        )

    async def _last(self, known: BackupRecord, names: Mapping[str, str]) -> GoodBackup | None:
        """The newest that counts, as in a BackupStanding."""
        for each in sorted(known.good, key=lambda each: each.made_at, reverse=True):
            gone = is_gone(each, self.places.this_one, names)
            if not gone or await PROBES.run(lies_here, each):
                return each
        return None

    @allows(Action.PRACTICE)
    async def good_path(self, path: str) -> Path:
        """Of one that is known; raises NotFound where it is not, or has gone."""
        for each in (await self.notes.read()).good:
            if each.path != path:
                continue
            found = Path(path)
            if self._is_elsewhere(each):
                if await BACKUPS.run(lies_here, each):
                    return found
                name = name_of(each, await self.places.names())
                raise NotFound(
                    f"That backup lies on {name}, and cannot be reached from here.",
                    f"Open this page on {name}, or bring the file from there: {path}",
                )
            if await BACKUPS.run(found.is_file):
                return found
        raise NotFound("That backup is no longer there.", "Choose another one.")

    def _is_elsewhere(self, backup: GoodBackup) -> bool:
        """Another workstation made it, so that its path may mean nothing here."""
        return backup.workstation != self.places.this_one

    @allows(Action.PRACTICE)
    async def last_is_there(self) -> bool:
        """Whether the last good one still lies where it was written; True where there is none, and
        for one of another workstation, which only that one can tell."""
        last = await self._last(await self.notes.read(), await self.places.names())
        if last is None or self._is_elsewhere(last):
            return True
        return await PROBES.run(Path(last.path).is_file)

    async def passphrase(self) -> str:
        """For opening one again; empty where none is kept. For no page."""
        return await self.secrets.get(SEALED_AS) or ""

    @allows(Action.PRACTICE)
    async def make(self) -> BackupMade:
        """One now, whatever the plan says of the time. Raises CompanionError, and notes it."""
        try:
            made = await self._make(self.settings.read().backups)
        except Busy:  # another process makes one
            raise
        except CompanionError as error:
            await self._failed(error)
            raise
        self._failures, self._not_before = 0, None
        return made

    async def run(self) -> None:
        """Until cancelled: makes each when it is due, or when the computer is back after that."""
        while True:
            await self.look_once()
            await self.clock.sleep(LOOK_EVERY)

    async def look_once(self) -> None:
        """Make one if it is due; what fails is noted and tried again."""
        now = self.clock.now()
        if self._not_before is not None and now < self._not_before <= now + LATER:
            return
        try:
            settings, known = self.settings.read(), await self.notes.read()
            last = await self._last(known, await self.places.names())
            at = None if last is None else last.made_at
            if is_due(settings.backups, at, now, settings.practice.timezone):
                await self.make()
        except CompanionError as error:
            log.warning("the daily backup failed: %s", type(error).__name__)

    async def _make(self, plan: BackupPlan) -> BackupMade:
        if not plan.folder:
            raise BadInput("No folder for backups is set.", "Switch daily backups on first.")
        passphrase = await self.secrets.get(SEALED_AS)
        if not passphrase:
            raise StoreError(
                "The passphrase of the daily backups is not known on this computer.",
                "Type it again on the page Backup.",
            )
        folder = Path(plan.folder)
        async with self.locks.hold("daily-backup"):
            await self._check_folder(plan, folder)
            await self._clear_up()
            path = folder / self._name()
            me = self.places.this_one
            await self.notes.change(
                lambda known: replace(known, making={**known.making, me: str(path)})
            )
            made = await self.backups.back_up(path, passphrase, sign_ins=plan.sign_ins)
            good = GoodBackup(
                path=str(path),
                made_at=made.manifest.made_at,
                size=made.size,
                appointments=made.manifest.appointments,
                workstation=me,
                computer=(await self.places.names()).get(me, ""),
            )
            await self.notes.change(lambda known: _with(known, good))
            await self._rotate(good)
        return made

    def _name(self) -> str:
        """Of two computers that write to one folder each has names of its own."""
        settings = self.settings.read()
        writer = (settings.restored_as or settings.install_id)[:6]
        if self.places.this_one:
            writer = f"{writer}-{self.places.this_one[:6]}"
        return f"calendar-companion-daily-{writer}-{self.clock.now():%Y%m%d-%H%M%S}{ENDING}"

    async def _check_folder(self, plan: BackupPlan, folder: Path) -> None:
        """A disk that is not connected must not be taken for the folder where it should be."""
        try:
            there = await BACKUPS.run(folder.is_dir)
            moved = (
                there
                and plan.other_disk
                and not await BACKUPS.run(self.another_disk, folder, self.home)
            )
        except OSError as error:
            raise disk_trouble(error, folder) from error
        if not there or moved:
            await self._not_reached(folder)

    async def _not_reached(self, folder: Path) -> NoReturn:
        if not self.places.this_one:
            raise StoreError(
                f"The folder for backups cannot be reached: {folder}",
                "Connect its disk or share; the backup is then made by itself. Or choose another "
                "folder on the page Backup.",
            )
        name = (await self.places.names()).get(self.places.this_one) or "this workstation"
        raise StoreError(
            f"The folder for backups cannot be reached from {name}: {folder}",
            f"Connect its disk or share to {name}; or on the page Backup choose a share that all "
            "workstations reach; or let the workstation that has the folder keep the calendars "
            "(Practice > Workstations), which makes the backups too.",
        )

    async def _clear_up(self) -> None:
        """What a crash left of the last one here."""
        known = await self.notes.read()
        making = known.making.get(self.places.this_one)
        if making and not any(each.path == making for each in known.good):
            await BACKUPS.run(remove_unfinished, Path(making))

    async def _rotate(self, newest: GoodBackup) -> None:
        """Only ours, and never the one that was just made."""
        known = await self.notes.read()
        zone = self.settings.read().practice.timezone
        own = await self.places.own(known.good)
        extra = [e for e in surplus(own, self.clock.now(), zone) if e != newest]
        gone = {each for each in extra if await BACKUPS.run(removed, Path(each.path))}
        if gone:
            await self.notes.change(
                lambda known: replace(
                    known, good=tuple(each for each in known.good if each not in gone)
                )
            )

    async def _failed(self, error: CompanionError) -> None:
        now = self.clock.now()
        self._failures += 1
        self._not_before = now + (SOON if self._failures < _TELL_AFTER else LATER)
        if self._failures < _TELL_AFTER:
            return
        known = await self.notes.read()
        with contextlib.suppress(CompanionError):  # the same full disk, for instance
            await self.notes.change(
                lambda known: replace(
                    known, failed_at=now, what=error.what, remedy=error.unattended
                )
            )
            if known.failed_at is None or known.what != error.what:
                text = f"The daily backup could not be made: {error.what}"
                await note(self.activity, self.clock, ActivityKind.ERROR, text, cause="backup")

    def _try_folder(self, folder: Path) -> bool:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".companion-{id(self):x}.tmp"
        try:
            probe.write_bytes(b"x")
        finally:
            probe.unlink(missing_ok=True)
        return self.another_disk(folder, self.home)


def _with(known: BackupRecord, good: GoodBackup) -> BackupRecord:
    """And its workstation writes nothing any more; no trouble is left."""
    others = (e for e in known.good if (e.path, e.workstation) != (good.path, good.workstation))
    making = {name: path for name, path in known.making.items() if name != good.workstation}
    return BackupRecord(good=(*others, good), making=making)


class SameDisk(BadInput):
    """The folder is on the disk that is to be backed up; a person may still choose it."""

    def __init__(self, folder: str) -> None:
        super().__init__(
            f"{folder} is on the same disk as the appointment book: if that disk fails, the "
            "backups are lost with it.",
            "Choose a folder on another disk, a USB disk or a share of another computer.",
            field="folder",
        )
