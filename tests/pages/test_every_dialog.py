"""Every button of every page and of every dialog, pressed: nothing fails, and a dialog that one of
them opens stays when the one that it stood in has gone."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from companion.domain.appointments import AppointmentKind
from companion.services.book.drafts import AppointmentDraft
from tests.fakes.services import FakeApplication, lived_in, the_sample
from tests.fakes.waiting import until
from tests.pages.book_page import LUNCH, calendar, open_book
from tests.pages.conftest import Visit
from tests.pages.crawling import Way, crawl, dialogs, pressable
from tests.pages.driving import press

SAMPLE = the_sample()
CONNECTED, UNCONNECTED = (SAMPLE.practitioners[place].id for place in (0, 5))
EXPORT = (
    "Provider,Begins,Finishes,Patient name,Service,Appt No\n"
    "Zoe O'Brien-Nguyen,30/11/2026 7:00,30/11/2026 7:30,Robin Sample,Physio,1\n"
)
PAGES: dict[str, set[Way]] = {
    "/": {("Add practitioner", "Add"), ("Held, Müller, Jürgen", "Keep in Google")},
    "/book": {("New appointment", "Save"), ("Working hours …", "Save"), ("Keyboard …", "Close")},
    "/import": {("Undo the import of monday.csv", "Undo this import")},
    "/sources": {("Change …", "Save"), ("Forget this source …", "Forget it")},
    f"/practitioner/{CONNECTED}": {
        ("Upload to Google, Zoë O'Brien-Nguyễn", "Upload"),
        ("Disconnect …", "Disconnect"),
        ("Copy settings to others …", "Copy"),
    },
    f"/practitioner/{UNCONNECTED}": {("Merge into another …", "Merge"), ("Remove …", "Remove")},
    "/phone": {("Switch every link off", "Switch every link off")},
    f"/phone/{CONNECTED}": {("Add a device", "Make the link")},
    "/practice": {("Save",)},
    "/users": {("Add user", "Add")},
    "/doctor": {("Test Google", "Start the test")},
    "/backup": {("Make a backup",)},
}
"""What must be among that which was pressed."""


async def in_use(folder: Path) -> FakeApplication:
    """As lived in, with an import and a watched folder."""
    application = await lived_in(home=folder / "home")
    file = folder / "monday.csv"
    file.write_text(EXPORT, encoding="utf-8")
    (folder / "exports").mkdir(exist_ok=True)
    importing = application.services.importing
    preview = await importing.preview(file, source="clinic")
    await importing.apply(preview, answers={e.key: e.guess for e in preview.open}, cause="Alex")
    await application.services.sources.add("clinic", str(folder / "exports"))
    return application


@pytest.mark.parametrize("page", PAGES)
async def test_every_button_of_a_page_and_its_dialogs_works(tmp_path: Path, page: str) -> None:
    async def begin(visit: Visit) -> None:
        if page == "/book":
            await open_book(visit)
        else:
            await visit.user.open(page)
        if page in {"/import", "/sources"}:
            await visit.user.should_see("Imports so far")

    ways = await crawl(lambda: in_use(tmp_path), tmp_path, begin)
    assert set(ways) >= PAGES[page]


async def opened(folder: Path, key: str) -> list[Way]:
    """The ways through the dialog of an appointment."""

    async def begin(visit: Visit) -> None:
        await open_book(visit)
        press(calendar(visit), "open", {"key": key})
        await until(lambda: dialogs(visit) or "not in the book" in visit.notices())

    return await crawl(lived_in, folder, begin)


async def test_every_button_of_an_appointment_of_a_series_works(tmp_path: Path) -> None:
    ways = await opened(tmp_path, LUNCH)
    assert set(ways) >= {
        ("Copy …", "Copy"),
        ("What does Google show?", "Close"),
        ("Cancel appointment", "Only this one"),
        ("Save", "All of the series"),
    }


async def test_every_button_of_an_imported_appointment_works(tmp_path: Path) -> None:
    first = next(each for each in SAMPLE.imported if each.practitioner_id == CONNECTED)
    ways = await opened(tmp_path, first.id)
    assert set(ways) >= {("Copy …", "Copy"), ("What does Google show?", "Close")}


async def test_a_dialog_opened_from_a_dialog_stays_when_that_has_gone(visit: Visit) -> None:
    made = await visit.application.services.booking.create(
        AppointmentDraft(
            kind=AppointmentKind.CASUAL,
            title="Paperwork",
            practitioner_id=CONNECTED,
            start=datetime(2026, 11, 24, 18),  # noqa: DTZ001 - wall time
            end=datetime(2026, 11, 24, 19),  # noqa: DTZ001 - wall time
        ),
        user="Alex",
    )
    await open_book(visit)
    press(calendar(visit), "open", {"key": made.key})
    await until(lambda: dialogs(visit))
    first = dialogs(visit)[0]
    press(*pressable(visit)["Copy …"])
    await until(lambda: [each.title for each in dialogs(visit)] == ["Copy appointment"])
    press(first, "hide")
    assert first.is_deleted
    press(*pressable(visit)["Copy"])
    await until(lambda: not dialogs(visit))
    copied = await visit.application.book.of_practitioners(
        [CONNECTED],
        datetime(2026, 12, 1, 18),  # noqa: DTZ001 - wall time
        datetime(2026, 12, 1, 19),  # noqa: DTZ001 - wall time
    )
    assert "Alex" in {each.created_by for each in copied}
