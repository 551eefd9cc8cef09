"""Connecting: nothing is kept until everything is right, and nothing is orphaned unnoticed."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from companion.domain.appointments import Practitioner
from companion.domain.errors import (
    AccountParked,
    BadInput,
    CalendarGone,
    ClientFileMissing,
    CompanionError,
    NotFound,
    Offline,
    PermissionDenied,
    RateLimited,
    ScopeMissing,
    SignInDenied,
    SignInError,
    SignInExpired,
    SignInTimedOut,
    WrongAccount,
)
from companion.domain.events import CalendarEvent
from companion.domain.reconcile import EntryState, LedgerEntry, event_id
from companion.domain.settings import PractitionerSettings, Settings
from companion.domain.sync_state import SyncState, SyncTrouble
from companion.services.google.connecting import CalendarChoice, Connected, Connecting
from companion.services.google.consents import (
    APP_CREATED,
    CALENDAR_LIST,
    EVENTS,
    EVENTS_OWNED,
    FULL,
    missing,
    same_account,
)
from companion.services.ports import CalendarRef, InsertEvent
from tests.fakes.clock import FakeClock
from tests.fakes.google import FakeGoogle, FakeRemoteCalendar, content
from tests.fakes.secrets import FakeSecrets
from tests.fakes.settings import FakeSettings
from tests.fakes.stores import MemoryActivity, MemoryLedger

ZOE, MAX = "zoe@example.com", "max@example.com"
BACK = "http://127.0.0.1:8080/oauth/callback"
INSTALL = "0123456789abcdef"
TOKEN = "google/token/zoe"
CLIENT = json.dumps({"installed": {"project_id": "riverside-physio"}}).encode()


def person(practitioner_id: str, name: str) -> PractitionerSettings:
    return PractitionerSettings(practitioner=Practitioner(id=practitioner_id, name=name))


class Desk:
    """A Connecting service with everything around it in memory."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.secrets = FakeSecrets()
        self.secrets.kept["google/client"] = CLIENT.decode()
        self.google = FakeGoogle(secrets=self.secrets, install=INSTALL)
        settings = Settings(install_id=INSTALL)
        for record in (person("zoe", "Zoë O'Brien-Nguyễn"), person("max", "Max Muster")):
            settings = settings.with_practitioner(record)
        self.settings = FakeSettings(settings)
        self.ledger = MemoryLedger()
        self.activity = MemoryActivity()
        self.paced: list[tuple[str, int]] = []
        self.service = self.new_service()

    def new_service(self) -> Connecting:
        """As after a restart of the program."""
        words = iter(f"word{number}" for number in range(1000))
        return Connecting(
            google=self.google,
            settings=self.settings,
            secrets=self.secrets,
            ledger=self.ledger,
            activity=self.activity,
            clock=self.clock,
            pace=self.pace,
            random_word=lambda: next(words),
        )

    async def pace(self, account: str, units: int) -> None:
        self.paced.append((account, units))

    def record(self, practitioner_id: str = "zoe") -> PractitionerSettings:
        return self.settings.read().practitioners[practitioner_id]

    async def connect(
        self,
        practitioner_id: str = "zoe",
        *,
        account: str = ZOE,
        login: str = "",
        calendar: CalendarChoice | None = None,
        untick: Sequence[str] = (),
    ) -> Connected:
        start = await self.service.begin(
            practitioner_id, login=login, calendar=calendar, redirect_uri=BACK
        )
        return await self.service.finish(self.google.consent(start.url, account, untick=untick))

    def calendar(self, practitioner_id: str = "zoe") -> FakeRemoteCalendar:
        return self.google.calendars_by_id[self.record(practitioner_id).google.calendar_id]

    async def upload(self, count: int, *, noted: bool = True) -> None:
        """Events in Zoë's calendar, with ledger rows when `noted`."""
        link = self.record().google
        for number in range(count):
            start = datetime(2026, 3, 3, tzinfo=UTC) + timedelta(hours=number)
            event = CalendarEvent(
                key=f"k{number}",
                start=start,
                end=start + timedelta(minutes=30),
                timezone="Australia/Sydney",
                summary="ZO",
            )
            wanted = event_id(INSTALL, link.calendar_id, event.key, 0)
            await self.calendar().write([InsertEvent(event_id=wanted, event=event)])
            if noted:
                await self.ledger.write(self.ref, put=[entry(event, wanted)])

    @property
    def ref(self) -> CalendarRef:
        return CalendarRef(practitioner_id="zoe", calendar_id=self.record().google.calendar_id)


