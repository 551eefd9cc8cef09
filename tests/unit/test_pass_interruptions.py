"""Passes that are stopped, killed or overtaken by an edit."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from companion.domain.appointments import OccurrenceChange
from companion.domain.disclosure import DisclosureItem
from companion.services.sync.progress import Progress, SyncPhase
from tests.battery.synced import CANCELLED, SERIES, a_synced_world
from tests.battery.world import ANNA, MONDAY, World, appointment, booked


async def test_a_cancelled_upload_goes_on_where_it_stopped() -> None:
    world = await booked(200)
    world.remote().latency = 0.2

    def stop_half_way(progress: Progress) -> None:
        if progress.done >= 100:
            world.syncing.cancel(ANNA)

    with pytest.raises(asyncio.CancelledError):
        await world.run(progress=stop_half_way)
    assert 100 <= len(world.remote().ours()) < 120
    assert world.syncing.running(ANNA) is None
    result = await world.run()
    added = [line.count for line in world.stores.activity.lines if line.kind == "insert"]
    assert added == [200 - result.inserted, result.inserted]
    assert world.remote().parts["insert"] == 200, "not one was written twice"


async def test_an_upload_cancelled_again_and_again_doubles_nothing() -> None:
    world = World(seed=3)
    await world.put(*(appointment(n) for n in range(60)))
    world.remote().latency = 0.2
    cancelled = 0
    for step in range(1, 400, 7):
        steps = 0

        def cancel_at(_name: str, at: int = step) -> None:
            nonlocal steps
            steps += 1
            if steps == at:
                world.syncing.cancel(ANNA)

        world.at_step = cancel_at
        try:
            result = await world.run()
        except asyncio.CancelledError:
            cancelled += 1
        else:
            assert result.error is None
            break
    world.at_step = lambda _name: None
    await world.run()
    assert cancelled > 5
    assert len(world.live()) == len(world.remote().ours()) == 60
    assert (await world.run()).api_calls == 0


async def test_an_edit_during_a_long_upload_overtakes_it() -> None:
    world = await booked(1000)
    world.remote().latency = 0.08
    upload = asyncio.create_task(world.run())
    while len(world.remote().ours()) < 200:
        await world.clock.sleep(0.1)
    await world.put(appointment(900, location="Room 2"), appointment(40, location="Room 3"))
    world.syncing.book_changed(ANNA)
    began = world.clock.monotonic()
    while world.live().get("a900") is None or world.live()["a40"].location != "Room 3":
        await world.clock.sleep(0.05)
    assert world.clock.monotonic() - began < 2.0
    assert len(world.remote().ours()) < 300
    result = await upload
    assert (result.inserted, result.updated) == (1000, 1)
    assert len(world.remote().ours()) == 1000


async def test_whatever_changes_under_a_long_upload_is_in_google_at_its_end() -> None:
    """The book in every way, a disclosure, the practice's cap: each seen by the running pass."""
    world = World()
    await world.put(*(appointment(n, notes="Bring the X-rays") for n in range(300)), SERIES)
    world.remote().latency = 0.08

    def change(progress: Progress) -> None:
        async def edit() -> None:
            await changes[progress.done // 60]()
            world.syncing.book_changed(ANNA)

        if progress.done // 60 in changes and progress.phase is SyncPhase.WRITING:
            task = asyncio.get_running_loop().create_task(edit())
            running.append(task)

    async def of_the_book() -> None:
        await world.put(appointment(299, location="Room 9"), remove=["a298"])

    async def of_the_series() -> None:
        moved = OccurrenceChange(
            original_start=MONDAY + timedelta(weeks=2), start=MONDAY + timedelta(weeks=2, hours=5)
        )
        rule = replace(SERIES.recurrence, changes=(moved,)) if SERIES.recurrence else None
        await world.put(replace(SERIES, recurrence=rule))

    async def of_the_disclosure() -> None:
        world.disclose(items=frozenset(DisclosureItem))

    async def of_the_cap() -> None:
        practice = replace(
            world.settings.current.practice,
            cap=replace(
                world.settings.current.practice.cap, items=frozenset({DisclosureItem.LOCATION})
            ),
        )
        world.settings.current = replace(world.settings.current, practice=practice)

    running: list[asyncio.Task[None]] = []
    changes = {1: of_the_book, 2: of_the_series, 3: of_the_disclosure, 4: of_the_cap}
    result = await world.run(progress=change)
    assert result.error is None
    assert len(running) >= 4
    world.remote().exploding = True
    assert (await world.run()).api_calls == 0
    assert len(world.live()) == 299 + 6
    assert world.live()["a299"].location == "Room 9"
    assert {each.description for each in world.live().values()} == {""}


async def test_an_edit_during_an_audit_s_repairs_does_not_lose_the_repairs() -> None:
    world = await a_synced_world(100)
    for number in range(0, 100, 2):
        world.remote().person_deletes(world.id_of(f"a{number}"))
    world.remote().latency = 0.08

    def edit(progress: Progress) -> None:
        if progress.done == 4:
            world.syncing.book_changed(ANNA)

    result = await world.syncing.run(ANNA, cause="audit", audit=True, progress=edit)
    assert result.error is None
    assert len(world.live()) == 100
    assert result.proof is not None
    assert result.proof.equal


async def test_a_second_run_follows_the_first() -> None:
    world = await booked(50)
    world.remote().latency = 0.1
    first, second = await asyncio.gather(world.run(), world.run())
    assert (first.inserted, second.inserted, second.api_calls) == (50, 0, 0)


async def test_a_call_still_under_way_is_let_end_before_the_next_pass_looks() -> None:
    world = await a_synced_world(3)
    await world.put(appointment(1, status=CANCELLED))
    world.remote().latency = 40.0
    world.clock.auto = False
    run = asyncio.create_task(world.run())
    await world.clock.advance(1)
    while world.clock.sleepers == 0:
        await world.clock.advance(0.1)
    world.syncing.cancel(ANNA)
    with pytest.raises(asyncio.CancelledError):
        await run
    await world.put(appointment(1))
    world.clock.auto = True
    world.remote().latency = 0.0
    audit = asyncio.create_task(world.audit())
    await world.clock.sleep(60)
    result = await audit
    assert result.error is None
    assert set(world.live()) == {"a0", "a1", "a2"}
