"""Connecting: nothing is kept until everything is right, and nothing is orphaned unnoticed."""

import json
from dataclasses import replace

import pytest

from companion.domain.errors import (
    BadInput,
    ScopeMissing,
    SignInExpired,
)
from companion.services.google.consents import (
    APP_CREATED,
    CALENDAR_LIST,
    EVENTS,
    EVENTS_OWNED,
    FULL,
    CalendarChoice,
    missing,
    same_account,
)
from tests.fakes.connecting import (
    BACK,
    LIST,
    MAX,
    NEW,
    TOKEN,
    ZOE,
    Fixture,
    asked_scopes,
    existing,
)


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


# ── connecting ────────────────────────────────────────────────────────────────────────────────


async def test_connecting_the_first_time_makes_a_calendar_and_switches_the_sync_on(
    fixture: Fixture,
) -> None:
    done = await fixture.connect(login=ZOE)
    record = fixture.record()
    assert record.google.connected
    assert record.choices.enabled
    assert (done.account, done.calendar_name) == (ZOE, "Appointments – Zoë O'Brien-Nguyễn")
    assert record.google.calendar_id == done.calendar_id
    assert record.google.created_by_us
    assert record.google.creations == ()
    assert fixture.calendar().timezone == record.practitioner.timezone
    state = await fixture.ledger.state("zoe")
    assert (state.audit_due, state.awaiting_upload) == (False, False)


async def test_connected_at_the_screen_the_first_upload_waits_for_the_person(
    fixture: Fixture,
) -> None:
    start = await fixture.service.begin("zoe", redirect_uri=BACK)
    answer = fixture.google.consent(start.url, ZOE)
    await fixture.service.finish(answer, upload_by_hand=True)
    assert (await fixture.ledger.state("zoe")).awaiting_upload


async def test_the_background_sync_never_sees_a_calendar_that_does_not_wait_yet(
    fixture: Fixture,
) -> None:
    seen = []

    def look(_notice: object) -> None:
        if fixture.record().google.calendar_id:
            seen.append(json.loads(fixture.ledger._states["zoe"])["awaiting_upload"])

    fixture.settings.publishes_to.subscribe(look)
    start = await fixture.service.begin("zoe", redirect_uri=BACK)
    await fixture.service.finish(fixture.google.consent(start.url, ZOE), upload_by_hand=True)
    assert seen
    assert all(seen)


async def test_only_the_sealed_store_holds_the_token(fixture: Fixture) -> None:
    await fixture.connect()
    token = fixture.secrets.kept[TOKEN]
    assert token not in repr(fixture.settings.read())
    assert set(fixture.secrets.kept) == {"google/client", TOKEN}


async def test_a_name_can_be_given_to_the_new_calendar(fixture: Fixture) -> None:
    done = await fixture.connect(calendar=CalendarChoice(kind="new", name="  Zoë's \n week "))
    assert done.calendar_name == "Zoë's week"


async def test_an_existing_calendar_is_opened_and_our_events_there_are_counted(
    fixture: Fixture,
) -> None:
    fixture.google.add_calendar("work@example.com", ZOE)
    await fixture.connect(calendar=existing(" work@example.com "))
    await fixture.upload(3)
    assert not fixture.record().google.created_by_us
    done = await fixture.connect(calendar=existing("work@example.com"))
    assert done.adopted == 3


@pytest.mark.parametrize(
    ("choice", "scopes"),
    [
        (None, {APP_CREATED, CALENDAR_LIST}),
        (NEW, {APP_CREATED, CALENDAR_LIST}),
        (CalendarChoice(kind="new", look=False), {APP_CREATED}),
        (existing("work@example.com"), {EVENTS_OWNED}),
        (LIST, {EVENTS_OWNED, CALENDAR_LIST}),
    ],
)
async def test_the_narrowest_scopes_that_serve_the_choice_are_asked_for(
    fixture: Fixture, choice: CalendarChoice | None, scopes: set[str]
) -> None:
    start = await fixture.service.begin("zoe", calendar=choice, redirect_uri=BACK)
    assert asked_scopes(fixture, start.url) == scopes


async def test_a_shared_calendar_is_found_out_and_the_wider_scope_asked_for_next(
    fixture: Fixture,
) -> None:
    fixture.google.add_calendar("team@example.com", MAX, access_role="writer")
    with pytest.raises(ScopeMissing, match="shared"):
        await fixture.connect(calendar=existing("team@example.com"))
    fixture.service = fixture.new_service()
    start = await fixture.service.begin(
        "zoe", calendar=existing("team@example.com"), redirect_uri=BACK
    )
    assert asked_scopes(fixture, start.url) == {EVENTS}
    done = await fixture.service.finish(fixture.google.consent(start.url, ZOE))
    assert done.calendar_id == "team@example.com"
    again = await fixture.service.begin("zoe", redirect_uri=BACK)
    assert asked_scopes(fixture, again.url) == {EVENTS}


async def test_signing_in_again_keeps_calendar_and_login(fixture: Fixture) -> None:
    first = await fixture.connect(login=ZOE)
    again = await fixture.connect()
    assert again.calendar_id == first.calendar_id
    assert fixture.google.creations == 1
    assert fixture.record().google.login == ZOE
    assert fixture.record().google.created_by_us


