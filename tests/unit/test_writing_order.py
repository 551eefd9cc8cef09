"""What is written first, in how large batches; styles, and where Google contradicts itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from companion.domain.appointments import AppointmentStatus
from companion.domain.errors import EventGone, RemoteError, RemoteUnavailable, RequestRefused
from companion.domain.reconcile import LedgerEntryState
from companion.services.ports import DeleteEvent, InsertEvent, PatchEvent, Write
from companion.services.sync.pacing import Urgency
from tests.battery.calendars import Crash
from tests.battery.world import ANNA, MONDAY, World, appointment, booked
from tests.fakes.google_calendar import Hook

TOMORROW = MONDAY + timedelta(days=1)


async def with_one_event() -> World:
    world = World()
    await world.put(appointment(0))
    await world.run()
    return world


async def test_the_soonest_go_first_and_the_past_last() -> None:
    world = World()
    days = [-3, -1, 0, 1, 2, 30]
    times = {f"d{day}": MONDAY.replace(hour=21) + timedelta(days=day) for day in days}
    await world.put(*(appointment(0, id=key, start=start) for key, start in times.items()))
    await world.run()
    inserts = [write for write in world.remote().writes if isinstance(write, InsertEvent)]
    assert [write.event.key for write in inserts] == ["d0", "d1", "d2", "d30", "d-1", "d-3"]


async def test_what_is_no_longer_true_goes_before_what_is_new_and_far_away() -> None:
    world = World()
    await world.put(*(appointment(n, start=TOMORROW + timedelta(days=n + 5)) for n in range(6)))
    await world.run()
    world.remote().writes.clear()
    await world.put(
        *(appointment(n, start=TOMORROW + timedelta(days=n)) for n in range(20, 26)),
        appointment(3, start=TOMORROW + timedelta(days=40)),
        appointment(4, start=TOMORROW + timedelta(days=9), status=AppointmentStatus.CANCELLED),
        appointment(30, start=TOMORROW),
    )
    await world.run()
    kinds = [type(write) for write in world.remote().writes]
    assert kinds[:3] == [InsertEvent, DeleteEvent, PatchEvent]
    assert set(kinds[3:]) == {InsertEvent}


async def test_batches_are_what_half_a_second_of_the_quota_allows() -> None:
    world = await booked(100)
    await world.run()
    assert max(world.remote().sizes) <= 8
    assert sum(world.remote().sizes) == 100


async def test_batches_never_hold_more_than_google_takes() -> None:
    world = World(user_rate=10_000, project_rate=10_000)
    await world.put(*(appointment(n) for n in range(1000)))
    await world.run()
    assert max(world.remote().sizes) == 50


async def test_patches_are_charged_three_units() -> None:
    world = await booked(300)
    await world.run()
    await world.clock.sleep(60)
    began = world.clock.monotonic()
    world.disclose(busy_only=True)
    result = await world.run()
    assert result.updated == 300
    assert world.clock.monotonic() - began >= 900 / 10 - 1
    assert max(spending.peak for spending in world.accounts.values()) <= 600


async def test_a_style_that_changed_is_patched_only_on_the_version_we_wrote() -> None:
    world = World()
    await world.put(appointment(0), appointment(1))
    await world.run()
    world.choose(colour="3")
    rows = await world.rows()
    await world.run()
    patches = [write for write in world.remote().writes if isinstance(write, PatchEvent)]
    assert {(write.event.key, write.style, write.if_match) for write in patches} == {
        ("a0", True, rows["a0"].etag),
        ("a1", True, rows["a1"].etag),
    }


async def test_a_412_on_an_event_whose_colour_is_still_ours_is_patched_with_the_new_etag() -> None:
    world = await with_one_event()
    world.remote().person_edits(world.id_of("a0"), summary="Somebody")
    world.choose(colour="3")
    result = await world.run()
    assert result.error is None
    assert [event.style for event in world.remote().ours()] == ["3|"]
    assert world.live()["a0"].summary == "MQ"


async def test_a_412_on_an_event_a_person_deleted_puts_it_back() -> None:
    world = await with_one_event()
    world.remote().person_deletes(world.id_of("a0"))
    world.choose(colour="3")
    assert (await world.run()).error is None
    assert [event.style for event in world.remote().ours()] == ["3|"]


async def test_an_event_that_changes_under_every_patch_goes_without_its_colour() -> None:
    world = await with_one_event()
    remote, event_id = world.remote(), world.id_of("a0")

    def meddle(name: str) -> None:
        if name == "before google.write":
            remote.person_edits(event_id, summary="Somebody")

    world.at_step = meddle
    world.choose(colour="3")
    async with asyncio.timeout(20):
        result = await world.run()
    assert result.error is None
    assert world.live()["a0"].summary == "MQ"
    assert [event.style for event in remote.ours()] == ["|"]


async def test_an_event_that_google_contradicts_itself_about_is_refused_in_the_end() -> None:
    """Gone, says the patch; there it is, says the get; for ever."""
    world = await with_one_event()

    def gone(write: Write) -> RemoteError | None:
        return EventGone() if isinstance(write, PatchEvent) else None

    world.remote().part_fault = gone
    await world.put(appointment(0, location="Room 2"))
    async with asyncio.timeout(20):
        result = await world.run()
    assert (result.failed, type(result.error)) == (1, RequestRefused)
    world.remote().part_fault = lambda _write: None
    assert (await world.run()).error is None
    assert len(world.remote().ours()) == 1


async def test_one_event_that_google_always_stumbles_over_keeps_no_other_waiting() -> None:
    world = await booked(100)

    def poison(write: Write) -> RemoteError | None:
        named = isinstance(write, InsertEvent) and write.event.key == "a30"
        return RemoteUnavailable() if named else None

    world.remote().part_fault = poison
    result = await world.run()
    assert isinstance(result.error, RemoteUnavailable)
    assert result.inserted == 99


async def test_the_etag_is_kept_only_while_the_style_is_as_we_want_it() -> None:
    world = World()
    await world.put(appointment(0), appointment(1))
    await world.run()
    world.remote().person_styles(world.id_of("a0"), "9|")
    await world.put(appointment(0, location="Room 2"), appointment(1, location="Room 2"))
    await world.run()
    rows = await world.rows()
    assert (rows["a0"].etag, bool(rows["a1"].etag)) == ("", True)


async def test_a_generation_never_skips_one_that_google_could_still_hold() -> None:
    """Lost ledger, the event under its third id: the 409s lead there, one by one."""
    world = await with_one_event()
    for _ in range(2):
        world.remote().person_deletes(world.id_of("a0"))
        await world.audit()
    assert (await world.row("a0")).generation == 2
    world.stores.ledger._rows.clear()
    await world.run()
    assert (await world.row("a0")).generation == 2
    assert len(world.remote().ours()) == 1


async def test_a_get_that_meets_passing_faults_is_repeated() -> None:
    world = await with_one_event()
    world.stores.ledger._rows.clear()
    world.remote().hook = _fail_gets(2)
    result = await world.run()
    assert result.error is None
    assert len(world.remote().ours()) == 1


def _fail_gets(count: int) -> Hook:
    left = count

    async def hook(when: str, name: str) -> None:
        nonlocal left
        if (when, name) == ("before", "get") and left:
            left -= 1
            raise RemoteUnavailable

    return hook


async def test_a_confirmation_is_not_lost_to_a_cancellation_during_the_call() -> None:
    world = await booked(4)

    def cancel(name: str) -> None:
        if name == "part" and world.remote().parts["insert"] == 1:
            world.syncing.cancel(ANNA)

    world.at_step = cancel
    with pytest.raises(asyncio.CancelledError):
        await world.run()
    world.at_step = lambda _name: None
    assert await world.states() == {LedgerEntryState.OK}


async def test_news_with_a_dearer_step_in_front_takes_no_more_than_was_granted() -> None:
    world = World()
    await world.put(appointment(0, start=TOMORROW), appointment(1, start=TOMORROW))
    await world.run()
    await world.put(appointment(2, start=TOMORROW))
    turned = asyncio.Event()
    grants: list[int] = []
    calling = world.pacer.calling

    @asynccontextmanager
    async def edit_in_between(account: str, units: int, urgency: Urgency) -> AsyncIterator[None]:
        grants.append(units)
        async with calling(account, units, urgency):
            if not turned.is_set():
                turned.set()
                await world.put(replace(appointment(0, start=TOMORROW), location="Room 2"))
                world.syncing.book_changed(ANNA)
            yield

    world.pacer.calling = edit_in_between  # type: ignore[method-assign] # just then
    sizes: Sequence[int] = world.remote().sizes
    before = len(sizes)
    result = await world.run()
    assert (result.updated, result.inserted) == (1, 1)
    assert list(sizes[before:]) == [2]
    assert grants == [1, 4]


async def test_an_unanswered_patch_is_done_again_even_when_its_edit_was_taken_back() -> None:
    """Google holds the edit, our row still the state before: equal to the book, and yet not."""
    world = await with_one_event()
    await world.put(appointment(0, location="Room 2"))

    def die_with_the_answer(name: str) -> None:
        if name == "after google.write":
            raise Crash(name)

    world.at_step = die_with_the_answer
    with pytest.raises(Crash):
        await world.run()
    world.at_step = lambda _name: None
    world.restart()
    assert world.live()["a0"].location == "Room 2"
    await world.put(appointment(0))
    assert (await world.run()).error is None
    assert world.live()["a0"].location == ""
