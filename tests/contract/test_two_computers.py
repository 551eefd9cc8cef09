"""Two real homes on one calendar of the simulated Google: the practice's backup was restored on a
new computer, and the old one was left on."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from companion.domain.errors import AnotherWriter
from companion.domain.settings import Settings
from companion.restoring import restoring_of
from companion.sandbox.server import SimulatedHandle
from companion.services.sync.passes import PassResult
from tests.battery.real import (
    NOW,
    RealHome,
    appointments,
    book,
    environment,
    keys_of,
    opened,
    populate,
)
from tests.e2e.test_real_kills import InThread
from tests.fakes.maintenance import FAIR
from tests.fakes.simulator import simulated_google

ANNA = "anna"
EVENTS = 20


@dataclass
class Computers:
    old: RealHome
    new: RealHome
    google: SimulatedHandle
    calendar_id: str

    @property
    def writes(self) -> int:
        with self.google.lock:
            methods = self.google.google.counts.methods
            return sum(methods[f"events.{each}"] for each in ("insert", "patch", "delete"))

    def doubled(self) -> list[str]:
        with self.google.lock:
            counts = keys_of(self.google.google.events(self.calendar_id))
        return [key for key, count in counts.items() if count > 1]


def term_of(home: RealHome) -> int:
    settings: Settings = home.services.settings.read()
    return settings.record(ANNA).google.term


async def sync(home: RealHome) -> PassResult:
    return await home.services.syncing.run(ANNA, cause="test", release_held=True)


async def audit(home: RealHome) -> PassResult:
    return await home.services.auditing.audit(ANNA)


def has_stopped(result: PassResult) -> bool:
    return isinstance(result.error, AnotherWriter)


async def edit(home: RealHome, number: int, room: str) -> None:
    [made] = list(appointments(ANNA, number + 1))[number:]
    await book(home, [replace(made, location=room)])


@pytest.fixture
async def computers(tmp_path: Path) -> AsyncIterator[Computers]:
    async with AsyncExitStack() as stack:
        google = stack.enter_context(simulated_google())
        backup = tmp_path / "practice.ccbackup"
        old = await stack.enter_async_context(opened(tmp_path / "old", google.base_url))
        [tenant] = await populate(old, InThread(google), [ANNA], user_rate=900, project_rate=900)
        await book(old, appointments(ANNA, EVENTS))
        assert (await sync(old)).inserted == EVENTS
        assert (await audit(old)).differences == ()
        await old.services.backups.back_up(backup, FAIR)
        there = environment(tmp_path / "new", google.base_url, now=NOW.isoformat())
        await restoring_of(there).restore(backup, FAIR)
        new = await stack.enter_async_context(opened(tmp_path / "new", google.base_url))
        yield Computers(old=old, new=new, google=google, calendar_id=tenant.calendar_id)


async def test_a_restored_home_goes_on_without_an_alarm_or_a_write(computers: Computers) -> None:
    before = computers.writes
    assert (await sync(computers.new)).error is None
    assert (await audit(computers.new)).error is None
    assert computers.writes == before
    await edit(computers.new, 3, "Room 9")
    assert (await sync(computers.new)).updated == 1


async def test_the_one_that_finds_newer_writes_stops_until_a_person_decides(
    computers: Computers,
) -> None:
    old, new = computers.old, computers.new
    await sync(new)
    await edit(old, EVENTS + 1, "Room 1")
    assert (await sync(old)).inserted == 1
    assert has_stopped(await audit(new))
    board = await new.services.status.board()
    assert board.practitioners[0].state == "another computer"
    assert has_stopped(await sync(new))
    await new.services.syncing.claim(ANNA)
    assert (await sync(new)).error is None
    assert has_stopped(await audit(old))
    assert (term_of(old), term_of(new)) == (1, 2)
    assert (await audit(new)).differences == ()


@pytest.mark.parametrize("seed", range(2))
async def test_interleaved_passes_and_audits_double_nothing_and_never_fight(
    computers: Computers, seed: int
) -> None:
    chance = random.Random(seed)
    homes = [computers.old, computers.new]
    for _ in range(16):
        home = chance.choice(homes)
        match chance.randrange(4):
            case 0:
                await edit(home, chance.randrange(EVENTS + 5), f"Room {chance.randrange(99)}")
            case 1:
                await sync(home)
            case 2:
                await audit(home)
            case _:
                await home.services.syncing.look(ANNA)
        assert computers.doubled() == []
    decided, other = chance.sample(homes, 2)
    await decided.services.syncing.claim(ANNA)
    await sync(decided)
    await other.services.syncing.look(ANNA)
    before = computers.writes
    for _ in range(3):
        for home in homes:
            await sync(home)
            await audit(home)
    assert has_stopped(await sync(other))
    assert computers.writes == before
    assert (await audit(decided)).differences == ()
