"""The worker while Google, the network or the disk fail."""

from __future__ import annotations

from collections import Counter

import pytest

from companion.domain.errors import (
    AccountParked,
    Offline,
    RateLimited,
    RemoteError,
    RequestRefused,
    SignInExpired,
    StoreError,
)
from companion.services.ports import InsertEvent, Write
from tests.battery.working import TOMORROW, edit, until, working
from tests.battery.world import ANNA, BORIS, World, appointment


async def test_without_a_network_one_probes_for_all_and_all_resume_when_it_returns() -> None:
    people = [f"p{n}" for n in range(30)]
    world = World(*people)
    async with working(world):
        for who in people:
            await edit(world, 1, who)
        await world.clock.sleep(60)
        for who in people:
            world.remote(who).refusing = Offline()
            await edit(world, 2, who)
        tries: Counter[float] = Counter()
        running = 0

        def count(name: str) -> None:
            nonlocal running
            if name == "before google.write":
                tries[world.clock.monotonic() // 60] += 1

        await world.clock.sleep(20)
        world.at_step = count
        await world.clock.sleep(1200)
        assert max(tries.values()) <= 3 * 30, "three tries a probe"
        assert sum(tries.values()) <= 20 * 15
        for who in people:
            world.remote(who).refusing = None
        took = await until(world, lambda: all(f"{who}2" in world.live(who) for who in people), 90.0)
        assert took < 60


async def test_offline_for_a_day_then_each_change_is_written_once() -> None:
    world = World()
    async with working(world):
        for number in range(40):
            await edit(world, number)
        await world.clock.sleep(120)
        world.remote().refusing = Offline()
        writes = Counter(world.remote().parts)
        for change in range(500):
            await edit(world, change % 40, location=f"Room {change}")
            world.clock.shift(24 * 3600 / 500 - 3)
            await world.clock.sleep(3)
        world.remote().refusing = None
        await until(world, lambda: world.live()["anna39"].location == "Room 479", 120.0)
        await world.clock.sleep(60)
        written = Counter(world.remote().parts)
        written.subtract(writes)
        assert written["insert"] == 0
        assert written["patch"] == 40


async def test_a_no_change_pass_that_is_due_does_not_block_the_probe_for_ever() -> None:
    world = World(ANNA, BORIS)
    async with working(world):
        await edit(world, 1)
        await edit(world, 1, BORIS)
        await world.clock.sleep(60)
        world.remote(ANNA).refusing = world.remote(BORIS).refusing = Offline()
        await edit(world, 2)
        await world.clock.sleep(3600)
        world.remote(ANNA).refusing = world.remote(BORIS).refusing = None
        await until(world, lambda: "anna2" in world.live(), 60.0)
        await edit(world, 2, BORIS)
        await until(world, lambda: "boris2" in world.live(BORIS), 60.0)


@pytest.mark.parametrize(
    "error", [Offline(), RateLimited(), SignInExpired(), AccountParked(), StoreError()]
)
async def test_one_broken_account_delays_nobody(error: RemoteError) -> None:
    people = ["broken", *(f"p{n}" for n in range(5))]
    world = World(*people)
    async with working(world):
        world.remote("broken").refusing = error
        waits = []
        for number in range(25):
            await edit(world, number, "broken")
            for who in people[1:]:
                await edit(world, number, who)

            def everybody(number: int = number) -> bool:
                return all(f"{who}{number}" in world.live(who) for who in people[1:])

            waits.append(await until(world, everybody, 30.0))
            await world.clock.sleep(20)
        assert sorted(waits)[20] < 3.0
        assert max(waits) < 8.0


async def test_signing_in_again_resumes_at_once() -> None:
    world = World()
    async with working(world):
        await edit(world, 1)
        await world.clock.sleep(60)
        world.calendars.refusing[ANNA] = SignInExpired()
        await edit(world, 2)
        await world.clock.sleep(30)
        assert "anna2" not in world.live()
        del world.calendars.refusing[ANNA]
        world.link(connected_at=world.clock.now())
        await until(world, lambda: "anna2" in world.live(), 5.0)


async def test_an_expired_sign_in_is_not_asked_all_the_time() -> None:
    world = World()
    asked = 0
    plain = world.calendars.calendar

    async def counted(practitioner_id: str, calendar_id: str) -> object:
        nonlocal asked
        asked += 1
        return await plain(practitioner_id, calendar_id)

    world.calendars.calendar = counted  # type: ignore[method-assign,assignment] # only counts
    world.calendars.refusing[ANNA] = SignInExpired()
    async with working(world):
        await edit(world)
        await world.clock.sleep(3600)
    assert asked <= 10


async def test_a_refused_event_does_not_hold_up_later_edits() -> None:
    world = World()

    def refuse(write: Write) -> RemoteError | None:
        named = isinstance(write, InsertEvent) and write.event.key == "anna1"
        return RequestRefused() if named else None

    world.remote().part_fault = refuse
    async with working(world):
        await edit(world, 1)
        await world.clock.sleep(30)
        await edit(world, 2)
        await until(world, lambda: "anna2" in world.live(), 5.0)
        world.remote().part_fault = lambda _write: None
        await until(world, lambda: "anna1" in world.live(), 700.0)


async def test_a_long_retry_after_is_honoured() -> None:
    world = World()
    world.remote().fail_next(RateLimited(retry_after=1800))
    async with working(world):
        await edit(world)
        took = await until(world, lambda: "anna1" in world.live(), 2400.0)
    assert took >= 1800


async def test_a_parked_account_is_tried_again_by_itself() -> None:
    world = World()
    world.remote().fail_next(AccountParked())
    async with working(world):
        await edit(world)
        took = await until(world, lambda: "anna1" in world.live(), 3600.0)
    assert 15 * 60 <= took <= 30 * 60


async def test_a_disk_that_fails_stops_nothing_for_good() -> None:
    world = World()
    failing = True

    def fail(name: str) -> None:
        if failing and name.startswith("before"):
            raise StoreError

    async with working(world):
        await world.clock.sleep(10)
        world.at_step = fail
        await edit(world)
        await world.clock.sleep(60)
        failing = False
        await until(world, lambda: "anna1" in world.live(), 15 * 60.0)


async def test_a_mistake_of_ours_over_one_practitioner_does_not_stop_the_others() -> None:
    world = World(ANNA, BORIS)
    tries = 0
    plain = world.syncing.run

    async def fail_at(practitioner_id: str, **more: object) -> object:
        nonlocal tries
        if practitioner_id == ANNA:
            tries += 1
            raise ValueError("not foreseen")
        return await plain(practitioner_id, **more)  # type: ignore[arg-type] # as it came

    world.syncing.run = fail_at  # type: ignore[method-assign,assignment] # a mistake, made here
    async with working(world):
        await edit(world, 1)
        await edit(world, 1, BORIS)
        await until(world, lambda: "boris1" in world.live(BORIS), 5.0)
        await world.clock.sleep(1800)
    assert tries <= 5


async def test_what_a_person_stopped_waits_for_a_change_or_ten_minutes() -> None:
    world = World()
    world.remote().latency = 0.1
    async with working(world):
        await world.put(*(appointment(n, start=TOMORROW) for n in range(200)))
        await until(world, lambda: len(world.live()) > 20, 30.0)
        world.syncing.cancel(ANNA)
        await world.clock.sleep(1)
        stopped_at = len(world.live())
        await world.clock.sleep(300)
        assert len(world.live()) == stopped_at
        await until(world, lambda: len(world.live()) == 200, 400.0)


async def test_a_practitioner_added_later_is_taken_up() -> None:
    world = World(ANNA, BORIS)
    settings = world.settings.current
    world.settings.current = settings.without_practitioner(BORIS)
    async with working(world):
        await world.clock.sleep(60)
        world.settings.current = settings
        await edit(world, 1, BORIS)
        await until(world, lambda: "boris1" in world.live(BORIS), 3.0)