def entry(event: CalendarEvent, wanted: str) -> LedgerEntry:
    return LedgerEntry(
        key=event.key,
        event_id=wanted,
        generation=0,
        state=EntryState.OK,
        fingerprint=event.fingerprint,
        style=event.style,
        begins=event.begins,
        ends=event.ends,
    )


@pytest.fixture
def desk() -> Desk:
    return Desk()


def existing(calendar_id: str) -> CalendarChoice:
    return CalendarChoice(kind="existing", calendar_id=calendar_id)


NEW = CalendarChoice(kind="new")
LIST = CalendarChoice(kind="list")


def asked_scopes(desk: Desk, url: str) -> set[str]:
    scopes = parse_qs(urlsplit(url).query)["scope"][0].split()
    return set(scopes) - {"openid", "email"}


# ── the client file ───────────────────────────────────────────────────────────────────────────


async def test_the_client_file_is_checked_kept_sealed_and_named(desk: Desk) -> None:
    desk.secrets.kept.clear()
    assert await desk.service.client_name() is None
    with pytest.raises(ClientFileMissing):
        await desk.service.begin("zoe", redirect_uri=BACK)
    assert (await desk.service.set_client(CLIENT)).sentence == (
        "The Google client riverside-physio was added."
    )
    assert await desk.service.client_name() == "riverside-physio"


def client(client_id: str = "one", secret: str = "made-up", name: str = "riverside") -> bytes:
    inner = {"project_id": name, "client_id": client_id, "client_secret": secret}
    return json.dumps({"installed": inner}).encode()


async def test_the_client_that_is_kept_already_is_noticed_and_changes_nothing(desk: Desk) -> None:
    await desk.service.set_client(client())
    kept, said = dict(desk.secrets.kept), len(desk.activity.lines)
    change = await desk.service.set_client(client() + b"\n")
    assert change.sentence == (
        "This is already the practice's Google client: riverside. Nothing changed."
    )
    assert desk.secrets.kept == kept
    assert len(desk.activity.lines) == said


async def test_a_new_secret_of_the_same_client_is_kept_and_nobody_connects_again(
    desk: Desk,
) -> None:
    await desk.service.set_client(client())
    await desk.connect()
    change = await desk.service.set_client(client(secret="newer"))
    assert (change.kind, change.held) == ("renewed", False)
    assert "newer" in desk.secrets.kept["google/client"]


async def test_another_client_waits_for_a_person_while_somebody_is_signed_in(desk: Desk) -> None:
    await desk.service.set_client(client())
    await desk.connect()
    change = await desk.service.set_client(client("two", name="harbour"))
    assert change.held
    assert change.signed_in == ("Zoë O'Brien-Nguyễn",)
    assert change.sentence == (
        "This is another Google client than riverside: 1 practitioner has to connect again."
    )
    assert await desk.service.client_name() == "riverside"
    change = await desk.service.set_client(client("two", name="harbour"), replace=True)
    assert not change.held
    assert await desk.service.client_name() == "harbour"


async def test_another_client_is_kept_at_once_while_nobody_is_signed_in(desk: Desk) -> None:
    await desk.service.set_client(client())
    change = await desk.service.set_client(client("two", name="harbour"))
    assert (change.kind, change.held) == ("other", False)
    assert await desk.service.client_name() == "harbour"


async def test_a_client_that_cannot_be_read_any_more_is_simply_replaced(desk: Desk) -> None:
    desk.secrets.kept["google/client"] = "{}"
    assert (await desk.service.set_client(client())).kind == "first"


async def test_a_wrong_client_file_leaves_the_old_one(desk: Desk) -> None:
    with pytest.raises(BadInput):
        await desk.service.set_client(b"{}")
    assert await desk.service.client_name() == "riverside-physio"


