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
    RemoteError,
    RequestRefused,
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
from companion.services.ports import ActivityKind, CalendarRef, InsertEvent
from tests.fakes.clock import FakeClock
from tests.fakes.google import FakeGoogle, FakeRemoteCalendar, content
from tests.fakes.secrets import FakeSecrets
from tests.fakes.settings import FakeSettings
from tests.fakes.stores import MemoryActivity, MemoryLedger
from tests.fakes.syncing import syncing_over

ZOE, MAX = "zoe@example.com", "max@example.com"
BACK = "http://127.0.0.1:8080/oauth/callback"
INSTALL = "0123456789abcdef"
TOKEN = "google/token/zoe"
CLIENT = json.dumps({"installed": {"project_id": "riverside-physio"}}).encode()


def person(practitioner_id: str, name: str) -> PractitionerSettings:
    return PractitionerSettings(practitioner=Practitioner(id=practitioner_id, name=name))


class Fixture:
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
            syncing=syncing_over(
                google=self.google,
                settings=self.settings,
                ledger=self.ledger,
                activity=self.activity,
                clock=self.clock,
            ),
            random_word=lambda: next(words),
        )

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
def fixture() -> Fixture:
    return Fixture()


def existing(calendar_id: str) -> CalendarChoice:
    return CalendarChoice(kind="existing", calendar_id=calendar_id)


NEW = CalendarChoice(kind="new")
LIST = CalendarChoice(kind="list")


def asked_scopes(fixture: Fixture, url: str) -> set[str]:
    scopes = parse_qs(urlsplit(url).query)["scope"][0].split()
    return set(scopes) - {"openid", "email"}


# ── the client file ───────────────────────────────────────────────────────────────────────────


async def test_the_client_file_is_checked_kept_sealed_and_named(fixture: Fixture) -> None:
    fixture.secrets.kept.clear()
    assert await fixture.service.client_name() is None
    with pytest.raises(ClientFileMissing):
        await fixture.service.begin("zoe", redirect_uri=BACK)
    assert (await fixture.service.set_client(CLIENT)).sentence == (
        "The Google client riverside-physio was added."
    )
    assert await fixture.service.client_name() == "riverside-physio"


def client(client_id: str = "one", secret: str = "made-up", name: str = "riverside") -> bytes:
    inner = {"project_id": name, "client_id": client_id, "client_secret": secret}
    return json.dumps({"installed": inner}).encode()


async def test_the_client_that_is_kept_already_is_noticed_and_changes_nothing(
    fixture: Fixture,
) -> None:
    await fixture.service.set_client(client())
    kept, said = dict(fixture.secrets.kept), len(fixture.activity.lines)
    change = await fixture.service.set_client(client() + b"\n")
    assert change.sentence == (
        "This is already the practice's Google client: riverside. Nothing changed."
    )
    assert fixture.secrets.kept == kept
    assert len(fixture.activity.lines) == said


async def test_a_new_secret_of_the_same_client_is_kept_and_nobody_connects_again(
    fixture: Fixture,
) -> None:
    await fixture.service.set_client(client())
    await fixture.connect()
    change = await fixture.service.set_client(client(secret="newer"))
    assert (change.kind, change.held) == ("renewed", False)
    assert "newer" in fixture.secrets.kept["google/client"]


async def test_another_client_waits_for_a_person_while_somebody_is_signed_in(
    fixture: Fixture,
) -> None:
    await fixture.service.set_client(client())
    await fixture.connect()
    change = await fixture.service.set_client(client("two", name="harbour"))
    assert change.held
    assert change.signed_in == ("Zoë O'Brien-Nguyễn",)
    assert change.sentence == (
        "This is another Google client than riverside: 1 practitioner has to connect again."
    )
    assert await fixture.service.client_name() == "riverside"
    change = await fixture.service.set_client(client("two", name="harbour"), replace=True)
    assert not change.held
    assert await fixture.service.client_name() == "harbour"


async def test_another_client_is_kept_at_once_while_nobody_is_signed_in(fixture: Fixture) -> None:
    await fixture.service.set_client(client())
    change = await fixture.service.set_client(client("two", name="harbour"))
    assert (change.kind, change.held) == ("other", False)
    assert await fixture.service.client_name() == "harbour"


async def test_a_client_that_cannot_be_read_any_more_is_simply_replaced(fixture: Fixture) -> None:
    fixture.secrets.kept["google/client"] = "{}"
    assert (await fixture.service.set_client(client())).kind == "first"


async def test_a_wrong_client_file_leaves_the_old_one(fixture: Fixture) -> None:
    with pytest.raises(BadInput):
        await fixture.service.set_client(b"{}")
    assert await fixture.service.client_name() == "riverside-physio"


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
        (None, {APP_CREATED}),
        (NEW, {APP_CREATED}),
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
    await fixture.connect()
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


async def test_a_mistyped_calendar_id_is_told_as_gone(fixture: Fixture) -> None:
    with pytest.raises(CalendarGone):
        await fixture.connect(calendar=existing("nowhere@example.com"))
    unchanged(fixture)


