"""The Appointment Book through a simulated browser: every dialog, what it writes and refuses."""

from __future__ import annotations

import asyncio
import zipfile
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from nicegui import ui

from companion.domain.appointments import Appointment, AppointmentKind, ShowAs
from companion.domain.users import Role, User
from companion.web.ui.book.calendar import AppointmentCalendar
from companion.web.ui.book.month_picker import MonthPicker
from companion.web.ui.components.fields import FEW
from tests.fakes.clock import FakeClock
from tests.fakes.services import crowd, fake_application, lived_in, the_sample
from tests.fakes.waiting import until
from tests.pages.conftest import Visit, visiting
from tests.pages.driving import button, field, opened, press, tick

TODAY = date(2026, 11, 24)
ZOE, JUERGEN, AROHA = (each.id for each in the_sample().practitioners[:3])
LUNCH = f"own-sample-lunch-{AROHA}@20261124T123000"


def calendar(visit: Visit) -> AppointmentCalendar:
    found: AppointmentCalendar = visit.elements(AppointmentCalendar)[-1]
    return found


async def open_book(visit: Visit, address: str = "/book", *, narrow: bool = False) -> None:
    await visit.user.open(address)
    press(calendar(visit), "ready", narrow)
    await until(lambda: calendar(visit).shown)


@pytest.fixture
async def book(visit: Visit) -> Visit:
    await open_book(visit)
    return visit


def events(visit: Visit) -> dict[str, dict[str, Any]]:
    """What the calendar was told last, by key."""
    return {each["id"]: each for each in calendar(visit).shown["events"]}


def titled(visit: Visit, title: str) -> dict[str, Any]:
    return next(each for each in events(visit).values() if each["title"] == title)


async def own(visit: Visit) -> list[Appointment]:
    """Appointments entered through the screen."""
    everyone = await visit.application.book.of_practitioners(
        [ZOE, JUERGEN, AROHA],
        datetime(2026, 1, 1),  # noqa: DTZ001 - wall time
        datetime(2027, 12, 31),  # noqa: DTZ001 - wall time
    )
    return [each for each in everyone if each.id.startswith("own-") and each.created_by]


def place(**changes: Any) -> dict[str, Any]:
    slot = {
        "start": "2026-11-24T15:00:00",
        "end": "2026-11-24T15:30:00",
        "allDay": False,
        "resource": ZOE,
    }
    return {**slot, **changes}


async def dialog_of(visit: Visit, key: str) -> None:
    """Open what is there; the one before may still be closing."""
    before = len(visit.elements(ui.dialog))
    press(calendar(visit), "open", {"key": key})
    await until(lambda: len(visit.elements(ui.dialog)) > before and button(visit, "Save"))


async def new_visit(visit: Visit, last_name: str = "Testperson", **changes: Any) -> Appointment:
    """A client appointment through the dialog."""
    before = {each.id for each in await own(visit)}
    press(calendar(visit), "create", place(**changes))
    await until(lambda: button(visit, "Save"))
    field(visit, "Client's last name").value = last_name
    press(button(visit, "Save"))
    await until(lambda: any(each["title"] == last_name for each in events(visit).values()))
    return next(each for each in await own(visit) if each.id not in before)


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
    assert not any(each["editable"] for each in imported)


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
    press(button(book, "Tuesday 24 November 2026"))
    await until(lambda: book.elements(MonthPicker))
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


async def test_search_finds_by_words_and_leads_to_the_day(book: Visit) -> None:
    press(calendar(book), "act", {"what": "search"})
    await until(lambda: field(book, "Client, title or notes"))
    field(book, "Client, title or notes").value = "hobart CONFERENCE"
    await book.user.should_see("1 appointment")
    found = [each for each in book.elements(ui.element) if "result" in each.classes]
    press(found[0])
    await until(lambda: calendar(book).shown["options"]["date"] != "2026-11-24")
    assert titled(book, "Leave")["allDay"]


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


# ── new and edit ──────────────────────────────────────────────────────────────────────────────


async def test_a_new_appointment_lands_where_it_was_drawn(book: Visit) -> None:
    made = await new_visit(book, "<b>Bobby</b> 🌞 نور")
    assert (made.start.hour, made.end.minute, made.practitioner_id) == (15, 30, ZOE)
    assert made.created_by
    shown = titled(book, "<b>Bobby</b> 🌞 نور")
    assert "waiting for the next sync" in shown["extendedProps"]["spoken"]


