"""Choices about a file on the page: its source, its table, what is shown, undone and stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from companion.domain.settings import SourceSettings
from companion.services.workbooks import Workbook
from companion.web.ui.importing.source_choice import ANOTHER
from tests.pages.conftest import Visit
from tests.pages.driving import button, drop, field, named, press, radio, until
from tests.pages.import_page import HEADERS, apply, bring, left_behind, row


async def test_appointments_that_another_source_brought_are_not_doubled(first_day: Visit) -> None:
    book, settings = first_day.application.book, first_day.application.settings
    await bring(first_day, "\n".join([HEADERS, row(1)]))
    await first_day.user.should_see("1 change to the book")
    await apply(first_day)

    await settings.change(lambda each: each.with_source(SourceSettings(name="Front desk")))
    await first_day.user.open("/import")
    radio(first_day, "Source").value = "Front desk"
    await drop(first_day, "\n".join([HEADERS, row(1), row(2)]))
    await first_day.user.should_see("is in the book already")
    assert radio(first_day, "Bp-allied").value == "skip"
    press(button(first_day, "Use these answers"))
    await first_day.user.should_see("1 change to the book")
    await apply(first_day)
    assert await book.count() == 2
    newest, _first = await book.imports()
    assert (newest.source, newest.added, newest.unchanged) == ("Front desk", 1, 1)
    assert newest.by == "Alex"


async def test_another_site_is_a_source_of_its_own(first_day: Visit) -> None:
    content = "\n".join([HEADERS, row(1)])
    for name in ("North", "South"):
        await first_day.user.open("/import")
        radio(first_day, "Source").value = ANOTHER
        if name == "North":
            await drop(first_day, content)
            await until(lambda: "has no name yet" in first_day.notices())
        field(first_day, "Name of the source").value = name
        await drop(first_day, content)
        if name == "South":
            await first_day.user.should_see("is in the book already")
            radio(first_day, "North").value = "add"
            press(button(first_day, "Use these answers"))
        await first_day.user.should_see("1 change to the book")
        await apply(first_day)
    assert await first_day.application.book.count() == 2
    await first_day.user.open("/import")
    assert {"North", "South"} < {*radio(first_day, "Source").options}


async def test_a_file_is_read_as_another_source_from_its_preview(first_day: Visit) -> None:
    await bring(first_day, "\n".join([HEADERS, row(1)]))
    await first_day.user.should_see("as source “bp-allied”")
    press(button(first_day, "Of another source …"))
    await first_day.user.should_see("It is read as “bp-allied” now.")
    field(first_day, "Name of the source").value = "South"
    press(button(first_day, "Read it as this source"))
    await first_day.user.should_see("as source “South”")


async def test_a_table_that_begins_elsewhere_is_found_by_its_row(first_day: Visit) -> None:
    content = "\n".join([HEADERS, row(1), "", HEADERS, row(2), row(3)])
    await bring(first_day, content)
    await first_day.user.should_see("3 changes to the book")
    press(button(first_day, "Change how columns are read"))
    await first_day.user.should_see("Is the table somewhere else in the file?")
    assert field(first_day, "Row with the names of the columns").value == 1
    field(first_day, "Row with the names of the columns").value = 4
    press(button(first_day, "Read from there"))
    await first_day.user.should_see("2 changes to the book")


async def test_the_preview_is_filtered_and_searched(first_day: Visit) -> None:
    rows = [row(number) for number in range(1, 131)]
    rows[4] = rows[4].replace("Robin,Sample", "Kim,Otherwise").replace("No,No,", "Yes,No,")
    await bring(first_day, "\n".join([HEADERS, *rows]))
    await first_day.user.should_see("The first 100 of 130 appointments")
    await first_day.user.should_see("Tue 1 Dec 2026")
    press(button(first_day, "Show more"))
    await first_day.user.should_see("130 appointments")
    field(first_day, "Search client, practitioner, date or type").value = "otherwise physio"
    await first_day.user.should_see("1 appointment")
    await first_day.user.should_see("Kim Otherwise")
    field(first_day, "Search client, practitioner, date or type").value = ""
    field(first_day, "Show").value = "cancel"
    await first_day.user.should_see("1 appointment")
    await first_day.user.should_see("Kim Otherwise")


async def test_rejected_rows_are_saved_as_a_table(first_day: Visit) -> None:
    await bring(first_day, "\n".join([HEADERS, row(1), row(2, start="32/13/2026")]))
    await first_day.user.should_see("Rows that cannot be used")
    press(button(first_day, "Save this list (CSV)"))
    answer = await first_day.user.download.next()
    assert answer.content.startswith(b"\xef\xbb\xbfRow,Why\r\n3,")


async def test_every_status_word_is_shown_and_can_mean_another_thing(first_day: Visit) -> None:
    content = (
        "Id,Provider,Start,End,Patient name,Status\n"
        "1,Dr Ada Example,30/11/2026 9:00,30/11/2026 9:30,Robin Sample,Booked\n"
        "2,Dr Ada Example,30/11/2026 10:00,30/11/2026 10:30,Robin Sample,DNA"
    )
    await bring(first_day, content)
    await first_day.user.should_see("Status words")
    await first_day.user.should_see("Importing adds 2 (1 of them cancelled).")
    assert field(first_day, "“DNA” means").value == "cancelled"
    field(first_day, "“DNA” means").value = "booked"
    press(button(first_day, "Read again with these meanings"))
    await first_day.user.should_see("Importing adds 2.")


async def test_an_import_is_undone_by_whoever_sees_the_list(first_day: Visit) -> None:
    await bring(first_day, "\n".join([HEADERS, row(1), row(2)]), "monday.csv")
    await first_day.user.should_see("2 changes to the book")
    await apply(first_day)
    await bring(first_day, "\n".join([HEADERS, row(1).replace("Physio", "Massage")]), "tuesday.csv")
    await first_day.user.should_see("1 change to the book")
    await apply(first_day)

    await first_day.user.open("/import")
    await first_day.user.should_see("monday.csv")
    press(named(first_day, "Undo the import of monday.csv"))
    await first_day.user.should_see("Undoing it takes out 1 appointment")
    await first_day.user.should_see("1 appointment has been changed since")
    press(button(first_day, "Leave it"))
    press(named(first_day, "Undo the import of tuesday.csv"))
    await first_day.user.should_see("puts back 1 appointment as before")
    press(button(first_day, "Undo this import"))
    await until(lambda: "The import is undone." in first_day.notices())
    press(named(first_day, "Undo the import of monday.csv"))
    await first_day.user.should_see("takes out 2 appointments")
    press(button(first_day, "Undo this import"))
    await until(lambda: first_day.notices().count("The import is undone.") == 2)
    assert await first_day.application.book.count() == 0
    await first_day.user.should_see("Undone, 09:")


async def test_reading_can_be_stopped(first_day: Visit) -> None:
    reader = first_day.application.services.importing._reader
    first_day.application.services.importing._reader = NeverReads()
    await first_day.user.open("/import")
    radio(first_day, "What the file holds").value = "whole"
    await drop(first_day, "\n".join([HEADERS, row(1)]))
    await first_day.user.should_see("Stop reading")
    await first_day.user.should_see("Opening the file")
    press(button(first_day, "Stop reading"))
    await first_day.user.should_see("Choose the export")
    assert radio(first_day, "What the file holds").value == "whole"
    assert left_behind(first_day) == []
    first_day.application.services.importing._reader = reader
    await drop(first_day, "\n".join([HEADERS, row(1)]))
    await first_day.user.should_see("1 change to the book")


class NeverReads:
    async def read(
        self, path: Path, *, progress: Callable[[float], None] | None = None
    ) -> Workbook:
        if progress is not None:
            progress(0.5)
        await asyncio.Event().wait()
        raise AssertionError(path)