async def test_a_calendar_that_may_only_be_read_is_refused(fixture: Fixture) -> None:
    fixture.google.add_calendar("read@example.com", ZOE, access_role="reader")
    with pytest.raises(PermissionDenied):
        await fixture.connect(calendar=existing("read@example.com"))
    unchanged(fixture)


async def test_cancel_at_google_is_told_as_that(fixture: Fixture) -> None:
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


async def test_another_user_can_neither_use_nor_spoil_a_sign_in(fixture: Fixture) -> None:
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


# ── the two checks ────────────────────────────────────────────────────────────────────────────


async def test_the_checks_say_succeeded_in_the_vendors_words(fixture: Fixture) -> None:
    await fixture.connect()
    tested, checked = await fixture.service.test("zoe"), await fixture.service.check("zoe")
    assert (tested.ok, tested.label) == (True, "Test Credentials (Succeeded)")
    assert (checked.ok, checked.label) == (True, "Calendar Accessible (Succeeded)")
    assert ZOE in tested.what
    assert tested.remedies == checked.remedies == ()


async def test_the_probe_leaves_nothing_in_the_calendar(fixture: Fixture) -> None:
    await fixture.connect()
    await fixture.service.check("zoe")
    assert fixture.calendar().live() == []
    assert fixture.calendar().parts == {"insert": 1, "delete": 1}
    await fixture.service.check("zoe")
    assert fixture.calendar().live() == []


async def test_a_probe_that_could_not_be_removed_is_ours_for_the_next_audit(
    fixture: Fixture,
) -> None:
    await fixture.connect()
    fixture.calendar().sizes.clear()

    async def cut(moment: str, name: str) -> None:
        if moment == "before" and name == "write" and fixture.calendar().sizes:
            raise Offline

    fixture.calendar().hook = cut
    assert not (await fixture.service.check("zoe")).ok
    assert len(fixture.calendar().ours()) == 1


async def test_before_connecting_both_checks_say_to_connect(fixture: Fixture) -> None:
    for result in (await fixture.service.test("zoe"), await fixture.service.check("zoe")):
        assert not result.ok
        assert result.label.endswith("(Failed)")
        assert "Connect to Google" in result.remedies[0]


async def test_a_withdrawn_consent_fails_with_the_vendors_remedies_in_order(
    fixture: Fixture,
) -> None:
    await fixture.connect()
    fixture.google.revoked.add(ZOE)
    result = await fixture.service.test("zoe")
    assert result.label == "Test Credentials (Failed)"
    text = " ".join(result.remedies[1:])
    order = ["Re-enter", "directly", "Connect to Google again"]
    assert sorted(order, key=text.index) == order


async def test_a_calendar_that_is_gone_leaves_the_credentials_good(fixture: Fixture) -> None:
    await fixture.connect()
    fixture.calendar().gone = True
    tested, checked = await fixture.service.test("zoe"), await fixture.service.check("zoe")
    assert tested.ok
    assert not checked.ok
    assert any("Calendar ID" in each for each in checked.remedies)


@pytest.mark.parametrize("error", [Offline(), RateLimited(), AccountParked()])
async def test_a_passing_fault_is_not_blamed_on_login_or_calendar(
    fixture: Fixture, error: CompanionError
) -> None:
    await fixture.connect()
    fixture.calendar().fail_next(error)  # type: ignore[arg-type] # they are remote errors
    result = await fixture.service.check("zoe")
    assert (result.ok, result.remedies) == (False, (error.remedy,))


# ── disconnecting ─────────────────────────────────────────────────────────────────────────────


async def test_disconnecting_revokes_forgets_and_keeps_the_rows_of_events_that_stay(
    fixture: Fixture,
) -> None:
    await fixture.connect()
    await fixture.upload(3)
    calendar = fixture.calendar()
    assert await fixture.service.disconnect("zoe") == 0
    assert not fixture.record().google.connected
    assert not fixture.record().choices.enabled
    assert TOKEN not in fixture.secrets.kept
    assert fixture.google.revocations == [ZOE]
    assert len(calendar.live()) == 3
    assert len(await fixture.ledger.entries(fixture.ref)) == 3


async def test_connecting_again_after_disconnecting_finds_the_same_calendar(
    fixture: Fixture,
) -> None:
    first = await fixture.connect()
    await fixture.upload(4)
    await fixture.service.disconnect("zoe")
    again = await fixture.connect()
    assert (again.calendar_id, again.adopted) == (first.calendar_id, 4)
    assert fixture.google.creations == 1


async def test_removing_takes_ours_known_or_not_and_nothing_else(fixture: Fixture) -> None:
    await fixture.connect()
    await fixture.upload(3)
    await fixture.ledger.write(fixture.ref, drop=["k1"])
    calendar = fixture.calendar()
    calendar.person_adds("dentist1", content())
    calendar.person_deletes(event_id(INSTALL, calendar.id, "k2", 0))
    ref = fixture.ref
    assert await fixture.service.disconnect("zoe", remove_events=True) == 3
    assert [each.event_id for each in calendar.live()] == ["dentist1"]
    assert await fixture.ledger.entries(ref) == []


