"""One pass over one calendar, with faithful fakes on every side."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from companion.domain.appointments import OccurrenceChange
from companion.domain.differences import DifferenceKind
from companion.domain.errors import Offline
from companion.domain.reconcile import LedgerEntryState
from companion.domain.sync_state import SyncState
from companion.services.ports import CalendarRef
from tests.battery.calendars import Crash
from tests.battery.synced import CANCELLED, SERIES, a_synced_world
from tests.battery.world import ANNA, MONDAY, World, appointment, booked

# ── how many calls ────────────────────────────────────────────────────────────────────────────


async def test_the_first_upload_writes_each_event_once_and_reads_nothing() -> None:
    world = await booked(1000)
    result = await world.run()
    assert result.error is None
    assert (result.inserted, result.api_calls) == (1000, 1000)
    assert world.remote().parts == {"insert": 1000}
    assert set(world.remote().calls) == {"write"}


async def test_a_pass_without_changes_makes_no_call() -> None:
    world = await a_synced_world()
    world.remote().exploding = True
    result = await world.run()
    assert (result.error, result.api_calls, result.unchanged) == (None, 0, 20)
    outlook = await world.syncing.plan(ANNA)
    assert outlook.plan.actions == ()


async def test_one_change_is_one_patch() -> None:
    world = await a_synced_world()
    await world.put(appointment(5, location="Room 2"))
    result = await world.run()
    assert (result.updated, result.api_calls) == (1, 1)
    assert world.remote().parts == {"insert": 20, "patch": 1}


async def test_a_cancelled_appointment_is_one_delete_and_its_row_goes() -> None:
    world = await a_synced_world()
    await world.put(appointment(6, status=CANCELLED))
    result = await world.run()
    assert (result.deleted, result.api_calls) == (1, 1)
    assert "a6" not in world.live()
    assert "a6" not in await world.rows()


async def test_a_moved_occurrence_of_a_series_is_one_patch_of_its_own_event() -> None:
    world = World()
    await world.put(SERIES)
    await world.run()
    second = MONDAY + timedelta(weeks=1)
    before = world.id_of("series@20260309T090000")
    moved = OccurrenceChange(original_start=second, start=second + timedelta(days=1))
    rule = replace(SERIES.recurrence, changes=(moved,)) if SERIES.recurrence else None
    await world.put(replace(SERIES, recurrence=rule))
    result = await world.run()
    assert (result.updated, result.api_calls, result.unchanged) == (1, 1, 5)
    assert world.id_of("series@20260309T090000") == before


# ── the window ────────────────────────────────────────────────────────────────────────────────


async def test_what_falls_behind_the_window_is_forgotten_and_stays_in_google() -> None:
    world = await a_synced_world(4)
    world.clock.set(world.clock.now() + timedelta(days=9))
    world.remote().exploding = True
    result = await world.run()
    assert result.planned["forget"] == 4
    assert await world.rows() == {}
    assert len(world.live()) == 4


async def test_a_change_cut_off_by_the_network_does_not_cost_the_history_its_event() -> None:
    """Offline at Friday's edit, then two weeks of holiday with the computer off."""
    world = await a_synced_world(4)
    await world.put(appointment(1, location="Room 2"))
    world.remote().refusing = Offline()
    await world.run()
    assert (await world.row("a1")).state is LedgerEntryState.PENDING
    world.remote().refusing = None
    world.clock.set(world.clock.now() + timedelta(days=14))
    result = await world.run()
    assert (result.error, result.deleted) == (None, 0)
    assert len(world.live()) == 4
    assert await world.rows() == {}


async def test_an_event_moved_by_an_unanswered_change_is_not_forgotten_at_its_old_place() -> None:
    """Google has it on Friday of next week, our row still says Monday; then it is cancelled."""
    world = await a_synced_world(4)
    friday = MONDAY + timedelta(days=11)
    await world.put(appointment(1, start=friday))

    def die(name: str) -> None:
        if name == "after google.write":
            raise Crash

    world.at_step = die
    with pytest.raises(Crash):
        await world.run()
    world.at_step = lambda _name: None
    world.restart()
    assert (await world.row("a1")).state is LedgerEntryState.PENDING
    assert "a1" in world.live()
    await world.put(appointment(1, start=friday, status=CANCELLED))
    world.clock.set(world.clock.now() + timedelta(days=9))
    await world.run()
    assert "a1" not in world.live()


async def test_with_tidying_what_falls_behind_the_window_is_removed() -> None:
    world = await a_synced_world(4)
    world.choose(tidy_past=True)
    world.clock.set(world.clock.now() + timedelta(days=9))
    result = await world.run()
    assert result.deleted == 4
    assert world.live() == {}


