"""When the worker looks, by itself: midnight, sleep, clock jumps, the nightly audit."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from companion.domain.errors import RateLimited, SignInExpired
from tests.battery.calendars import Crash
from tests.battery.working import edit, kept_up_to_date, until, working
from tests.battery.world import ANNA, BORIS, World, appointment

# ── nothing to do ─────────────────────────────────────────────────────────────────────────────


async def test_hours_without_a_change_cost_no_call_and_no_query() -> None:
    world = World(ANNA, BORIS)
    async with working(world):
        await edit(world, 1)
        await edit(world, 1, BORIS)
        await world.clock.sleep(60)
        world.steps = 0
        for remote in world.calendars.by_id.values():
            remote.exploding = True
        await world.clock.sleep(3 * 3600)
        assert world.steps == 0


async def test_after_a_restart_what_was_complete_costs_one_query_and_no_call() -> None:
    world = World(ANNA, BORIS)
    async with working(world):
        await edit(world, 1)
        await edit(world, 1, BORIS)
        await world.clock.sleep(60)
    world.restart()
    queries: Counter[str] = Counter()
    world.at_step = lambda name: queries.update([name])
    for remote in world.calendars.by_id.values():
        remote.exploding = True
    async with working(world):
        await world.clock.sleep(1200)
    before = {name: count for name, count in queries.items() if name.startswith("before")}
    assert before == {"before book.revisions": 1, "before ledger.states": 1}


async def test_after_a_restart_a_changed_setting_is_noticed() -> None:
    world = World()
    async with working(world):
        await edit(world)
        await world.clock.sleep(60)
    world.restart()
    world.disclose(busy_only=True)
    async with working(world):
        await until(world, lambda: world.live()["anna1"].summary == "Busy", 3.0)


async def test_a_pass_cut_short_is_taken_up_after_the_restart() -> None:
    """Also when the settings have been put back to how they were at the last good pass."""
    world = World()
    async with working(world):
        for number in range(20):
            await edit(world, number)
        await world.clock.sleep(60)
    world.choose(days_in_advance=0)

    def die_after_the_first_call(name: str) -> None:
        if name == "after google.write":
            raise Crash

    world.at_step = die_after_the_first_call
    with pytest.raises(Crash):
        await world.run(release_held=True)
    world.at_step = lambda _name: None
    world.restart()
    assert 0 < len(world.live()) < 20
    world.choose(days_in_advance=60)
    async with working(world):
        await until(world, lambda: len(world.live()) == 20, 10.0)


# ── time ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("zone", ["Australia/Sydney", "Europe/Berlin"])
async def test_local_midnight_moves_the_window(zone: str) -> None:
    world = World()
    record = world.record()
    person = replace(record.practitioner, timezone=zone)
    world.settings.current = world.settings.current.with_practitioner(
        replace(record, practitioner=person)
    )
    world.choose(days_in_advance=3)
    in_zone = {"timezone": zone, "start": datetime(2026, 3, 6, 0, 15)}  # noqa: DTZ001 - wall time
    await world.put(appointment(1, **in_zone))
    midnight = {
        "Australia/Sydney": datetime(2026, 3, 2, 13, tzinfo=UTC),
        "Europe/Berlin": datetime(2026, 3, 2, 23, tzinfo=UTC),
    }[zone]
    async with working(world):
        await world.clock.sleep((midnight - world.clock.now()).total_seconds() - 5)
        assert world.live() == {}
        await world.clock.sleep(10)
        assert set(world.live()) == {"a1"}


@pytest.mark.parametrize("jump", [timedelta(hours=8), timedelta(days=1), timedelta(days=-1)])
async def test_after_sleep_or_a_clock_that_jumps_everything_is_looked_at_anew(
    jump: timedelta,
) -> None:
    async with kept_up_to_date() as world:
        sign = world.stores.book.sign
        with world.changes.losing():
            await edit(world, 2)
        world.stores.book.sign = sign  # nothing tells of it
        world.clock.set(world.clock.now() + jump)
        await until(world, lambda: "anna2" in world.live(), 5.0)


async def test_waking_up_forgets_an_old_backoff() -> None:
    world = World()
    world.remote().refusing = RateLimited(retry_after=3600)
    async with working(world):
        await edit(world)
        await world.clock.sleep(60)
        world.remote().refusing = None
        world.clock.set(world.clock.now() + timedelta(minutes=20))
        await until(world, lambda: "anna1" in world.live(), 5.0)


async def test_every_night_an_audit_mends_what_people_did_in_google() -> None:
    async with kept_up_to_date() as world:
        world.remote().person_deletes(world.id_of("anna1"))
        world.clock.shift(3 * 3600)
        await world.clock.sleep(60)
        assert world.live() == {}
        world.clock.shift(3 * 3600 + 56 * 60)
        await world.clock.sleep(300)
        assert set(world.live()) == {"anna1"}
        proof = (await world.syncing.state(ANNA)).proof
        assert proof is not None
        at = proof.at.astimezone(UTC)
        assert (at.hour, at.minute) == (16, 0), "03:00 in Sydney"
        lists = world.remote().calls["list"]
        world.clock.shift(12 * 3600)
        await world.clock.sleep(60)
        assert world.remote().calls["list"] == lists


async def test_an_app_that_is_closed_at_night_audits_in_the_morning() -> None:
    world = World()
    async with working(world):
        await edit(world)
        await world.clock.sleep(60)
    for _day in range(3):
        world.remote().person_deletes(world.id_of("anna1"))
        world.clock.shift(24 * 3600)
        world.restart()
        async with working(world):
            await until(world, lambda: "anna1" in world.live(), 10.0)
            await world.clock.sleep(5)
            lists = world.remote().calls["list"]
            await world.clock.sleep(3600)
            assert world.remote().calls["list"] == lists


async def test_an_audit_that_fails_is_repeated_but_not_hammered() -> None:
    async with kept_up_to_date() as world:
        tries = 0

        def count(name: str) -> None:
            nonlocal tries
            tries += name == "before google.list"

        world.at_step = count
        world.remote().refusing = SignInExpired()
        world.clock.shift(8 * 3600)
        await world.clock.sleep(2 * 3600)
        assert 5 < tries < 20
        world.remote().refusing = None
        await world.clock.sleep(1300)
        proof = (await world.syncing.state(ANNA)).proof
        assert proof is not None
        assert world.clock.now() - proof.at < timedelta(minutes=22)
