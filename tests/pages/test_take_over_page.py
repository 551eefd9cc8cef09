"""A calendar of an earlier installation, on the practitioner's page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from companion.domain.calendar_writers import CalendarWriter
from companion.domain.errors import CalendarInUse
from companion.domain.events import CalendarEvent
from companion.services.google.consents import CalendarChoice
from companion.services.ports import InsertEvent
from tests.fakes.google_calendar import OpenedCalendar
from tests.fakes.services import fake_application, the_sample
from tests.pages.browsing import Browser, serving
from tests.pages.conftest import Visit
from tests.pages.driving import button, press, radio_of, until

NEW = the_sample().practitioners[5].id
MEI = "mei@example.com"
BACK = "http://127.0.0.1:8080/oauth/callback"
EARLIER = "earlier@group.calendar.google.com"


async def earlier_calendar(visit: Visit | Browser, account: str = MEI) -> None:
    """Two events that another computer wrote."""
    google = visit.application.google
    google.creations = 0
    held = google.add_calendar(EARLIER, account, name="Appointments – Mei")
    google.made_by_us.add(EARLIER)
    google.marks["companion-0123456789abcdef"] = EARLIER
    start = datetime(2026, 11, 24, 9, tzinfo=UTC)
    calendar = OpenedCalendar(held, CalendarWriter(id="lost"))
    for number in range(2):
        event = CalendarEvent(
            key=f"old{number}",
            start=start + timedelta(hours=number),
            end=start + timedelta(hours=number + 1),
            timezone="Australia/Sydney",
            summary="MA",
        )
        await calendar.write([InsertEvent(event_id=f"aaaaa{number}", event=event)])


async def signed_in(visit: Visit, choice: CalendarChoice | None = None) -> None:
    connecting = visit.application.services.connecting
    start = await connecting.begin(NEW, login=MEI, calendar=choice, redirect_uri=BACK)
    answer = visit.application.google.consent(start.url, MEI)
    if choice is not None and choice.kind == "list":
        await connecting.finish(answer)
        return
    with pytest.raises(CalendarInUse):
        await connecting.finish(answer)


@pytest.fixture
async def waiting(visit: Visit) -> Visit:
    """Mei has signed in; the question waits on her page."""
    await earlier_calendar(visit)
    await signed_in(visit)
    await visit.user.open(f"/practitioner/{NEW}")
    await visit.user.should_see("“Appointments – Mei” holds 2 events, last written on")
    return visit


def calendar_of(visit: Visit) -> str:
    return visit.application.settings.read().practitioners[NEW].google.calendar_id


async def test_the_earlier_calendar_is_taken_over_by_a_button(waiting: Visit) -> None:
    press(button(waiting, "Take it over"))
    await until(lambda: calendar_of(waiting) == EARLIER)
    assert waiting.application.google.creations == 0


async def test_a_new_calendar_can_be_made_instead(waiting: Visit) -> None:
    press(button(waiting, "Create a new calendar instead"))
    await until(lambda: waiting.application.google.creations == 1)
    await until(lambda: calendar_of(waiting) not in {"", EARLIER})


async def test_neither_leaves_everything_as_it_was(waiting: Visit) -> None:
    press(button(waiting, "Neither"))
    connecting = waiting.application.services.connecting
    await until(lambda: connecting.undecided(NEW) is None)
    assert not calendar_of(waiting)


async def test_a_pressed_button_does_not_act_twice(waiting: Visit) -> None:
    for _ in range(2):
        press(button(waiting, "Create a new calendar instead"))
    await until(lambda: calendar_of(waiting))
    assert waiting.application.google.creations == 1


async def test_one_chosen_from_the_list_is_asked_about_too(visit: Visit) -> None:
    await earlier_calendar(visit)
    await signed_in(visit, CalendarChoice(kind="list"))
    await visit.user.open(f"/practitioner/{NEW}")
    await visit.user.should_see("Use this calendar")
    radio_of(visit, EARLIER).value = EARLIER
    press(button(visit, "Use this calendar"))
    await visit.user.should_see("Take “Appointments – Mei” over?")
    press(button(visit, "Take it over"))
    await until(lambda: calendar_of(visit) == EARLIER)


async def test_google_leads_back_to_the_question(tmp_path: Path) -> None:
    async with serving(fake_application(the_sample()), tmp_path) as browser:
        await browser.launch()
        person = the_sample().practitioners[0]
        await earlier_calendar(browser, person.email)
        back = browser.application.google.consent(
            await browser.begin("?calendar=new"), person.email
        )
        answer = await browser.http.get(back)
        assert answer.status_code == 200
        assert "One question before the calendar is used" in answer.text
        assert f"url=/practitioner/{person.id}#calendar" in answer.text
