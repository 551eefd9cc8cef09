"""The sample exports through the real importer: everything arrives, twice is once."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from companion.domain.settings import PractitionerSettings, Settings
from companion.sandbox.sample import sample_export_csv, sample_practice
from companion.sandbox.sample_names import SAMPLE_SOURCE
from companion.services.imports.importing import Importing
from tests.fakes.book_store import MemoryBook
from tests.fakes.clock import FakeClock
from tests.fakes.importing import importing_over
from tests.fakes.settings import FakeSettings
from tests.fakes.stores import MemoryActivity

TODAY = date(2026, 11, 23)
PRACTICE = sample_practice(TODAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    importing: Importing
    book: MemoryBook
    folder: Path

    async def bring(self, *, changed: bool = False, snapshot: bool = False) -> tuple[int, ...]:
        """Imports the first or the later export; added, changed, removed, rejected."""
        path = self.folder / "export.csv"
        path.write_text(sample_export_csv(TODAY, changed=changed), encoding="utf-8", newline="")
        preview = await self.importing.preview(path, snapshot=snapshot)
        assert preview.source == SAMPLE_SOURCE
        assert preview.new_names == ()
        report = await self.importing.apply(preview)
        assert not report.held
        return report.added, report.changed, report.removed, len(report.rejected)


@pytest.fixture
def reception(tmp_path: Path) -> Reception:
    clock, book = FakeClock(datetime(2026, 11, 23, tzinfo=UTC)), MemoryBook()
    settings = Settings(install_id="0123456789abcdef")
    for person in PRACTICE.practitioners:
        settings = settings.with_practitioner(PractitionerSettings(practitioner=person))
    store = FakeSettings(settings)
    importing = importing_over(book=book, settings=store, activity=MemoryActivity(), clock=clock)
    return Reception(importing=importing, book=book, folder=tmp_path)


async def test_importing_the_export_brings_exactly_the_sample(reception: Reception) -> None:
    assert await reception.bring() == (len(PRACTICE.imported), 0, 0, 0)
    rows = await reception.book.source_rows(SAMPLE_SOURCE)
    for wanted in PRACTICE.imported:
        found = await reception.book.appointment(rows[wanted.source_id].appointment_id)
        assert found is not None
        for name in (
            "start",
            "end",
            "all_day",
            "timezone",
            "practitioner_id",
            "kind",
            "status",
            "show_as",
            "client_id",
            "client_first_name",
            "client_last_name",
            "appointment_type",
            "location",
            "notes",
            "recurring",
            "created",
            "created_by",
            "updated",
            "source",
            "source_id",
        ):
            assert getattr(found, name) == getattr(wanted, name), (wanted.source_id, name)


async def test_importing_it_again_changes_nothing(reception: Reception) -> None:
    await reception.bring()
    assert await reception.bring() == (0, 0, 0, 0)


async def test_the_later_export_adds_two_changes_six_and_as_a_snapshot_removes_one(
    reception: Reception,
) -> None:
    await reception.bring()
    assert await reception.bring(changed=True) == (2, 6, 0, 0)
    assert await reception.bring(changed=True, snapshot=True) == (0, 0, 1, 0)
