"""Backups: the whole home in one file, encrypted with a passphrase.

Parts: ``manifest.json`` (what this is, and what it holds), ``settings.json`` (the tables of
`settings.documents`), ``book.db`` (a copy of the database as of one moment: book, ledger, feeds,
activity) and, if wanted, ``secrets.json`` (sign-ins and links, taken out of their own seal: the key
of this computer's password store does not leave it). Feed answers and logs are left out: the first
can be made again, the second are not needed.

Putting one back is `companion.services.maintenance.restore`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets as randomness
import shutil
import time
import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from companion.domain.errors import BadInput, CompanionError, FileRefused, StoreDamaged, StoreTooNew
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.activity import note
from companion.services.files import Disk, disk_trouble, make_folder
from companion.services.pools import BACKUPS
from companion.services.ports import (
    ActivityKind,
    ActivityLog,
    Clock,
    FeedStore,
    SecretStore,
    SettingsStore,
)
from companion.services.settings.documents import to_tables

VERSION = 1
MANIFEST, SETTINGS, BOOK, SECRETS = "manifest.json", "settings.json", "book.db", "secrets.json"
PARTS = frozenset({MANIFEST, SETTINGS, BOOK, SECRETS})
ENDING = ".ccbackup"
_UNPROVEN = ".new"
"""After its name, until it has been opened."""
VARIABLE = "COMPANION_BACKUP_KEY"
SHORTEST = 12
"""Characters of a backup's passphrase."""
_COMMON = ("password", "passphrase", "passwort", "kennwort", "companion", "calendar", "qwerty")


