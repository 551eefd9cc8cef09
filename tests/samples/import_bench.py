"""ImportBench: the importing service on fakes, with the real file reader, for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from companion.adapters.tabular import TableFiles
from companion.domain.appointments import Appointment
from companion.services.imports.importing import Importing, ImportPreview, ImportReport
from companion.services.settings.practitioners import Practitioners
from tests.fakes.clock import FakeClock
from tests.fakes.settings import FakeSettings
from tests.fakes.stores import MemoryActivity, MemoryBook


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
        self.importing = Importing(
            book=self.book,
            settings=self.settings,
            practitioners=self.practitioners,
            reader=TableFiles(),
            activity=self.activity,
            clock=self.clock,
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
    ) -> ImportPreview:
        path = self.file(content)
        return await self.importing.preview(path, source=source, mapping=mapping, snapshot=snapshot)

    async def take(
        self,
        content: bytes,
        *,
        source: str | None = None,
        mapping: str | None = None,
        snapshot: bool | None = None,
        yes: bool = False,
    ) -> ImportReport:
        """Preview and apply, as the command does."""
        shown = await self.preview(content, source=source, mapping=mapping, snapshot=snapshot)
        return await self.importing.apply(shown, yes=yes)

    async def all(self, source: str = "bp-allied") -> dict[str, Appointment]:
        """The book's appointments of a source, by source id."""
        rows = await self.book.source_rows(source)
        found = [await self.book.appointment(row.appointment_id) for row in rows.values()]
        return {each.source_id: each for each in found if each is not None}
