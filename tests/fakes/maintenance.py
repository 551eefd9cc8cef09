"""Fakes for maintenance: a machine whose answers a test sets."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from companion.adapters.backup import SealedArchive
from companion.domain.backup_plan import BackupRecord
from companion.domain.errors import BadInput, CompanionError, FileRefused
from companion.services.maintenance.backup_records import record_in, text_of
from companion.services.maintenance.findings import NetworkPath
from companion.services.maintenance.restore import BackupContents

T = TypeVar("T")
QUICK = {"time": 1, "memory_kib": 64, "lanes": 1}
"""Cost of argon2id in tests."""
FAIR = "seven mild ibises wander"
"""A passphrase that is good enough for a backup."""


@dataclass
class FakeProbes:
    """Implements `ComputerProbes`."""

    offset: timedelta | CompanionError = timedelta(0)
    listening: set[str] = field(default_factory=lambda: {"http://192.168.20.7:8090"})
    certificate: datetime | CompanionError | None = None
    free: int | CompanionError = 50_000_000_000
    zone: str = "Australia/Sydney"
    found: dict[str, str] = field(default_factory=lambda: {"Python": "3.11.9", "nicegui": "3.18"})

    path: NetworkPath | CompanionError = field(default_factory=NetworkPath)

    async def network_path(self) -> NetworkPath:
        return _or_raise(self.path)

    async def clock_offset(self) -> timedelta:
        return _or_raise(self.offset)

    async def listener_answers(self, base_url: str) -> bool:
        return base_url in self.listening

    async def certificate_end(self, host: str, port: int) -> datetime:
        assert self.certificate is not None
        return _or_raise(self.certificate)

    async def free_bytes(self, folder: Path) -> int:
        return _or_raise(self.free)

    def machine_offset(self, moment: datetime) -> timedelta:
        offset = moment.astimezone(ZoneInfo(self.zone)).utcoffset()
        assert offset is not None
        return offset

    def versions(self) -> dict[str, str]:
        return dict(self.found)


@dataclass
class FakeRights:
    """Implements `HomeRights`: `who` may open every folder until it is closed."""

    who: str | CompanionError = ""

    def others(self, folder: Path) -> str:
        return _or_raise(self.who)

    def close(self, folder: Path) -> None:
        _or_raise(self.who)
        self.who = ""

    def prepare(self, folder: Path) -> None:
        self.close(folder)


class FakeRestoring:
    """LooksIntoBackups, and what begins a restore: it only notes what it was told."""

    def __init__(self) -> None:
        self.contents: BackupContents | CompanionError = FileRefused()
        self.begun: list[tuple[Path, str, bool]] = []

    async def look(self, path: Path, passphrase: str) -> BackupContents:
        await asyncio.sleep(0)
        if not passphrase:
            raise BadInput("The passphrase is empty.", "Type it.", field="passphrase")
        return _or_raise(self.contents)

    def restore(self, path: Path, passphrase: str, sign_ins: bool) -> None:
        self.begun.append((path, passphrase, sign_ins))


class MemoryBackupNotes:
    """A BackupNotes; it keeps JSON, as the file does."""

    def __init__(self) -> None:
        self._text = ""
        self.trouble: CompanionError | None = None

    async def read(self) -> BackupRecord:
        await asyncio.sleep(0)
        return record_in(self._text)

    async def change(self, edit: Callable[[BackupRecord], BackupRecord]) -> None:
        if self.trouble is not None:
            raise self.trouble
        after = edit(await self.read())
        self._text = text_of(after)


def _or_raise(value: T | CompanionError) -> T:
    if isinstance(value, CompanionError):
        raise value
    return value


def nowhere() -> Path:
    """The home of a fake application that was given none: missing until something is written."""
    return Path(tempfile.gettempdir()) / f"companion-fake-{secrets.token_hex(6)}"


def quick_archive() -> SealedArchive:
    return SealedArchive(cost=QUICK)


def answering(text: str) -> Callable[[], Awaitable[str]]:
    async def answer() -> str:
        return text

    return answer


async def copy_words(path: Path) -> None:
    """Stands for a database, which a fake application does not have."""
    await asyncio.to_thread(path.write_bytes, b"a copy of the book")


async def count_words(path: Path) -> int:
    """Reads one again."""
    return len(await asyncio.to_thread(path.read_bytes))
