"""A home in memory with everything that a backup holds."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from companion.adapters.backup import HomeSwap, SealedArchive, Swap
from companion.domain.appointments import Appointment, Practitioner
from companion.domain.settings import (
    GoogleLink,
    PracticeSettings,
    PractitionerSettings,
    Settings,
    SyncChoices,
)
from companion.services.maintenance.backup import (
    BOOK,
    MANIFEST,
    SECRETS,
    SETTINGS,
    VERSION,
    Backups,
)
from companion.services.maintenance.backup_places import BackupPlaces
from companion.services.maintenance.daily_backups import BackupNotes, DailyBackups
from companion.services.maintenance.restore import Restoring, Staged
from companion.services.ports import CalendarRef
from companion.services.settings.documents import to_tables
from tests.fakes import appointments
from tests.fakes.book_store import MemoryBook
from tests.fakes.clock import FakeClock
from tests.fakes.locks import FreeLocks
from tests.fakes.maintenance import FAIR, QUICK, answering
from tests.fakes.secrets import FakeSecrets
from tests.fakes.settings import FakeSettings
from tests.fakes.stores import MemoryActivity, MemoryFeeds, MemoryLedger

REF = CalendarRef(practitioner_id="anna", calendar_id="cal")


LATER = timedelta(days=3)


def settings(**choices: Any) -> Settings:
    record = PractitionerSettings(
        practitioner=Practitioner(id="anna", name="Anna Example"),
        google=GoogleLink(account="anna@clinic.example", calendar_id="cal"),
        choices=SyncChoices(enabled=True, **choices),
        disclosure_revision=4,
    )
    start = Settings(install_id="0123456789abcdef", practice=PracticeSettings(name="Banksia"))
    return start.with_practitioner(record)


def appointment() -> Appointment:
    return appointments.appointment(id="a1", practitioner_id="anna")


@dataclass
class Fixture:
    """A home in memory beside a folder for the files."""

    folder: Path
    settings: FakeSettings = field(default_factory=lambda: FakeSettings(settings()))
    clock: FakeClock = field(default_factory=FakeClock)
    book: MemoryBook = field(default_factory=MemoryBook)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    feeds: MemoryFeeds = field(default_factory=MemoryFeeds)
    secrets: FakeSecrets = field(default_factory=FakeSecrets)
    activity: MemoryActivity = field(default_factory=MemoryActivity)
    integrity: str = "ok"
    app_lock: contextlib.AbstractContextManager[object] = field(
        default_factory=contextlib.nullcontext
    )
    written: Settings | None = None

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def file(self) -> Path:
        return self.folder / "it.ccbackup"

    def backups(self) -> Backups:
        return Backups(
            settings=self.settings,
            feeds=self.feeds,
            secrets=self.secrets,
            activity=self.activity,
            copy_database=self.copy,
            check_copy=self.count,
            sealing=SealedArchive(cost=QUICK),
            clock=self.clock,
            home=self.home,
            program="1.2.3",
        )

    def daily_backups(
        self,
        notes: BackupNotes,
        places: BackupPlaces,
        another_disk: Callable[[], bool] = lambda: True,
    ) -> DailyBackups:
        return DailyBackups(
            backups=self.backups(),
            settings=self.settings,
            secrets=self.secrets,
            notes=notes,
            activity=self.activity,
            clock=self.clock,
            locks=FreeLocks(),
            another_disk=lambda _folder, _home: another_disk(),
            home=self.home,
            places=places,
        )

    async def check_whole(self) -> None:
        """Of this book, which holds what its types allow."""

    async def copy(self, path: Path) -> None:
        with contextlib.closing(sqlite3.connect(path)) as raw:
            raw.execute("CREATE TABLE book (row)")
            many = [(number,) for number in range(await self.book.count())]
            raw.executemany("INSERT INTO book VALUES (?)", many)
            raw.commit()

    async def count(self, path: Path) -> int:
        with contextlib.closing(sqlite3.connect(path)) as raw:
            (found,) = raw.execute("SELECT count(*) FROM book").fetchone()
        return int(found)

    def restoring(self) -> Restoring:
        swap = Swap(self.home, lock=contextlib.nullcontext())

        @contextlib.asynccontextmanager
        async def staged(folder: Path) -> AsyncIterator[Staged]:
            assert (folder / BOOK).is_file()
            kept = FakeSettings(Settings(install_id="fresh"))
            yield Staged(
                settings=kept,
                book=self.book,
                ledger=self.ledger,
                feeds=self.feeds,
                activity=self.activity,
                secrets=self.secrets,
                integrity=answering(self.integrity),
                check_whole=self.check_whole,
            )
            self.written = kept.current
            (folder / SETTINGS).write_text("settings")  # as the store would
            (folder / SECRETS).write_text("sealed")

        return Restoring(
            home=self.home,
            sealing=SealedArchive(cost=QUICK),
            staged=staged,
            swapping=HomeSwap(self.home, self.home / "companion.db", swap),
            app_lock=self.app_lock,
            clock=self.clock,
        )

    def seal(self, **changes: bytes | None) -> None:
        """A backup with some parts changed or left out."""
        manifest = {
            "version": VERSION,
            "program": "1.2.3",
            "made_at": self.clock.now().isoformat(),
            "install_id": "0123456789abcdef",
            "practice": "Banksia",
            "practitioners": 1,
            "appointments": 0,
            "feeds": 0,
            "sign_ins": False,
        }
        parts: dict[str, bytes | None] = {
            MANIFEST: json.dumps(manifest).encode(),
            SETTINGS: json.dumps(to_tables(settings())).encode(),
            BOOK: b"a book",
            **{name.replace("_", "."): content for name, content in changes.items()},
        }
        kept: Mapping[str, Path | bytes] = {k: v for k, v in parts.items() if v is not None}
        SealedArchive(cost=QUICK).write(self.file, FAIR, kept)
