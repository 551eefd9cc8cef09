"""Two workstations of one practice, over PostgreSQL, with one simulated Google: an upload on one is
seen, followed and stopped on the other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import URL

from companion.environment import Environment
from companion.main import open_ports
from companion.sandbox.server import SimulatedHandle
from companion.services.assembly import build
from companion.services.sources.fetched_sources import TypedPlace
from companion.services.sources.remote import by_name
from companion.services.sync.passes import WORKER
from companion.services.sync.progress import Progress, SyncPhase
from companion.storage.creating import create_practice
from companion.storage.joining import join_practice_here
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
from tests.fakes.fetching_clinic import calendar, entry
from tests.fakes.moving_practice import shown
from tests.fakes.simulator import simulated_google
from tests.fakes.sources import FakeLinks
from tests.fakes.waiting import until

pytestmark = pytest.mark.postgresql
ANNA = "anna"
SOON = 30.0
EVENTS = 150


@dataclass(kw_only=True)
class Practice:
    desk: RealHome
    office: RealHome
    google: SimulatedHandle
    calendar_id: str

    @property
    def in_google(self) -> int:
        with self.google.lock:
            return sum(keys_of(self.google.google.events(self.calendar_id)).values())

    @property
    def inserts(self) -> int:
        with self.google.lock:
            return int(self.google.google.counts.methods["events.insert"])


@asynccontextmanager
async def a_practice(
    folder: Path, url: URL, *, events: int, user_rate: float
) -> AsyncIterator[Practice]:
    async with AsyncExitStack() as stack:
        google = stack.enter_context(simulated_google())
        exports = folder / "exports"
        exports.mkdir()
        async with opened(folder / "desk", google.base_url) as home:
            await home.services.sources.add("nookal", str(exports))
            [tenant] = await populate(home, InThread(google), [ANNA], user_rate=user_rate)
            await book(home, appointments(ANNA, events))

        def at(name: str) -> Environment:
            return environment(folder / name, google.base_url, now=NOW.isoformat())

        made = await create_practice(at("desk"), shown(url), name="Front desk")
        await join_practice_here(at("office"), shown(url), made.key.text)
        workstations = []
        for name in ("desk", "office"):
            ports = await stack.enter_async_context(open_ports(at(name), holder="the test"))
            workstations.append(RealHome(ports=ports, services=build(ports)))
        yield Practice(
            desk=workstations[0],
            office=workstations[1],
            google=google,
            calendar_id=tenant.calendar_id,
        )


@pytest.fixture
async def practice(tmp_path: Path, practice_url: URL) -> AsyncIterator[Practice]:
    """Its first upload takes some three seconds."""
    async with a_practice(tmp_path, practice_url, events=EVENTS, user_rate=50.0) as made:
        yield made


def written(home: RealHome) -> int:
    progress: Progress | None = home.services.syncing.running(ANNA)
    return progress.done if progress is not None else 0


async def test_an_upload_shows_on_the_other_workstation_which_follows_it_and_then_runs(
    practice: Practice,
) -> None:
    desk, office = practice.desk.services, practice.office.services
    first = asyncio.create_task(desk.syncing.run(ANNA, cause=WORKER))
    await until(lambda: written(practice.office) > 20, SOON)
    there = office.syncing.running(ANNA)
    assert there is not None
    assert (there.total, there.phase, there.elsewhere) == (EVENTS, SyncPhase.WRITING, True)
    board = await office.status.board(activity=0)
    assert board.practitioners[0].state == "syncing"
    assert board.practitioners[0].sentence.startswith("Another workstation is writing to Google")
    seen: list[Progress] = []
    result = await office.uploads.run(ANNA, progress=seen.append)
    assert first.done()
    assert (await first).error is None
    assert (result.written.error, result.written.inserted) == (None, 0)
    assert result.proof is not None
    assert result.proof.equal
    assert any(each.elsewhere for each in seen)
    assert (practice.in_google, practice.inserts) == (EVENTS, EVENTS)
    await until(lambda: desk.syncing.running(ANNA) is None, SOON)


async def test_cancel_on_one_workstation_stops_the_upload_of_the_other(practice: Practice) -> None:
    first = asyncio.create_task(practice.desk.services.uploads.run(ANNA))
    await until(lambda: written(practice.office) > 20, SOON)
    practice.office.services.uploads.cancel(ANNA)
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(SOON):
            await first
    await until(lambda: practice.office.services.syncing.running(ANNA) is None, SOON)
    assert 20 < practice.in_google < EVENTS
    result = await practice.office.services.uploads.run(ANNA)
    assert result.written.error is None
    assert (practice.in_google, practice.inserts) == (EVENTS, EVENTS)


async def test_removals_released_on_the_other_workstation_are_those_it_showed(
    practice: Practice,
) -> None:
    desk, office = practice.desk, practice.office
    assert (await desk.services.syncing.run(ANNA, cause=WORKER)).error is None
    await book(desk, [], remove=[f"{ANNA}-{n}" for n in range(50)])
    assert (await desk.services.syncing.run(ANNA, cause=WORKER)).held == 50
    held = (await office.services.syncing.state(ANNA)).held
    assert held is not None
    await book(desk, [], remove=[f"{ANNA}-{n}" for n in range(50, 100)])
    result = await office.services.uploads.run(ANNA, release=held)
    assert (result.written.deleted, result.written.held) == (50, 50)
    assert practice.in_google == 100


async def test_the_folders_of_the_home_are_watched_by_the_workstation_that_it_became(
    practice: Practice,
) -> None:
    (source,) = await practice.office.services.sources.overview()
    assert source.watcher is not None
    assert (source.watcher.name, source.watcher.here) == ("Front desk", False)
    assert not practice.office.services.watching.watchers.is_here(source.settings)
    assert practice.desk.services.watching.watchers.is_here(source.settings)
    moved = await practice.office.services.sources.watch_here("nookal")
    await until(lambda: practice.desk.services.sources.source("nookal") == moved, SOON)
    assert not practice.desk.services.watching.watchers.is_here(moved)


async def test_a_source_is_fetched_by_one_workstation_at_a_time_whoever_asks(
    practice: Practice,
) -> None:
    links, link = FakeLinks(), "https://calendar.example/clinic.ics"
    links.calendars[link] = calendar(entry("visit", 3))
    at_once = most = 0

    def takes() -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        time.sleep(0.3)
        at_once -= 1

    links.takes = takes
    desk, office = (
        build(replace(each.ports, remotes=by_name(links)))
        for each in (practice.desk, practice.office)
    )
    await desk.fetched_sources.add("link", TypedPlace(kind="link", secret=link))
    await until(lambda: "link" in office.settings.read().sources, SOON)
    outcomes = await asyncio.gather(
        desk.fetched_sources.sync("link", by="Alex"), office.fetched_sources.sync("link", by="Kim")
    )
    assert [each.error for each in outcomes] == [None, None]
    assert (most, len(links.requests)) == (1, 2)
    assert len(await desk.book.imports()) == 1
