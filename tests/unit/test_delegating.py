"""Connecting one practitioner by the practice's service account, and its key."""

from dataclasses import replace

import pytest

from companion.domain.errors import (
    BadInput,
    CalendarGone,
    ClientFileMissing,
    DelegationRefused,
    Offline,
    SignInExpired,
)
from companion.domain.sync_state import SyncTrouble
from companion.services.google.consents import (
    APP_CREATED,
    CALENDAR_LIST,
    DELEGATION,
    EVENTS,
    EVENTS_OWNED,
)
from companion.services.ports import ActivityKind
from tests.fakes.connecting import BACK, KEY, LIST, MAX, TOKEN, ZOE, Fixture, existing
from tests.fakes.keys import key_text

ROBOT = "sync@riverside-physio.iam.gserviceaccount.com"
CLIENT_ID = "104727004242420010001"


@pytest.fixture
def fixture() -> Fixture:
    made = Fixture()
    made.secrets.kept["google/service-account"] = KEY.decode()
    return made


async def test_nobody_has_to_sign_in(fixture: Fixture) -> None:
    connected = await fixture.service.delegate("zoe", login=ZOE)
    link = fixture.record().google
    assert link.connected
    assert (link.account, link.login, link.delegated) == (ZOE, ZOE, CLIENT_ID)
    assert link.scopes == DELEGATION == (APP_CREATED, CALENDAR_LIST)
    assert fixture.record().choices.enabled
    assert connected.calendar_name == "Appointments – Zoë O'Brien-Nguyễn"
    assert fixture.google.minted == [ZOE]


async def test_the_login_is_the_one_known_or_the_practitioners_e_mail(fixture: Fixture) -> None:
    with pytest.raises(BadInput, match="no Google Login"):
        await fixture.service.delegate("zoe")
    known = replace(fixture.record().practitioner, email=ZOE)
    await fixture.settings.change(
        lambda s: s.with_practitioner(replace(fixture.record(), practitioner=known))
    )
    assert (await fixture.service.delegate("zoe")).account == ZOE


async def test_a_refused_login_changes_nothing(fixture: Fixture) -> None:
    await fixture.service.delegate("zoe", login=ZOE)
    before, token = fixture.record(), fixture.secrets.kept[TOKEN]
    fixture.google.strangers.add(MAX)
    with pytest.raises(DelegationRefused):
        await fixture.service.delegate("zoe", login=MAX)
    assert (fixture.record(), fixture.secrets.kept[TOKEN]) == (before, token)
    assert "google/token/zoe.new" not in fixture.secrets.kept


async def test_a_calendar_whose_answer_was_lost_is_found_again(fixture: Fixture) -> None:
    fixture.google.create_loses_answer = True
    with pytest.raises(Offline):
        await fixture.service.delegate("zoe", login=ZOE)
    await fixture.service.delegate("zoe", login=ZOE)
    assert fixture.google.creations == 1
    assert fixture.record().google.creations == ()


# ── from signing in to the service account ────────────────────────────────────────────────────


async def test_the_calendar_stays_and_the_sign_in_is_given_back(fixture: Fixture) -> None:
    await fixture.connect()
    before = fixture.record().google
    await fixture.upload(3)
    fixture.google.authorised.add(EVENTS_OWNED)
    connected = await fixture.service.delegate("zoe", login=ZOE)
    assert (connected.calendar_id, connected.adopted) == (before.calendar_id, 3)
    assert fixture.google.revocations == [ZOE]
    assert fixture.google.creations == 1
    assert (await fixture.ledger.state("zoe")).audit_due


async def test_a_calendar_that_another_client_made_needs_a_third_scope_which_is_named(
    fixture: Fixture,
) -> None:
    await fixture.connect()
    before = fixture.record()
    with pytest.raises(DelegationRefused, match="does not reach") as caught:
        await fixture.service.delegate("zoe", login=ZOE)
    assert "If the calendar is still there" in caught.value.remedy
    assert fixture.record() == before
    assert fixture.google.revocations == []
    account = await fixture.service.service_account()
    assert account is not None
    assert account.scopes == (APP_CREATED, CALENDAR_LIST, EVENTS_OWNED)