# ── connecting ────────────────────────────────────────────────────────────────────────────────


async def test_connecting_the_first_time_makes_a_calendar_and_switches_the_sync_on(
    desk: Desk,
) -> None:
    done = await desk.connect(login=ZOE)
    record = desk.record()
    assert record.google.connected
    assert record.choices.enabled
    assert (done.account, done.calendar_name) == (ZOE, "Appointments – Zoë O'Brien-Nguyễn")
    assert record.google.calendar_id == done.calendar_id
    assert record.google.created_by_us
    assert record.google.creating == ""
    assert desk.calendar().timezone == record.practitioner.timezone
    state = await desk.ledger.state("zoe")
    assert (state.audit_due, state.awaiting_upload) == (False, False)


async def test_connected_at_the_screen_the_first_upload_waits_for_the_person(desk: Desk) -> None:
    start = await desk.service.begin("zoe", redirect_uri=BACK)
    answer = desk.google.consent(start.url, ZOE)
    await desk.service.finish(answer, upload_by_hand=True)
    assert (await desk.ledger.state("zoe")).awaiting_upload


async def test_only_the_sealed_store_holds_the_token(desk: Desk) -> None:
    await desk.connect()
    token = desk.secrets.kept[TOKEN]
    assert token not in repr(desk.settings.read())
    assert set(desk.secrets.kept) == {"google/client", TOKEN}


async def test_a_name_can_be_given_to_the_new_calendar(desk: Desk) -> None:
    done = await desk.connect(calendar=CalendarChoice(kind="new", name="  Zoë's \n week "))
    assert done.calendar_name == "Zoë's week"


async def test_an_existing_calendar_is_opened_and_our_events_there_are_counted(desk: Desk) -> None:
    desk.google.add_calendar("work@example.com", ZOE)
    await desk.connect(calendar=existing(" work@example.com "))
    await desk.upload(3)
    assert not desk.record().google.created_by_us
    done = await desk.connect(calendar=existing("work@example.com"))
    assert done.adopted == 3


@pytest.mark.parametrize(
    ("choice", "scopes"),
    [
        (None, {APP_CREATED}),
        (NEW, {APP_CREATED}),
        (existing("work@example.com"), {EVENTS_OWNED}),
        (LIST, {EVENTS_OWNED, CALENDAR_LIST}),
    ],
)
async def test_the_narrowest_scopes_that_serve_the_choice_are_asked_for(
    desk: Desk, choice: CalendarChoice | None, scopes: set[str]
) -> None:
    start = await desk.service.begin("zoe", calendar=choice, redirect_uri=BACK)
    assert asked_scopes(desk, start.url) == scopes


async def test_a_shared_calendar_is_found_out_and_the_wider_scope_asked_for_next(
    desk: Desk,
) -> None:
    desk.google.add_calendar("team@example.com", MAX, access_role="writer")
    with pytest.raises(ScopeMissing, match="shared"):
        await desk.connect(calendar=existing("team@example.com"))
    desk.service = desk.new_service()
    start = await desk.service.begin(
        "zoe", calendar=existing("team@example.com"), redirect_uri=BACK
    )
    assert asked_scopes(desk, start.url) == {EVENTS}
    done = await desk.service.finish(desk.google.consent(start.url, ZOE))
    assert done.calendar_id == "team@example.com"
    again = await desk.service.begin("zoe", redirect_uri=BACK)
    assert asked_scopes(desk, again.url) == {EVENTS}


async def test_signing_in_again_keeps_calendar_and_login(desk: Desk) -> None:
    first = await desk.connect(login=ZOE)
    again = await desk.connect()
    assert again.calendar_id == first.calendar_id
    assert desk.google.creations == 1
    assert desk.record().google.login == ZOE
    assert desk.record().google.created_by_us


async def test_moving_to_another_account_gives_the_old_sign_in_back(desk: Desk) -> None:
    await desk.connect(login=ZOE)
    await desk.connect(login=MAX, account=MAX, calendar=NEW)
    assert desk.record().google.account == MAX
    assert desk.google.revocations == [ZOE]
    assert (await desk.service.test("zoe")).ok


