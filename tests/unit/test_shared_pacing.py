"""Pacing by several processes: together no more than the figures, nearly all of them used."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from companion.adapters.pace_file import PaceFile
from companion.domain.errors import CompanionError, StoreError
from companion.services.ports import Refill, Reserved, Spending
from companion.services.sync.pacing import Pacer, Urgency
from companion.services.sync.shared_grants import SharedGrants
from tests.fakes.background import in_background
from tests.fakes.clock import FakeClock
from tests.fakes.pacing import PERSON, UPCOMING, Log, SamePace, used, write_for

USER, PROJECT = 10, 10_000 / 60
LAN = 0.003
"""Seconds that the database takes to answer."""


def same_pace(clock: FakeClock, home: Path, latency: float = LAN) -> SamePace:
    return SamePace(PaceFile(home, monotonic=clock.monotonic), clock, latency)


def process(clock: FakeClock, home: Path, latency: float = LAN) -> Pacer:
    shared = same_pace(clock, home, latency)
    return Pacer(clock, user_rate=USER, project_rate=PROJECT, shared=shared)


@pytest.mark.parametrize(
    ("processes", "takes"),
    [(1, 0.3), (1, 0.8), (2, 0.05), (2, 0.3), (2, 0.8), (3, 0.3), (5, 0.3)],
)
async def test_processes_that_upload_for_one_login_use_95_percent_of_its_figure_together(
    tmp_path: Path, processes: int, takes: float
) -> None:
    clock = FakeClock()
    log = Log(clock)
    pacers = [process(clock, tmp_path) for _ in range(processes)]
    await asyncio.gather(
        *(write_for(each, clock, log, "anna", until=190, takes=takes) for each in pacers)
    )
    assert 0.95 * USER <= used(log, 190) <= 0.99 * USER
    assert log.peak() <= 600


@pytest.mark.parametrize("processes", [1, 2, 3])
async def test_processes_with_200_logins_use_95_percent_of_the_project_s_figure_together(
    tmp_path: Path, processes: int
) -> None:
    clock = FakeClock()
    log = Log(clock)
    pacers = [process(clock, tmp_path) for _ in range(processes)]
    await asyncio.gather(
        *(
            write_for(pacers[n % processes], clock, log, f"p{n}", until=90, takes=0.2)
            for n in range(200)
        )
    )
    assert 0.95 * PROJECT <= used(log, 90) <= 0.99 * PROJECT
    assert log.peak() <= 10_000
    assert max(log.peak(f"p{n}") for n in range(200)) <= 600


@pytest.mark.parametrize("seed", range(6))
def test_random_arrivals_at_three_workstations_never_exceed_user_or_project(
    tmp_path: Path, seed: int
) -> None:
    """With refunds, cancellations, rate errors, processes that end and begin, and calls that are
    held up on their way, now and then all of a process for up to half a minute."""
    chance = random.Random(seed)
    user, project = chance.choice([(10, 166), (10, 30), (100, 120), (5, 166)])

    async def work() -> None:
        clock = FakeClock()
        log = Log(clock)

        def start() -> Pacer:
            shared = same_pace(clock, tmp_path, chance.choice([0.0, 0.002, 0.05]))
            return Pacer(clock, user_rate=user, project_rate=project, shared=shared)

        pacers = [start() for _ in range(3)]
        stuck = [0.0, 0.0, 0.0]

        async def call(where: int, account: str) -> None:
            pacer = pacers[where]
            units = chance.choice([1, 3, pacer.batch_units(account)])
            async with pacer.calling(account, units, chance.choice(list(Urgency))):
                if chance.random() < 0.01:
                    stuck[where] = clock.monotonic() + chance.uniform(0, 30)
                await clock.sleep(max(0.0, stuck[where] - clock.monotonic()))
                spent = chance.randint(0, units) if chance.random() < 0.2 else units
                pacer.refund(account, units, spent)
                await clock.sleep(chance.choice([0.0, 0.1, chance.uniform(0, 2)]))
                if spent:
                    log.note(account, spent)
                if chance.random() < 0.02:
                    pacer.rate_error(account)
                await clock.sleep(0.05)

        async def one(where: int, account: str) -> None:
            await clock.sleep(chance.uniform(0, 60))
            for _ in range(chance.randrange(10, 60)):
                running = asyncio.create_task(call(where, account))
                patience = chance.uniform(0, 3) if chance.random() < 0.05 else 1e6
                await asyncio.wait(
                    {running, asyncio.ensure_future(clock.sleep(patience))},
                    return_when=asyncio.FIRST_COMPLETED,
                )
                running.cancel()
                await asyncio.wait({running})
                if chance.random() < 0.01:
                    pacers[where] = start()

        names = [f"p{n}" for n in range(6)]
        await asyncio.gather(*(one(n % 3, names[n % 6]) for n in range(36)))
        assert max(log.peak(name) for name in names) <= user * 60
        assert log.peak() <= project * 60

    asyncio.run(work())


@pytest.mark.parametrize("processes", [2, 3, 5])
async def test_calls_of_several_workstations_held_up_together_do_not_exceed_the_figure(
    tmp_path: Path, processes: int
) -> None:
    """The clinic's line stands still for a while, then lets everything through at once."""
    clock = FakeClock()
    log = Log(clock)

    async def write(pacer: Pacer) -> None:
        while clock.monotonic() < 400:
            units = pacer.batch_units("anna")
            async with pacer.calling("anna", units, UPCOMING):
                if 100 < clock.monotonic() < 145:
                    await clock.sleep(145 - clock.monotonic())
                await clock.sleep(0.3)
                log.note("anna", units)

    await asyncio.gather(*(write(process(clock, tmp_path)) for _ in range(processes)))
    assert 550 < log.peak() <= 600