async def test_the_account_of_another_practitioner_is_not_revoked(fixture: Fixture) -> None:
    await fixture.connect()
    await fixture.connect("max", account=ZOE)
    fixture.google.authorised.add(EVENTS_OWNED)
    await fixture.service.delegate("zoe", login=ZOE)
    assert fixture.google.revocations == []
    assert (await fixture.service.test("max")).ok


async def test_a_shared_calendar_needs_the_wider_scope(fixture: Fixture) -> None:
    fixture.google.add_calendar("work", MAX, access_role="writer")
    fixture.google.authorised |= {EVENTS_OWNED, EVENTS}
    await fixture.service.delegate("zoe", login=ZOE, calendar=existing("work"))
    assert fixture.record().google.scopes == (APP_CREATED, CALENDAR_LIST, EVENTS)
    assert fixture.google.minted == [ZOE, ZOE]
    await fixture.service.delegate("zoe", login=ZOE)
    assert fixture.google.minted == [ZOE, ZOE, ZOE]


async def test_a_calendar_that_is_gone_stays_gone(fixture: Fixture) -> None:
    fixture.google.authorised |= {EVENTS_OWNED, EVENTS}
    with pytest.raises(CalendarGone):
        await fixture.service.delegate("zoe", login=ZOE, calendar=existing("nowhere"))


async def test_one_may_choose_from_the_list_afterwards(fixture: Fixture) -> None:
    fixture.google.add_calendar("work", ZOE)
    fixture.google.authorised.add(EVENTS_OWNED)
    await fixture.service.delegate("zoe", login=ZOE, calendar=LIST)
    assert [each.id for each in await fixture.service.calendars("zoe")] == ["work"]
    assert (await fixture.service.choose("zoe", "work")).calendar_id == "work"


async def test_back_to_signing_in_keeps_the_calendar_too(fixture: Fixture) -> None:
    await fixture.service.delegate("zoe", login=ZOE)
    made = fixture.record().google.calendar_id
    await fixture.connect()
    link = fixture.record().google
    assert (link.delegated, link.calendar_id) == ("", made)
    assert fixture.google.creations == 1


# ── afterwards ────────────────────────────────────────────────────────────────────────────────


async def test_disconnecting_gives_nothing_back_to_google_and_says_so_to_nobody(
    fixture: Fixture,
) -> None:
    await fixture.service.delegate("zoe", login=ZOE)
    made = fixture.record().google.calendar_id
    fixture.google.offline = False
    await fixture.service.disconnect("zoe")
    link = fixture.record().google
    assert (link.account, link.delegated, link.calendar_id) == ("", "", made)
    assert TOKEN not in fixture.secrets.kept
    assert fixture.google.revocations == []
    assert "Third-party access" not in fixture.activity.lines[-1].text
    await fixture.service.delegate("zoe", login=ZOE)
    assert fixture.record().google.calendar_id == made


async def test_a_test_of_credentials_asks_for_a_new_token_and_the_worker_does_not(
    fixture: Fixture,
) -> None:
    await fixture.service.delegate("zoe", login=ZOE)
    assert (await fixture.service.test("zoe")).ok
    assert fixture.google.minted == [ZOE, ZOE]
    assert (await fixture.service.test("zoe", fresh=False)).ok
    assert fixture.google.minted == [ZOE, ZOE]


async def test_a_withdrawn_delegation_is_shown_and_its_end_as_well(fixture: Fixture) -> None:
    await fixture.service.delegate("zoe", login=ZOE)
    fixture.google.authorised.clear()
    result = await fixture.service.test("zoe")
    assert not result.ok
    assert len(result.remedies) == 1
    trouble = (await fixture.ledger.state("zoe")).trouble
    assert isinstance(trouble, SyncTrouble)
    assert trouble.kind == "DelegationRefused"
    fixture.google.authorised |= set(DELEGATION)
    assert (await fixture.service.test("zoe")).ok
    assert (await fixture.ledger.state("zoe")).trouble is None


async def test_without_a_client_to_sign_in_with_the_practice_is_said_to_connect_by_itself(
    fixture: Fixture,
) -> None:
    del fixture.secrets.kept["google/client"]
    with pytest.raises(ClientFileMissing, match="service account") as caught:
        await fixture.service.begin("zoe", redirect_uri=BACK)
    assert "administrator" in caught.value.remedy


