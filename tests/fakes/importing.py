"""The importing service over a test's own stores."""

from __future__ import annotations

from companion.services.imports.importing import Importing
from companion.services.ports import (
    ActivityLog,
    AppointmentBook,
    Clock,
    SettingsStore,
)
from companion.services.settings.practitioners import Practitioners
from companion.services.workbooks import WorkbookReader
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
