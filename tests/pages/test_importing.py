"""The import page: choose, preview, explain columns, decide on names and held removals, apply."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

from nicegui import ui

from companion.domain.settings import SourceSettings
from companion.web.ui.components.file_drop import FileDrop
from tests.pages.conftest import Visit
from tests.pages.driving import button, field, press, tick, until

HEADERS = (
    "Appointment ID,Type,Client ID,Client First Name,Client Last Name,Consultation Type,"
    "Start,End,All Day,Practitioner,Location,Status,Cancelled,Recurring,Notes"
)
BASE = datetime(2026, 11, 30, 9)  # noqa: DTZ001 - wall time


def row(number: int, practitioner: str = "Dr Ada Example", start: str = "") -> str:
    begins = BASE + timedelta(days=number)
    start = start or f"{begins:%d/%m/%Y %H:%M}"
    end = f"{begins + timedelta(minutes=30):%d/%m/%Y %H:%M}"
    return (
        f"{number},Client,{4000 + number},Robin,Sample,Physio,{start},{end},No,{practitioner},"
        "Room 1,Busy,No,No,"
    )


async def chunks(content: str) -> AsyncIterator[bytes]:
    yield content.encode()


async def drop(visit: Visit, content: str, name: str = "export.csv") -> None:
    """A file as the browser sends it: streamed first, then announced to the page."""
    ticket = await visit.site.incoming.receive(chunks(content), file_name=name)
    press(visit.elements(FileDrop)[0], "received", {"ticket": ticket, "name": name})


def left_behind(visit: Visit) -> list[Path]:
    folder = visit.site.options.incoming
    return list(folder.iterdir()) if folder.exists() else []


async def test_a_file_is_previewed_then_applied_and_then_deleted(first_day: Visit) -> None:
    await first_day.user.open("/import")
    await drop(first_day, "\n".join([HEADERS, row(1), row(2)]))
    await first_day.user.should_see("What would change")
    await first_day.user.should_see("2 changes to the book")
    assert await first_day.application.book.count() == 0
    press(button(first_day, "Apply"))
    await first_day.user.should_see("The book is up to date with the file.")
    assert await first_day.application.book.count() == 2
    assert [
        each.practitioner.name
        for each in first_day.application.settings.read().practitioners.values()
    ] == ["Ada Example"]
    assert left_behind(first_day) == []


async def test_cancel_changes_nothing_and_deletes_the_file(first_day: Visit) -> None:
    await first_day.user.open("/import")
    await drop(first_day, "\n".join([HEADERS, row(1)]))
    await first_day.user.should_see("What would change")
    press(button(first_day, "Cancel"))
    await first_day.user.should_see("Choose the export")
    assert await first_day.application.book.count() == 0
    assert left_behind(first_day) == []


async def test_leaving_the_page_deletes_the_file(first_day: Visit) -> None:
    client = await first_day.user.open("/import")
    await drop(first_day, "\n".join([HEADERS, row(1)]))
    await first_day.user.should_see("What would change")
    client.delete()
    assert left_behind(first_day) == []


async def test_rejected_rows_are_listed_with_their_reason(first_day: Visit) -> None:
    await first_day.user.open("/import")
    await drop(first_day, "\n".join([HEADERS, row(1), row(2, start="32/13/2026")]))
    await first_day.user.should_see("Rows that cannot be used")
    await first_day.user.should_see("32/13/2026")
    await first_day.user.should_see("1 change to the book")


async def test_a_name_spelt_differently_is_proposed_as_the_known_person(visit: Visit) -> None:
    people = visit.application.settings.read().practitioners
    zoe = next(key for key, each in people.items() if each.practitioner.name.startswith("Zoë"))
    await visit.user.open("/import")
    await drop(visit, "\n".join([HEADERS, row(1, "Zoe O'Brien-Nguyen")]))
    await visit.user.should_see("New names")
    choice = field(visit, "Who is Zoe O'Brien-Nguyen?")
    assert choice.value == zoe
    press(button(visit, "Apply"))
    await visit.user.should_see("The book is up to date with the file.")
    assert len(visit.application.settings.read().practitioners) == len(people)
    assert (
        "Zoe O'Brien-Nguyen"
        in visit.application.settings.read().practitioners[zoe].practitioner.aliases
    )


async def test_a_held_import_waits_for_a_tick(first_day: Visit) -> None:
    await first_day.user.open("/import")
    await drop(first_day, "\n".join([HEADERS, *(row(number) for number in range(1, 21))]))
    await first_day.user.should_see("20 changes to the book")
    press(button(first_day, "Apply"))
    await first_day.user.should_see("The book is up to date with the file.")

    await first_day.user.open("/import")
    first_day.elements(ui.radio)[0].value = True
    await drop(first_day, "\n".join([HEADERS, row(1), row(20)]))
    await first_day.user.should_see("This would change a lot")
    assert not button(first_day, "Apply").enabled
    tick(first_day, "I have checked it: change the book").value = True
    assert button(first_day, "Apply").enabled
    press(button(first_day, "Apply"))
    await first_day.user.should_see("The book is up to date with the file.")
    assert await first_day.application.book.count() == 2


async def test_what_a_file_leaves_open_is_asked_once(first_day: Visit) -> None:
    content = (
        "Provider,Anfang,Ende,Patient name,Service,Status\n"
        "Dr Ada Example,30/11/2026 9:00,30/11/2026 9:30,Robin Sample,Physio,Moved"
    )
    await first_day.user.open("/import")
    await drop(first_day, content)
    await first_day.user.should_see("What the file leaves open")
    assert field(first_day, "The date of the appointment").value == "Anfang"
    assert field(first_day, "The end of the appointment").value == "Ende"
    field(first_day, "The status “Moved”").value = "booked"
    press(button(first_day, "Answer"))
    await first_day.user.should_see("1 change to the book")
    press(button(first_day, "Apply"))
    await first_day.user.should_see("The book is up to date with the file.")

    await first_day.user.open("/import")
    await drop(first_day, content)
    await first_day.user.should_see("The book already says the same: nothing to apply.")
    await first_day.user.should_not_see("What the file leaves open")


async def test_a_missing_column_is_asked_for(first_day: Visit) -> None:
    await first_day.user.open("/import")
    await drop(first_day, "One,Two,Three\na,b,c")
    await first_day.user.should_see("Say what the columns are")
    press(button(first_day, "Read the file again"))
    await until(lambda: "Which column names the practitioner?" in first_day.notices())


async def test_a_file_of_another_kind_is_refused_with_a_sentence(first_day: Visit) -> None:
    await first_day.user.open("/import")
    await drop(first_day, "%PDF-1.7 not a table", "report.pdf")
    await first_day.user.should_see("PDF")
    await first_day.user.should_see("Choose another file")


async def test_a_file_that_the_browser_refused_is_told(first_day: Visit) -> None:
    await first_day.user.open("/import")
    refusal = {"what": "This file is larger than 50 MB.", "remedy": "Export a shorter range."}
    press(first_day.elements(FileDrop)[0], "refused", refusal)
    await until(lambda: "larger than 50 MB" in first_day.notices())


async def test_the_same_file_again_has_nothing_to_apply(first_day: Visit) -> None:
    content = "\n".join([HEADERS, row(1)])
    await first_day.user.open("/import")
    await drop(first_day, content)
    await first_day.user.should_see("1 change to the book")
    press(button(first_day, "Apply"))
    await first_day.user.should_see("The book is up to date with the file.")
    press(button(first_day, "Import another file"))
    await first_day.user.should_see("Choose the export")
    await drop(first_day, content)
    await first_day.user.should_see("nothing to apply")
    assert not button(first_day, "Apply").visible


async def test_earlier_imports_are_listed(first_day: Visit) -> None:
    await first_day.user.open("/import")
    await drop(first_day, "\n".join([HEADERS, row(1)]), "monday.csv")
    await first_day.user.should_see("1 change to the book")
    press(button(first_day, "Apply"))
    await first_day.user.should_see("The book is up to date with the file.")
    await first_day.user.open("/import")
    await first_day.user.should_see("monday.csv")


async def test_the_preview_says_whose_appointment_it_is(first_day: Visit) -> None:
    await first_day.user.open("/import")
    await drop(first_day, "\n".join([HEADERS, row(1)]))
    await first_day.user.should_see("What would change")
    await first_day.user.should_see("Robin Sample")


async def test_appointments_that_another_source_brought_are_not_doubled(first_day: Visit) -> None:
    book, settings = first_day.application.book, first_day.application.settings
    await first_day.user.open("/import")
    await drop(first_day, "\n".join([HEADERS, row(1)]))
    await first_day.user.should_see("1 change to the book")
    press(button(first_day, "Apply"))
    await first_day.user.should_see("The book is up to date with the file.")

    await settings.change(lambda each: each.with_source(SourceSettings(name="Front desk")))
    await first_day.user.open("/import")
    field(first_day, "Source").value = "Front desk"
    await drop(first_day, "\n".join([HEADERS, row(1), row(2)]))
    await first_day.user.should_see("is in the book already, from “bp-allied”. Is it the same?")
    assert field(first_day, "Bp-allied").value == "skip"
    press(button(first_day, "Answer"))
    await first_day.user.should_see("1 change to the book")
    press(button(first_day, "Apply"))
    await first_day.user.should_see("The book is up to date with the file.")
    assert await book.count() == 2
    newest, _first = await book.imports()
    assert (newest.source, newest.added, newest.unchanged) == ("Front desk", 1, 1)
    assert newest.by == "Alex"


async def test_an_import_is_undone_on_the_page(first_day: Visit) -> None:
    book = first_day.application.book
    await first_day.user.open("/import")
    await drop(first_day, "\n".join([HEADERS, row(1), row(2)]))
    await first_day.user.should_see("2 changes to the book")
    press(button(first_day, "Apply"))
    await first_day.user.should_see("The book is up to date with the file.")
    await first_day.user.open("/import")
    await first_day.user.should_see("Earlier imports")
    press(button(first_day, "Undo"))
    await first_day.user.should_see("Undoing it takes out 2 appointments.")
    assert await book.count() == 2, "looking changes nothing"
    press(button(first_day, "Undo it"))
    await first_day.user.should_see("Undone by Alex")
    assert await book.count() == 0