async def test_an_appointment_moved_beyond_the_window_is_removed_and_comes_back_with_it() -> None:
    world = await a_synced_world(3)
    far = MONDAY + timedelta(days=63)
    await world.put(appointment(1, start=far))
    assert (await world.run()).deleted == 1
    assert set(world.live()) == {"a0", "a2"}
    world.clock.set(world.clock.now() + timedelta(days=5))
    result = await world.run()
    assert result.error is None
    assert set(world.live()) == {"a0", "a1", "a2"}
    assert (await world.row("a1")).generation == 1


async def test_a_longer_look_back_adopts_the_history_it_finds() -> None:
    world = await a_synced_world(4)
    world.clock.set(world.clock.now() + timedelta(days=9))
    await world.run()
    world.choose(days_in_arrears=30)
    result = await world.run()
    assert result.error is None
    assert len(world.remote().ours()) == 4
    assert len(await world.rows()) == 4


# ── audits ────────────────────────────────────────────────────────────────────────────────────


async def test_a_person_s_deletion_is_put_back_at_the_audit_with_the_next_generation() -> None:
    world = await a_synced_world()
    world.remote().person_deletes(world.id_of("a3"))
    result = await world.audit()
    assert result.error is None
    assert [each.kind for each in result.differences] == [DifferenceKind.DELETED]
    assert len(world.live()) == 20
    assert (await world.row("a3")).generation == 1
    assert result.proof is not None
    assert result.proof.equal
    assert (await world.run()).api_calls == 0


async def test_an_event_moved_out_of_sight_is_brought_back_and_not_left_out() -> None:
    world = await a_synced_world(3)
    world.choose(put_back_deleted=False)
    far = datetime.fromisoformat("2027-01-01T00:00:00+00:00")
    world.remote().person_edits(world.id_of("a1"), start=far, end=far + timedelta(hours=1))
    result = await world.audit()
    assert result.proof is not None
    assert result.proof.equal
    assert set(await world.states()) == {LedgerEntryState.OK}
    assert world.live()["a1"].start == datetime.fromisoformat("2026-03-01T22:30:00+00:00")


async def test_an_audit_that_only_looks_changes_nothing() -> None:
    world = await a_synced_world(5)
    world.remote().person_deletes(world.id_of("a3"))
    rows = await world.rows()
    parts = dict(world.remote().parts)
    result = await world.audit(repair=False)
    assert [each.kind for each in result.differences] == [DifferenceKind.DELETED]
    assert dict(world.remote().parts) == parts
    assert await world.rows() == rows
    assert result.proof is not None
    assert not result.proof.equal


async def test_a_lost_ledger_is_healed_by_one_audit_without_a_duplicate() -> None:
    world = await a_synced_world()
    world.remote().person_deletes(world.id_of("a3"))
    await world.audit()
    ref = CalendarRef(practitioner_id=ANNA, calendar_id="anna@calendar")
    await world.stores.ledger.write(ref, drop=[*await world.rows()])
    result = await world.audit()
    assert result.proof is not None
    assert result.proof.equal
    assert len(world.remote().ours()) == 20
    assert len(await world.rows()) == 20
    assert result.inserted == 0


async def test_an_audit_due_after_connecting_is_made_by_the_next_pass() -> None:
    world = await a_synced_world(3)
    await world.stores.ledger.edit_state(ANNA, lambda state: replace(state, audit_due=True))
    world.remote().person_deletes(world.id_of("a1"))
    await world.run()
    assert len(world.live()) == 3
    assert (await world.syncing.state(ANNA)).audit_due is False


async def test_times_of_a_booked_day_are_counted_in_the_practitioner_s_zone() -> None:
    """Days in advance end at local midnight, whatever the day is in UTC."""
    world = World()
    world.choose(days_in_advance=0, days_in_arrears=0)
    midnight = MONDAY.replace(hour=0)
    await world.put(
        appointment(0, start=midnight - timedelta(minutes=30)),
        appointment(1, start=midnight),
        appointment(2, start=midnight + timedelta(hours=23, minutes=30)),
        appointment(3, start=midnight + timedelta(hours=24)),
    )
    await world.run()
    assert set(world.live()) == {"a1", "a2"}


async def test_the_first_upload_is_a_person_s_and_the_rest_follows_by_itself() -> None:
    """Until then the practitioner may still choose what Google is to show."""
    world = await booked(5)
    await world.stores.ledger.edit_state(ANNA, lambda _: SyncState(awaiting_upload=True))
    waiting = await world.syncing.run(ANNA, cause="worker")
    assert (waiting.error, waiting.api_calls) == (None, 0)
    assert world.live() == {}
    assert (await world.syncing.run(ANNA, cause="upload")).inserted == 5
    await world.put(appointment(7))
    assert (await world.syncing.run(ANNA, cause="worker")).inserted == 1
