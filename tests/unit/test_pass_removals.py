"""Removals that a pass holds, and what settings remove."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from companion.domain.appointments import AppointmentKind
from companion.domain.disclosure import DisclosureItem, KindChoice
from companion.domain.errors import CalendarGone, PermissionDenied
from companion.services.sync.progress import Progress, SyncPhase
from tests.battery.calendars import HIDDEN
from tests.battery.synced import CANCELLED, a_synced_world
from tests.battery.world import ANNA, MONDAY, World, appointment, booked

# ── removals that wait ────────────────────────────────────────────────────────────────────────


async def a_held_world(keep: int = 15, remove: int = 15) -> World:
    """Appointments of tomorrow and later; some of them have gone from the book."""
    world = World()
    tomorrow = MONDAY + timedelta(days=1)
    await world.put(
        *(appointment(n, start=tomorrow + timedelta(minutes=30 * n)) for n in range(keep + remove))
    )
    await world.run()
    await world.put(
        appointment(100, start=tomorrow),
        appointment(0, start=tomorrow, location="Room 2"),
        remove=[f"a{n}" for n in range(keep, keep + remove)],
    )
    return world


async def test_too_many_removals_wait_while_inserts_and_updates_go_on() -> None:
    world = await a_held_world()
    result = await world.run()
    assert (result.held, result.inserted, result.updated, result.deleted) == (15, 1, 1, 0)
    assert result.error is None
    state = await world.syncing.state(ANNA)
    assert state.held is not None
    assert len(state.held.items) == 15
    assert "15 removals wait for a person" in world.texts()
    again = await world.run()
    assert (again.held, again.api_calls) == (15, 0)
    assert world.texts().count("15 removals wait for a person") == 1


@pytest.mark.parametrize(("keep", "remove", "held"), [(20, 9, 0), (31, 13, 0), (20, 10, 10)])
async def test_removals_wait_from_ten_and_from_three_in_ten_on(
    keep: int, remove: int, held: int
) -> None:
    world = await a_held_world(keep, remove)
    assert (await world.run()).held == held


async def test_an_emptied_book_waits_however_small() -> None:
    world = World()
    await world.put(appointment(100))
    await world.run()
    await world.put(remove=["a100"])
    result = await world.run()
    assert (result.held, result.deleted) == (1, 0)
    state = await world.syncing.state(ANNA)
    assert state.held is not None
    assert state.held.why == "The book is empty for this practitioner."


async def test_held_removals_survive_a_restart_and_go_when_released() -> None:
    world = await a_held_world()
    await world.run()
    world.restart()
    assert (await world.run()).held == 15
    result = await world.run(release_held=True)
    assert (result.held, result.deleted) == (0, 15)
    assert (await world.syncing.state(ANNA)).held is None
    assert (await world.run()).api_calls == 0


async def test_removals_a_person_keeps_stay_and_are_not_asked_about_again() -> None:
    world = await a_held_world()
    await world.run()
    await world.syncing.keep_held(ANNA)
    result = await world.run()
    assert (result.held, result.deleted, result.api_calls) == (0, 0, 0)
    assert (await world.syncing.state(ANNA)).held is None
    assert len(world.live()) == 31


async def test_after_keeping_some_a_single_cancellation_goes_through() -> None:
    world = await a_held_world()
    await world.run()
    await world.syncing.keep_held(ANNA)
    await world.put(remove=["a3"])
    result = await world.run()
    assert (result.held, result.deleted) == (0, 1)
    assert len(world.live()) == 30


async def test_kept_removals_are_not_removed_once_some_of_them_have_passed() -> None:
    world = await a_held_world()
    await world.run()
    await world.syncing.keep_held(ANNA)
    world.clock.set(world.clock.now() + timedelta(days=1))
    result = await world.run()
    assert (result.held, result.deleted) == (0, 0)
    assert len(world.live()) == 31


async def test_what_was_kept_and_then_booked_again_can_be_cancelled_again() -> None:
    world = await a_held_world()
    await world.run()
    await world.syncing.keep_held(ANNA)
    tomorrow = MONDAY + timedelta(days=1)
    back = appointment(20, start=tomorrow + timedelta(hours=10))
    await world.put(back)
    await world.run()
    await world.put(replace(back, status=CANCELLED))
    assert (await world.run()).deleted == 1


# ── settings ──────────────────────────────────────────────────────────────────────────────────


async def test_a_stricter_disclosure_rewrites_every_event_and_nothing_else() -> None:
    world = await a_synced_world(5)
    world.disclose(busy_only=True)
    result = await world.run()
    assert (result.updated, result.inserted, result.deleted) == (5, 0, 0)
    assert {each.summary for each in world.live().values()} == {"Busy"}


async def test_a_kind_that_no_longer_goes_is_removed_and_waits_when_many() -> None:
    world = await a_synced_world(20)
    await world.put(appointment(100, kind=AppointmentKind.MEETING, title="Team"))
    await world.run()
    world.disclose(kinds=frozenset({KindChoice.MEETING}))
    world.clock.set(world.clock.now() - timedelta(days=1))
    assert (await world.run()).held == 20
    assert (await world.run(release_held=True)).deleted == 20
    assert set(world.live()) == {"a100"}


async def test_another_zone_keeps_the_events_and_moves_the_window() -> None:
    world = await a_synced_world(5)
    record = world.record()
    elsewhere = replace(record.practitioner, timezone="Europe/Berlin")
    world.settings.current = world.settings.current.with_practitioner(
        replace(record, practitioner=elsewhere)
    )
    world.remote().exploding = True
    assert (await world.run()).unchanged == 5


async def test_switched_off_nothing_is_written_and_switched_on_it_goes_on() -> None:
    world = await a_synced_world(5)
    world.choose(enabled=False)
    world.remote().exploding = True
    await world.put(appointment(1, location="Room 2"))
    result = await world.run()
    assert result.error is not None
    assert "switched off for Anna Example" in result.error.what
    assert len(world.live()) == 5
    world.remote().exploding = False
    world.choose(enabled=True)
    assert (await world.run()).updated == 1


async def test_events_in_a_former_calendar_wait_and_go_when_released() -> None:
    world = await a_synced_world(12)
    world.link(calendar_id="second@calendar")
    result = await world.run()
    assert (result.inserted, result.held) == (12, 12)
    former = world.calendars.named("anna@calendar")
    assert len(former.ours()) == 12
    result = await world.run(release_held=True)
    assert (result.deleted, result.held) == (12, 0)
    assert former.ours() == []
    assert len(world.live()) == 12
    assert (await world.run()).api_calls == 0


async def test_events_kept_in_a_former_calendar_do_not_hold_back_the_new_one() -> None:
    world = await a_synced_world(12)
    world.link(calendar_id="second@calendar")
    await world.run()
    await world.syncing.keep_held(ANNA)
    assert (await world.run()).held == 0
    await world.put(appointment(3, status=CANCELLED))
    assert (await world.run()).deleted == 1
    assert len(world.calendars.named("anna@calendar").ours()) == 12


@pytest.mark.parametrize("error", [CalendarGone(), PermissionDenied()])
async def test_a_former_calendar_out_of_reach_is_said_and_no_longer_asked(
    error: CalendarGone | PermissionDenied,
) -> None:
    world = await a_synced_world(3)
    world.link(calendar_id="second@calendar")
    await world.run()
    world.calendars.named("anna@calendar").refusing = error
    result = await world.run(release_held=True)
    assert result.error is None
    assert any("may be left in the former Google calendar" in text for text in world.texts())
    assert (await world.run()).held == 0


async def test_back_in_the_former_calendar_its_events_are_taken_up_again() -> None:
    world = await a_synced_world(12)
    world.link(calendar_id="second@calendar")
    await world.run()
    world.link(calendar_id="anna@calendar")
    result = await world.run()
    assert (result.inserted, result.unchanged, result.held) == (0, 12, 12)
    assert (await world.run(release_held=True)).deleted == 12
    assert world.calendars.named("second@calendar").ours() == []


# ── what is told ──────────────────────────────────────────────────────────────────────────────


async def test_the_activity_list_says_what_was_written_and_why_without_names() -> None:
    world = World()
    world.disclose(items=frozenset(DisclosureItem))
    await world.put(*(appointment(n, notes=f"Call {HIDDEN}") for n in range(3)))
    await world.run()
    await world.put(appointment(0, location="Room 2"), appointment(1, status=CANCELLED))
    await world.run()
    assert [(line.cause, line.kind, line.count) for line in world.stores.activity.lines] == [
        ("test", "insert", 3),
        ("test", "update", 1),
        ("test", "delete", 1),
    ]
    assert world.texts() == ["3 added to Google", "1 changed in Google", "1 removed from Google"]


async def test_a_quiet_pass_writes_no_line() -> None:
    world = await a_synced_world()
    before = len(world.texts())
    await world.run()
    assert len(world.texts()) == before


async def test_progress_counts_up_to_all_and_foretells_the_end() -> None:
    world = await booked(100)
    seen: list[Progress] = []
    await world.run(progress=seen.append)
    assert [seen[0].phase, seen[-1].phase] == [SyncPhase.PLANNING, SyncPhase.DONE]
    done = [each.done for each in seen if each.phase is SyncPhase.WRITING]
    assert done == sorted(done)
    assert (done[-1], seen[-1].total) == (100, 100)
    begun = next(each for each in seen if each.phase is SyncPhase.WRITING)
    assert begun.seconds_left is not None
    assert begun.seconds_left == pytest.approx((100 - begun.done) / 9.8, rel=0.1)


async def test_the_outlook_tells_what_a_pass_would_do_and_writes_nothing() -> None:
    world = await a_held_world()
    world.remote().exploding = True
    outlook = await world.syncing.plan(ANNA)
    assert len(outlook.plan.inserts) == len(outlook.plan.updates) == 1
    assert (len(outlook.held), outlook.events) == (15, 16)