async def test_the_primary_calendar_is_known_by_its_address(desk: Desk) -> None:
    desk.google.add_calendar(ZOE, ZOE, name=ZOE)
    done = await desk.connect(calendar=existing("primary"))
    assert done.calendar_id == ZOE


async def test_choosing_from_a_list_signs_in_first(desk: Desk) -> None:
    desk.google.add_calendar("work@example.com", ZOE)
    desk.google.add_calendar("theirs@example.com", MAX)
    done = await desk.connect(calendar=LIST)
    assert done.calendar_id == ""
    assert not desk.record().google.connected
    assert not desk.record().choices.enabled
    assert [each.id for each in await desk.service.calendars("zoe")] == ["work@example.com"]
    await desk.service.choose("zoe", "work@example.com")
    assert desk.record().google.connected
    assert desk.record().choices.enabled


@pytest.mark.parametrize("calendar_id", ["", "   ", "two words", "a\x00b"])
async def test_what_is_no_calendar_id_is_refused_before_google_is_asked(
    desk: Desk, calendar_id: str
) -> None:
    with pytest.raises(BadInput, match="Calendar ID"):
        await desk.service.begin("zoe", calendar=existing(calendar_id), redirect_uri=BACK)


async def test_one_calendar_serves_one_practitioner(desk: Desk) -> None:
    await desk.connect()
    taken = desk.record().google.calendar_id
    with pytest.raises(BadInput, match="Zoë"):
        await desk.service.begin("max", calendar=existing(taken), redirect_uri=BACK)


# ── what goes wrong, and leaves nothing behind ────────────────────────────────────────────────


def unchanged(desk: Desk) -> None:
    assert set(desk.secrets.kept) == {"google/client"}
    assert not desk.record().google.connected
    assert not desk.record().choices.enabled


async def test_another_account_than_the_login_is_refused_and_given_back(desk: Desk) -> None:
    with pytest.raises(WrongAccount, match=MAX):
        await desk.connect(login=ZOE, account=MAX)
    unchanged(desk)
    assert desk.google.revocations == [MAX]


async def test_a_colleagues_account_picked_by_mistake_keeps_the_colleague_connected(
    desk: Desk,
) -> None:
    """Google ends every sign-in of an account when one of them is revoked."""
    await desk.connect("max", account=MAX)
    with pytest.raises(WrongAccount):
        await desk.connect("zoe", login=ZOE, account=MAX)
    assert desk.google.revocations == []
    assert (await desk.service.test("max")).ok


async def test_consent_without_the_calendar_tick_is_refused_and_can_be_repeated(
    desk: Desk,
) -> None:
    with pytest.raises(ScopeMissing) as caught:
        await desk.connect(untick=[APP_CREATED])
    assert "ticked" in caught.value.remedy
    unchanged(desk)
    await desk.connect()
    assert desk.record().google.connected


async def test_consent_without_the_calendar_tick_is_refused_before_a_calendar_is_asked_for(
    desk: Desk,
) -> None:
    with pytest.raises(ScopeMissing):
        await desk.connect(calendar=LIST, untick=[EVENTS_OWNED])
    unchanged(desk)


async def test_a_failed_second_sign_in_leaves_the_first_connection_working(desk: Desk) -> None:
    await desk.connect()
    before = desk.record(), desk.secrets.kept[TOKEN]
    for attempt in (
        desk.connect(untick=[APP_CREATED]),
        desk.connect(login=ZOE, account=MAX),
        desk.connect(calendar=existing("nowhere@example.com")),
    ):
        with pytest.raises(CompanionError):
            await attempt
    assert (desk.record(), desk.secrets.kept[TOKEN]) == before
    assert (await desk.service.test("zoe")).ok


async def test_a_mistyped_calendar_id_is_told_as_gone(desk: Desk) -> None:
    with pytest.raises(CalendarGone):
        await desk.connect(calendar=existing("nowhere@example.com"))
    unchanged(desk)


async def test_a_calendar_that_may_only_be_read_is_refused(desk: Desk) -> None:
    desk.google.add_calendar("read@example.com", ZOE, access_role="reader")
    with pytest.raises(PermissionDenied):
        await desk.connect(calendar=existing("read@example.com"))
    unchanged(desk)


