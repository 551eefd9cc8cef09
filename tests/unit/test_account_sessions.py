"""Signing in, and how long a session lasts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from companion.domain.errors import BadInput, StoreError
from companion.domain.tokens import token_hash
from companion.domain.users import Role
from companion.services.accounts.accounts import LONGEST as LONGEST_PASSWORD
from companion.services.accounts.accounts import SignInRefused
from companion.services.accounts.delays import LONGEST, MOST_NAMES, Delays, delay_after
from tests.fakes.account_fixture import GOOD, Fixture, enter
from tests.fakes.clock import FakeClock


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


# ── signing in ────────────────────────────────────────────────────────────────────────────────


async def test_a_wrong_name_and_a_wrong_password_get_the_same_answer_and_work(
    fixture: Fixture,
) -> None:
    await fixture.accounts.add_first("Robin", GOOD)
    said = []
    for name, password in (("Robin", "wrong wrong wrong"), ("Nobody", GOOD)):
        with pytest.raises(SignInRefused) as caught:
            await fixture.accounts.sign_in(name, password, machine="front")
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert len(fixture.passwords.compared) == 2


async def test_after_failures_the_wait_grows_and_the_right_password_waits_too(
    fixture: Fixture,
) -> None:
    await fixture.accounts.add_first("Robin", GOOD)
    for _ in range(3):
        with pytest.raises(SignInRefused):
            await enter(fixture, password="wrong wrong wrong")
    with pytest.raises(SignInRefused, match="Wait 2 seconds"):
        await enter(fixture)
    await fixture.clock.sleep(2.1)
    with pytest.raises(SignInRefused, match="taken in 4 seconds"):
        await enter(fixture, password="wrong wrong wrong")
    await fixture.clock.sleep(4.1)
    assert await enter(fixture)
    with pytest.raises(SignInRefused) as caught:
        await enter(fixture, password="wrong wrong wrong")
    assert "taken in" not in str(caught.value)


async def test_a_guesser_elsewhere_delays_neither_other_machines_nor_other_users(
    fixture: Fixture,
) -> None:
    await fixture.accounts.add_first("Robin", GOOD)
    kim, password = await fixture.accounts.add("Kim", Role.RECEPTION)
    for _ in range(5):
        with pytest.raises(SignInRefused):
            await fixture.accounts.sign_in("Robin", "guess guess guess", machine="back")
    await fixture.accounts.sign_in("Robin", GOOD, machine="front")
    await fixture.accounts.sign_in(kim.name, password, machine="back")


def test_no_user_is_locked_out_for_good() -> None:
    waits = [delay_after(count) for count in range(60)]
    assert waits[:6] == [0, 0, 0, 2, 4, 8]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST


async def test_what_was_not_tried_for_an_hour_is_forgotten() -> None:
    clock = FakeClock()
    delays = Delays(clock)
    for _ in range(40):
        delays.begin("robin", "front")
    assert delays.seconds_left("robin", "front") == LONGEST
    await clock.sleep(3601)
    assert delays.seconds_left("robin", "front") == 0
    delays.begin("robin", "front")
    assert delays.seconds_left("robin", "front") == 0


async def test_trying_many_other_names_does_not_flush_the_count_of_one(fixture: Fixture) -> None:
    await fixture.accounts.add_first("Robin", GOOD)
    kim, password = await fixture.accounts.add("Kim", Role.RECEPTION)
    for _ in range(8):
        with pytest.raises(SignInRefused):
            await enter(fixture, password="wrong wrong wrong")
        await fixture.clock.sleep(65)
    for number in range(3_000):
        with pytest.raises(SignInRefused):
            await enter(fixture, f"Nobody {number}", "wrong wrong wrong")
    assert len(fixture.passwords.compared) < 300, "many names are slowed down too"
    with pytest.raises(SignInRefused, match="taken in"):
        await enter(fixture, password="wrong wrong wrong")
    with pytest.raises(SignInRefused, match="tried too often"):
        await enter(fixture)
    assert await fixture.accounts.sign_in("Robin", GOOD, machine="back"), "at another screen"
    with pytest.raises(SignInRefused, match="tried too often"):
        await enter(fixture, kim.name, password)
    await fixture.clock.sleep(LONGEST)
    assert await enter(fixture, kim.name, password), "nobody is locked out for good"


async def test_ones_own_success_does_not_free_the_tries_at_further_names() -> None:
    clock = FakeClock()
    delays = Delays(clock)
    for number in range(MOST_NAMES):
        delays.begin(f"name {number}", "front")
    for _ in range(4):
        delays.begin("robin", "front")
    delays.begin("own", "front")
    delays.succeeded("own", "front")
    assert delays.seconds_left("robin", "front") == delay_after(4)


@pytest.mark.parametrize("length", [LONGEST_PASSWORD + 1, 10_000])
async def test_an_over_long_password_costs_a_try(fixture: Fixture, length: int) -> None:
    robin = await fixture.accounts.add_first("Robin", GOOD)
    for _ in range(3):
        with pytest.raises(SignInRefused):
            await enter(fixture, password="w" * length)
        with pytest.raises(BadInput, match="not the present"):
            await fixture.accounts.change_password(
                robin.id, present="w" * length, new=GOOD, machine="front"
            )
    with pytest.raises(SignInRefused, match="tried too often"):
        await enter(fixture)
    with pytest.raises(BadInput, match="tried too often"):
        await fixture.accounts.change_password(robin.id, present=GOOD, new="x", machine="front")


async def test_an_old_hash_is_renewed_at_the_next_sign_in_without_ending_it(
    fixture: Fixture,
) -> None:
    await fixture.accounts.add_first("Robin", GOOD)
    fixture.passwords.generation = 2
    hashed = await enter(fixture)
    assert fixture.accounts.users()[0].password.startswith("plain2$")
    assert fixture.accounts.sessions.user(hashed)


# ── sessions ──────────────────────────────────────────────────────────────────────────────────


async def test_a_session_lives_while_something_is_done(fixture: Fixture) -> None:
    await fixture.accounts.add_first("Robin", GOOD)
    hashed = await enter(fixture)
    for _ in range(6):
        await fixture.clock.sleep(20 * 60)
        fixture.accounts.sessions.seen(hashed)
        assert fixture.accounts.sessions.user(hashed)
    await fixture.clock.sleep(31 * 60)
    assert fixture.accounts.sessions.user(hashed) is None
    fixture.accounts.sessions.seen(hashed)
    assert fixture.accounts.sessions.user(hashed) is None


async def test_a_session_ends_after_twelve_hours_whatever_is_done(fixture: Fixture) -> None:
    await fixture.accounts.add_first("Robin", GOOD)
    hashed = await enter(fixture)
    for _ in range(37):
        await fixture.clock.sleep(20 * 60)
        fixture.accounts.sessions.seen(hashed)
    assert fixture.accounts.sessions.user(hashed) is None


async def test_the_demos_session_does_not_idle_out(fixture: Fixture) -> None:
    user = await fixture.accounts.add_demo()
    token = await fixture.accounts.sessions.begin(user, lasting=True)
    await fixture.clock.sleep(timedelta(days=2).total_seconds())
    assert fixture.accounts.sessions.user(token_hash(token))


async def test_signing_out_ends_this_session_only(fixture: Fixture) -> None:
    await fixture.accounts.add_first("Robin", GOOD)
    one, other = await enter(fixture), await enter(fixture)
    await fixture.accounts.sessions.end(one)
    assert fixture.accounts.sessions.user(one) is None
    assert fixture.accounts.sessions.user(other)


async def test_signing_out_everywhere_ends_all_of_this_user(fixture: Fixture) -> None:
    robin = await fixture.accounts.add_first("Robin", GOOD)
    _, password = await fixture.accounts.add("Kim", Role.RECEPTION)
    one, other = await enter(fixture), await enter(fixture)
    kim = await enter(fixture, "Kim", password)
    assert fixture.accounts.sessions.count(robin.id) == 2
    await fixture.accounts.sign_out_everywhere(robin.id)
    assert fixture.accounts.sessions.count(robin.id) == 0
    assert fixture.accounts.sessions.user(one) is None
    assert fixture.accounts.sessions.user(other) is None
    assert fixture.accounts.sessions.user(kim)


async def test_a_removed_user_is_signed_out(fixture: Fixture) -> None:
    await fixture.accounts.add_first("Robin", GOOD)
    kim, password = await fixture.accounts.add("Kim", Role.RECEPTION)
    hashed = await enter(fixture, "Kim", password)
    await fixture.accounts.remove(kim.id)
    assert fixture.accounts.sessions.user(hashed) is None


async def test_a_restart_of_the_program_ends_no_session(fixture: Fixture) -> None:
    await fixture.accounts.add_first("Robin", GOOD)
    hashed = await enter(fixture)
    assert fixture.again().sessions.user(hashed)


async def test_what_is_kept_of_a_session_does_not_open_it(fixture: Fixture) -> None:
    await fixture.accounts.add_first("Robin", GOOD)
    _, token = await fixture.accounts.sign_in("Robin", GOOD, machine="front")
    assert token not in fixture.sessions.kept
    assert set(fixture.sessions.kept) == {token_hash(token)}


async def test_a_full_disk_signs_in_all_the_same(fixture: Fixture) -> None:
    await fixture.accounts.add_first("Robin", GOOD)
    fixture.sessions.trouble = StoreError()
    assert fixture.accounts.sessions.user(await enter(fixture))


async def test_being_seen_is_written_down_once_a_minute_at_most(fixture: Fixture) -> None:
    await fixture.accounts.add_first("Robin", GOOD)
    hashed = await enter(fixture)
    before = fixture.sessions.writes
    for _ in range(120):
        await fixture.clock.sleep(1)
        fixture.accounts.sessions.seen(hashed)
        await fixture.accounts.sessions.keep()
    assert fixture.sessions.writes - before == 2
    assert fixture.again().sessions.user(hashed)
