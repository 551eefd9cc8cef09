"""The Appointment Book through a simulated browser: every dialog, what it writes and refuses."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from nicegui import ui

from companion.domain.users import Role, User
from companion.web.ui.book.month import LINES, MonthView
from companion.web.ui.components.fields import FEW
from companion.web.ui.components.month_picker import MonthPicker
from tests.fakes.services import crowd, fake_application, lived_in, the_sample
from tests.fakes.waiting import until
from tests.pages.book_page import (
    AROHA,
    JUERGEN,
    LUNCH,
    ZOE,
    calendar,
    events,
    new_visit,
    open_book,
    place,
    titled,
)
from tests.pages.conftest import Visit, visiting
from tests.pages.driving import button, field, item, named, opened, press, tick


@pytest.fixture
async def book(visit: Visit) -> Visit:
    await open_book(visit)
    return visit


# ── what is shown ─────────────────────────────────────────────────────────────────────────────


async def test_the_day_shows_a_column_per_practitioner_with_their_state(book: Visit) -> None:
    page = calendar(book).shown
    assert [each["id"] for each in page["options"]["resources"]][:2] == [ZOE, JUERGEN]
    assert (page["options"]["view"], page["options"]["date"]) == ("day", "2026-11-24")
    lunch = events(book)[LUNCH]
    assert lunch["title"] == "Lunch"
    assert "repeats" in lunch["extendedProps"]["spoken"]
    assert "in Google" in lunch["extendedProps"]["spoken"]
    imported = [each for each in events(book).values() if each["extendedProps"].get("imported")]
    assert imported
    assert not any(each["startEditable"] or each["durationEditable"] for each in imported)


async def test_the_week_is_of_one_practitioner_and_the_list_of_all(book: Visit) -> None:
    press(button(book, "Work week"))
    await until(lambda: calendar(book).shown["options"]["view"] == "workweek")
    owners = {each["resourceIds"][0] for each in events(book).values()}
    assert owners == {ZOE}
    assert {each["start"][:10] for each in events(book).values()} <= {
        f"2026-11-{day}" for day in range(23, 28)
    }
    opened(field(book, "Practitioner")).value = AROHA
    await until(lambda: {e["resourceIds"][0] for e in events(book).values()} == {AROHA})
    press(button(book, "List"))
    await until(lambda: len({e["resourceIds"][0] for e in events(book).values()}) > 2)
    staff = next(e for e in events(book).values() if e["title"] == "Staff meeting")
    assert staff["extendedProps"]["second"]


async def test_a_narrow_window_shows_the_list(visit: Visit) -> None:
    await open_book(visit, narrow=True)
    assert calendar(visit).shown["options"]["view"] == "list"
    press(calendar(visit), "narrow", False)
    await until(lambda: calendar(visit).shown["options"]["view"] == "day")


async def test_turning_pages_and_jumping_to_a_date(book: Visit) -> None:
    press(calendar(book), "act", {"what": "next"})
    await until(lambda: calendar(book).shown["options"]["date"] == "2026-11-25")
    press(calendar(book), "act", {"what": "previous"})
    press(calendar(book), "act", {"what": "previous"})
    await until(lambda: calendar(book).shown["options"]["date"] == "2026-11-23")
    press(calendar(book), "act", {"what": "today"})
    await until(lambda: calendar(book).shown["options"]["date"] == "2026-11-24")
    press(button(book, "Tue 24 Nov 2026"))
    await until(lambda: len(book.elements(MonthPicker)) == 2)  # the view of a month is one too
    month = book.elements(MonthPicker)[-1]
    await until(lambda: month.props["counts"])
    booked = [e for e in events(book).values() if not e["extendedProps"]["cancelled"]]
    assert month.props["counts"]["2026-11-24"] == len(booked)
    press(month, "month", "2026-12-01")
    await until(lambda: month.props["month"] == "2026-12-01")
    press(month, "pick", "2026-12-03")
    await until(lambda: calendar(book).shown["options"]["date"] == "2026-12-03")


async def test_filters_by_practitioner_location_and_cancelled(book: Visit) -> None:
    everything = events(book)
    opened(field(book, "Practitioners")).value = [AROHA, ZOE]
    await until(lambda: len(calendar(book).shown["options"]["resources"]) == 2)
    field(book, "Practitioners").value = []
    await until(lambda: events(book).keys() == everything.keys())
    tick(book, "Show cancelled").value = False
    gone = {key for key, each in everything.items() if each["extendedProps"]["cancelled"]}
    assert gone
    await until(lambda: events(book).keys() == everything.keys() - gone)
    field(book, "Location").value = "Room 9"
    await until(lambda: len(events(book)) == 1)


def results(book: Visit) -> list[ui.element]:
    return [each for each in book.elements(ui.element) if "result" in each.classes]


async def search(book: Visit, words: str) -> None:
    """Open the search and type."""
    press(calendar(book), "act", {"what": "search"})
    await until(lambda: field(book, "Client, number, type, title or notes"))
    field(book, "Client, number, type, title or notes").value = words


async def test_search_finds_by_words_and_leads_to_the_day(book: Visit) -> None:
    await search(book, "hobart CONFERENCE")
    await book.user.should_see("1 appointment")
    press(results(book)[0])
    await until(lambda: calendar(book).shown["options"]["date"] != "2026-11-24")
    assert titled(book, "Leave")["allDay"]


async def test_enter_opens_the_first_that_the_last_words_find_and_nothing_hides_it(
    book: Visit,
) -> None:
    made = await new_visit(book, "Strauß-Ōtani")
    opened(field(book, "Practitioners")).value = [AROHA]
    await until(lambda: len(calendar(book).shown["options"]["resources"]) == 1)
    await search(book, "nobody at all")
    await book.user.should_see("Nothing found.")
    field(book, "Client, number, type, title or notes").value = "strauss-otani"
    press(field(book, "Client, number, type, title or notes"), "keydown.enter")
    await until(lambda: made.id in events(book))
    assert field(book, "Practitioners").value == [AROHA, ZOE]


async def test_a_search_says_when_more_match_than_it_shows(book: Visit) -> None:
    await search(book, "a")
    assert results(book) == []
    field(book, "Client, number, type, title or notes").value = "an"
    await book.user.should_see("More than 40 match. Type more to find yours.")
    assert len(results(book)) == 40


async def test_an_address_may_name_the_day_and_the_view(visit: Visit) -> None:
    await open_book(visit, f"/book?day=2026-12-01&view=week&who={AROHA}")
    options = calendar(visit).shown["options"]
    assert (options["date"], options["view"]) == ("2026-11-30", "week")
    assert {each["resourceIds"][0] for each in events(visit).values()} == {AROHA}
    await open_book(visit, "/book?day=nonsense&view=nonsense&who=nonsense")
    assert calendar(visit).shown["options"]["date"] == "2026-11-24"


async def test_without_practitioners_the_book_says_how_to_begin(first_day: Visit) -> None:
    await first_day.user.open("/book")
    await first_day.user.should_see("No practitioners yet")
    (heading,) = [each for each in first_day.elements(ui.element) if each.tag == "h1"]
    assert "sr-only" not in heading.classes
    await first_day.user.should_see("Import appointments")
    press(button(first_day, "Add practitioner"))
    await first_day.user.should_see("Add a practitioner")


# ── Google, export, print, hours ──────────────────────────────────────────────────────────────


async def test_what_google_shows_stands_beside_the_book_and_the_phones(book: Visit) -> None:
    imported = next(
        e
        for e in events(book).values()
        if e["resourceIds"] == [ZOE]
        and "in Google" in e["extendedProps"]["spoken"]
        and "client" in e["extendedProps"]["spoken"]
    )
    press(calendar(book), "act", {"what": "shows", "key": imported["id"], "seen": 1})
    await book.user.should_see("Google shows exactly this.")
    await book.user.should_see("On phones, initials (Work phone)")


async def test_upload_begins_from_the_menu_and_its_progress_is_shown_below(book: Visit) -> None:
    await new_visit(book)
    assert "waiting" in titled(book, "Testperson")["extendedProps"]["spoken"]
    press(calendar(book), "act", {"what": "upload", **place()})
    await book.user.should_see("1 added")
    await until(lambda: "in Google" in titled(book, "Testperson")["extendedProps"]["spoken"])


async def test_upload_without_a_connection_says_what_to_do(book: Visit) -> None:
    sixth = the_sample().practitioners[5].id
    press(calendar(book), "act", {"what": "upload", **place(resource=sixth)})
    await until(lambda: "is not connected to Google yet" in book.notices())


async def test_export_to_a_file_downloads_one_calendar_or_several(book: Visit) -> None:
    press(item(book, "Export to Google/iCal …"))
    await until(lambda: button(book, "OK"))
    whose, where = book.elements(ui.radio)[-2:]
    where.value = "file"
    field(book, "Last day").value = "1/11/2026"
    press(button(book, "OK"))
    await until(lambda: field(book, "Last day").error or field(book, "First day").error)
    field(book, "Last day").value = "1/12/2026"
    press(button(book, "OK"))
    one = await book.user.download.next()
    assert one.content.startswith(b"BEGIN:VCALENDAR")
    press(item(book, "Export to Google/iCal …"))
    await until(lambda: len(book.elements(ui.radio)) >= 2)
    whose, where = book.elements(ui.radio)[-2:]
    whose.value, where.value = "chosen", "file"
    press(button(book, "OK"))
    several = await book.user.download.next()
    with zipfile.ZipFile(BytesIO(several.content)) as archive:
        assert len(archive.namelist()) == 6


async def test_export_to_google_uploads_those_who_are_connected(book: Visit) -> None:
    await new_visit(book)
    press(item(book, "Export to Google/iCal …"))
    await until(lambda: button(book, "OK"))
    book.elements(ui.radio)[-2].value = "chosen"
    press(button(book, "OK"))
    await until(lambda: "Not connected, so left out" in book.notices())
    await until(lambda: "in Google" in titled(book, "Testperson")["extendedProps"]["spoken"])


async def test_a_day_on_paper_holds_everyone_or_the_chosen(visit: Visit) -> None:
    await visit.user.open(f"/book/print?day=2026-11-24&who={AROHA}")
    await visit.user.should_see("Tuesday 24 November 2026")
    await visit.user.should_see("Aroha Ngātā")
    await visit.user.should_not_see("Fatima al-Hassan")
    await visit.user.should_see("Staff meeting")
    await visit.user.should_see(visit.application.settings.read().practice.name)
    await visit.user.should_see("Printed Tue 24 Nov 2026, ")


async def test_the_month_shows_the_first_of_each_day_and_leads_to_it(book: Visit) -> None:
    press(button(book, "Month"))
    (month,) = book.elements(MonthView)
    await until(lambda: month.visible and "book__grid--away" in calendar(book).classes)
    lines, counts = month.props["lines"], month.props["counts"]
    assert lines["2026-11-24"][0] == ("08:00", "Staff meeting", False)
    assert len(lines["2026-11-24"]) == LINES < counts["2026-11-24"]
    assert named(book, "November 2026. Choose another day").text == "November 2026"
    press(named(book, "Next"))
    await until(lambda: month.props["month"] == "2026-12-01")
    press(calendar(book), "act", {"what": "previous"})  # keys are heard here too
    await until(lambda: month.props["month"] == "2026-11-01")
    press(month, "pick", "2026-12-03")
    await until(lambda: calendar(book).shown["options"]["date"] == "2026-12-03")
    assert "book__grid--away" not in calendar(book).classes
    assert not month.visible


async def test_working_hours_are_kept_shade_the_day_and_give_the_location(book: Visit) -> None:
    press(item(book, "Working hours …"))
    await until(lambda: tick(book, "Tuesday"))
    tick(book, "Tuesday").value = True
    boxes = [each for each in book.elements(ui.input) if "Tuesday" in str(each.props)]
    starts, _, location = boxes[-3:]
    starts.value = "18:00"
    press(button(book, "Save"))
    await until(lambda: starts.error)
    starts.value, location.value = "10:00", "Room 7"
    press(button(book, "Save"))
    await until(lambda: any(key.startswith(f"off/{ZOE}") for key in events(book)))
    press(calendar(book), "create", place())
    await until(lambda: field(book, "Client's last name"))
    places = [e for e in book.elements(ui.input) if e.props.get("label") == "Location"]
    assert places[-1].value == "Room 7"


async def test_the_keyboard_is_explained(book: Visit) -> None:
    press(calendar(book), "act", {"what": "keys"})
    await book.user.should_see("A quarter of an hour earlier, later")


# ── roles ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_practitioner_sees_their_own_book_and_changes_nothing(tmp_path: Path) -> None:
    aroha = User(id="aroha", name="Aroha", role=Role.PRACTITIONER, practitioner_id=AROHA)
    async with visiting(await lived_in(), tmp_path, who=aroha) as visit:
        await open_book(visit)
        page = calendar(visit).shown
        assert [each["id"] for each in page["options"]["resources"]] == [AROHA]
        assert page["rights"] == {"edits": False, "uploads": True}
        assert not any(
            each["startEditable"] or each["durationEditable"] for each in events(visit).values()
        )
        press(calendar(visit), "open", {"key": LUNCH})
        await until(lambda: button(visit, "Close"))
        assert not [each for each in visit.elements(ui.button) if each.text == "Save"]
        press(calendar(visit), "act", {"what": "cancel", "key": LUNCH, "seen": 1})
        await until(lambda: button(visit, "Only this one"))
        press(button(visit, "Only this one"))
        await until(lambda: "may not change the appointment book" in visit.notices())
        assert not events(visit)[LUNCH]["extendedProps"]["cancelled"]


async def test_many_practitioners_are_offered_once_the_filter_is_opened(tmp_path: Path) -> None:
    application = fake_application(crowd(60))
    async with visiting(application, tmp_path) as visit:
        await open_book(visit)
        who = field(visit, "Practitioners")
        assert len(who.options) == FEW
        assert len(opened(who).options) == 60
        await open_book(visit, "/book?who=person-40")
        assert field(visit, "Practitioners").value == ["person-40"]
        assert "person-40" in field(visit, "Practitioners").options
