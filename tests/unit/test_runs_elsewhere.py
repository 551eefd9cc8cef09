"""Two workstations and one calendar: each shows what the other does, and waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from companion.domain.errors import Busy, PermissionDenied
from companion.services.sync.elsewhere import SILENT
from companion.services.sync.passes import WORKER, PassResult
from companion.services.sync.progress import Progress, SyncPhase
from tests.battery.wired_practice import MIRA, Clinic
from tests.battery.world import ANNA, MONDAY, World, appointment
from tests.fakes.background import in_background


@pytest.fixture
def clinic() -> Clinic:
    return Clinic()


async def run(world: World, *, cause: str = "upload", **more: Any) -> PassResult:
    """A person's, or the worker's."""
    return await world.syncing.run(ANNA, cause=cause, **more)


def seen_by(world: World) -> list[Progress]:
    seen: list[Progress] = []
    world.syncing.subscribe(seen.append)
    return seen


def done(seen: Sequence[Progress]) -> list[int]:
    return [each.done for each in seen]


async def test_an_upload_shows_on_the_other_workstation_as_on_its_own_and_ends_with_it(
    clinic: Clinic,
) -> None:
    await clinic.fill()
    seen = seen_by(clinic.office)
    running = asyncio.create_task(run(clinic.desk))
    await clinic.desk.clock.sleep(20)
    there, here = clinic.office.syncing.running(ANNA), clinic.desk.syncing.running(ANNA)
    assert there is not None
    assert here is not None
    assert (there.phase, there.total) == (SyncPhase.WRITING, 400)
    assert 0 <= here.done - there.done <= 10
    assert clinic.office.syncing.running(MIRA) is None
    await running
    await clinic.desk.clock.sleep(0.1)
    assert clinic.office.syncing.running(ANNA) is None
    assert done(seen) == sorted(done(seen))
    assert (seen[-1].phase, seen[-1].done) == (SyncPhase.DONE, 400)


async def test_at_most_two_messages_a_second_tell_of_a_pass_and_none_of_a_quiet_hour(
    clinic: Clinic,
) -> None:
    await clinic.fill()
    began = clinic.desk.clock.monotonic()
    await run(clinic.desk)
    took = clinic.desk.clock.monotonic() - began
    said = len(clinic.wire.said)
    assert took / 6 < said <= took * 2 + 2
    await clinic.desk.clock.sleep(3600)
    assert len(clinic.wire.said) == said


async def test_no_word_of_the_book_or_of_an_error_travels(clinic: Clinic) -> None:
    await clinic.fill(20)
    refused = PermissionDenied("Mira Sample may not be written.")
    clinic.desk.remote().part_fault = lambda _write: refused
    result = await run(clinic.desk)
    assert result.error is not None
    for topic, fields in clinic.wire.said:
        assert topic == "progress"
        assert fields.keys() == {"of", "run", "phase", "done", "total", "left"}
        assert isinstance(fields["done"], int)
        assert isinstance(fields["left"], int | None)
    assert "Sample" not in str(clinic.wire.said)


async def test_a_pass_of_a_workstation_that_died_is_over_after_15_seconds(clinic: Clinic) -> None:
    await clinic.fill()
    seen = seen_by(clinic.office)
    running = asyncio.create_task(run(clinic.desk))
    await clinic.desk.clock.sleep(10)
    clinic.wire.cut = True
    await clinic.desk.clock.sleep(13)
    assert clinic.office.syncing.running(ANNA) is not None
    await clinic.desk.clock.sleep(4)
    assert clinic.office.syncing.running(ANNA) is None
    assert seen[-1].phase is SyncPhase.CANCELLED
    running.cancel()
    await asyncio.wait({running})


async def test_a_pass_that_gave_its_turn_back_unheard_is_over_after_six_seconds(
    clinic: Clinic,
) -> None:
    await clinic.fill()
    running = asyncio.create_task(run(clinic.desk))
    await clinic.desk.clock.sleep(10)
    clinic.wire.cut = True
    clinic.desk.syncing.cancel(ANNA)
    await asyncio.wait({running})
    assert clinic.office.syncing.running(ANNA) is not None, "nothing told of its end"
    await clinic.desk.clock.sleep(8)
    assert clinic.office.syncing.running(ANNA) is None


async def test_who_follows_a_workstation_that_died_goes_on_as_soon_as_its_turn_is_over(
    clinic: Clinic,
) -> None:
    await clinic.fill()
    async with in_background(run(clinic.desk)):
        await clinic.desk.clock.sleep(10)
        following = asyncio.create_task(run(clinic.office))
        await clinic.desk.clock.sleep(0.1)
        clinic.wire.cut = clinic.table.away = True
        dead_for, over = clinic.desk.clock.monotonic(), clinic.table.rows[f"sync-{ANNA}"].until
        assert over - dead_for < SILENT
        await until_phase(clinic.office, SyncPhase.WRITING)
        assert clinic.desk.clock.monotonic() < over + 2
    assert (await following).error is None


async def until_phase(world: World, phase: SyncPhase) -> None:
    """Of a pass of its own."""
    while True:
        progress = world.syncing.running(ANNA)
        if progress is not None and not progress.elsewhere and progress.phase is phase:
            return
        await world.clock.sleep(0.1)


async def test_silence_while_the_database_is_away_is_waited_out(clinic: Clinic) -> None:
    await clinic.fill()
    running = asyncio.create_task(run(clinic.desk))
    await clinic.desk.clock.sleep(10)
    clinic.wire.cut = clinic.office_table.away = True
    await clinic.desk.clock.sleep(13)
    assert clinic.office.syncing.running(ANNA) is not None
    running.cancel()
    await asyncio.wait({running})


async def test_a_pass_that_waits_for_long_stays_seen(clinic: Clinic) -> None:
    await clinic.fill(20)
    clinic.desk.remote().latency = 60.0
    running = asyncio.create_task(run(clinic.desk))
    for _ in range(5):
        await clinic.desk.clock.sleep(10)
        assert clinic.office.syncing.running(ANNA) is not None
    running.cancel()
    await asyncio.wait({running})


async def test_a_person_s_upload_follows_the_other_workstation_s_pass_and_then_runs(
    clinic: Clinic,
) -> None:
    await clinic.fill()
    first = asyncio.create_task(run(clinic.desk, cause=WORKER))
    await clinic.desk.clock.sleep(10)
    seen: list[Progress] = []
    second = await run(clinic.office, cause="upload", progress=seen.append)
    assert first.done()
    assert second.error is None
    assert (second.inserted, second.unchanged) == (0, 400)
    assert max(done(seen)) == 400
    assert [each.phase for each in seen].count(SyncPhase.FAILED) == 0
    assert clinic.desk.remote().parts == {"insert": 400}


async def test_a_person_s_upload_waits_also_where_no_message_told_of_the_other_pass(
    clinic: Clinic,
) -> None:
    await clinic.fill()
    clinic.wire.cut = True
    first = asyncio.create_task(run(clinic.desk, cause=WORKER))
    await clinic.desk.clock.sleep(10)
    second = await run(clinic.office, cause="upload")
    assert first.done()
    assert (second.error, second.inserted) == (None, 0)


async def test_the_background_sync_does_not_wait_for_a_person_s_upload_elsewhere(
    clinic: Clinic,
) -> None:
    await clinic.fill()
    first = asyncio.create_task(run(clinic.office, cause="upload"))
    await clinic.desk.clock.sleep(10)
    second = await run(clinic.desk, cause=WORKER)
    assert isinstance(second.error, Busy)
    assert not first.done()
    await first


async def test_cancel_pressed_on_one_workstation_stops_the_other_s_pass_and_no_later_one(
    clinic: Clinic,
) -> None:
    await clinic.fill()
    first = asyncio.create_task(run(clinic.desk, cause="upload"))
    await clinic.desk.clock.sleep(10)
    clinic.office.syncing.cancel(ANNA)
    await clinic.desk.clock.sleep(3)
    assert first.cancelled()
    assert clinic.desk.syncing.was_stopped(ANNA)
    assert clinic.office.syncing.running(ANNA) is None
    stop = next(fields for topic, fields in clinic.wire.said if topic == "stop")
    again = asyncio.create_task(run(clinic.desk, cause="upload"))
    await clinic.desk.clock.sleep(5)
    clinic.wire.ends[-1].send("stop", stop)  # late, or twice
    result = await again
    assert result.error is None


async def test_cancel_ends_an_upload_that_waits_for_the_other_workstation(clinic: Clinic) -> None:
    await clinic.fill()
    first = asyncio.create_task(run(clinic.desk, cause=WORKER))
    await clinic.desk.clock.sleep(10)
    second = asyncio.create_task(run(clinic.office, cause="upload"))
    await clinic.desk.clock.sleep(3)
    clinic.office.syncing.cancel(ANNA)
    await clinic.desk.clock.sleep(3)
    assert second.cancelled()
    assert first.cancelled()


async def test_removals_released_on_one_workstation_are_exactly_those_it_showed(
    clinic: Clinic,
) -> None:
    """The other's pass holds more by then."""
    tomorrow = MONDAY + timedelta(days=1)
    await clinic.desk.put(
        *(appointment(n, start=tomorrow + timedelta(minutes=30 * n)) for n in range(60))
    )
    await run(clinic.desk, cause=WORKER)
    await clinic.desk.put(remove=[f"a{n}" for n in range(30)])
    await run(clinic.desk, cause=WORKER)
    shown = (await clinic.office.syncing.state(ANNA)).held
    assert shown is not None
    assert len(shown.items) == 30
    await clinic.desk.put(remove=[f"a{n}" for n in range(30, 55)])
    first = asyncio.create_task(run(clinic.desk, cause=WORKER))
    await asyncio.sleep(0)
    released = await run(clinic.office, release_held=True, shown=shown)
    assert first.done()
    assert (released.deleted, released.held) == (30, 25)
    assert clinic.desk.live().keys() == {f"a{n}" for n in range(30, 60)}


async def test_what_needs_the_calendar_for_itself_stops_the_other_workstation_s_pass(
    clinic: Clinic,
) -> None:
    """Such as taking our events out of it."""
    await clinic.fill()
    first = asyncio.create_task(run(clinic.desk, cause=WORKER))
    await clinic.desk.clock.sleep(10)
    waiting = asyncio.create_task(run(clinic.office))
    await clinic.desk.clock.sleep(1)
    async with clinic.office.syncing.paused_sync(ANNA):
        assert first.cancelled()
        assert waiting.cancelled()