async def test_cancel_at_google_is_told_as_that(desk: Desk) -> None:
    start = await desk.service.begin("zoe", redirect_uri=BACK)
    with pytest.raises(SignInDenied):
        await desk.service.finish(desk.google.refuse(start.url))
    assert desk.service.waiting("zoe") is None


async def test_being_offline_at_the_end_leaves_nothing(desk: Desk) -> None:
    start = await desk.service.begin("zoe", redirect_uri=BACK)
    answer = desk.google.consent(start.url, ZOE)
    desk.google.offline = True
    with pytest.raises(Offline):
        await desk.service.finish(answer)
    unchanged(desk)


async def test_a_practitioner_removed_meanwhile_is_not_connected(desk: Desk) -> None:
    start = await desk.service.begin("zoe", redirect_uri=BACK)
    desk.settings.current = desk.settings.current.without_practitioner("zoe")
    with pytest.raises(NotFound):
        await desk.service.finish(desk.google.consent(start.url, ZOE))
    assert set(desk.secrets.kept) == {"google/client"}


async def test_a_calendar_whose_creation_was_not_answered_is_found_again(desk: Desk) -> None:
    desk.google.create_loses_answer = True
    with pytest.raises(Offline):
        await desk.connect()
    assert desk.record().google.creating
    desk.service = desk.new_service()
    await desk.connect()
    assert desk.google.creations == 1
    assert desk.record().google.creating == ""


async def test_the_intent_to_create_is_saved_before_the_call(desk: Desk) -> None:
    desk.google.fail_create = AccountParked()
    with pytest.raises(AccountParked):
        await desk.connect()
    assert desk.record().google.creating
    assert TOKEN not in desk.secrets.kept


# ── the state: single use, bound to its user, five minutes ────────────────────────────────────


async def test_an_answer_can_be_used_once(desk: Desk) -> None:
    start = await desk.service.begin("zoe", redirect_uri=BACK)
    answer = desk.google.consent(start.url, ZOE)
    await desk.service.finish(answer)
    with pytest.raises(SignInError):
        await desk.service.finish(answer)


async def test_another_user_can_neither_use_nor_spoil_a_sign_in(desk: Desk) -> None:
    start = await desk.service.begin("zoe", redirect_uri=BACK, user="reception")
    answer = desk.google.consent(start.url, ZOE)
    with pytest.raises(SignInError):
        await desk.service.finish(answer, user="intruder")
    await desk.service.finish(answer, user="reception")
    assert desk.record().google.connected


@pytest.mark.parametrize("url", ["", BACK, f"{BACK}?state=&code=x", f"{BACK}?state=guess&code=x"])
async def test_an_unknown_state_is_refused(desk: Desk, url: str) -> None:
    await desk.service.begin("zoe", redirect_uri=BACK)
    with pytest.raises(SignInError):
        await desk.service.finish(url)


async def test_after_five_minutes_the_sign_in_has_ended(desk: Desk) -> None:
    start = await desk.service.begin("zoe", redirect_uri=BACK)
    answer = desk.google.consent(start.url, ZOE)
    desk.clock.shift(299)
    assert desk.service.waiting("zoe") == start
    desk.clock.shift(1)
    assert desk.service.waiting("zoe") is None
    with pytest.raises(SignInTimedOut):
        await desk.service.finish(answer)


async def test_a_cancelled_sign_in_cannot_be_finished(desk: Desk) -> None:
    start = await desk.service.begin("zoe", redirect_uri=BACK)
    answer = desk.google.consent(start.url, ZOE)
    desk.service.cancel(start.state)
    desk.service.cancel(start.state)
    with pytest.raises(SignInError):
        await desk.service.finish(answer)


async def test_beginning_anew_ends_the_sign_in_before(desk: Desk) -> None:
    first = await desk.service.begin("zoe", redirect_uri=BACK)
    other = await desk.service.begin("max", redirect_uri=BACK)
    second = await desk.service.begin("zoe", redirect_uri=BACK)
    assert desk.service.waiting("zoe") == second
    assert desk.service.waiting("max") == other
    with pytest.raises(SignInError):
        await desk.service.finish(desk.google.consent(first.url, ZOE))


