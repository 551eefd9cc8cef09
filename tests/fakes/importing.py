"""The importing service over a test's own stores."""

from __future__ import annotations

from pathlib import Path

from companion.adapters.clock import SystemClock
from companion.adapters.database import open_database
from companion.adapters.database.database import Database
from companion.adapters.tabular.files import WorkbookFiles
from companion.services.imports.importing import Importing
from companion.services.ports import (
    ActivityLog,
    AppointmentBook,
    Clock,
    SettingsStore,
)
from companion.services.settings.practitioners import Practitioners
from companion.services.workbooks import WorkbookReader
from tests.fakes.settings import FakeSettings
from tests.fakes.workbooks import InlineWorkbooks


def importing_over(
    *,
    book: AppointmentBook,
    settings: SettingsStore,
    activity: ActivityLog,
    clock: Clock,
    reader: WorkbookReader | None = None,
) -> Importing:
    """`reader`: None for one without a process of its own."""
    return Importing(
        book=book,
        settings=settings,
        practitioners=Practitioners(settings=settings, book=book, clock=clock),
        reader=reader or InlineWorkbooks(),
        activity=activity,
        clock=clock,
    )


def importing_into(home: Path) -> tuple[Database, Importing]:
    """A real database of its own, files read in a process of their own; to be closed."""
    clock = SystemClock("")
    database = open_database(home / "book.db", clock)
    importing = importing_over(
        book=database.book,
        settings=FakeSettings(),
        activity=database.activity,
        clock=clock,
        reader=WorkbookFiles(),
    )
    return database, importing
