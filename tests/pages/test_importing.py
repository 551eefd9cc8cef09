"""The import page: choose, preview, explain columns, decide on names and held removals, apply."""

from __future__ import annotations

import pytest

from companion.domain.settings import SourceSettings
from companion.web.ui.components.file_drop import FileDrop
from tests.pages.conftest import Visit
from tests.pages.driving import button, drop, field, item, press, radio, tick, until
from tests.pages.import_page import HEADERS, apply, bring, left_behind, row


async def test_a_file_is_previewed_then_applied_and_then_deleted(first_day: Visit) -> None:
    await bring(first_day, "\n".join([HEADERS, row(1), row(2)]))
    await first_day.user.should_see("What would change")
    await first_day.user.should_see("2 changes to the book")
    assert await first_day.application.book.count() == 0
    press(button(first_day, "Apply"))
    await apply(first_day)
    assert len(await first_day.application.book.imports()) == 1
    assert await first_day.application.book.count() == 2
    assert [
        each.practitioner.name
        for each in first_day.application.settings.read().practitioners.values()
    ] == ["Ada Example"]
    assert left_behind(first_day) == []


async def test_cancel_changes_nothing_and_deletes_the_file(first_day: Visit) -> None:
    await bring(first_day, "\n".join([HEADERS, row(1)]))
    await first_day.user.should_see("What would change")
    press(button(first_day, "Cancel"))
    await first_day.user.should_see("Choose the export")
    assert await first_day.application.book.count() == 0
    assert left_behind(first_day) == []


async def test_leaving_the_page_deletes_the_file(first_day: Visit) -> None:
    await bring(first_day, "\n".join([HEADERS, row(1)]))
    await first_day.user.should_see("What would change")
    assert first_day.user.client is not None
    first_day.user.client.delete()
    assert left_behind(first_day) == []


async def test_rejected_rows_are_listed_with_their_reason(first_day: Visit) -> None:
    await bring(first_day, "\n".join([HEADERS, row(1), row(2, start="32/13/2026")]))
    await first_day.user.should_see("Rows that cannot be used")
    await first_day.user.should_see("32/13/2026")
    await first_day.user.should_see("1 change to the book")


async def test_a_name_spelt_differently_is_proposed_as_the_known_person(visit: Visit) -> None:
    people = visit.application.settings.read().practitioners
    zoe = next(key for key, each in people.items() if each.practitioner.name.startswith("Zoë"))
    await bring(visit, "\n".join([HEADERS, row(1, "Zoe O'Brien-Nguyen")]))
    await visit.user.should_see("What the file leaves open")
    choice = field(visit, "Zoe O'Brien-Nguyen")
    assert choice.value == zoe
    assert set(people) < {*choice.options}
    press(button(visit, "Use these answers"))
    await visit.user.should_see("Your answers")
    await apply(visit)
    assert len(visit.application.settings.read().practitioners) == len(people)
    assert (
        "Zoe O'Brien-Nguyen"
        in visit.application.settings.read().practitioners[zoe].practitioner.aliases
    )


async def test_a_held_import_waits_for_a_tick(first_day: Visit) -> None:
    await bring(first_day, "\n".join([HEADERS, *(row(number) for number in range(1, 21))]))
    await first_day.user.should_see("20 changes to the book")
    await apply(first_day)

    await first_day.user.open("/import")
    radio(first_day, "What the file holds").value = "whole"
    await drop(first_day, "\n".join([HEADERS, row(1), row(20)]))
    await first_day.user.should_see("This would change a lot")
    assert not button(first_day, "Apply").enabled
    tick(first_day, "I have checked it: change the book").value = True
    assert button(first_day, "Apply").enabled
    await apply(first_day)
    assert await first_day.application.book.count() == 2


async def test_what_a_file_leaves_open_is_asked_once(first_day: Visit) -> None:
    content = (
        "Provider,Anfang,Ende,Patient name,Service,Status\n"
        "Dr Ada Example,30/11/2026 9:00,30/11/2026 9:30,Robin Sample,Physio,Moved"
    )
    await bring(first_day, content)
    await first_day.user.should_see("What the file leaves open")
    assert radio(first_day, "The date of the appointment").value == "Anfang"
    assert radio(first_day, "The end of the appointment").value == "Ende"
    radio(first_day, "The status “Moved”").value = "booked"
    assert not button(first_day, "Apply").visible
    press(button(first_day, "Use these answers"))
    await first_day.user.should_see("1 change to the book")
    await apply(first_day)

    await bring(first_day, content)
    await first_day.user.should_see("The book already says the same: nothing to apply.")
    await first_day.user.should_not_see("What the file leaves open")


async def test_a_question_without_an_answer_is_marked_and_nothing_is_sent(
    first_day: Visit,
) -> None:
    await bring(first_day, "\n".join([HEADERS, row(1)]))
    await first_day.user.should_see("1 change to the book")
    await apply(first_day)

    lines = [each.split(",") for each in (HEADERS, row(1), row(2))]
    at = lines[0].index("Cancelled")
    without = "\n".join(",".join([*line[:at], *line[at + 1 :]]) for line in lines)
    await bring(first_day, without)
    await first_day.user.should_see("“Cancelled” is gone")
    await first_day.user.should_not_see("guess")
    for _twice in range(2):
        press(button(first_day, "Use these answers"))
        await first_day.user.should_see("This has no answer yet.")
    tick(first_day, "None: go on without it").value = True
    await first_day.user.should_not_see("This has no answer yet.")
    press(button(first_day, "Use these answers"))
    await first_day.user.should_see("1 change to the book")


