"""The worker where its ground moves: clocks set back, other processes that begin, end and die."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from companion.domain.errors import AccountParked, Offline
from companion.domain.sync_state import SyncState
from companion.services.sync.progress import SyncPhase
from tests.battery.calendars import Crash, Exploded
from tests.battery.working import edit, kept_up_to_date, until, working
from tests.battery.world import ANNA, MONDAY, World, appointment

TOMORROW = MONDAY + timedelta(days=1)


def days_on(world: World, count: int) -> None:
    world.clock.set(world.clock.now() + timedelta(days=count))


async def test_after_a_clock_that_ran_ahead_is_set_right_the_nightly_audit_goes_on() -> None:
    async with kept_up_to_date() as world:
        days_on(world, 300)
        await world.clock.sleep(1300)
        days_on(world, -300)
        await world.clock.sleep(1300)
        world.remote().person_deletes(world.id_of("anna1"))
        world.clock.shift(9 * 3600)
        await until(world, lambda: "anna1" in world.live(), 1300)


async def test_after_a_restart_a_proof_of_the_future_does_not_stop_the_audits() -> None:
    world = World()
    await world.put(appointment(1, start=TOMORROW))
    days_on(world, 300)
    await world.audit()
    days_on(world, -300)
    await world.run()
    world.remote().person_deletes(world.id_of("a1"))
    world.restart()
    async with working(world):
        await until(world, lambda: "a1" in world.live(), 60)


async def test_an_account_parked_by_a_clock_that_ran_ahead_is_tried_again_within_hours() -> None:
    async with kept_up_to_date() as world:
        days_on(world, 300)
        world.remote().refusing = AccountParked()
        await edit(world, 2)
        await world.clock.sleep(60)
        world.remote().refusing = None
        days_on(world, -300)
        await edit(world, 3)
        await until(world, lambda: "anna3" in world.live(), 7 * 3600)


async def test_switching_off_in_another_process_stops_a_running_upload() -> None:
    world = World()
    async with working(world):
        await world.clock.sleep(60)
        await world.put(*(appointment(n, start=TOMORROW) for n in range(400)))
        await until(world, lambda: len(world.live()) > 20, 30)
        world.choose(enabled=False)
        await world.clock.sleep(5)
        before = len(world.live())
        await world.clock.sleep(60)
        assert len(world.live()) == before < 400


async def test_an_upload_by_a_command_that_was_killed_is_finished_by_the_app() -> None:
    world = World()
    await world.put(*(appointment(n, start=TOMORROW) for n in range(40)))
    await world.stores.ledger.edit_state(ANNA, lambda _: SyncState(awaiting_upload=True))
    async with working(world):
        await world.clock.sleep(60)
        assert world.live() == {}
        command = world.neighbour()

        def die_in_the_third_batch(_name: str) -> None:
            if len(world.live()) > 8:
                raise Crash

        command.at_step = die_in_the_third_batch
        with pytest.raises(Crash):
            await command.run()
        assert 0 < len(world.live()) < 40
        world.committed_elsewhere()
        await until(world, lambda: len(world.live()) == 40, 30)


async def test_after_a_command_that_did_everything_the_app_has_nothing_to_do() -> None:
    world = World()
    async with working(world):
        await edit(world)
        await world.clock.sleep(1300)
        command = world.neighbour()
        await world.put_elsewhere(appointment(1, start=TOMORROW))
        assert (await command.run()).inserted == 1
        world.committed_elsewhere()
        world.remote().exploding = True
        await world.clock.sleep(3600)
        assert (await world.syncing.state(ANNA)).trouble is None


async def test_waking_without_a_network_one_probes_before_anybody_else_tries() -> None:
    people = [f"p{n}" for n in range(30)]
    world = World(*people)
    async with working(world):
        for who in people:
            await edit(world, 1, who)
        await world.clock.sleep(60)
        for who in people:
            world.remote(who).refusing = Offline()
        tries: list[str] = []

        def note(name: str) -> None:
            if name.startswith("before google."):
                tries.append(name)

        world.at_step = note
        days_on(world, 1)  # the lid was closed overnight: everybody's audit is due
        await world.clock.sleep(5)
        assert 0 < len(tries) <= 6, "a few tries of one"
        for who in people:
            world.remote(who).refusing = None
        back = world.clock.now()
        await world.clock.sleep(700)  # whoever failed is audited again after ten minutes
        states = await world.syncing.states()
        proofs = [state.proof for state in states.values()]
        assert [proof.at >= back for proof in proofs if proof] == [True] * len(people)


async def test_a_long_upload_that_was_the_probe_keeps_nobody_waiting() -> None:
    everybody = ("anna", "ben", "cleo")
    world = World(*everybody)
    async with working(world):
        for who in everybody:
            await edit(world, 1, who)
        await world.clock.sleep(60)
        start = TOMORROW + timedelta(days=2)
        upload = [appointment(n, practitioner_id="anna", start=start) for n in range(2_000)]
        await world.put(*(replace(each, end=start + timedelta(minutes=30)) for each in upload))
        days_on(world, 1)  # anna is the first to be tried after that
        later = {"start": start}
        await edit(world, 2, "ben", **later)
        await edit(world, 2, "cleo", **later)
        wanted = ("ben", "cleo")
        await until(world, lambda: all(f"{who}2" in world.live(who) for who in wanted), 90.0)
        assert 0 < len(world.live("anna")) < 1_500, "the upload is still under way"


async def test_a_pass_that_breaks_off_by_a_mistake_of_ours_is_under_way_for_nobody() -> None:
    world = World()
    await edit(world, 1)
    phases: list[str] = []
    world.syncing.subscribe(lambda progress: phases.append(progress.phase))
    world.remote().exploding = True
    with pytest.raises(Exploded):
        await world.run()
    assert phases[0] is SyncPhase.PLANNING
    assert phases[-1] == "failed"


async def test_a_worker_that_begins_again_finds_what_others_did_and_left_undone_meanwhile() -> None:
    world = World()
    async with working(world):
        await edit(world)
        await until(world, lambda: "anna1" in world.live(), 5.0)
        await world.clock.sleep(60)
    other = world.neighbour()
    async with working(other):  # keeps the calendars for a while
        await edit(other, 2)
        await until(world, lambda: "anna2" in world.live(), 5.0)
        await world.clock.sleep(60)
        await world.stores.ledger.edit_state(ANNA, lambda state: replace(state, audit_due=True))
    before = (await world.syncing.state(ANNA)).last_pass
    async with working(world):
        await world.clock.sleep(60)
    state = await world.syncing.state(ANNA)
    assert state.last_pass != before
    assert not state.audit_due
