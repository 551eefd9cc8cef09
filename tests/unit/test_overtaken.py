"""A workstation that was halted with a call on its way, while another went on with the calendar.

What reaches Google late is what fencing cannot keep from it: each test says what heals it.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from companion.adapters.database.lock_table import HELD_SECONDS
from companion.domain.errors import Offline
from companion.domain.practice_errors import DatabaseAway, Overtaken
from companion.domain.reconcile import LedgerEntryState
from companion.domain.sync_state import SyncState
from companion.services.sync import writing
from tests.battery.calendars import BatteryCalendar
from tests.battery.shared_practice import Practice
from tests.battery.world import ANNA, appointment


@pytest.fixture
def practice() -> Practice:
    return Practice(ANNA)


async def stale_upload(practice: Practice) -> asyncio.Task[object]:
    return await practice.halt_desk_in(practice.desk.run)


async def test_nobody_writes_twice_where_two_run_after_each_other(practice: Practice) -> None:
    await practice.desk.put(appointment(1), appointment(2))
    assert (await practice.desk.run()).inserted == 2
    await practice.calm()
    assert set(practice.office.live()) == {"a1", "a2"}


async def test_a_late_insert_meets_the_one_of_the_other(practice: Practice) -> None:
    await practice.desk.put(appointment(1))
    stale = await stale_upload(practice)
    assert (await practice.office_runs()).inserted == 1
    result = await practice.go_on(stale)
    assert isinstance(result.error, Overtaken)
    await practice.calm()
    assert set(practice.office.live()) == {"a1"}


async def test_a_late_insert_of_what_was_cancelled_meanwhile_is_removed(
    practice: Practice,
) -> None:
    await practice.desk.put(appointment(1), appointment(2))
    stale = await stale_upload(practice)
    await practice.desk.put(remove=["a1"])
    await practice.office_runs()
    assert set(practice.office.live()) == {"a2"}
    await practice.go_on(stale)
    assert set(practice.office.live()) == {"a1", "a2"}  # for as long as it takes to look
    await practice.calm()
    assert set(practice.office.live()) == {"a2"}


async def test_a_late_patch_is_overwritten_by_what_is_true_now(practice: Practice) -> None:
    await practice.desk.put(appointment(1, location="Room 1"))
    await practice.desk.run()
    await practice.desk.put(appointment(1, location="Room 2"))
    stale = await stale_upload(practice)
    await practice.desk.put(appointment(1, location="Room 3"))
    await practice.office_runs()
    await practice.go_on(stale)
    assert practice.office.live()["a1"].location == "Room 2"
    await practice.calm()
    assert practice.office.live()["a1"].location == "Room 3"


@pytest.mark.parametrize("put_back", [True, False])
async def test_a_late_removal_of_what_came_back_is_not_taken_for_a_persons(
    practice: Practice, put_back: bool
) -> None:
    for world in (practice.desk, practice.office):
        world.choose(put_back_deleted=put_back)
    await practice.desk.put(appointment(1), *(appointment(n) for n in range(2, 30)))
    await practice.desk.run()
    await practice.desk.put(remove=["a1"])
    stale = await stale_upload(practice)
    await practice.desk.put(appointment(1))
    await practice.office_runs()
    assert "a1" in practice.office.live()
    await practice.go_on(stale)
    assert "a1" not in practice.office.live()
    await practice.calm()
    assert "a1" in practice.office.live()
    assert (await practice.office.stores.ledger.state(ANNA)).late_removals == frozenset()


async def test_what_arrives_while_the_other_looks_is_looked_for_again(practice: Practice) -> None:
    await practice.desk.put(appointment(1), appointment(2))
    stale = await stale_upload(practice)
    await practice.desk.put(remove=["a1"])
    office = practice.office.remote()
    office.latency = 30.0
    auditing = asyncio.create_task(practice.office_runs())  # an audit: the turn was broken off
    await practice.office.clock.sleep(31)
    office.latency = 0.0
    await practice.go_on(stale)
    await auditing
    assert (await practice.office.stores.ledger.state(ANNA)).audit_due
    await practice.calm()
    assert set(practice.office.live()) == {"a2"}


async def test_what_had_not_been_sent_is_not_sent_any_more(practice: Practice) -> None:
    await practice.desk.put(*(appointment(n) for n in range(60)))  # two batches and more
    stale = await stale_upload(practice)
    await practice.office_runs()
    before = practice.office.remote().calls["write"]
    result = await practice.go_on(stale)
    assert isinstance(result.error, Overtaken)
    assert practice.office.remote().calls["write"] == before + 1  # what was on its way
    await practice.calm()


async def test_whoever_cannot_prove_its_turn_sends_nothing(practice: Practice) -> None:
    await practice.desk.put(appointment(1))

    def cut_off(name: str) -> None:
        if name == "after ledger.write":  # the intent is kept, the call comes next
            practice.table.away = True
            practice.desk.clock.shift(12)

    practice.desk.at_step = cut_off
    result = await practice.desk.run()
    practice.desk.at_step = lambda _name: None
    assert isinstance(result.error, DatabaseAway)
    assert practice.office.remote().calls["write"] == 0
    practice.table.away = False
    await practice.calm()
    assert set(practice.office.live()) == {"a1"}


async def test_a_late_insert_under_the_next_id_meets_the_others_under_the_same(
    practice: Practice,
) -> None:
    await practice.desk.put(appointment(1))
    await practice.desk.run()
    practice.office.remote().person_deletes(practice.office.id_of("a1"))
    await practice.desk.put(appointment(1, location="Room 2"))
    practice.halted.reached.clear()
    stale = await practice.halt_desk_in(practice.desk.run)  # a patch, which finds it gone
    await practice.office_runs()
    assert set(practice.office.live()) == {"a1"}
    await practice.go_on(stale)
    await practice.calm()
    assert set(practice.office.live()) == {"a1"}
    assert (await practice.office.row("a1")).generation == 1


async def test_a_late_removal_from_a_former_calendar_leaves_the_present_one_alone(
    practice: Practice,
) -> None:
    await practice.desk.put(appointment(1))
    await practice.desk.run()
    for world in (practice.desk, practice.office):
        world.link(calendar_id="new@calendar")
    await practice.desk.run()  # the former calendar's wait for a person
    stale = await practice.halt_desk_in(lambda: practice.desk.run(release_held=True))
    await practice.office.run(release_held=True)
    await practice.go_on(stale)
    await practice.calm()
    former = practice.office.calendars.named("anna@calendar")
    assert not former.ours()
    assert set(practice.office.live()) == {"a1"}


async def test_the_others_pass_looks_at_google_after_a_turn_that_was_broken_off(
    practice: Practice,
) -> None:
    await practice.desk.put(appointment(1))
    await practice.desk.run()
    assert await practice.table.take(f"sync-{ANNA}", 0)  # by a process that died
    result = await practice.office_runs()
    assert result.proof is not None


async def broken_off(practice: Practice) -> None:
    """A process died in its pass over a calendar that was complete."""
    await practice.desk.put(appointment(1))
    await practice.desk.run()
    assert await practice.table.take(f"sync-{ANNA}", 0)
    await practice.desk.clock.sleep(HELD_SECONDS + 1)


async def test_google_is_looked_at_also_where_the_first_pass_after_it_fails(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreachable(*_: object, **__: object) -> None:
        raise Offline

    await broken_off(practice)
    with monkeypatch.context() as offline:
        offline.setattr(BatteryCalendar, "list_ours", unreachable)
        assert isinstance((await practice.office_runs()).error, Offline)
    assert (await practice.office_runs()).proof is not None


@pytest.mark.parametrize("work", ["put back", "paused", "cancelled"])
async def test_google_is_looked_at_also_where_the_turn_was_taken_for_something_else(
    practice: Practice, work: str
) -> None:
    await broken_off(practice)
    office = practice.office
    if work == "put back":
        await office.auditing.put_back(ANNA)
    elif work == "paused":
        async with office.syncing.paused_sync(ANNA):
            pass
    else:
        office.at_step = lambda _step: office.syncing.cancel(ANNA)
        await asyncio.wait({asyncio.create_task(office.run())})
        office.at_step = lambda _step: None
    assert (await practice.office_runs()).proof is not None


async def test_what_was_overtaken_is_no_trouble_that_a_person_sees(practice: Practice) -> None:
    await practice.desk.put(appointment(1))
    stale = await stale_upload(practice)
    await practice.office_runs()
    await practice.go_on(stale)
    state = await practice.office.stores.ledger.state(ANNA)
    assert state.trouble is None
    assert not [text for text in practice.office.texts() if "cut off" in text]


async def test_a_pass_that_is_stopped_keeps_its_turn_until_its_call_has_ended(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "LAST_MOMENT", 0.05)
    await practice.desk.put(appointment(1))
    practice.halted.go_on.clear()
    running = asyncio.create_task(practice.desk.run())
    await practice.halted.reached.wait()
    practice.desk.syncing.cancel(ANNA)
    await asyncio.wait({running})
    waiting = asyncio.create_task(practice.office_runs())
    await practice.desk.clock.sleep(60)
    assert not waiting.done()
    practice.halted.go_on.set()
    await waiting
    await practice.calm()
    assert set(practice.office.live()) == {"a1"}


async def test_events_that_a_person_put_back_are_written_in_the_turn(practice: Practice) -> None:
    for world in (practice.desk, practice.office):
        world.choose(put_back_deleted=False)
    await practice.desk.put(appointment(1))
    await practice.desk.run()
    practice.office.remote().person_deletes(practice.office.id_of("a1"))
    await practice.desk.audit()
    assert (await practice.desk.row("a1")).state is LedgerEntryState.LEFT_OUT
    assert await practice.desk.auditing.put_back(ANNA) == 1
    await practice.calm()
    assert set(practice.office.live()) == {"a1"}


def test_a_doubt_comes_on_top_of_those_there_are() -> None:
    once = SyncState().doubted(["a"])
    twice = once.doubted(["b"])
    assert twice == replace(
        SyncState(), audit_due=True, doubts=2, late_removals=frozenset({"a", "b"})
    )
    assert SyncState.from_json(twice.to_json()) == twice
