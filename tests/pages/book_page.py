"""Drives the Appointment Book page in a simulated browser."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from nicegui import ui

from companion.domain.appointments import Appointment
from companion.web.ui.book.calendar import AppointmentCalendar
from tests.fakes.services import the_sample
from tests.fakes.waiting import until
from tests.pages.conftest import Visit
from tests.pages.driving import button, field, press

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


async def new_dialog(visit: Visit, **changes: Any) -> None:
    """As after drawing an appointment at that place."""
    press(calendar(visit), "create", place(**changes))
    await until(lambda: button(visit, "Save"))


async def new_visit(visit: Visit, last_name: str = "Testperson", **changes: Any) -> Appointment:
    """A client appointment through the dialog."""
    before = {each.id for each in await own(visit)}
    await new_dialog(visit, **changes)
    field(visit, "Client's last name").value = last_name
    press(button(visit, "Save"))
    await until(lambda: any(each["title"] == last_name for each in events(visit).values()))
    return next(each for each in await own(visit) if each.id not in before)
