"""Status: one sentence, one remedy and one action for whatever state a practitioner is in."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from companion.domain.errors import (
    AccountParked,
    CalendarGone,
    CompanionError,
    Offline,
    PermissionDenied,
    RequestRefused,
    ScopeMissing,
    SignInExpired,
)
from companion.domain.sync_state import SyncTrouble
from companion.services.ports import FeedDetail, FeedLink
from companion.services.status import PractitionerStatus, Status
from companion.services.sync.progress import Progress, SyncPhase
from tests.battery.calendars import HIDDEN
from tests.battery.world import ANNA, BORIS, MONDAY, World, appointment

TOMORROW = MONDAY + timedelta(days=1)


def status_of(world: World) -> Status:
    return Status(
        settings=world.settings,
        book=world.book,
        ledger=world.ledger,
        feeds=world.stores.feeds,
        activity_log=world.stores.activity,
        syncing=world.syncing,
        clock=world.clock,
    )


async def anna(world: World) -> PractitionerStatus:
    """As on the board; read alone it is the same."""
    board = await status_of(world).board()
    found = next(each for each in board.practitioners if each.practitioner.id == ANNA)
    assert await status_of(world).one(ANNA) == found
    return found


async def a_synced_world(count: int = 5) -> World:
    world = World()
    await world.put(
        *(appointment(n, start=TOMORROW + timedelta(minutes=30 * n)) for n in range(count))
    )
    await world.run()
    return world


async def test_somebody_new_is_ready_to_upload() -> None:
    world = World()
    seen = await anna(world)
    assert (seen.state, seen.action) == ("ready", "upload")
    assert seen.sentence == "Connected; nothing uploaded yet."
    assert (seen.last_sync, seen.proof, seen.in_google) == (None, "", 0)


async def test_after_a_good_pass_it_says_when() -> None:
    world = await a_synced_world()
    seen = await anna(world)
    assert (seen.state, seen.action, seen.remedy) == ("up to date", "", "")
    assert seen.sentence == "Up to date, 20:00."
    assert (seen.in_google, seen.waiting, seen.last_sync) == (5, 0, world.clock.now())


async def test_after_an_audit_it_shows_the_proof() -> None:
    world = await a_synced_world()
    await world.audit()
    assert (await anna(world)).proof == "Book 5 = Google 5, verified 20:00"


async def test_what_was_written_since_the_proof_is_said_beside_it() -> None:
    world = await a_synced_world()
    await world.audit()
    await world.put(appointment(9, start=TOMORROW + timedelta(hours=9)))
    await world.run()
    seen = await anna(world)
    assert (seen.in_google, seen.proof) == (6, "Verified 20:00; 1 change written since")
    await world.audit()
    assert (await anna(world)).proof == "Book 6 = Google 6, verified 20:00"


async def test_a_cancelled_first_upload_says_how_much_is_in_google() -> None:
    world = World()
    await world.put(*(appointment(n) for n in range(50)))
    world.remote().latency = 0.2

    def stop(progress: Progress) -> None:
        if progress.done:
            world.syncing.cancel(ANNA)

    with pytest.raises(asyncio.CancelledError):
        await world.run(progress=stop)
    seen, there = await anna(world), len(world.remote().ours())
    assert 0 < there < 50
    assert (seen.state, seen.in_google, seen.waiting) == ("waiting", there, 50 - there)
    assert seen.sentence == f"{there} of 50 events are in Google; the others wait."
    await world.run()
    assert (await anna(world)).state == "up to date"


async def test_an_audit_that_finds_differences_says_so_until_they_are_put_right() -> None:
    world = await a_synced_world()
    remote = world.remote()
    del remote.events[remote.ours()[0].event_id]
    await world.audit(repair=False)
    seen = await anna(world)
    assert (seen.state, seen.waiting, seen.in_google) == ("waiting", 1, 4)
    assert seen.sentence == "1 change waits for the next sync."
    assert seen.proof == "Book 5 ≠ Google 4, 1 difference, verified 20:00"
    await world.run()
    seen = await anna(world)
    assert (seen.state, seen.in_google) == ("up to date", 5)


async def test_a_pass_that_asks_google_nothing_leaves_what_a_check_found() -> None:
    world = await a_synced_world()
    expired = SyncTrouble(kind="SignInExpired", what="Signed out.", remedy="Sign in.", since=MONDAY)
    await world.ledger.edit_state(ANNA, lambda state: replace(state, trouble=expired))
    assert (await world.run()).api_calls == 0
    assert (await anna(world)).state == "sign in again"
    await world.put(appointment(9, start=TOMORROW + timedelta(hours=9)))
    await world.run()
    assert (await anna(world)).state == "up to date"


async def test_without_a_connection_it_asks_for_one() -> None:
    world = World()
    world.link(account="", calendar_id="")
    seen = await anna(world)
    assert (seen.state, seen.action, seen.connected) == ("not connected", "connect", False)


async def test_switched_off_it_says_what_stays_in_google() -> None:
    world = await a_synced_world()
    world.choose(enabled=False)
    seen = await anna(world)
    assert (seen.state, seen.action) == ("off", "enable")
    assert seen.sentence.endswith("5 events stay in Google unchanged.")


@pytest.mark.parametrize(
    ("error", "state", "action"),
    [
        (SignInExpired(), "sign in again", "connect"),
        (ScopeMissing(), "sign in again", "connect"),
        (CalendarGone(), "choose calendar", "choose calendar"),
        (PermissionDenied(), "choose calendar", "choose calendar"),
        (Offline(), "offline", ""),
        (AccountParked(), "parked", ""),
    ],
)
async def test_each_trouble_has_its_badge_its_sentence_and_its_action(
    error: CompanionError, state: str, action: str
) -> None:
    world = await a_synced_world()
    await world.put(appointment(1, start=TOMORROW, location="Room 2"))
    world.calendars.refusing[ANNA] = error
    await world.run()
    seen = await anna(world)
    assert (seen.state, seen.action) == (state, action)
    assert (seen.sentence, seen.remedy) == (error.what, error.remedy)
    del world.calendars.refusing[ANNA]
    world.clock.shift(3600)
    await world.run()
    assert (await anna(world)).state == "up to date"


async def test_two_computers_on_one_calendar_show_before_any_other_trouble() -> None:
    world = await a_synced_world()
    stamp = "2 other 2026-03-02T09:00:00.000Z"
    await world.stores.ledger.edit_state(ANNA, lambda state: replace(state, overruled_by=stamp))
    for trouble in (None, Offline()):
        if trouble is not None:
            world.calendars.refusing[ANNA] = trouble
        await world.run()
        seen = await anna(world)
        assert (seen.state, seen.action) == ("another computer", "keep calendar")
        assert "last on Mon 2 March 20:00" in seen.sentence
    await world.syncing.claim(ANNA)
    assert (await anna(world)).state == "up to date"


async def test_an_event_that_google_refused_shows_as_an_error_and_as_waiting() -> None:
    world = await a_synced_world()
    world.remote().fail_parts[world.id_of("a1")] = RequestRefused()
    await world.put(appointment(1, start=TOMORROW, location="Room 2"))
    await world.run()
    seen = await anna(world)
    assert (seen.state, seen.waiting, seen.in_google) == ("error", 1, 4)


async def test_removals_that_wait_are_counted_and_still_in_google() -> None:
    world = await a_synced_world(20)
    await world.put(remove=[f"a{n}" for n in range(20)])
    await world.run()
    seen = await anna(world)
    assert (seen.state, seen.action) == ("held", "look at held")
    assert (seen.held, seen.in_google) == (20, 20)
    assert seen.sentence.startswith("20 removals wait for you.")
    await world.syncing.keep_held(ANNA)
    await world.run()
    seen = await anna(world)
    assert (seen.state, seen.in_google) == ("up to date", 20)
    await world.audit(repair=False)
    seen = await anna(world)
    assert (seen.state, seen.in_google, seen.waiting) == ("up to date", 20, 0)
    assert seen.proof == "Book 0, Google 20: 20 removals wait or stay, verified 20:00"


async def test_during_a_pass_it_shows_the_progress() -> None:
    world = World()
    await world.put(*(appointment(n) for n in range(50)))
    world.remote().latency = 0.2
    shown: list[asyncio.Task[PractitionerStatus]] = []

    def look(progress: Progress) -> None:
        if progress.phase is SyncPhase.WRITING and not shown:
            shown.append(asyncio.get_running_loop().create_task(anna(world)))

    await world.run(progress=look)
    seen = await shown[0]
    assert seen.state == "syncing"
    assert seen.progress is not None
    assert 0 < seen.progress.done < seen.progress.total == 50
    assert (await anna(world)).progress is None


async def test_links_in_use_are_counted_with_their_last_fetch() -> None:
    world = World()
    now = world.clock.now()
    link = FeedLink(
        id="1",
        practitioner_id=ANNA,
        label="Phone",
        detail=FeedDetail.INITIALS,
        token_hash=b"1",
        created_at=now,
        days_in_arrears=7,
        days_in_advance=60,
        last_fetched_at=now - timedelta(hours=9),
    )
    await world.stores.feeds.put(link)
    revoked = replace(link, id="2", token_hash=b"2", revoked_at=now, last_fetched_at=now)
    await world.stores.feeds.put(revoked)
    expired = replace(link, id="3", token_hash=b"3", expires_at=now, last_fetched_at=now)
    await world.stores.feeds.put(expired)
    seen = await anna(world)
    assert (seen.feeds, seen.feed_last_fetched) == (1, now - timedelta(hours=9))


async def test_the_board_costs_a_few_queries_however_many_practitioners_there_are() -> None:
    world = World(*(f"p{n}" for n in range(100)))
    world.steps = 0
    board = await status_of(world).board()
    assert len(board.practitioners) == 100
    assert world.steps <= 10
    assert all(remote.calls.total() == 0 for remote in world.calendars.by_id.values())


async def test_the_board_names_no_client() -> None:
    world = World(ANNA, BORIS)
    await world.put(*(appointment(n, title=HIDDEN, notes=HIDDEN) for n in range(15)))
    await world.audit()
    await world.put(remove=[f"a{n}" for n in range(15)])
    await world.run()
    assert HIDDEN not in repr(await status_of(world).board())