async def test_moving_to_another_account_gives_the_old_sign_in_back(fixture: Fixture) -> None:
    await fixture.connect(login=ZOE)
    await fixture.connect(login=MAX, account=MAX, calendar=NEW)
    assert fixture.record().google.account == MAX
    assert fixture.google.revocations == [ZOE]
    assert (await fixture.service.test("zoe")).ok


async def test_the_primary_calendar_is_known_by_its_address(fixture: Fixture) -> None:
    fixture.google.add_calendar(ZOE, ZOE, name=ZOE)
    done = await fixture.connect(calendar=existing("primary"))
    assert done.calendar_id == ZOE


async def test_choosing_from_a_list_signs_in_first(fixture: Fixture) -> None:
    fixture.google.add_calendar("work@example.com", ZOE)
    fixture.google.add_calendar("theirs@example.com", MAX)
    done = await fixture.connect(calendar=LIST)
    assert done.calendar_id == ""
    assert not fixture.record().google.connected
    assert not fixture.record().choices.enabled
    assert [each.id for each in await fixture.service.calendars("zoe")] == ["work@example.com"]
    await fixture.service.choose("zoe", "work@example.com")
    assert fixture.record().google.connected
    assert fixture.record().choices.enabled


@pytest.mark.parametrize("calendar_id", ["", "   ", "two words", "a\x00b"])
async def test_what_is_no_calendar_id_is_refused_before_google_is_asked(
    fixture: Fixture, calendar_id: str
) -> None:
    with pytest.raises(BadInput, match="Calendar ID"):
        await fixture.service.begin("zoe", calendar=existing(calendar_id), redirect_uri=BACK)


async def test_one_calendar_serves_one_practitioner(fixture: Fixture) -> None:
    await fixture.connect()
    taken = fixture.record().google.calendar_id
    with pytest.raises(BadInput, match="Zoë"):
        await fixture.service.begin("max", calendar=existing(taken), redirect_uri=BACK)


# ── small rules ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Zoe@Example.com", "zoe@example.com", True),
        ("zoe.ob@gmail.com", "zoeob@googlemail.com", True),
        ("zoe.ob@example.com", "zoeob@example.com", False),
        ("zoe@example.com", "max@example.com", False),
        ("", "", False),
    ],
)
def test_two_spellings_of_one_account(one: str, other: str, same: bool) -> None:
    assert same_account(one, other) is same


@pytest.mark.parametrize(
    ("wanted", "granted", "left"),
    [
        (["openid", "email", APP_CREATED], [APP_CREATED], ()),
        ([APP_CREATED], [EVENTS], (APP_CREATED,)),
        ([EVENTS_OWNED], [EVENTS], ()),
        ([EVENTS], [EVENTS_OWNED], (EVENTS,)),
        ([EVENTS_OWNED, CALENDAR_LIST], [EVENTS_OWNED], (CALENDAR_LIST,)),
        ([APP_CREATED, EVENTS], [FULL], ()),
    ],
)
def test_a_wider_permission_serves_for_a_narrower_one(
    wanted: list[str], granted: list[str], left: tuple[str, ...]
) -> None:
    assert missing(wanted, granted) == left


def test_choices_are_tidied_once() -> None:
    choice = CalendarChoice(kind="new", name="x" * 500)
    assert len(choice.checked().name) == 200
    assert replace(choice, name=" ").checked().name == ""


async def test_an_expired_sign_in_differs_from_never_connected(fixture: Fixture) -> None:
    await fixture.connect()
    fixture.google.revoked.add(ZOE)
    assert (await fixture.service.test("zoe")).what == SignInExpired.default_what


# ── what a check finds is the status at once ──────────────────────────────────────────────────


@pytest.mark.parametrize("which", ["test", "check"])
async def test_a_failed_check_is_the_practitioners_trouble_until_one_succeeds(
    fixture: Fixture, which: str
) -> None:
    await fixture.connect()
    check = getattr(fixture.service, which)
    fixture.google.revoked.add(ZOE)
    assert not (await check("zoe")).ok
    trouble = (await fixture.ledger.state("zoe")).trouble
    assert trouble is not None
    assert trouble.kind == "SignInExpired"
    fixture.google.revoked.clear()
    assert (await check("zoe")).ok
    assert (await fixture.ledger.state("zoe")).trouble is None


async def test_a_deleted_calendar_is_the_trouble_though_the_sign_in_works(fixture: Fixture) -> None:
    await fixture.connect()
    fixture.calendar().gone = True
    assert (await fixture.service.test("zoe")).ok
    trouble = (await fixture.ledger.state("zoe")).trouble
    assert trouble is not None
    assert trouble.kind == "CalendarGone"


async def test_a_check_without_a_network_is_the_trouble_until_google_answers(
    fixture: Fixture,
) -> None:
    await fixture.connect()
    fixture.google.offline = True
    assert not (await fixture.service.test("zoe")).ok
    trouble = (await fixture.ledger.state("zoe")).trouble
    assert trouble is not None
    assert trouble.kind == "Offline"
    fixture.google.offline = False
    assert (await fixture.service.test("zoe")).ok
    assert (await fixture.ledger.state("zoe")).trouble is None