@pytest.mark.parametrize("uploading", [1, 2])
async def test_a_person_at_one_workstation_waits_little_for_uploads_at_the_others(
    tmp_path: Path, uploading: int
) -> None:
    clock = FakeClock()
    log = Log(clock)
    long = (
        write_for(process(clock, tmp_path), clock, log, "anna", until=1e6) for _ in range(uploading)
    )
    async with in_background(*long):
        here = process(clock, tmp_path)
        await clock.sleep(30)
        waits = []
        for _ in range(50):
            began = clock.monotonic()
            async with here.calling("anna", 3, PERSON):
                waits.append(clock.monotonic() - began)
            await clock.sleep(2)
        assert max(waits) < 0.3 + 0.9 * uploading


async def test_a_rate_error_at_one_workstation_slows_the_others(tmp_path: Path) -> None:
    clock = FakeClock()
    log = Log(clock)
    here, there = process(clock, tmp_path), process(clock, tmp_path)
    for _ in range(4):
        here.rate_error("anna")
    await clock.sleep(2)
    began = clock.monotonic()
    await write_for(there, clock, log, "anna", until=began + 25)
    slowed = sum(units for _, _, units in log.entries) / 25
    assert slowed < USER * 0.67**4 * 1.3
    await write_for(there, clock, log, "boris", until=began + 50)
    assert sum(units for _, who, units in log.entries if who == "boris") / 25 > 0.85 * USER


async def test_while_the_shared_pace_is_unknown_nothing_is_called_and_nothing_leaks(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    shared = same_pace(clock, tmp_path)
    pacer = Pacer(clock, user_rate=USER, project_rate=PROJECT, shared=shared)
    await clock.sleep(10)
    shared.away = StoreError("The database is away.")
    for _ in range(100):
        with pytest.raises(StoreError):
            async with pacer.calling("anna", 5, UPCOMING):
                pytest.fail("called")
    shared.away = None
    began = clock.monotonic()
    async with pacer.calling("anna", 5, UPCOMING):
        assert clock.monotonic() - began < 0.6


async def test_what_was_cancelled_or_not_used_is_given_back_to_all(tmp_path: Path) -> None:
    clock = FakeClock()
    here, there = process(clock, tmp_path, latency=0.1), process(clock, tmp_path)
    async with there.calling("anna", 1, UPCOMING):
        pass
    await clock.sleep(20)
    for _ in range(10):
        asked = asyncio.create_task(here.acquire("anna", 8, UPCOMING))
        await clock.sleep(0.05)  # its reservation is on its way
        asked.cancel()
        await clock.sleep(1.3)
    for _ in range(10):
        await here.acquire("anna", 8, UPCOMING)
        here.refund("anna", 8, 0)
        await clock.sleep(1.3)
    began = clock.monotonic()
    await there.acquire("anna", 8, UPCOMING)
    assert clock.monotonic() - began < 0.01


async def test_who_waits_for_nothing_asks_nothing(tmp_path: Path) -> None:
    clock = FakeClock()
    shared = same_pace(clock, tmp_path)
    pacer = Pacer(clock, user_rate=USER, project_rate=PROJECT, shared=shared)
    async with pacer.calling("anna", 5, UPCOMING):
        pacer.refund("anna", 5, 3)
    await clock.sleep(5)
    asked = shared.asked
    await clock.sleep(600)
    assert shared.asked == asked == 2


async def test_commands_begun_over_and_over_beside_the_app_spend_no_more_than_it_alone(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    log = Log(clock)
    app = asyncio.create_task(write_for(process(clock, tmp_path), clock, log, "anna", until=250))
    for _ in range(150):
        async with process(clock, tmp_path).calling("anna", 8, UPCOMING):
            log.note("anna", 8)
            await clock.sleep(0.05)
    await app
    assert 550 < log.peak() <= 600


async def test_a_rate_error_is_told_to_all_also_where_the_pass_after_it_is_stopped() -> None:
    """While it is being told."""
    pace = HaltedPace()
    grants = SharedGrants(pace, FakeClock(), of_account=Refill(1, 1), of_project=Refill(1, 1))
    pace.away = StoreError("The database is away.")
    grants.slow_down("anna", project=False)
    grants.correct("anna", 3)
    await quiet()
    pace.away = None
    async with in_background(grants.reserve("anna", 1)):
        await quiet()
        assert pace.told == []
    pace.go_on.set()
    await quiet()
    assert pace.told == ["a rate error", "3 units"]


async def quiet() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


class HaltedPace:
    """What it is told of a rate error arrives with `go_on`."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.away: CompanionError | None = None
        self.told: list[str] = []

    async def reserve(self, _spending: Spending) -> Reserved:
        return Reserved(wait=0, spent=True)

    async def correct(self, spending: Spending) -> None:
        self.told.append(f"{spending.units:g} units")

    async def slow_down(self, _account: str, *, project: bool) -> None:
        del project
        if self.away is not None:
            raise self.away
        await self.go_on.wait()
        self.told.append("a rate error")