# ── the key ───────────────────────────────────────────────────────────────────────────────────


async def test_key_and_client_are_kept_beside_each_other(fixture: Fixture) -> None:
    fixture.secrets.kept.pop("google/service-account")
    assert not await fixture.service.delegates()
    await fixture.connect("max", account=MAX)
    change = await fixture.service.set_client(KEY)
    assert (change.kind, change.held) == ("first", False)
    assert change.sentence == f"The service account {ROBOT} was added."
    assert await fixture.service.delegates()
    assert await fixture.service.client_name() == "riverside-physio"
    assert (await fixture.service.test("max")).ok


async def test_what_an_administrator_authorises_can_be_copied_and_opened_filled_in(
    fixture: Fixture,
) -> None:
    account = await fixture.service.service_account()
    assert account is not None
    assert (account.email, account.client_id) == (ROBOT, CLIENT_ID)
    assert account.scopes_text == f"{APP_CREATED},{CALENDAR_LIST}"
    assert account.admin_address.startswith("https://admin.google.com/ac/owl/domainwidedelegation?")
    assert f"clientIdToAdd={CLIENT_ID}&" in account.admin_address


async def test_a_new_key_of_the_same_service_account_reconnects_nobody(fixture: Fixture) -> None:
    await fixture.service.delegate("zoe", login=ZOE)
    change = await fixture.service.set_client(key_text(private_key_id="newer"))
    assert (change.kind, change.held) == ("renewed", False)
    assert "has its new key. Nobody has to connect again." in change.sentence
    assert (await fixture.service.test("zoe")).ok


async def test_the_same_key_changes_nothing(fixture: Fixture) -> None:
    change = await fixture.service.set_client(KEY + b"\n")
    assert change.sentence == (
        f"This is already the practice's service account: {ROBOT}. Nothing changed."
    )


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"client_id": "9", "client_email": "other@x.example"}, id="service account"),
        pytest.param({"token_uri": "http://127.0.0.1:9/token"}, id="token endpoint"),
    ],
)
async def test_another_service_account_or_token_endpoint_waits_for_a_yes(
    fixture: Fixture, other: dict[str, str]
) -> None:
    await fixture.connect("max", account=MAX)
    await fixture.service.delegate("zoe", login=ZOE)
    change = await fixture.service.set_client(key_text(**other))
    assert change.held
    assert change.signed_in == ("Zoë O'Brien-Nguyễn",)
    assert change.sentence.startswith(f"This is another service account than {ROBOT}")
    assert fixture.secrets.kept["google/service-account"] == KEY.decode()
    change = await fixture.service.set_client(key_text(**other), replace=True)
    assert (change.kind, change.held) == ("other", False)


async def test_whom_another_service_account_spoke_for_is_connected_again_by_one_press(
    fixture: Fixture,
) -> None:
    await fixture.service.delegate("zoe", login=ZOE)
    await fixture.service.set_client(key_text(client_id="9"), replace=True)
    assert "replaced" in (await fixture.service.test("zoe", fresh=False)).what
    fixture.google.authorised.add(EVENTS_OWNED)
    made = fixture.record().google.calendar_id
    await fixture.service.delegate("zoe")
    assert (fixture.record().google.delegated, fixture.record().google.calendar_id) == ("9", made)


async def test_a_key_that_speaks_for_somebody_is_not_removed(fixture: Fixture) -> None:
    await fixture.service.delegate("zoe", login=ZOE)
    with pytest.raises(BadInput, match="still speaks for 1 practitioner"):
        await fixture.service.remove_key()
    await fixture.service.disconnect("zoe")
    await fixture.service.remove_key()
    assert not await fixture.service.delegates()
    assert fixture.activity.lines[-1].kind is ActivityKind.CONNECT
    assert fixture.activity.lines[-1].text == f"The key of the service account {ROBOT} was removed."
    with pytest.raises(BadInput, match="no key"):
        await fixture.service.remove_key()


async def test_a_missing_key_is_said_when_it_is_needed(fixture: Fixture) -> None:
    await fixture.service.delegate("zoe", login=ZOE)
    del fixture.secrets.kept["google/service-account"]
    result = await fixture.service.test("zoe", fresh=False)
    assert isinstance(result.error, ClientFileMissing)
    assert not isinstance(result.error, SignInExpired)