async def test_bad_input_is_said_under_its_field_and_the_dialog_stays(book: Visit) -> None:
    press(calendar(book), "create", place())
    await until(lambda: button(book, "Save"))
    press(button(book, "Save"))
    await until(lambda: field(book, "Client's last name").error)
    assert "needs a client" in field(book, "Client's last name").error
    field(book, "Client's last name").value = "Lee"
    for label, value, wrong, said in (
        ("End time", "14:00", "End time", "ends before it starts"),
        ("Start time", "", "Start time", "time is missing"),
        ("Start", "", "Start", "day is missing"),
        ("Client's first name", "x" * 300, "Client's first name", "longer than"),
        ("Notes", "x" * 9000, None, ""),
    ):
        target = field(book, label) if label != "Notes" else book.elements(ui.textarea)[-1]
        before, target.value = target.value, value
        press(button(book, "Save"))
        bad = target if wrong is None else field(book, wrong)
        await until(partial(getattr, bad, "error"))
        assert said in bad.error
        target.value = before
        if label in {"Start time", "Start"}:
            field(book, "End time").value = "15:30"
            field(book, "End").value = "2026-11-24"
    press(button(book, "Save"))
    await until(lambda: any(each["title"] == "Lee" for each in events(book).values()))


async def test_a_time_the_clocks_skip_is_said_at_its_field(visit: Visit) -> None:
    await open_book(visit, "/book?day=2027-10-03")
    press(
        calendar(visit),
        "create",
        place(start="2027-10-03T02:30:00", end="2027-10-03T03:30:00"),
    )
    await until(lambda: button(visit, "Save"))
    field(visit, "Client's last name").value = "Early"
    press(button(visit, "Save"))
    await until(lambda: field(visit, "Start time").error)
    assert "02:30 does not exist on 3 October 2027" in field(visit, "Start time").error


async def test_a_new_start_takes_the_end_along(book: Visit) -> None:
    press(calendar(book), "create", place())
    await until(lambda: button(book, "Save"))
    field(book, "Start time").value = "16:10"
    assert field(book, "End time").value == "16:40"
    field(book, "End time").value = "17:10"
    field(book, "Start").value = "2026-11-26"
    assert (field(book, "End").value, field(book, "End time").value) == ("2026-11-26", "17:10")


async def test_overlaps_are_shown_while_typing_and_forbid_nothing(book: Visit) -> None:
    busy = next(
        e
        for e in events(book).values()
        if e["resourceIds"] == [ZOE] and not e["extendedProps"]["cancelled"] and not e["allDay"]
    )
    press(calendar(book), "create", place(start=busy["start"], end=busy["end"]))
    await book.user.should_see("you may still save")
    field(book, "Client's last name").value = "Double"
    press(button(book, "Save"))
    await until(lambda: any(each["title"] == "Double" for each in events(book).values()))


async def test_leave_for_whole_days_is_a_casual_block(book: Visit) -> None:
    press(
        calendar(book),
        "create",
        place(start="2026-11-24T00:00:00", end="2026-11-26T00:00:00", allDay=True),
    )
    await until(lambda: button(book, "Save"))
    assert field(book, "End").value == "2026-11-25"
    field(book, "Title").value = "Conference"
    press(button(book, "Save"))
    await until(lambda: any(each["title"] == "Conference" for each in events(book).values()))
    (made,) = await own(book)
    assert made.all_day
    assert (made.end - made.start, made.kind) == (timedelta(days=2), "casual")


async def test_opening_shows_what_is_there_and_saving_changes_it(book: Visit) -> None:
    made = await new_visit(book)
    await dialog_of(book, made.id)
    assert field(book, "Client's last name").value == "Testperson"
    book.elements(ui.textarea)[-1].value = "bring referral"
    field(book, "Show as").value = ShowAs.TENTATIVE
    field(book, "Reminder, minutes before").value = 30
    press(button(book, "Save"))
    await until(lambda: "tentative" in titled(book, "Testperson")["extendedProps"]["spoken"])
    (kept,) = await own(book)
    assert (kept.notes, kept.reminder_minutes, kept.revision) == ("bring referral", 30, 2)


async def test_an_imported_appointment_opens_read_only_and_says_where_to_change_it(
    book: Visit,
) -> None:
    imported = next(e for e in events(book).values() if e["extendedProps"].get("imported"))
    press(calendar(book), "open", {"key": imported["id"]})
    await book.user.should_see("Change it in the practice software")
    assert not [each for each in book.elements(ui.button) if each.text == "Save"]