# ── the two checks ────────────────────────────────────────────────────────────────────────────


async def test_the_checks_say_succeeded_in_the_vendors_words(desk: Desk) -> None:
    await desk.connect()
    tested, checked = await desk.service.test("zoe"), await desk.service.check("zoe")
    assert (tested.ok, tested.label) == (True, "Test Credentials (Succeeded)")
    assert (checked.ok, checked.label) == (True, "Calendar Accessible (Succeeded)")
    assert ZOE in tested.what
    assert tested.remedies == checked.remedies == ()


async def test_the_probe_leaves_nothing_in_the_calendar(desk: Desk) -> None:
    await desk.connect()
    await desk.service.check("zoe")
    assert desk.calendar().live() == []
    assert desk.calendar().parts == {"insert": 1, "delete": 1}
    await desk.service.check("zoe")
    assert desk.calendar().live() == []


async def test_a_probe_that_could_not_be_removed_is_ours_for_the_next_audit(desk: Desk) -> None:
    await desk.connect()
    desk.calendar().sizes.clear()

    async def cut(moment: str, name: str) -> None:
        if moment == "before" and name == "write" and desk.calendar().sizes:
            raise Offline

    desk.calendar().hook = cut
    assert not (await desk.service.check("zoe")).ok
    assert len(desk.calendar().ours()) == 1


async def test_before_connecting_both_checks_say_to_connect(desk: Desk) -> None:
    for result in (await desk.service.test("zoe"), await desk.service.check("zoe")):
        assert not result.ok
        assert result.label.endswith("(Failed)")
        assert "Connect to Google" in result.remedies[0]


async def test_a_withdrawn_consent_fails_with_the_vendors_remedies_in_order(desk: Desk) -> None:
    await desk.connect()
    desk.google.revoked.add(ZOE)
    result = await desk.service.test("zoe")
    assert result.label == "Test Credentials (Failed)"
    text = " ".join(result.remedies[1:])
    order = ["Re-enter", "directly", "Connect to Google again"]
    assert sorted(order, key=text.index) == order


async def test_a_calendar_that_is_gone_leaves_the_credentials_good(desk: Desk) -> None:
    await desk.connect()
    desk.calendar().gone = True
    tested, checked = await desk.service.test("zoe"), await desk.service.check("zoe")
    assert tested.ok
    assert not checked.ok
    assert any("Calendar ID" in each for each in checked.remedies)


@pytest.mark.parametrize("error", [Offline(), RateLimited(), AccountParked()])
async def test_a_passing_fault_is_not_blamed_on_login_or_calendar(
    desk: Desk, error: CompanionError
) -> None:
    await desk.connect()
    desk.calendar().fail_next(error)  # type: ignore[arg-type] # they are remote errors
    result = await desk.service.check("zoe")
    assert (result.ok, result.remedies) == (False, (error.remedy,))


# ── disconnecting ─────────────────────────────────────────────────────────────────────────────


async def test_disconnecting_revokes_forgets_and_keeps_the_rows_of_events_that_stay(
    desk: Desk,
) -> None:
    await desk.connect()
    await desk.upload(3)
    calendar = desk.calendar()
    assert await desk.service.disconnect("zoe") == 0
    assert not desk.record().google.connected
    assert not desk.record().choices.enabled
    assert TOKEN not in desk.secrets.kept
    assert desk.google.revocations == [ZOE]
    assert len(calendar.live()) == 3
    assert len(await desk.ledger.entries(desk.ref)) == 3


async def test_connecting_again_after_disconnecting_finds_the_same_calendar(desk: Desk) -> None:
    first = await desk.connect()
    await desk.upload(4)
    await desk.service.disconnect("zoe")
    again = await desk.connect()
    assert (again.calendar_id, again.adopted) == (first.calendar_id, 4)
    assert desk.google.creations == 1