async def test_an_empty_file_is_said_to_hold_nothing(first_day: Visit) -> None:
    settings = first_day.application.settings
    north, south = SourceSettings(name="North"), SourceSettings(name="South")
    await settings.change(lambda each: each.with_source(north).with_source(south))
    await bring(first_day, "")
    await first_day.user.should_see("The file is empty: it holds no appointment.")
    await first_day.user.should_not_see("Name the source")
    press(button(first_day, "Choose another file"))
    await first_day.user.should_see("Choose the export")


async def test_an_unknown_layout_is_explained_by_its_columns(first_day: Visit) -> None:
    await bring(first_day, "One,Two,Three\nsoon,b,30\nlater,d,45")
    await first_day.user.should_see("How the columns are read")
    await first_day.user.should_see("soon · later")
    field(first_day, "“Two” holds").value = "practitioner"
    press(button(first_day, "Read the file again"))
    await first_day.user.should_see("No column is said to hold when appointments begin.")
    field(first_day, "“One” holds").value = "start"
    field(first_day, "“Three” holds").value = "length"
    press(button(first_day, "Read the file again"))
    await first_day.user.should_see("Rows that cannot be used")
    await first_day.user.should_see("2 rows cannot be used.")


async def test_choices_of_columns_outlive_an_error(first_day: Visit) -> None:
    await bring(first_day, "One,Two,Three\n30/11/2026 9:00,Ada Example,30")
    await first_day.user.should_see("What would change")
    press(button(first_day, "Change how columns are read"))
    await first_day.user.should_see("How the columns are read")
    for heading, holds in (("One", "start"), ("Two", "practitioner"), ("Three", "length")):
        field(first_day, f"“{heading}” holds").value = holds
    field(first_day, "Minutes of every appointment").value = 900_000
    press(button(first_day, "Read the file again"))
    minutes = field(first_day, "Minutes of every appointment")
    await until(lambda: "Use a whole number from 1 to 1,440." in (minutes.error or ""))
    assert minutes.value == 900_000
    values = [field(first_day, f"“{each}” holds").value for each in ("One", "Two", "Three")]
    assert values == ["start", "practitioner", "length"]
    field(first_day, "Minutes of every appointment").value = None
    press(button(first_day, "Read the file again"))
    await first_day.user.should_see("1 change to the book")


async def test_how_a_known_file_is_read_can_be_changed(first_day: Visit) -> None:
    await bring(first_day, "\n".join([HEADERS, row(1)]))
    await first_day.user.should_see("1 change to the book")
    press(button(first_day, "Change how columns are read"))
    await first_day.user.should_see("How the columns are read")
    assert field(first_day, "“Practitioner” holds").value == "practitioner"
    field(first_day, "“Location” holds").value = ""
    press(button(first_day, "Read the file again"))
    await first_day.user.should_see("1 column not used: “Location”.")
    await apply(first_day)
    source = first_day.application.settings.read().sources["bp-allied"]
    assert "Location" not in source.mapping

    await first_day.user.open("/sources")
    press(item(first_day, "How its files are read …"))
    await first_day.user.should_see("What somebody said its columns hold:")
    field(first_day, "“Notes” holds").value = ""
    press(button(first_day, "Save"))
    await until(
        lambda: "Notes" not in first_day.application.settings.read().sources["bp-allied"].mapping
    )


async def test_a_file_of_another_kind_is_refused_with_a_sentence(first_day: Visit) -> None:
    await bring(first_day, "%PDF-1.7 not a table", "report.pdf")
    await first_day.user.should_see("PDF")
    await first_day.user.should_see("Choose another file")


async def test_a_file_that_the_browser_refused_is_told(first_day: Visit) -> None:
    await first_day.user.open("/import")
    refusal = {"what": "This file is larger than 50 MB.", "remedy": "Export a shorter range."}
    press(first_day.elements(FileDrop)[0], "refused", refusal)
    await until(lambda: "larger than 50 MB" in first_day.notices())


async def test_the_same_file_again_has_nothing_to_apply(first_day: Visit) -> None:
    content = "\n".join([HEADERS, row(1)])
    await bring(first_day, content)
    await first_day.user.should_see("1 change to the book")
    await apply(first_day)
    press(button(first_day, "Import another file"))
    await first_day.user.should_see("Choose the export")
    await drop(first_day, content)
    await first_day.user.should_see("nothing to apply")
    assert not button(first_day, "Apply").visible


@pytest.mark.parametrize("content", ["", HEADERS])
async def test_a_file_without_appointments_says_so(first_day: Visit, content: str) -> None:
    await bring(first_day, content)
    await first_day.user.should_see("There is no appointment in this file: nothing to apply.")
    assert not button(first_day, "Apply").visible


async def test_earlier_imports_are_listed(first_day: Visit) -> None:
    await bring(first_day, "\n".join([HEADERS, row(1)]), "monday.csv")
    await first_day.user.should_see("1 change to the book")
    await apply(first_day)
    await first_day.user.open("/import")
    await first_day.user.should_see("monday.csv")


async def test_the_preview_says_whose_appointment_it_is(first_day: Visit) -> None:
    await bring(first_day, "\n".join([HEADERS, row(1)]))
    await first_day.user.should_see("What would change")
    await first_day.user.should_see("Robin Sample")
