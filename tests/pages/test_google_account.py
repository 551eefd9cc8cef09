"""Whose Google account it is, on the practitioner's page."""

from __future__ import annotations

from nicegui import ui

from companion.domain.settings import GoogleLink
from tests.fakes.services import the_sample
from tests.pages.conftest import Visit
from tests.pages.driving import button, field, press, until

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
    kind = next(each for each in visit.elements(ui.radio) if "keep" in each.options)
    login = field(visit, "E-mail of the Google account")
    before = login.value
    login.value = "another@example.com"
    assert kind.value == "new"
    login.value = before
    assert kind.value == "keep"
