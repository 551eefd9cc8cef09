"""A sign-in that fails: one sentence, one action that resolves it, and nothing lost or doubled."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from companion.adapters.google.account import Token, _expired
from companion.domain.appointments import Appointment, AppointmentKind
from companion.domain.errors import (
    AccountParked,
    CalendarGone,
    ClientFileMissing,
    CompanionError,
    DelegationRefused,
    Offline,
    PermissionDenied,
    RateLimited,
    ScopeMissing,
    SecretsUnavailable,
    SignInExpired,
    WrongAccount,
)
from companion.services.google.consents import CalendarChoice
from companion.services.status import PractitionerStatus
from companion.services.sync.progress import Progress
from companion.web.ui.components.practitioner_card import card_of
from tests.fakes.clock import MONDAY
from tests.fakes.google import APP_CREATED
from tests.fakes.google_calendar import FakeRemoteCalendar
from tests.fakes.services import CLIENT_FILE, SYDNEY, FakeApplication, fake_application

LOGIN = "anna@clinic.example"
BACK = "http://127.0.0.1:8080/oauth/callback"


def appointments(count: int) -> list[Appointment]:
    first = datetime.combine(date(2026, 11, 25), datetime.min.time()) + timedelta(hours=8)
    return [
        Appointment(
            id=f"a{number}",
            practitioner_id="anna",
            kind=AppointmentKind.CLIENT,
            start=first + timedelta(minutes=15 * number),
            end=first + timedelta(minutes=15 * number + 15),
            timezone=SYDNEY,
            client_first_name="Mira",
            client_last_name="Sample",
        )
        for number in range(count)
    ]


async def connected(count: int = 60) -> FakeApplication:
    application = fake_application()
    await application.services.practitioners.add("Anna Example", id="anna", timezone=SYDNEY)
    await application.services.connecting.set_client(CLIENT_FILE)
    await application.connect("anna", LOGIN)
    await application.write(*appointments(count))
    return application


def calendar(application: FakeApplication) -> FakeRemoteCalendar:
    return application.google.calendars_by_id[
        application.settings.read().practitioner("anna").google.calendar_id
    ]


async def run(application: FakeApplication, **more: object) -> CompanionError | None:
    result = await application.services.syncing.run("anna", cause="test", **more)  # type: ignore[arg-type]
    return result.error


async def status(application: FakeApplication) -> PractitionerStatus:
    (found,) = (await application.services.status.board()).practitioners
    return found


async def sign_in(
    application: FakeApplication,
    account: str = LOGIN,
    *,
    choice: CalendarChoice | None = None,
    untick: tuple[str, ...] = (),
) -> None:
    connecting = application.services.connecting
    start = await connecting.begin("anna", calendar=choice, redirect_uri=BACK)
    await connecting.finish(application.google.consent(start.url, account, untick=untick))


@pytest.mark.parametrize(
    ("error", "state", "action"),
    [
        (SignInExpired(), "sign in again", "connect"),
        (ScopeMissing(), "sign in again", "connect"),
        (WrongAccount(), "sign in again", "connect"),
        (DelegationRefused(), "not authorised", "service account"),
        (CalendarGone(), "choose calendar", "choose calendar"),
        (PermissionDenied(), "choose calendar", "choose calendar"),
        (ClientFileMissing(), "error", "add client"),
        (SecretsUnavailable(), "error", "doctor"),
        (AccountParked(), "parked", ""),
        (Offline(), "offline", ""),
        (RateLimited(), "error", ""),
    ],
)
async def test_each_trouble_has_one_sentence_and_one_action(
    error: CompanionError, state: str, action: str
) -> None:
    application = await connected(3)
    calendar(application).refusing = error  # type: ignore[assignment] # whatever its kind
    assert type(await run(application)) is type(error)
    found = await status(application)
    assert (found.sentence, found.remedy) == (error.what, error.remedy)
    assert (found.state, found.action) == (state, action)


@pytest.mark.parametrize(
    ("error", "label", "target"),
    [
        (SignInExpired(), "Sign in again", "/oauth/start/anna"),
        (CalendarGone(), "Choose calendar", "/practitioner/anna#calendar"),
        (DelegationRefused(), "Look at the service account", "/practice/workspace"),
        (ClientFileMissing(), "Add the Google client", "/practice"),
    ],
)
async def test_the_card_wears_a_badge_and_its_first_button_mends_it(
    error: CompanionError, label: str, target: str
) -> None:
    application = await connected(3)
    calendar(application).refusing = error  # type: ignore[assignment] # whatever its kind
    await run(application)
    shown = card_of(
        await status(application),
        colour="",
        now=application.clock.now(),
        may=lambda _action, _practitioner: True,
        page="/practitioner/anna",
    )
    assert shown["tone"] == "bad"
    assert (shown["actions"][0]["label"], shown["actions"][0]["href"]) == (label, target)


async def test_after_signing_in_again_an_upload_cut_short_ends_without_loss_or_double() -> None:
    application = await connected(200)
    remote = calendar(application)

    def break_it(progress: Progress) -> None:
        if progress.done >= 80:
            application.google.revoked.add(LOGIN)
            remote.refusing = SignInExpired()

    error = await run(application, progress=break_it)
    assert isinstance(error, SignInExpired)
    assert 80 <= len(remote.live()) < 200
    await application.write(replace(appointments(1)[0], location="Room 9"), remove=["a150"])
    remote.refusing = None
    await sign_in(application)
    assert (await status(application)).state != "sign in again"
    assert await run(application) is None
    keys = [event.key for event in remote.ours()]
    assert len(keys) == len(set(keys)) == 199
    audit = await application.services.auditing.audit("anna")
    assert audit.proof is not None
    assert audit.proof.equal
    assert (await status(application)).state == "up to date"


async def test_a_lost_permission_is_asked_for_again_and_the_sync_goes_on() -> None:
    application = await connected(20)
    await run(application)
    remote = calendar(application)
    remote.refusing = ScopeMissing()  # type: ignore[assignment] # as the adapter raises it
    await application.write(*appointments(25))
    assert isinstance(await run(application), ScopeMissing)
    remote.refusing = None
    await sign_in(application)
    assert await run(application) is None
    assert len(remote.ours()) == 25


async def test_consent_without_the_calendar_tick_changes_nothing() -> None:
    application = await connected(5)
    before = application.settings.read()
    with pytest.raises(ScopeMissing):
        await sign_in(application, untick=(APP_CREATED,))
    assert application.settings.read() == before
    assert await run(application) is None
    assert len(calendar(application).ours()) == 5


async def test_the_wrong_account_is_named_and_changes_nothing() -> None:
    application = await connected(5)
    before = application.settings.read()
    with pytest.raises(WrongAccount) as caught:
        await sign_in(application, "boris@clinic.example")
    assert "boris@clinic.example" in caught.value.what
    assert LOGIN in caught.value.what
    assert application.settings.read() == before
    assert await run(application) is None


async def test_a_deleted_calendar_is_replaced_and_nobody_is_asked_about_the_old_one() -> None:
    application = await connected(30)
    await run(application)
    old = calendar(application)
    old.gone = True
    await application.write(*appointments(31))
    assert isinstance(await run(application), CalendarGone)
    await sign_in(application, choice=CalendarChoice(kind="new", name="Again"))
    assert await run(application) is None
    assert len(calendar(application).ours()) == 31
    assert (await status(application)).held == 0
    left = [line for line in application.activity.lines if line.kind == "left behind"]
    assert [line.count for line in left] == [31]  # the one not confirmed may be there too


async def test_a_calendar_that_may_no_longer_be_written_is_replaced() -> None:
    application = await connected(12)
    await run(application)
    old = calendar(application)
    old.access_role = "reader"
    await application.write(*appointments(13))
    assert isinstance(await run(application), PermissionDenied)
    assert (await status(application)).action == "choose calendar"
    await sign_in(application, choice=CalendarChoice(kind="new", name="Again"))
    assert await run(application) is None
    assert len(calendar(application).ours()) == 13
    assert (await status(application)).held == 13  # the old ones are still to be seen


async def test_the_end_of_a_testing_sign_in_reaches_the_card_word_for_word() -> None:
    application = await connected(3)
    sentence = "Google ended this practitioner's sign-in after 7 days."
    remedy = "Open Google Auth Platform > Audience and press Publish app."
    calendar(application).refusing = SignInExpired(sentence, remedy)
    await run(application)
    found = await status(application)
    assert (found.sentence, found.remedy, found.action) == (sentence, remedy, "connect")


async def test_one_broken_sign_in_delays_nobody_else() -> None:
    application = await connected(3)
    await application.services.practitioners.add("Boris Example", id="boris", timezone=SYDNEY)
    await application.connect("boris", "boris@clinic.example")
    await application.write(replace(appointments(1)[0], id="b0", practitioner_id="boris"))
    calendar(application).refusing = SignInExpired()
    anna, boris = await asyncio.gather(
        application.services.syncing.run("anna", cause="test"),
        application.services.syncing.run("boris", cause="test"),
    )
    assert isinstance(anna.error, SignInExpired)
    assert (boris.error, boris.inserted) == (None, 1)


@pytest.mark.parametrize(
    ("died_after", "renewed_after", "testing"),
    [(6.4, 6.3, False), (6.6, 6.5, True), (7.0, 6.9, True), (7.4, 7.0, True), (9.0, 6.0, True)],
)
def test_a_sign_in_that_ends_about_its_seventh_day_is_put_down_to_testing(
    died_after: float, renewed_after: float, testing: bool
) -> None:
    told = _expired(token(renewed_after), MONDAY + timedelta(days=died_after), refused())
    assert ("Testing" in told.what) is testing
    assert ("Publish app" in told.remedy) is testing


def test_a_sign_in_that_worked_on_the_eighth_day_was_not_in_testing() -> None:
    assert _expired(token(7.6), MONDAY + timedelta(days=8), refused()).what == SignInExpired().what


def test_another_refusal_on_the_seventh_day_keeps_its_own_words() -> None:
    error = SignInExpired(detail="token endpoint: access_denied")
    assert _expired(token(6.9), MONDAY + timedelta(days=7), error) is error


def token(renewed_after: float) -> Token:
    return Token(
        refresh_token="made-up",
        client_id="client",
        account=LOGIN,
        scopes=(),
        consented_at=MONDAY,
        renewed_at=MONDAY + timedelta(days=renewed_after),
        expires_at=MONDAY,
        access_token="",
    )


def refused() -> SignInExpired:
    return SignInExpired(detail="token endpoint: invalid_grant")