async def test_removing_takes_ours_known_or_not_and_nothing_else(desk: Desk) -> None:
    await desk.connect()
    await desk.upload(3)
    await desk.ledger.write(desk.ref, drop=["k1"])
    calendar = desk.calendar()
    calendar.person_adds("dentist1", content())
    calendar.person_deletes(event_id(INSTALL, calendar.id, "k2", 0))
    ref = desk.ref
    assert await desk.service.disconnect("zoe", remove_events=True) == 3
    assert [each.event_id for each in calendar.live()] == ["dentist1"]
    assert await desk.ledger.entries(ref) == []


async def test_removing_goes_in_batches_at_the_given_pace(desk: Desk) -> None:
    await desk.connect()
    await desk.upload(120)
    calendar = desk.calendar()
    calendar.sizes.clear()
    desk.paced.clear()
    await desk.service.disconnect("zoe", remove_events=True)
    assert calendar.sizes == [8] * 15
    assert desk.paced == [(ZOE, 8)] * 15


async def test_removing_waits_out_passing_faults(desk: Desk) -> None:
    await desk.connect()
    await desk.upload(60)
    calendar = desk.calendar()
    calendar.fail_next()
    calendar.lose_answers()

    async def stumble(moment: str, name: str) -> None:
        if moment == "before" and name == "write" and calendar.calls["write"] % 3 == 1:
            raise RateLimited(retry_after=7)

    calendar.hook = stumble
    await desk.service.disconnect("zoe", remove_events=True)
    assert calendar.live() == []
    assert 7 in desk.clock.slept


async def test_a_removal_that_fails_stays_connected_and_goes_on_later(desk: Desk) -> None:
    await desk.connect()
    await desk.upload(60)
    calendar = desk.calendar()
    stuck = event_id(INSTALL, calendar.id, "k5", 0)
    calendar.fail_parts[stuck] = AccountParked()
    with pytest.raises(AccountParked):
        await desk.service.disconnect("zoe", remove_events=True)
    assert desk.record().google.connected
    assert not desk.record().choices.enabled
    assert TOKEN in desk.secrets.kept
    assert stuck in {each.event_id for each in await desk.ledger.entries(desk.ref)}
    assert len(await desk.ledger.entries(desk.ref)) == len(calendar.live())
    calendar.fail_parts.clear()
    await desk.service.disconnect("zoe", remove_events=True)
    assert calendar.live() == []


async def test_an_account_a_colleague_uses_is_not_revoked(desk: Desk) -> None:
    await desk.connect("zoe", account=ZOE)
    await desk.connect("max", account=ZOE)
    await desk.service.disconnect("zoe")
    assert desk.google.revocations == []
    assert (await desk.service.test("max")).ok
    await desk.service.disconnect("max")
    assert desk.google.revocations == [ZOE]


async def test_disconnecting_works_without_the_network_and_says_what_is_left_to_do(
    desk: Desk,
) -> None:
    await desk.connect()
    desk.google.offline = True
    await desk.service.disconnect("zoe")
    assert TOKEN not in desk.secrets.kept
    [line, *_rest] = await desk.activity.recent()
    assert "Third-party access" in line.text


async def test_disconnecting_who_is_not_connected_is_harmless(desk: Desk) -> None:
    assert await desk.service.disconnect("zoe", remove_events=True) == 0


async def test_the_activity_list_names_no_account_and_no_client(desk: Desk) -> None:
    await desk.connect()
    await desk.service.disconnect("zoe")
    lines = await desk.activity.recent()
    assert [line.kind for line in lines] == ["disconnect", "connect"]
    assert all(ZOE not in line.text for line in lines)


async def test_a_new_connection_clears_the_old_trouble(desk: Desk) -> None:
    trouble = SyncTrouble(kind="SignInExpired", what="w", remedy="r", since=desk.clock.now())
    await desk.ledger.edit_state("zoe", lambda _: SyncState(trouble=trouble, events=1))
    await desk.connect()
    state = await desk.ledger.state("zoe")
    assert state.trouble is None
    assert state.events == 1


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


async def test_an_expired_sign_in_is_told_apart_from_never_connected(desk: Desk) -> None:
    await desk.connect()
    desk.google.revoked.add(ZOE)
    assert (await desk.service.test("zoe")).what == SignInExpired.default_what