async def test_removing_goes_in_small_batches_at_google_s_pace(fixture: Fixture) -> None:
    """Six hundred units a minute, of which the list takes one."""
    await fixture.connect()
    await fixture.upload(1200)
    calendar = fixture.calendar()
    calendar.sizes.clear()
    began = fixture.clock.monotonic()
    assert await fixture.service.disconnect("zoe", remove_events=True) == 1200
    assert sum(calendar.sizes) == 1200
    assert max(calendar.sizes) <= 10
    assert 120 <= fixture.clock.monotonic() - began <= 150


async def test_removing_while_google_asks_to_slow_down_takes_longer(fixture: Fixture) -> None:
    await fixture.connect()
    await fixture.upload(400)
    calendar = fixture.calendar()
    calendar.fail_next(*[RateLimited()] * 3)
    began = fixture.clock.monotonic()
    await fixture.service.disconnect("zoe", remove_events=True)
    assert calendar.live() == []
    assert fixture.clock.monotonic() - began > 80


async def test_an_event_that_google_will_not_delete_keeps_the_connection(fixture: Fixture) -> None:
    await fixture.connect()
    await fixture.upload(3)
    calendar = fixture.calendar()
    stuck = event_id(INSTALL, calendar.id, "k1", 0)
    calendar.fail_parts[stuck] = RequestRefused()
    with pytest.raises(RequestRefused):
        await fixture.service.disconnect("zoe", remove_events=True)
    assert [each.event_id for each in calendar.live()] == [stuck]
    assert fixture.record().google.connected
    [line, *_rest] = await fixture.activity.recent()
    assert (line.kind, line.count) == (ActivityKind.DELETE, 2)


async def test_removing_waits_out_passing_faults(fixture: Fixture) -> None:
    await fixture.connect()
    await fixture.upload(60)
    calendar = fixture.calendar()
    calendar.fail_next()
    calendar.lose_answers()

    async def fail_at(moment: str, name: str) -> None:
        if moment == "before" and name == "write" and calendar.calls["write"] % 3 == 1:
            raise RateLimited(retry_after=7)

    calendar.hook = fail_at
    await fixture.service.disconnect("zoe", remove_events=True)
    assert calendar.live() == []
    assert 7 in fixture.clock.slept


async def test_a_removal_that_fails_stays_connected_and_goes_on_later(fixture: Fixture) -> None:
    await fixture.connect()
    await fixture.upload(60)
    calendar = fixture.calendar()
    stuck = event_id(INSTALL, calendar.id, "k5", 0)
    calendar.fail_parts[stuck] = AccountParked()
    with pytest.raises(AccountParked):
        await fixture.service.disconnect("zoe", remove_events=True)
    assert fixture.record().google.connected
    assert not fixture.record().choices.enabled
    assert TOKEN in fixture.secrets.kept
    assert stuck in {each.event_id for each in await fixture.ledger.entries(fixture.ref)}
    assert len(await fixture.ledger.entries(fixture.ref)) == len(calendar.live())
    calendar.fail_parts.clear()
    await fixture.service.disconnect("zoe", remove_events=True)
    assert calendar.live() == []


async def test_an_account_a_colleague_uses_is_not_revoked(fixture: Fixture) -> None:
    await fixture.connect("zoe", account=ZOE)
    await fixture.connect("max", account=ZOE)
    await fixture.service.disconnect("zoe")
    assert fixture.google.revocations == []
    assert (await fixture.service.test("max")).ok
    await fixture.service.disconnect("max")
    assert fixture.google.revocations == [ZOE]


async def test_disconnecting_works_without_the_network_and_says_what_is_left_to_do(
    fixture: Fixture,
) -> None:
    await fixture.connect()
    fixture.google.offline = True
    await fixture.service.disconnect("zoe")
    assert TOKEN not in fixture.secrets.kept
    [line, *_rest] = await fixture.activity.recent()
    assert "Third-party access" in line.text


async def test_disconnecting_who_is_not_connected_is_harmless(fixture: Fixture) -> None:
    assert await fixture.service.disconnect("zoe", remove_events=True) == 0


async def test_the_activity_list_names_no_account_and_no_client(fixture: Fixture) -> None:
    await fixture.connect()
    await fixture.service.disconnect("zoe")
    lines = await fixture.activity.recent()
    assert [line.kind for line in lines] == ["disconnect", "connect"]
    assert all(ZOE not in line.text for line in lines)


async def test_a_new_connection_clears_the_old_trouble(fixture: Fixture) -> None:
    trouble = SyncTrouble(kind="SignInExpired", what="w", remedy="r", since=fixture.clock.now())
    await fixture.ledger.edit_state("zoe", lambda _: SyncState(trouble=trouble, events=1))
    await fixture.connect()
    state = await fixture.ledger.state("zoe")
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


async def test_an_expired_sign_in_is_told_apart_from_never_connected(fixture: Fixture) -> None:
    await fixture.connect()
    fixture.google.revoked.add(ZOE)
    assert (await fixture.service.test("zoe")).what == SignInExpired.default_what