async def test_the_later_of_two_windows_is_told_and_keeps_what_was_typed(book: Visit) -> None:
    made = await new_visit(book)
    await dialog_of(book, made.id)
    await book.application.services.booking.cancel(made.id, seen=1)
    field(book, "Client's last name").value = "Typed here"
    press(button(book, "Save"))
    await book.user.should_see("changed in another window")
    assert field(book, "Client's last name").value == "Typed here"
    press(button(book, "Show as it is now"))
    await until(lambda: button(book, "Take the cancellation back"))


async def test_what_another_window_or_a_command_writes_shows_within_a_second(book: Visit) -> None:
    sample = next(e for e in the_sample().imported if e.practitioner_id == ZOE)
    start = datetime(2026, 11, 24, 18)  # noqa: DTZ001 - wall time
    other = replace(
        sample,
        id="x" * 26,
        source_id="other",
        start=start,
        end=start + timedelta(minutes=30),
        client_last_name="Elsewhere",
        client_first_name="",
    )
    await book.application.write(other)
    clock = book.application.clock
    assert isinstance(clock, FakeClock)
    for _ in range(20):
        await clock.advance(0.3)
        await until(lambda: True)
        if any(each["title"] == "Elsewhere" for each in events(book).values()):
            break
        await _breathe()
    assert titled(book, "Elsewhere")


async def _breathe() -> None:
    await asyncio.sleep(0.25)


# ── cancel, copy, undo, move ──────────────────────────────────────────────────────────────────


async def test_cancel_and_take_back_from_the_menu(book: Visit) -> None:
    made = await new_visit(book)
    press(calendar(book), "act", {"what": "cancel", "key": made.id, "seen": 1})
    await until(lambda: titled(book, "Testperson")["extendedProps"]["cancelled"])
    press(calendar(book), "act", {"what": "restore", "key": made.id, "seen": 2})
    await until(lambda: not titled(book, "Testperson")["extendedProps"]["cancelled"])


async def test_copies_are_made_a_week_apart(book: Visit) -> None:
    made = await new_visit(book)
    press(calendar(book), "act", {"what": "copy", "key": made.id})
    await until(lambda: field(book, "Copies"))
    field(book, "Copies").value = 0
    press(button(book, "Copy"))
    await until(lambda: field(book, "Copies").error)
    field(book, "Copies").value = 3
    press(button(book, "Copy"))
    for _ in range(100):
        if len(await own(book)) == 4:
            break
    starts = [each.start.date() for each in await own(book)]
    assert starts == [TODAY + timedelta(days=7 * week) for week in range(4)]


async def test_undo_takes_back_one_edit_after_the_other(book: Visit) -> None:
    made = await new_visit(book)
    press(
        calendar(book),
        "move",
        {
            "key": made.id,
            "seen": 1,
            **place(start="2026-11-24T16:00:00", end="2026-11-24T16:30:00"),
        },
    )
    await until(lambda: titled(book, "Testperson")["start"].endswith("16:00:00"))
    assert button(book, "Undo move").enabled
    press(calendar(book), "act", {"what": "undo"})
    await until(lambda: titled(book, "Testperson")["start"].endswith("15:00:00"))
    press(button(book, "Undo new appointment"))
    await until(lambda: all(e["title"] != "Testperson" for e in events(book).values()))


async def test_a_drop_that_cannot_be_is_put_back_and_explained(book: Visit) -> None:
    made = await new_visit(book)
    before = calendar(book).shown["stamp"]
    press(calendar(book), "move", {"key": made.id, "seen": 7, **place()})
    await until(lambda: "changed in another window" in book.notices())
    await until(lambda: calendar(book).shown["stamp"] > before)
    assert titled(book, "Testperson")["start"].endswith("15:00:00")


@pytest.mark.parametrize(
    ("label", "moved", "left"),
    [
        ("Only this one", ["2026-11-24"], 1),
        ("This and following", ["2026-11-24", "2026-11-25"], 1),
        ("All of the series", ["2026-11-23", "2026-11-24"], 1),
    ],
)
async def test_moving_a_meeting_of_a_series_asks_which(
    book: Visit, label: str, moved: list[str], left: int
) -> None:
    there = place(start="2026-11-24T12:00:00", end="2026-11-24T12:30:00", resource=AROHA)
    press(calendar(book), "move", {"key": LUNCH, "seen": 1, **there})
    await until(lambda: button(book, label))
    press(button(book, label))
    await until(lambda: not _at(book, AROHA, "2026-11-24T12:30:00"))
    assert len(_at(book, AROHA, "2026-11-24T12:00:00")) == left
    for day in moved:
        await open_book(book, f"/book?day={day}")
        lunches = [e for e in events(book).values() if e["title"] == "Lunch"]
        mine = [e for e in lunches if e["resourceIds"] == [AROHA]]
        assert [each["start"] for each in mine] == [f"{day}T12:00:00"]


