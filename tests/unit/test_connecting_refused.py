"""Connections that fail leave nothing behind; a sign-in is used once, by its user."""

import pytest

from companion.domain.errors import (
    AccountParked,
    CalendarNotReached,
    CompanionError,
    NotFound,
    Offline,
    PermissionDenied,
    RateLimited,
    RemoteError,
    ScopeMissing,
    SignInDenied,
    SignInError,
    SignInTimedOut,
    WrongAccount,
)
from companion.services.google.consents import APP_CREATED, EVENTS_OWNED
from tests.fakes.connecting import BACK, LIST, MAX, TOKEN, ZOE, Fixture, existing


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


# ── what goes wrong, and leaves nothing behind ────────────────────────────────────────────────


def unchanged(fixture: Fixture) -> None:
    assert set(fixture.secrets.kept) == {"google/client"}
    assert not fixture.record().google.connected
    assert not fixture.record().choices.enabled


async def test_another_account_than_the_login_is_refused_and_given_back(fixture: Fixture) -> None:
    with pytest.raises(WrongAccount, match=MAX):
        await fixture.connect(login=ZOE, account=MAX)
    unchanged(fixture)
    assert fixture.google.revocations == [MAX]


async def test_a_colleagues_account_picked_by_mistake_keeps_the_colleague_connected(
    fixture: Fixture,
) -> None:
    """Google ends every sign-in of an account when one of them is revoked."""
    await fixture.connect("max", account=MAX)
    with pytest.raises(WrongAccount):
        await fixture.connect("zoe", login=ZOE, account=MAX)
    assert fixture.google.revocations == []
    assert (await fixture.service.test("max")).ok


async def test_consent_without_the_calendar_tick_is_refused_and_can_be_repeated(
    fixture: Fixture,
) -> None:
    with pytest.raises(ScopeMissing) as caught:
        await fixture.connect(untick=[APP_CREATED])
    assert "ticked" in caught.value.remedy
    unchanged(fixture)
    await fixture.connect()
    assert fixture.record().google.connected


async def test_consent_without_the_calendar_tick_is_refused_before_a_calendar_is_asked_for(
    fixture: Fixture,
) -> None:
    with pytest.raises(ScopeMissing):
        await fixture.connect(calendar=LIST, untick=[EVENTS_OWNED])
    unchanged(fixture)


async def test_a_failed_second_sign_in_leaves_the_first_connection_working(
    fixture: Fixture,
) -> None:
    await fixture.connect(login=ZOE)
    before = fixture.record(), fixture.secrets.kept[TOKEN]
    for attempt in (
        fixture.connect(untick=[APP_CREATED]),
        fixture.connect(login=ZOE, account=MAX),
        fixture.connect(calendar=existing("nowhere@example.com")),
    ):
        with pytest.raises(CompanionError):
            await attempt
    assert (fixture.record(), fixture.secrets.kept[TOKEN]) == before
    assert (await fixture.service.test("zoe")).ok


async def test_a_mistyped_calendar_id_is_reported_as_one_that_is_not_shown(
    fixture: Fixture,
) -> None:
    with pytest.raises(CalendarNotReached, match="with that ID") as caught:
        await fixture.connect(calendar=existing("nowhere@example.com"))
    assert caught.value.maybe_shared
    unchanged(fixture)


async def test_a_calendar_that_may_only_be_read_is_refused(fixture: Fixture) -> None:
    fixture.google.add_calendar("read@example.com", ZOE, access_role="reader")
    with pytest.raises(PermissionDenied):
        await fixture.connect(calendar=existing("read@example.com"))
    unchanged(fixture)


async def test_cancel_at_google_is_reported_as_that(fixture: Fixture) -> None:
    start = await fixture.service.begin("zoe", redirect_uri=BACK)
    with pytest.raises(SignInDenied):
        await fixture.service.finish(fixture.google.refuse(start.url))
    assert fixture.service.waiting("zoe") is None


