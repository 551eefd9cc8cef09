"""PlanWriter: intent, call, confirmation; what each answer of Google leads to."""

from __future__ import annotations

import pytest

from companion.domain.errors import (
    CalendarGone,
    Offline,
    PermissionDenied,
    RateLimited,
    RemoteError,
    RemoteUnavailable,
    RequestRefused,
    TransientError,
)
from companion.domain.reconcile import LedgerEntryState
from companion.services.ports import InsertEvent, Write
from tests.battery.world import ANNA, World, appointment, booked


async def test_every_write_has_its_intent_on_disk_before_the_call() -> None:
    world = World()
    seen: list[bool] = []

    def watch(name: str) -> None:
        if name == "before google.write":
            rows = world.stores.ledger._rows
            kept = {row.event_id for each in rows.values() for row in each.values()}
            seen.append(bool(kept) and all(map(_unsure, _all_rows(world))))

    world.at_step = watch
    await world.put(*(appointment(n) for n in range(4)))
    await world.run()
    assert seen
    assert all(seen)


def _all_rows(world: World) -> list[LedgerEntryState]:
    return [row.state for each in world.stores.ledger._rows.values() for row in each.values()]


def _unsure(state: LedgerEntryState) -> bool:
    return state is not LedgerEntryState.OK


@pytest.mark.parametrize(
    "error", [Offline(), RateLimited(), RemoteUnavailable(), RateLimited(retry_after=3.0)]
)
async def test_a_passing_fault_of_a_call_is_waited_out(error: TransientError) -> None:
    world = await booked(10)
    world.remote().fail_next(error)
    result = await world.run()
    assert result.error is None
    assert len(world.live()) == 10
    waited = max(world.clock.slept)
    assert waited <= 64
    if error.retry_after:
        assert waited >= error.retry_after


async def test_a_passing_fault_of_one_part_repeats_that_part_alone() -> None:
    world = await booked(10)
    faults = iter([None, RateLimited(), None, RemoteUnavailable()])
    world.remote().part_fault = lambda _write: next(faults, None)
    result = await world.run()
    assert result.error is None
    assert world.remote().parts["insert"] == 10
    assert result.api_calls == 12


async def test_patience_ends_and_the_rest_waits_for_the_next_pass() -> None:
    world = await booked(10)
    world.remote().fail_next(*(RemoteUnavailable() for _ in range(100)))
    result = await world.run()
    assert isinstance(result.error, RemoteUnavailable)
    assert world.remote().calls["write"] == 8
    assert (await world.syncing.state(ANNA)).waiting == 10


async def test_being_offline_is_noticed_sooner() -> None:
    world = await booked(10)
    world.remote().fail_next(*(Offline() for _ in range(100)))
    assert isinstance((await world.run()).error, Offline)
    assert world.remote().calls["write"] == 3


async def test_a_rate_error_slows_the_account_that_met_it() -> None:
    world = await booked(4)
    before = world.pacer.seconds_for("anna@example.com", 600)
    world.remote().fail_next(RateLimited())
    assert (await world.run()).error is None
    assert world.pacer.seconds_for("anna@example.com", 600) > before


async def test_a_long_retry_after_ends_the_pass_instead_of_sleeping_through_it() -> None:
    world = await booked(10)
    world.remote().fail_next(RateLimited(retry_after=3600))
    result = await world.run()
    assert isinstance(result.error, RateLimited)
    assert max(world.clock.slept) < 60


async def test_success_restores_patience() -> None:
    world = World(user_rate=100)
    await world.put(*(appointment(n) for n in range(400)))
    writes = 0

    def every_other(_write: Write) -> RemoteError | None:
        nonlocal writes
        writes += 1
        return RemoteUnavailable() if writes % 97 == 0 else None

    world.remote().part_fault = every_other
    result = await world.run()
    assert result.error is None
    assert len(world.live()) == 400


@pytest.mark.parametrize("error", [CalendarGone(), PermissionDenied()])
async def test_what_no_repeating_mends_ends_the_pass_and_keeps_what_was_confirmed(
    error: RemoteError,
) -> None:
    world = await booked(30)
    writes = 0

    def third_batch(_write: Write) -> RemoteError | None:
        nonlocal writes
        writes += 1
        return error if writes > 10 else None

    world.remote().part_fault = third_batch
    result = await world.run()
    assert type(result.error) is type(error)
    assert result.inserted == 10
    confirmed = [row for row in (await world.rows()).values() if row.state is LedgerEntryState.OK]
    assert len(confirmed) == 10
    world.remote().part_fault = lambda _write: None
    assert (await world.run()).inserted == 20
    assert len(world.remote().ours()) == 30


async def test_a_refused_event_keeps_nothing_else_from_going() -> None:
    world = await booked(30)

    def refuse_one(write: Write) -> RemoteError | None:
        named = isinstance(write, InsertEvent) and write.event.key == "a7"
        return RequestRefused() if named else None

    world.remote().part_fault = refuse_one
    result = await world.run()
    assert (result.inserted, result.failed) == (29, 1)
    assert isinstance(result.error, RequestRefused)
