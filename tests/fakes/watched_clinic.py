"""A clinic whose exports are dropped into a watched folder."""

from __future__ import annotations

import os
import time
from datetime import date, datetime, timedelta
from pathlib import Path

from companion.adapters.file_locks import FileLock
from companion.adapters.home_text import HomeText
from companion.domain.settings import SourceSettings
from companion.services.ports import Clock
from companion.services.sources.notes import KeptSourceNotes, SourceNote
from companion.services.sources.sources import Sources
from companion.services.sources.watched_folder import WatchedFolder
from companion.services.sources.watching import Watching
from tests.fakes.clock import FakeClock
from tests.fakes.importing import importing_over
from tests.fakes.services import TUESDAY
from tests.fakes.settings import FakeSettings
from tests.fakes.sources import fake_fetching
from tests.fakes.stores import MemoryStores
from tests.fakes.waiting import until

HEADER = (
    "Appointment ID,Type,Client ID,Client First Name,Client Last Name,Consultation Type,"
    "Start,End,All Day,Practitioner,Location,Status,Cancelled,Notes\n"
)
DAY = date(2026, 11, 25)


def row(number: int, *, day: date = DAY, who: str = "Anna Example", at: int = 9) -> str:
    start = datetime.combine(day, datetime.min.time()) + timedelta(hours=at, minutes=number)
    end = start + timedelta(minutes=30)
    return (
        f"{number},Client,C{number},Mira,Sample,Review,{start:%d/%m/%Y %H:%M},"
        f"{end:%d/%m/%Y %H:%M},No,{who},Room 1,Booked,No,\n"
    )


def export(*numbers: int, at: int = 9) -> str:
    return HEADER + "".join(row(number, at=at) for number in numbers)


class Clinic:
    """A practice, one watched folder, and somebody who drops files into it."""

    def __init__(self, tmp_path: Path, *, clock: Clock | None = None, **source: object) -> None:
        self.clock = clock or FakeClock(TUESDAY, auto=False)
        self.settings = FakeSettings()
        self.stores = MemoryStores()
        self.importing = importing_over(
            book=self.stores.book,
            settings=self.settings,
            activity=self.stores.activity,
            clock=self.clock,
        )
        self.folder = tmp_path / "exports"
        self.folder.mkdir()
        self.home = tmp_path / "home"
        self.home.mkdir()
        settings = SourceSettings(
            **{"name": "nookal", "folder": str(self.folder), **source}  # type: ignore[arg-type]
        )
        self.settings.current = self.settings.current.with_source(settings)
        lock = FileLock(self.home / "sources.lock", holder="the test")
        self.notes = KeptSourceNotes(HomeText(self.home / "sources.json", lock=lock))
        self.start()

    def start(self) -> None:
        """As after a start of the program."""
        fetching = fake_fetching(self, self.importing, self.stores.activity, self.clock)
        self.watching = Watching(
            settings=self.settings,
            notes=self.notes,
            importing=self.importing,
            fetching=fetching,
            book=self.stores.book,
            activity=self.stores.activity,
            clock=self.clock,
            spool=self.home / "watched",
        )
        self.sources = Sources(
            settings=self.settings,
            notes=self.notes,
            importing=self.importing,
            fetching=fetching,
            spool=self.home / "watched",
        )
        self.watched = WatchedFolder(self.watching, "nookal", self.folder)

    def drop(self, name: str, text: str | bytes, *, age: float = 0.0) -> Path:
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        if age:
            moment = time.time() - age
            os.utime(path, (moment, moment))
        return path

    async def looks(self, count: int = 3, seconds: float = 1.0) -> None:
        assert isinstance(self.clock, FakeClock)
        for _ in range(count):
            await self.watched.look()
            self.clock.shift(seconds)

    async def note(self) -> SourceNote:
        return (await self.notes.read()).get("nookal", SourceNote())

    def names(self, under: str = "") -> list[str]:
        return sorted(each.name for each in (self.folder / under).iterdir() if each.is_file())

    async def count(self) -> int:
        return await self.stores.book.count()

    @property
    def kinds(self) -> list[tuple[str, str]]:
        return [(each.kind, each.cause) for each in self.stores.activity.lines]


async def seconds(clinic: Clinic, count: int, *, folders: int = 1) -> None:
    """Each passes once whoever watches has gone to sleep: one task, and one for each folder."""
    clock = clinic.clock
    assert isinstance(clock, FakeClock)
    for _ in range(count):
        await until(lambda: clock.sleepers == 1 + folders)
        clock.shift(1.0)
    await until(lambda: clock.sleepers == 1 + folders)


# ── questions ─────────────────────────────────────────────────────────────────────────────────


async def by_hand(clinic: Clinic, *numbers: int) -> None:
    file = clinic.home / "by hand.csv"
    file.write_text(export(*numbers), encoding="utf-8")
    await clinic.importing.apply(await clinic.importing.preview(file, source="front desk"))
