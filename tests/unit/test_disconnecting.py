"""The checks of a connection, and disconnecting."""

import pytest

from companion.domain.calendar_writers import MARK
from companion.domain.errors import (
    AccountParked,
    ChangedMeanwhile,
    CompanionError,
    Offline,
    RateLimited,
    RequestRefused,
)
from companion.domain.event_keys import event_id
from companion.domain.sync_state import SyncState, SyncTrouble
from companion.services.ports import ActivityKind
from tests.fakes.connecting import TOKEN, ZOE, Fixture
from tests.fakes.google import FakeGoogle
from tests.fakes.google_calendar import content


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


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
    calendar.person_deletes(event_id(MARK, calendar.id, "k2", 0))
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
    stuck = event_id(MARK, calendar.id, "k1", 0)
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
    stuck = event_id(MARK, calendar.id, "k5", 0)
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


async def test_who_was_connected_anew_elsewhere_meanwhile_stays_connected(
    fixture: Fixture,
) -> None:
    await fixture.connect()
    fixture.secrets.elsewhere = lambda: fixture.secrets.put(TOKEN, '{"another": "sign-in"}')
    with pytest.raises(ChangedMeanwhile, match="connected anew"):
        await fixture.service.disconnect("zoe")
    assert fixture.secrets.kept[TOKEN] == '{"another": "sign-in"}'
    assert fixture.record().google.connected


async def test_a_connection_made_right_after_the_token_was_dropped_stays(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fixture.connect()

    async def connected_meanwhile(_google: FakeGoogle, _practitioner_id: str) -> None:
        monkeypatch.undo()
        fixture.clock.shift(60)
        await fixture.connect()

    monkeypatch.setattr(FakeGoogle, "forget", connected_meanwhile)
    with pytest.raises(ChangedMeanwhile, match="connected anew"):
        await fixture.service.disconnect("zoe")
    assert TOKEN in fixture.secrets.kept
    assert fixture.record().google.connected
    assert fixture.record().choices.enabled


async def test_disconnecting_who_is_not_connected_is_harmless(fixture: Fixture) -> None:
    assert await fixture.service.disconnect("zoe", remove_events=True) == 0


async def test_the_activity_list_names_no_account_and_no_client(fixture: Fixture) -> None:
    await fixture.connect()
    await fixture.service.disconnect("zoe")
    lines = await fixture.activity.recent()
    assert [line.kind for line in lines] == ["disconnect", "connect"]
    assert all(ZOE not in line.text for line in lines)


async def test_a_new_connection_clears_the_old_error(fixture: Fixture) -> None:
    trouble = SyncTrouble(kind="SignInExpired", what="w", remedy="r", since=fixture.clock.now())
    await fixture.ledger.edit_state("zoe", lambda _: SyncState(trouble=trouble, events=1))
    await fixture.connect()
    state = await fixture.ledger.state("zoe")
    assert state.trouble is None
    assert state.events == 1
