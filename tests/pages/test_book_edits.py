"""The edits of the Appointment Book page: dialogs, moves, undo."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from nicegui import ui

from companion.domain.appointments import AppointmentKind, ShowAs
from companion.web.ui.components.month_picker import MonthPicker
from tests.fakes.clock import FakeClock
from tests.fakes.services import the_sample
from tests.fakes.waiting import until
from tests.pages.book_page import (
    AROHA,
    LUNCH,
    TODAY,
    ZOE,
    calendar,
    dialog_of,
    events,
    new_dialog,
    new_visit,
    open_book,
    own,
    place,
    titled,
)
from tests.pages.conftest import Visit
from tests.pages.driving import button, field, named, press, radio, tick


@pytest.fixture
async def book(visit: Visit) -> Visit:
    await open_book(visit)
    return visit


# ── new and edit ──────────────────────────────────────────────────────────────────────────────


async def test_a_new_appointment_lands_where_it_was_drawn(book: Visit) -> None:
    made = await new_visit(book, "<b>Bobby</b> 🌞 نور")
    assert (made.start.hour, made.end.minute, made.practitioner_id) == (15, 30, ZOE)
    assert made.created_by
    shown = titled(book, "<b>Bobby</b> 🌞 نور")
    assert "waiting for the next sync" in shown["extendedProps"]["spoken"]


async def test_bad_input_is_said_under_its_field_and_the_dialog_stays(book: Visit) -> None:
    await new_dialog(book)
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
            field(book, "End").value = "24/11/2026"
    press(button(book, "Save"))
    await until(lambda: any(each["title"] == "Lee" for each in events(book).values()))


async def test_a_time_the_clocks_skip_is_said_at_its_field(visit: Visit) -> None:
    await open_book(visit, "/book?day=2027-10-03")
    await new_dialog(visit, start="2027-10-03T02:30:00", end="2027-10-03T03:30:00")
    field(visit, "Client's last name").value = "Early"
    press(button(visit, "Save"))
    await until(lambda: field(visit, "Start time").error)
    assert "02:30 does not exist on 3 October 2027" in field(visit, "Start time").error


async def test_a_new_start_takes_the_end_along(book: Visit) -> None:
    await new_dialog(book)
    field(book, "Start time").value = "16:10"
    assert field(book, "End time").value == "16:40"
    field(book, "End time").value = "17:10"
    field(book, "Start").value = "26/11/2026"
    assert (field(book, "End").value, field(book, "End time").value) == ("26/11/2026", "17:10")


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
    await new_dialog(book, start="2026-11-24T00:00:00", end="2026-11-26T00:00:00", allDay=True)
    assert field(book, "End").value == "25/11/2026"
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
    field(book, "Reminder").value = "30"
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


async def test_the_later_of_two_windows_sees_a_notice_and_keeps_what_was_typed(book: Visit) -> None:
    made = await new_visit(book)
    await dialog_of(book, made.id)
    await book.application.services.booking.cancel(made.id, seen=1)
    field(book, "Client's last name").value = "Typed here"
    press(button(book, "Save"))
    await book.user.should_see("changed elsewhere meanwhile")
    assert field(book, "Client's last name").value == "Typed here"
    press(button(book, "Show as it is now"))
    await until(lambda: button(book, "Throw it away"))
    press(button(book, "Throw it away"))
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
    assert named(book, "Undo move").enabled
    press(calendar(book), "act", {"what": "undo"})
    await until(lambda: titled(book, "Testperson")["start"].endswith("15:00:00"))
    press(named(book, "Undo new appointment"))
    await until(lambda: all(e["title"] != "Testperson" for e in events(book).values()))
    press(named(book, "Redo new appointment"))
    await until(lambda: titled(book, "Testperson")["start"].endswith("15:00:00"))
    await open_book(book)  # as after a reload
    await until(lambda: named(book, "Redo move").enabled)
    press(calendar(book), "act", {"what": "redo"})
    await until(lambda: titled(book, "Testperson")["start"].endswith("16:00:00"))
    assert not named(book, "Redo").enabled


async def test_what_is_saved_out_of_sight_is_named_with_a_link(book: Visit) -> None:
    await new_dialog(book)
    field(book, "Client's last name").value = "Testperson"
    for name in ("Start", "End"):
        field(book, name).value = "04/12/2026"
    press(button(book, "Save"))
    await until(lambda: "New appointment: Fri 4 Dec 2026, 15:00–15:30" in book.notices())
    assert all(each["title"] != "Testperson" for each in events(book).values())
    await open_book(book, "/book?day=2026-12-04&view=day")
    assert titled(book, "Testperson")


async def test_a_day_and_a_time_are_shown_as_understood_and_step_by_arrows(book: Visit) -> None:
    await new_dialog(book)
    day, clock = field(book, "Start"), field(book, "Start time")
    day.value = "2 jan"
    press(day, "blur")
    await until(lambda: day.value == "02/01/2027" == field(book, "End").value)
    press(day, "keydown.up.prevent")
    await until(lambda: day.value == "03/01/2027")
    day.value = "31/2/2027"
    press(day, "blur")
    await until(lambda: "There is no such day." in (day.error or ""))
    assert day.value == "31/2/2027"
    clock.value = "7pm"
    press(clock, "blur")
    await until(lambda: clock.value == "19:00")
    press(clock, "keydown.down.prevent")
    await until(lambda: clock.value == "18:45")
    press(named(book, "End: choose a day"))
    await until(lambda: len(book.elements(MonthPicker)) == 2)  # the view of a month is one too
    press(book.elements(MonthPicker)[-1], "pick", "2027-02-01")
    await until(lambda: field(book, "End").value == "01/02/2027")


async def test_a_meeting_is_made_for_several_and_says_whose_time_it_overlaps(book: Visit) -> None:
    await new_dialog(book, start="2026-11-24T12:30:00", end="2026-11-24T13:00:00")
    assert not field(book, "Also for").visible
    radio(book, "Kind of appointment").value = AppointmentKind.MEETING
    field(book, "Title").value = "Case review"
    field(book, "Also for").value = [AROHA]
    await book.user.should_see("Aroha Ngātā, Tue 24 Nov, 12:30–13:00: Lunch")
    press(button(book, "Save"))
    await until(lambda: len([e for e in events(book).values() if e["title"] == "Case review"]) == 2)


async def test_a_drop_that_cannot_be_is_put_back_and_explained(book: Visit) -> None:
    made = await new_visit(book)
    before = calendar(book).shown["stamp"]
    press(calendar(book), "move", {"key": made.id, "seen": 7, **place()})
    await until(lambda: "changed elsewhere meanwhile" in book.notices())
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
    await new_dialog(book, start="2026-11-24T17:00:00", end="2026-11-24T17:30:00")
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
    field(book, "Last day").value = "31/12/2026"
    press(button(book, "Save"))
    await until(lambda: any(each["title"] == "Journal club" for each in events(book).values()))
    (made,) = await own(book)
    assert made.recurrence is not None
    assert made.recurrence.rule == "FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=20261231T235959"