class Sealing(Protocol):
    """Named parts in one sealed file; blocking."""

    def write(self, path: Path, passphrase: str, parts: Mapping[str, Path | bytes]) -> int: ...

    def read(
        self,
        path: Path,
        passphrase: str,
        folder: Path | None,
        names: frozenset[str],
        *,
        only: frozenset[str] | None = None,
    ) -> dict[str, int]:
        """Every part, or those of `only`, into `folder`; the others are only proven."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    version: int
    program: str
    """Version of Calendar Companion that made it."""
    made_at: datetime
    install_id: str
    practice: str
    practitioners: int
    appointments: int
    feeds: int
    sign_ins: bool
    """Google sign-ins and links are in it."""

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), default=datetime.isoformat, ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, content: bytes) -> Manifest:
        """Raises StoreTooNew, FileRefused."""
        try:
            document: dict[str, Any] = json.loads(content)
            if type(document["version"]) is not int:
                raise TypeError
            if document["version"] > VERSION:
                raise StoreTooNew(
                    "This backup was made by a newer version of Calendar Companion "
                    f"({str(document.get('program', '?'))[:40]}).",
                    "Install that version or a later one, then restore.",
                )
            known = {each.name: document[each.name] for each in fields(cls)}
            known["made_at"] = datetime.fromisoformat(known["made_at"]).astimezone(UTC)
            if any(str(each.type) != type(known[each.name]).__name__ for each in fields(cls)):
                raise TypeError
            if not 2000 <= known["made_at"].year < 2200:
                raise FileRefused(
                    "This backup says that it was made in the year "
                    f"{known['made_at'].year}, which cannot be.",
                    "Use another one. Nothing was changed.",
                    field="file",
                )
            return cls(**known)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise FileRefused(
                "This backup does not say what it holds.", "Use another one.", field="file"
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupMade:
    path: Path
    size: int
    """Bytes."""
    manifest: Manifest


class Backups:
    def __init__(  # noqa: PLR0913 - the stores a backup is made of; main names each
        self,
        *,
        settings: SettingsStore,
        feeds: FeedStore,
        secrets: SecretStore,
        activity: ActivityLog,
        copy_database: Callable[[Path], Awaitable[None]],
        check_copy: Callable[[Path], Awaitable[int]],
        sealing: Sealing,
        clock: Clock,
        home: Path,
        program: str,
        disk: Disk | None = None,
    ) -> None:
        """`copy_database` and `check_copy`: as of `Stores`."""
        self._settings = settings
        self._feeds = feeds
        self._secrets = secrets
        self._activity = activity
        self._copy_database = copy_database
        self._check_copy = check_copy
        self._sealing = sealing
        self._clock = clock
        self._drafts = home / "drafts"
        self._folder = home / "backups"
        self._program = program
        self._disk = disk or Disk()
        self._lock = asyncio.Lock()  # each has a whole copy of the book on the disk meanwhile

    @allows(Action.PRACTICE)
    def file_name(self) -> str:
        """``calendar-companion-20261124-093000.ccbackup``, in UTC."""
        return f"calendar-companion-{self._clock.now():%Y%m%d-%H%M%S}{ENDING}"

    @allows(Action.PRACTICE)
    async def back_up(
        self, path: Path | None, passphrase: str, *, sign_ins: bool = True
    ) -> BackupMade:
        """`path`: None for one that is kept in the home. Others may go on writing meanwhile. The
        file takes its name, and an older one's place, when it has been opened and its book read.
        Raises BadInput for a weak passphrase, SecretsError where sign-ins are wanted and cannot be
        opened, StoreError."""
        check_passphrase(passphrase)
        async with self._lock:
            return await self._back_up(path, passphrase, sign_ins=sign_ins)

    async def _back_up(self, path: Path | None, passphrase: str, *, sign_ins: bool) -> BackupMade:
        path = path or self._folder / self.file_name()
        for folder in (self._drafts, path.parent):
            await BACKUPS.run(make_folder, folder)
        await BACKUPS.run(self._sweep, path.parent)
        draft = self._drafts / f"{randomness.token_hex(8)}.db"
        unproven = path.with_name(f"{path.name}{_UNPROVEN}")
        try:
            await self._copy_database(draft)
            settings = self._settings.read()
            manifest = Manifest(
                version=VERSION,
                program=self._program,
                made_at=self._clock.now(),
                install_id=settings.install_id,
                practice=settings.practice.name,
                practitioners=len(settings.practitioners),
                appointments=await self._check_copy(draft),
                feeds=len(await self._feeds.links()),
                sign_ins=sign_ins,
            )
            parts: dict[str, Path | bytes] = {
                MANIFEST: manifest.to_json(),
                SETTINGS: json.dumps(to_tables(settings)).encode("utf-8", "surrogatepass"),
            }
            if sign_ins:
                parts[SECRETS] = json.dumps(await self._opened()).encode()
            parts[BOOK] = draft
            size = await BACKUPS.run(self._sealing.write, unproven, passphrase, parts)
            await BACKUPS.run(draft.unlink, missing_ok=True)  # one copy at a time
            await self._open_again(unproven, passphrase, manifest)
            await BACKUPS.run(self._take_name, unproven, path)
        finally:
            for left in (draft, unproven):
                with contextlib.suppress(OSError):
                    await BACKUPS.run(left.unlink, missing_ok=True)
        await self._note()
        return BackupMade(path=path, size=size, manifest=manifest)

    async def _open_again(self, path: Path, passphrase: str, manifest: Manifest) -> None:
        """Decrypt it from beginning to end, and read the book that it holds."""
        folder = self._drafts / randomness.token_hex(8)
        try:
            sizes = await BACKUPS.run(
                self._sealing.read, path, passphrase, folder, PARTS, only=frozenset({BOOK})
            )
            complete(sizes)
            if await self._check_copy(folder / BOOK) != manifest.appointments:
                raise StoreDamaged(
                    "The backup was written, but does not hold what it should.",
                    "Try again; if it happens again, choose another disk.",
                )
        finally:
            await BACKUPS.run(shutil.rmtree, folder, ignore_errors=True)

    def _take_name(self, unproven: Path, path: Path) -> None:
        try:
            self._disk.replace(unproven, path)
            self._disk.sync_folder(path.parent)
        except OSError as error:
            raise disk_trouble(error, path) from error

    @allows(Action.PRACTICE)
    async def prove(self, path: Path, passphrase: str) -> dict[str, int]:
        """Read a backup from beginning to end; its parts and their sizes."""
        sizes = await BACKUPS.run(self._sealing.read, path, passphrase, None, PARTS)
        complete(sizes)
        return sizes

    @allows(Action.PRACTICE)
    async def kept(self) -> list[tuple[Path, int, datetime]]:
        """Path, size and time of the backups in our own folder, newest first."""
        return await asyncio.to_thread(self._kept)

    @allows(Action.PRACTICE)
    def kept_path(self, name: str) -> Path:
        """Of one of ours; raises BadInput for any other name."""
        for path, _size, _at in self._kept():
            if path.name == name:
                return path
        raise BadInput("That backup is no longer there.", "Reload the list.", field="file")

    @allows(Action.PRACTICE)
    async def discard(self, name: str) -> None:
        path = self.kept_path(name)
        try:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        except OSError as error:
            raise disk_trouble(error, path) from error

    def _sweep(self, folder: Path) -> None:
        """Copies of the book, and parts of backups, that a killed process left."""
        with contextlib.suppress(OSError):
            unfinished = (*folder.glob(f"*{ENDING}.part"), *folder.glob(f"*{ENDING}{_UNPROVEN}*"))
            for left in (*self._drafts.iterdir(), *unfinished):
                if left.stat().st_mtime < time.time() - 86_400:
                    remove(left)

    def _kept(self) -> list[tuple[Path, int, datetime]]:
        found = []
        with contextlib.suppress(OSError):
            for path in self._folder.glob(f"*{ENDING}"):
                state = path.stat()
                found.append((path, state.st_size, datetime.fromtimestamp(state.st_mtime, UTC)))
        return sorted(found, key=lambda each: (each[2], each[0].name), reverse=True)

    async def _opened(self) -> dict[str, str]:
        try:
            found = {name: await self._secrets.get(name) for name in await self._secrets.names()}
        except CompanionError as error:
            raise type(error)(
                error.what,
                f"{error.remedy} Or make the backup without the sign-ins: everybody then "
                "connects to Google again after a restore.",
                detail=error.detail,
            ) from error
        return {name: value for name, value in found.items() if value is not None}

    async def _note(self) -> None:
        await note(
            self._activity, self._clock, ActivityKind.BACKUP, "A backup was made.", cause="backup"
        )


def remove(left: Path) -> None:
    """A file or a folder; raises OSError."""
    if left.is_dir():
        shutil.rmtree(left)
    else:
        left.unlink(missing_ok=True)


def complete(parts: Mapping[str, int]) -> None:
    if not {MANIFEST, SETTINGS, BOOK} <= parts.keys():
        raise FileRefused("This backup is not complete.", "Use another one.", field="file")


def check_passphrase(passphrase: str) -> None:
    """Raises BadInput whose field is ``passphrase``."""
    if weakness := weakness_of(passphrase):
        raise BadInput(
            f"This passphrase is too easy to guess: {weakness}.",
            "Use four or more words that do not belong together, and write them down where the "
            "practice keeps its keys: without them nobody can open the backup.",
            field="passphrase",
        )


def weakness_of(passphrase: str) -> str:
    """Why it is easy to guess, as the end of a sentence; empty for a fair one."""
    plain = unicodedata.normalize("NFKC", passphrase.strip())
    if len(plain) < SHORTEST:
        return f"it has fewer than {SHORTEST} characters"
    if len(set(plain.casefold())) < 6:
        return "it repeats the same few characters"
    rest = plain.casefold()
    for word in _COMMON:
        rest = rest.replace(word, "")
    if len(rest) < SHORTEST // 2:
        return "it is made of words that everybody tries first"
    return ""
