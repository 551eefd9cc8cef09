"""ImportBench: the importing service on fakes, with the real file reader, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from companion.domain.appointments import Appointment
from companion.services.imports.importing import ImportPreview, ImportReport
from companion.services.imports.questions import with_guesses
from companion.services.settings.practitioners import Practitioners
from tests.fakes.book_store import MemoryBook
from tests.fakes.clock import FakeClock
from tests.fakes.importing import importing_over
from tests.fakes.settings import FakeSettings
from tests.fakes.stores import MemoryActivity
from tests.fakes.workbooks import InlineWorkbooks


@dataclass
class ImportBench:
    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)
    """Monday 2 March 2026, 20:00 in Sydney: the samples of that day are past."""
    settings: FakeSettings = field(default_factory=FakeSettings)
    book: MemoryBook = field(default_factory=MemoryBook)
    activity: MemoryActivity = field(default_factory=MemoryActivity)

    def __post_init__(self) -> None:
        self.practitioners = Practitioners(settings=self.settings, book=self.book, clock=self.clock)
        self.importing = importing_over(
            book=self.book,
            settings=self.settings,
            activity=self.activity,
            clock=self.clock,
            reader=InlineWorkbooks(self.clock),
        )

    def file(self, content: bytes, name: str = "export.csv") -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    async def preview(
        self,
        content: bytes,
        *,
        source: str | None = None,
        mapping: str | None = None,
        snapshot: bool | None = None,
        answers: Mapping[str, str] | None = None,
    ) -> ImportPreview:
        return await self.importing.preview(
            self.file(content), source=source, mapping=mapping, snapshot=snapshot, answers=answers
        )

    async def take(
        self,
        content: bytes,
        *,
        source: str | None = None,
        mapping: str | None = None,
        snapshot: bool | None = None,
        yes: bool = False,
        answers: Mapping[str, str] | None = None,
    ) -> ImportReport:
        """Preview and apply. What the rows leave open is guessed; questions about people and
        appointments of the book stay open until `yes` or an answer."""
        shown = await self.preview(
            content, source=source, mapping=mapping, snapshot=snapshot, answers=answers
        )
        guessed = with_guesses(shown.content.questions, shown.answers)
        return await self.importing.apply(shown, answers=guessed, yes=yes)

    async def all(self, source: str = "bp-allied") -> dict[str, Appointment]:
        """The book's appointments of a source, by source id."""
        rows = await self.book.source_rows(source)
        found = [await self.book.appointment(row.appointment_id) for row in rows.values()]
        return {each.source_id: each for each in found if each is not None}


def wall(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """In March 2026."""
    return datetime(2026, 3, day, hour, minute)  # noqa: DTZ001 - wall time


async def only(bench: ImportBench, source: str = "bp-allied") -> Appointment:
    """The one appointment of that source."""
    (found,) = (await bench.all(source)).values()
    return found