def _at(visit: Visit, who: str, start: str) -> list[dict[str, Any]]:
    return [
        each
        for each in events(visit).values()
        if each["resourceIds"] == [who] and each["start"] == start
    ]


async def test_thinking_better_of_it_leaves_the_series_as_it_is(book: Visit) -> None:
    press(calendar(book), "act", {"what": "cancel", "key": LUNCH, "seen": 1})
    await until(lambda: button(book, "Leave it as it is"))
    press(button(book, "Leave it as it is"))
    await _breathe()
    assert not events(book)[LUNCH]["extendedProps"]["cancelled"]


async def test_a_meeting_that_repeats_says_so_in_words_with_its_next_dates(book: Visit) -> None:
    press(calendar(book), "create", place(start="2026-11-24T17:00:00", end="2026-11-24T17:30:00"))
    await until(lambda: button(book, "Save"))
    visit_kind = book.elements(ui.radio)[-1]
    visit_kind.value = AppointmentKind.MEETING
    field(book, "Title").value = "Journal club"
    field(book, "Repeats").value = "weekly"
    tick(book, "Thu").value = True
    field(book, "Ends").value = "count"
    field(book, "Times").value = 4
    await book.user.should_see("Every Tuesday and Thursday, 4 times.")
    await book.user.should_see("Next: Tue 24 Nov, Thu 26 Nov, Tue 1 Dec, Thu 3 Dec")
    field(book, "Ends").value = "until"
    press(button(book, "Save"))
    await until(lambda: field(book, "Last day").error)
    field(book, "Last day").value = "2026-12-31"
    press(button(book, "Save"))
    await until(lambda: any(each["title"] == "Journal club" for each in events(book).values()))
    (made,) = await own(book)
    assert made.recurrence is not None
    assert made.recurrence.rule == "FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=20261231T235959"


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


async def test_upload_begins_from_the_menu_and_its_progress_is_told_below(book: Visit) -> None:
    await new_visit(book)
    assert "waiting" in titled(book, "Testperson")["extendedProps"]["spoken"]
    press(calendar(book), "act", {"what": "upload", **place()})
    await book.user.should_see("1 added")
    await until(lambda: "in Google" in titled(book, "Testperson")["extendedProps"]["spoken"])


async def test_upload_of_somebody_who_is_not_connected_says_what_to_do(book: Visit) -> None:
    sixth = the_sample().practitioners[5].id
    press(calendar(book), "act", {"what": "upload", **place(resource=sixth)})
    await until(lambda: "is not connected to Google yet" in book.notices())


async def test_export_to_a_file_downloads_one_calendar_or_several(book: Visit) -> None:
    press(button(book, "Export to Google/iCal"))
    await until(lambda: button(book, "OK"))
    whose, where = book.elements(ui.radio)[-2:]
    where.value = "file"
    field(book, "Last day").value = "2026-11-01"
    press(button(book, "OK"))
    await until(lambda: field(book, "Last day").error or field(book, "First day").error)
    field(book, "Last day").value = "2026-12-01"
    press(button(book, "OK"))
    one = await book.user.download.next()
    assert one.content.startswith(b"BEGIN:VCALENDAR")
    press(button(book, "Export to Google/iCal"))
    await until(lambda: len(book.elements(ui.radio)) >= 2)
    whose, where = book.elements(ui.radio)[-2:]
    whose.value, where.value = "chosen", "file"
    press(button(book, "OK"))
    several = await book.user.download.next()
    with zipfile.ZipFile(BytesIO(several.content)) as archive:
        assert len(archive.namelist()) == 6


async def test_export_to_google_uploads_those_who_are_connected(book: Visit) -> None:
    await new_visit(book)
    press(button(book, "Export to Google/iCal"))
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


async def test_working_hours_are_kept_shade_the_day_and_give_the_location(book: Visit) -> None:
    more = next(e for e in book.elements(ui.menu_item) if "Working hours" in _words(e))
    press(more)
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


def _words(element: ui.element) -> str:
    return " ".join(str(getattr(each, "text", "")) for each in (element, *element.descendants()))


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
        assert not any(each["editable"] for each in events(visit).values())
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
