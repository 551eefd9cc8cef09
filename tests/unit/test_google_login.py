"""Whose account it is: the Google Login stays as typed, and no other account gets in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from companion.domain.errors import BadInput, CompanionError, Offline, SignInError, WrongAccount
from companion.services.google.consents import CalendarChoice
from tests.fakes.connecting import BACK, MAX, TOKEN, ZOE, Fixture, existing


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


def login(fixture: Fixture) -> str:
    return fixture.record().google.login


async def test_the_login_typed_stays_typed_whatever_comes_back(fixture: Fixture) -> None:
    with pytest.raises(WrongAccount):
        await fixture.connect(login=ZOE, account=MAX)
    assert login(fixture) == ZOE
    fixture.service = fixture.new_service()
    with pytest.raises(WrongAccount, match=ZOE):
        await fixture.connect(account=MAX)
    await fixture.connect()
    assert (login(fixture), fixture.record().google.account) == (ZOE, ZOE)


async def test_an_account_that_nobody_typed_is_no_login(fixture: Fixture) -> None:
    await fixture.connect()
    assert (login(fixture), fixture.record().google.account) == ("", ZOE)


async def test_it_is_asked_once_whether_the_account_is_right(fixture: Fixture) -> None:
    await fixture.connect()
    await fixture.service.confirm_account("zoe")
    assert login(fixture) == ZOE


async def test_what_is_no_address_is_refused_before_google_is_asked(fixture: Fixture) -> None:
    with pytest.raises(BadInput):
        await fixture.service.begin("zoe", login="zoe", redirect_uri=BACK)
    assert login(fixture) == ""


@pytest.mark.parametrize("typed", ["", ZOE])
async def test_another_account_is_refused_once_one_is_connected(
    fixture: Fixture, typed: str
) -> None:
    await fixture.connect(login=typed)
    before = fixture.record(), fixture.secrets.kept[TOKEN]
    for again in (fixture.connect(account=MAX), fixture.connect(login=typed, account=MAX)):
        with pytest.raises(WrongAccount, match=MAX):
            await again
    assert (fixture.record(), fixture.secrets.kept[TOKEN]) == before


async def test_another_account_is_refused_in_a_second_tab_and_at_a_retry(fixture: Fixture) -> None:
    first = await fixture.service.begin("zoe", redirect_uri=BACK)
    second = await fixture.service.begin("zoe", login=ZOE, redirect_uri=BACK)
    for start in (first, second):
        with pytest.raises(SignInError):
            await fixture.service.finish(fixture.google.consent(start.url, MAX))
    fixture.google.offline = True
    start = await fixture.service.begin("zoe", redirect_uri=BACK)
    with pytest.raises(Offline):
        await fixture.service.finish(fixture.google.consent(start.url, MAX))
    fixture.google.offline = False
    with pytest.raises(WrongAccount):
        await fixture.connect(account=MAX)
    assert not fixture.record().google.connected


async def test_a_login_that_was_corrected_meanwhile_counts(fixture: Fixture) -> None:
    start = await fixture.service.begin("zoe", redirect_uri=BACK)
    await fixture.service._changes.edit("zoe", lambda link: replace(link, login=ZOE))
    with pytest.raises(WrongAccount):
        await fixture.service.finish(fixture.google.consent(start.url, MAX))


async def test_another_account_gets_a_calendar_of_its_own_by_default(fixture: Fixture) -> None:
    await fixture.connect(login=ZOE)
    first = fixture.record().google.calendar_id
    done = await fixture.connect(login=MAX, account=MAX)
    assert done.calendar_id != first
    assert fixture.google.owners[done.calendar_id] == MAX


async def test_so_it_does_after_disconnecting_and_at_a_second_try(fixture: Fixture) -> None:
    await fixture.connect(login=ZOE)
    first = fixture.record().google.calendar_id
    await fixture.service.disconnect("zoe")
    with pytest.raises(CompanionError):
        await fixture.connect(login=MAX, account=ZOE)
    done = await fixture.connect(login=MAX, account=MAX)
    assert done.calendar_id != first
    await fixture.service.disconnect("zoe")
    again = await fixture.connect(login=ZOE, account=ZOE, calendar=existing(first))
    assert again.calendar_id == first


async def test_one_account_that_serves_two_is_said(fixture: Fixture) -> None:
    await fixture.connect()
    assert fixture.service.sharing("zoe") == ()
    await fixture.connect("max", account=ZOE, calendar=CalendarChoice(kind="new", look=False))
    assert fixture.service.sharing("zoe") == ("Max Muster",)
    assert fixture.service.sharing("max") == ("Zoë O'Brien-Nguyễn",)
