"""Whose Google account it is, on the practitioner's page."""

from __future__ import annotations

from nicegui import ui

from companion.domain.settings import GoogleLink
from companion.services.google.consents import CalendarChoice
from tests.fakes.services import the_sample
from tests.pages.conftest import Visit
from tests.pages.driving import button, field, leads_to, press, radio_of, tick, until

PEOPLE = the_sample().practitioners
NEW, ZOE = PEOPLE[5], PEOPLE[0]
BACK = "http://127.0.0.1:8080/oauth/callback"


async def signed_in(visit: Visit, account: str, *, login: str = "") -> None:
    connecting = visit.application.services.connecting
    start = await connecting.begin(NEW.id, login=login, redirect_uri=BACK)
    await connecting.finish(visit.application.google.consent(start.url, account))
    await visit.user.open(f"/practitioner/{NEW.id}")


def link(visit: Visit) -> GoogleLink:
    return visit.application.settings.read().practitioners[NEW.id].google


async def test_it_is_asked_once_whose_account_came_back(visit: Visit) -> None:
    await signed_in(visit, "mei@example.com")
    await visit.user.should_see(f"Connected as mei@example.com: is this {NEW.name}'s account?")
    press(button(visit, f"Yes, it is {NEW.name}'s"))
    await until(lambda: link(visit).login == "mei@example.com")
    await visit.user.open(f"/practitioner/{NEW.id}")
    await visit.user.should_not_see("Connected as mei@example.com")


async def test_the_wrong_account_is_disconnected_by_the_answer(visit: Visit) -> None:
    await signed_in(visit, "mei@example.com")
    press(button(visit, "No, disconnect it"))
    await until(lambda: not link(visit).account)
    assert link(visit).login == ""


async def test_an_account_that_was_typed_is_not_asked_about(visit: Visit) -> None:
    await signed_in(visit, "mei@example.com", login="mei@example.com")
    await visit.user.should_not_see("Connected as mei@example.com")


async def test_one_account_that_serves_two_is_said(visit: Visit) -> None:
    account = visit.application.settings.read().practitioners[ZOE.id].google.account
    await signed_in(visit, account)
    await visit.user.should_see(f"{account} also serves {ZOE.name}")


async def test_another_login_suggests_a_new_calendar(visit: Visit) -> None:
    await visit.user.open(f"/practitioner/{ZOE.id}")
    kind = radio_of(visit, "keep")
    login = field(visit, "E-mail of the Google account")
    before = login.value
    login.value = "another@example.com"
    assert kind.value == "new"
    login.value = before
    assert kind.value == "keep"


async def test_a_shared_calendar_of_the_list_explains_the_wider_permission(visit: Visit) -> None:
    google = visit.application.google
    google.add_calendar("team@example.com", "boss@example.com", name="Team", access_role="writer")
    google.guests["team@example.com"] = {"mei@example.com"}
    connecting = visit.application.services.connecting
    choice = CalendarChoice(kind="list")
    start = await connecting.begin(
        NEW.id, login="mei@example.com", calendar=choice, redirect_uri=BACK
    )
    await connecting.finish(google.consent(start.url, "mei@example.com"))
    await visit.user.open(f"/practitioner/{NEW.id}")
    await visit.user.should_see("Team (shared with you)")
    radio_of(visit, "team@example.com").value = "team@example.com"
    press(button(visit, "Use this calendar"))
    await visit.user.should_see("Google asks once.")
    links = [each.props.get("href") for each in visit.elements(ui.button)]
    assert f"/oauth/start/{NEW.id}?calendar=team%40example.com&shared=1" in links


async def test_a_pasted_calendar_can_be_said_to_be_shared(visit: Visit) -> None:
    await visit.user.open(f"/practitioner/{NEW.id}")
    gone_to = leads_to(visit)
    radio_of(visit, "existing").value = "existing"
    field(visit, "Google Calendar ID").value = "team@example.com"
    tick(visit, "It is shared with me").value = True
    press(button(visit, "Connect to Google"))
    await until(lambda: gone_to)
    assert gone_to[0].endswith("calendar=team%40example.com&shared=1")
