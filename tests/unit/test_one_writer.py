"""Two computers on one calendar: one of them stops and says so, until a person decides."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from companion.domain.errors import AnotherWriter
from companion.domain.sync_state import SyncState
from companion.services.sync.passes import PassResult
from companion.services.sync.snapshot import OwnedLock
from tests.battery.calendars import FreeLocks
from tests.battery.synced import a_synced_world
from tests.battery.world import ANNA, MONDAY, World, appointment
from tests.fakes.google_calendar import OpenedCalendar

LATER = MONDAY + timedelta(days=2)


async def two_computers() -> tuple[World, World]:
    """The old one, left on, and the one where its backup was restored."""
    old = await a_synced_world(6)
    await old.audit()
    return old, await old.restored_elsewhere()


async def state_of(world: World) -> SyncState:
    return await world.stores.ledger.state(ANNA)


def writes(world: World) -> int:
    return world.remote().parts.total()


async def edit(world: World, number: int, **more: object) -> None:
    await world.put(appointment(number, start=LATER + timedelta(minutes=30 * number), **more))


def has_stopped(result: PassResult) -> bool:
    return isinstance(result.error, AnotherWriter)


async def test_a_restored_home_goes_on_without_an_alarm_and_without_a_write() -> None:
    old, new = await two_computers()
    before = writes(old)
    for _ in range(2):
        assert (await new.run()).error is None
        assert (await new.audit()).error is None
    assert writes(old) == before
    await edit(new, 1)
    assert (await new.run()).updated == 1


async def test_a_home_restored_on_the_same_computer_adopts_what_was_written_since() -> None:
    old, new = await two_computers()
    await edit(old, 20)
    await old.run()
    assert (await new.run()).error is None
    assert (await new.audit()).error is None


async def test_what_was_written_outside_the_window_before_the_first_audit_is_of_the_past() -> None:
    old, new = await two_computers()
    old.choose(days_in_advance=90)
    old.clock.shift(60.0)
    await old.put(appointment(9, start=MONDAY + timedelta(days=75)))
    assert (await old.run()).inserted == 1
    assert (await new.audit()).error is None
    await new.syncing.look(ANNA, everything=True)
    assert (await state_of(new)).overruled_by == ""
    new.choose(days_in_advance=90)
    assert not has_stopped(await new.audit())
    assert (await new.syncing.remove_events(new.ref())).error is None


class Meanwhile(FreeLocks):
    """What another process of the same home does just before a turn, or while Google is asked."""

    def __init__(self, world: World, done: Callable[[], Awaitable[object]]) -> None:
        self._world, self._done = world, done

    @asynccontextmanager
    async def hold(self, name: str, *, patience: float | None = None) -> AsyncIterator[OwnedLock]:
        await self._done()
        yield OwnedLock()

    async def calendar(self, *named: Any) -> OpenedCalendar:
        await self._done()
        return await self._world.calendars.calendar(*named)


async def home_of_two_processes() -> tuple[World, World, Callable[[], Awaitable[None]]]:
    """The app and a command, and how the app begins a new term."""
    _, app = await two_computers()
    await app.run()

    async def keep() -> None:
        await app.syncing.claim(ANNA)
        assert (await app.run()).error is None

    return app, app.neighbour(), keep


async def test_a_pass_that_waited_knows_the_term_that_another_process_began() -> None:
    app, command, keep = await home_of_two_processes()
    command.locks = Meanwhile(app, keep)
    command.restart()
    assert (await command.audit()).error is None
    assert app.record().google.term == 2


async def test_a_look_knows_the_term_that_another_process_began_meanwhile() -> None:
    app, command, keep = await home_of_two_processes()
    command.calendars = Meanwhile(app, keep)  # type: ignore[assignment] # looks use `calendar` alone
    command.restart()
    await command.syncing.look(ANNA)
    assert (await state_of(app)).overruled_by == ""


async def test_a_decision_that_comes_during_an_audit_is_for_the_next_pass() -> None:
    app, command, _ = await home_of_two_processes()
    command.calendars = Meanwhile(app, lambda: app.syncing.claim(ANNA))  # type: ignore[assignment] # as above
    command.restart()
    assert (await command.audit()).error is None
    assert (await app.run()).error is None
    assert app.record().google.term == 2
    assert not (await state_of(app)).claimed


async def test_the_one_that_finds_newer_writes_of_the_other_stops_and_writes_nothing() -> None:
    old, new = await two_computers()
    await new.run()
    await edit(old, 20)
    assert (await old.run()).inserted == 1
    before = writes(old)
    found = await new.audit()
    assert has_stopped(found)
    assert writes(old) == before
    assert found.error is not None
    assert "Mon 2 March" in found.error.what
    trouble = (await state_of(new)).trouble
    assert trouble is not None
    assert trouble.kind == "AnotherWriter"
    await edit(new, 1)
    old.remote().exploding = True
    for result in (await new.run(), await new.audit(), await new.run(release_held=True)):
        assert has_stopped(result)


async def test_a_look_between_audits_finds_it_too_and_says_it_once() -> None:
    old, new = await two_computers()
    await new.run()
    await new.syncing.look(ANNA)
    assert (await state_of(new)).overruled_by == ""
    await edit(old, 20)
    await old.run()
    for _ in range(2):
        await new.syncing.look(ANNA)
    assert has_stopped(await new.run())
    assert sum("Another computer" in text for text in new.texts()) == 1


async def test_who_is_put_in_charge_goes_on_and_the_other_stops() -> None:
    old, new = await two_computers()
    await new.run()
    await edit(old, 20)
    await old.run()
    await new.audit()
    await new.syncing.claim(ANNA)
    assert (await new.run()).error is None
    assert new.record().google.term == 2
    assert has_stopped(await old.audit())
    await edit(new, 3)
    assert (await new.run()).updated == 1
    assert set(new.live()) == {f"a{n}" for n in range(6)}
    state = await state_of(new)
    assert (state.trouble, state.overruled_by, state.claimed) == (None, "", False)


async def test_the_other_learns_of_a_decision_though_nothing_differs() -> None:
    old, new = await two_computers()
    await new.run()
    before = writes(old)
    await new.syncing.claim(ANNA)
    assert (await new.run()).updated == 1
    assert writes(old) == before + 1
    assert has_stopped(await old.audit())
    new.remote().exploding = True
    assert (await new.run()).api_calls == 0


async def test_a_decision_can_be_taken_back_on_the_other_computer() -> None:
    old, new = await two_computers()
    await new.run()
    for decided, stops in ((new, old), (old, new), (new, old)):
        await decided.syncing.claim(ANNA)
        assert (await decided.run()).error is None
        assert has_stopped(await stops.audit())
        assert (await decided.audit()).error is None
    assert new.record().google.term == 4


async def test_deleting_what_the_other_added_shows_whose_turn_it_is() -> None:
    """A deletion leaves no stamp behind."""
    old, new = await two_computers()
    await new.syncing.claim(ANNA)
    await new.run()
    await edit(old, 20)
    await old.run()
    result = await new.audit()
    assert (result.deleted, result.updated) == (1, 1)
    assert has_stopped(await old.audit())


async def test_two_first_uploads_to_one_calendar_double_nothing() -> None:
    one = World()
    other = World()
    other.settings.current = type(other.settings.current)(
        install_id="other", practitioners=dict(other.settings.current.practitioners)
    )
    other.calendars = one.calendars
    other.restart()
    for world in (one, other):
        await world.stores.ledger.edit_state(ANNA, lambda state: SyncState(others={}))
        await world.put(*(appointment(n) for n in range(4)))
    assert (await one.run()).inserted == 4
    assert has_stopped(await other.run())
    assert sorted(each.key for each in one.remote().ours()) == ["a0", "a1", "a2", "a3"]


async def test_removing_events_leaves_those_of_who_is_in_charge() -> None:
    old, new = await two_computers()
    await new.syncing.claim(ANNA)
    await new.run()
    removal = await old.syncing.remove_events(old.ref())
    assert isinstance(removal.error, AnotherWriter)
    assert removal.events == 0
    assert len(old.remote().ours()) == 6
    assert "sync once" in removal.error.remedy
    await old.syncing.claim(ANNA)
    assert isinstance((await old.syncing.remove_events(old.ref())).error, AnotherWriter)
    await old.run()
    removal = await old.syncing.remove_events(old.ref())
    assert (removal.events, removal.error) == (6, None)


@pytest.mark.parametrize("seed", range(30))
async def test_in_any_order_nothing_is_doubled_and_no_fight_begins(seed: int) -> None:
    """`BatteryCalendar` checks at every commit that each appointment is there once."""
    chance = random.Random(seed)
    old, new = await two_computers()
    worlds = (old, new)

    def step(world: World) -> list[Callable[[], Awaitable[object]]]:
        number = chance.randrange(12)
        return [
            lambda: edit(world, number, location=f"Room {chance.randrange(99)}"),
            lambda: world.put(remove=[f"a{number}"]),
            world.run,
            world.audit,
            lambda: world.syncing.look(ANNA),
            lambda: world.crash_at(chance.randrange(1, 40), world.audit),
        ]

    for _ in range(30):
        await chance.choice(step(chance.choice(worlds)))()
        old.clock.shift(chance.choice([1.0, 60.0, 3_600.0]))
    decided, stops = chance.sample(worlds, 2)
    await decided.syncing.claim(ANNA)
    await decided.run(release_held=True)
    await decided.audit()
    await stops.syncing.look(ANNA)
    assert has_stopped(await stops.run())
    before = writes(old)
    for _ in range(3):
        for world in worlds:
            await world.run()
            await world.audit()
    assert writes(old) == before
    assert (await decided.audit()).differences == ()