async def test_being_offline_at_the_end_leaves_nothing(fixture: Fixture) -> None:
    start = await fixture.service.begin("zoe", redirect_uri=BACK)
    answer = fixture.google.consent(start.url, ZOE)
    fixture.google.offline = True
    with pytest.raises(Offline):
        await fixture.service.finish(answer)
    unchanged(fixture)


@pytest.mark.parametrize("trouble", [Offline(), RateLimited(), AccountParked()])
async def test_what_failed_for_a_moment_does_not_end_the_sign_in_at_google(
    fixture: Fixture, trouble: RemoteError
) -> None:
    fixture.google.fail_create = trouble
    with pytest.raises(type(trouble)):
        await fixture.connect()
    assert fixture.google.revocations == []


async def test_a_practitioner_removed_meanwhile_is_not_connected(fixture: Fixture) -> None:
    start = await fixture.service.begin("zoe", redirect_uri=BACK)
    fixture.settings.current = fixture.settings.current.without_practitioner("zoe")
    with pytest.raises(NotFound):
        await fixture.service.finish(fixture.google.consent(start.url, ZOE))
    assert set(fixture.secrets.kept) == {"google/client"}


# ── the state: single use, bound to its user, five minutes ────────────────────────────────────


async def test_an_answer_can_be_used_once(fixture: Fixture) -> None:
    start = await fixture.service.begin("zoe", redirect_uri=BACK)
    answer = fixture.google.consent(start.url, ZOE)
    await fixture.service.finish(answer)
    with pytest.raises(SignInError):
        await fixture.service.finish(answer)


async def test_another_user_can_neither_use_nor_end_a_sign_in(fixture: Fixture) -> None:
    start = await fixture.service.begin("zoe", redirect_uri=BACK, user="reception")
    answer = fixture.google.consent(start.url, ZOE)
    with pytest.raises(SignInError):
        await fixture.service.finish(answer, user="intruder")
    await fixture.service.finish(answer, user="reception")
    assert fixture.record().google.connected


@pytest.mark.parametrize("url", ["", BACK, f"{BACK}?state=&code=x", f"{BACK}?state=guess&code=x"])
async def test_an_unknown_state_is_refused(fixture: Fixture, url: str) -> None:
    await fixture.service.begin("zoe", redirect_uri=BACK)
    with pytest.raises(SignInError):
        await fixture.service.finish(url)


async def test_after_five_minutes_the_sign_in_has_ended(fixture: Fixture) -> None:
    start = await fixture.service.begin("zoe", redirect_uri=BACK)
    answer = fixture.google.consent(start.url, ZOE)
    fixture.clock.shift(299)
    assert fixture.service.waiting("zoe") == start
    fixture.clock.shift(1)
    assert fixture.service.waiting("zoe") is None
    with pytest.raises(SignInTimedOut):
        await fixture.service.finish(answer)


async def test_a_cancelled_sign_in_cannot_be_finished(fixture: Fixture) -> None:
    start = await fixture.service.begin("zoe", redirect_uri=BACK)
    answer = fixture.google.consent(start.url, ZOE)
    fixture.service.cancel(start.state)
    fixture.service.cancel(start.state)
    with pytest.raises(SignInError):
        await fixture.service.finish(answer)


async def test_beginning_anew_ends_the_sign_in_before(fixture: Fixture) -> None:
    first = await fixture.service.begin("zoe", redirect_uri=BACK)
    other = await fixture.service.begin("max", redirect_uri=BACK)
    second = await fixture.service.begin("zoe", redirect_uri=BACK)
    assert fixture.service.waiting("zoe") == second
    assert fixture.service.waiting("max") == other
    with pytest.raises(SignInError):
        await fixture.service.finish(fixture.google.consent(first.url, ZOE))


async def test_a_connect_that_failed_for_a_moment_asks_to_try_again(fixture: Fixture) -> None:
    start = await fixture.service.begin("zoe", redirect_uri=BACK)
    answer = fixture.google.consent(start.url, ZOE)
    fixture.google.offline = True
    with pytest.raises(Offline) as caught:
        await fixture.service.finish(answer)
    assert caught.value.remedy == "Nothing was changed. Press Connect to Google again in a moment."
