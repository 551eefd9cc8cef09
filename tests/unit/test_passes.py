"""One pass over one calendar, with honest fakes on every side."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from companion.domain.appointments import (
    AppointmentKind,
    AppointmentStatus,
    OccurrenceChange,
    Recurrence,
)
from companion.domain.differences import DifferenceKind
from companion.domain.disclosure import Item, KindChoice
from companion.domain.errors import (
    AccountParked,
    CalendarGone,
    Offline,
    PermissionDenied,
    RequestRefused,
    SignInExpired,
)
from companion.domain.reconcile import EntryState
from companion.domain.sync_state import SyncState
from companion.services.ports import CalendarRef, PatchEvent
from companion.services.sync.progress import Progress, SyncPhase
from tests.battery.world import ANNA, BORIS, HIDDEN, MONDAY, Crash, World, appointment
from tests.fakes.google import content

CANCELLED = AppointmentStatus.CANCELLED
SERIES = appointment(
    0,
    id="series",
    kind=AppointmentKind.MEETING,
    title="Team meeting",
    recurrence=Recurrence(rule="FREQ=WEEKLY;COUNT=6"),
)


async def a_synced_world(count: int = 20) -> World:
    world = World()
    await world.put(*(appointment(n) for n in range(count)))
    assert (await world.run()).error is None
    return world


# ── how many calls ────────────────────────────────────────────────────────────────────────────


async def test_the_first_upload_writes_each_event_once_and_reads_nothing() -> None:
    world = World()
    await world.put(*(appointment(n) for n in range(1000)))
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
    assert (await world.row("a1")).state is EntryState.PENDING
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
    assert (await world.row("a1")).state is EntryState.PENDING
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


# ── ids and answers ───────────────────────────────────────────────────────────────────────────


async def test_an_event_that_google_already_holds_is_adopted() -> None:
    world = await a_synced_world()
    ref = CalendarRef(practitioner_id=ANNA, calendar_id="anna@calendar")
    await world.stores.ledger.write(ref, drop=[*await world.rows()])
    await world.put(appointment(3, location="Room 2"))
    result = await world.run()
    assert result.error is None
    assert len(world.remote().ours()) == 20
    assert world.live()["a3"].location == "Room 2"
    assert world.remote().parts["insert"] == 40, "each was tried once, and met a 409"
    assert (await world.run()).api_calls == 0


async def test_a_tombstone_gives_way_to_the_next_generation() -> None:
    world = await a_synced_world()
    await world.put(appointment(3, status=CANCELLED))
    await world.run()
    await world.put(appointment(3))
    result = await world.run()
    assert result.error is None
    assert (await world.row("a3")).generation == 1
    assert "a3" in world.live()


async def test_an_id_that_google_has_forgotten_is_used_again() -> None:
    world = await a_synced_world()
    await world.put(appointment(3, status=CANCELLED))
    await world.run()
    world.remote().purge_tombstones()
    await world.put(appointment(3))
    await world.run()
    assert (await world.row("a3")).generation == 0
    assert len(world.live()) == 20


async def test_a_lost_answer_is_asked_again_and_never_doubles() -> None:
    world = World()
    await world.put(*(appointment(n) for n in range(100)))
    world.remote().lose_answers(2)
    result = await world.run()
    assert result.error is None
    assert len(world.remote().live()) == 100
    assert (await world.run()).api_calls == 0


async def test_half_a_batch_is_finished_and_never_doubles() -> None:
    world = World()
    await world.put(*(appointment(n) for n in range(100)))
    world.remote().die_after(2)
    result = await world.run()
    assert result.error is None
    assert len(world.remote().live()) == 100


async def test_a_patch_of_an_event_a_person_deleted_puts_it_back() -> None:
    world = await a_synced_world()
    world.remote().person_deletes(world.id_of("a4"))
    await world.put(appointment(4, location="Room 2"))
    result = await world.run()
    assert result.error is None
    assert world.live()["a4"].location == "Room 2"
    assert (await world.row("a4")).generation == 1


async def test_a_patch_of_an_event_a_person_deleted_leaves_it_out_when_so_chosen() -> None:
    world = await a_synced_world()
    world.choose(put_back_deleted=False)
    world.remote().person_deletes(world.id_of("a4"))
    await world.put(appointment(4, location="Room 2"))
    assert (await world.run()).error is None
    assert "a4" not in world.live()
    assert (await world.row("a4")).state is EntryState.LEFT_OUT
    await world.put(appointment(4, location="Room 3"))
    world.remote().exploding = True
    assert (await world.run()).api_calls == 0


async def test_a_delete_cut_short_before_the_appointment_came_back_still_ends_equal() -> None:
    world = await a_synced_world(3)
    for reached_google in (True, False):
        row = await world.row("a1")
        ref = CalendarRef(practitioner_id=ANNA, calendar_id="anna@calendar")
        await world.stores.ledger.write(ref, put=[replace(row, state=EntryState.REMOVING)])
        if reached_google:
            world.remote().person_deletes(row.event_id)
        assert (await world.run()).error is None
        assert set(world.live()) == {"a0", "a1", "a2"}
        assert len(world.remote().ours()) == 3


async def test_what_google_refuses_is_left_out_named_and_tried_again() -> None:
    world = World()
    await world.put(appointment(0), appointment(1), appointment(2))
    await world.run()
    refused = world.id_of("a1")
    world.remote().fail_parts[refused] = RequestRefused(detail="400")
    await world.put(appointment(1, location="Room 2"), appointment(2, location="Room 2"))
    result = await world.run()
    assert isinstance(result.error, RequestRefused)
    assert (result.updated, result.failed) == (1, 1)
    assert "Google did not accept Mon 2 March 09:30" in world.texts()
    state = await world.syncing.state(ANNA)
    assert state.trouble is not None
    assert state.trouble.kind == "RequestRefused"
    assert (state.waiting, state.last_success) == (1, world.clock.now())
    lines = len(world.texts())
    await world.run()
    assert len(world.texts()) == lines, "the same refusal is not told twice"
    world.remote().fail_parts.clear()
    assert (await world.run()).updated == 1
    assert (await world.syncing.state(ANNA)).trouble is None


# ── the practitioner's own touches ────────────────────────────────────────────────────────────


async def test_a_colour_the_practitioner_chose_survives_and_our_fields_do_not() -> None:
    world = await a_synced_world()
    world.remote().person_styles(world.id_of("a2"), "9|")
    world.remote().person_edits(world.id_of("a2"), summary="Somebody")
    world.choose(colour="3")
    result = await world.run()
    assert result.error is None
    styles = {event.key: event.style for event in world.remote().ours()}
    assert styles["a2"] == "9|"
    assert set(styles.values()) == {"9|", "3|"}
    assert world.live()["a2"].summary == "MQ"


@pytest.mark.parametrize("between", ["edit", "audit", "colour"])
async def test_a_colour_once_chosen_is_never_reset_by_a_later_choice(between: str) -> None:
    world = await a_synced_world(5)
    world.remote().person_styles(world.id_of("a2"), "9|")
    if between == "edit":
        await world.put(appointment(2, location="Room 2"))
        await world.run()
    elif between == "audit":
        world.remote().person_edits(world.id_of("a2"), summary="Somebody")
        await world.audit()
    else:
        world.choose(colour="3")
        await world.run()
    world.choose(colour="4")
    assert (await world.run()).error is None
    assert {event.key: event.style for event in world.remote().ours()} == {
        "a0": "4|",
        "a1": "4|",
        "a2": "9|",
        "a3": "4|",
        "a4": "4|",
    }
    assert (await world.run()).api_calls == 0


async def test_an_adopted_event_keeps_the_colour_it_has() -> None:
    world = await a_synced_world(3)
    world.remote().person_styles(world.id_of("a1"), "9|")
    ref = CalendarRef(practitioner_id=ANNA, calendar_id="anna@calendar")
    await world.stores.ledger.write(ref, drop=[*await world.rows()])
    await world.audit()
    world.choose(colour="3")
    await world.run()
    styles = {event.key: event.style for event in world.remote().ours()}
    assert styles == {"a0": "3|", "a1": "9|", "a2": "3|"}


async def test_an_edit_never_touches_colour_or_reminder() -> None:
    world = await a_synced_world(3)
    await world.put(appointment(1, location="Room 2"))
    await world.run()
    patches = [write for write in world.remote().writes if isinstance(write, PatchEvent)]
    assert [write.style for write in patches] == [False]


async def test_events_of_others_are_never_written() -> None:
    world = World()
    world.remote().person_adds("dentist", content())
    await world.put(*(appointment(n) for n in range(5)))
    await world.run()
    await world.audit()
    await world.put(remove=[f"a{n}" for n in range(5)])
    await world.run(release_held=True)
    await world.audit()
    assert [event.event_id for event in world.remote().live()] == ["dentist"]


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


# ── trouble ───────────────────────────────────────────────────────────────────────────────────


async def test_an_expired_sign_in_is_one_sentence_with_its_remedy_and_loses_nothing() -> None:
    world = await a_synced_world(5)
    await world.put(appointment(2, location="Room 2"))
    world.calendars.refusing[ANNA] = SignInExpired()
    for _ in range(2):
        result = await world.run()
        assert isinstance(result.error, SignInExpired)
    state = await world.syncing.state(ANNA)
    assert state.trouble is not None
    assert state.trouble.what == "Google no longer accepts this practitioner's sign-in."
    assert "Connect to Google" in state.trouble.remedy
    told = [text for text in world.texts() if "no longer accepts" in text]
    assert len(told) == 1
    del world.calendars.refusing[ANNA]
    assert (await world.run()).updated == 1
    assert (await world.syncing.state(ANNA)).trouble is None


async def test_a_parked_account_rests_longer_each_time_and_is_remembered() -> None:
    world = await a_synced_world(2)
    rests = []
    for round_ in range(7):
        await world.put(appointment(0, location=f"Room {round_}"))
        world.remote().refusing = AccountParked()
        assert isinstance((await world.run()).error, AccountParked)
        until = (await world.syncing.state(ANNA)).parked_until
        assert until is not None
        rests.append((until - world.clock.now()) / timedelta(minutes=1))
        world.restart()
        world.remote().exploding = True
        result = await world.run()
        assert isinstance(result.error, AccountParked)
        assert "tried again by itself at" in result.error.remedy
        world.remote().exploding = False
        world.clock.set(until)
    assert rests == [15, 30, 60, 120, 240, 360, 360]
    world.remote().refusing = None
    assert (await world.run()).updated == 1
    assert (await world.syncing.state(ANNA)).parkings == 0


async def test_calendars_under_one_login_are_parked_together_and_once() -> None:
    world = World(ANNA, BORIS, account="practice@example.com")
    await world.put(
        *(appointment(n) for n in range(30)),
        *(appointment(n, id=f"b{n}", practitioner_id=BORIS) for n in range(30)),
    )
    for name in (ANNA, BORIS):
        world.remote(name).latency = 0.1
        world.remote(name).refusing = AccountParked()
    await asyncio.gather(world.run(ANNA), world.run(BORIS))
    states = [await world.syncing.state(name) for name in (ANNA, BORIS)]
    assert [state.parkings for state in states] == [1, 1]
    assert all(state.parked_until for state in states)


async def test_one_broken_sign_in_does_not_touch_another_practitioner() -> None:
    world = World(ANNA, BORIS)
    await world.put(appointment(1), appointment(2, id="b2", practitioner_id=BORIS))
    world.calendars.refusing[ANNA] = SignInExpired()
    broken, fine = await asyncio.gather(world.run(ANNA), world.run(BORIS))
    assert isinstance(broken.error, SignInExpired)
    assert (fine.error, fine.inserted) == (None, 1)


# ── interrupted ───────────────────────────────────────────────────────────────────────────────


async def test_a_cancelled_upload_goes_on_where_it_stopped() -> None:
    world = World()
    await world.put(*(appointment(n) for n in range(200)))
    world.remote().latency = 0.2

    def stop_half_way(progress: Progress) -> None:
        if progress.done >= 100:
            world.syncing.cancel(ANNA)

    with pytest.raises(asyncio.CancelledError):
        await world.run(progress=stop_half_way)
    assert 100 <= len(world.remote().ours()) < 120
    assert world.syncing.running(ANNA) is None
    result = await world.run()
    added = [line.count for line in world.stores.activity.lines if line.kind == "insert"]
    assert added == [200 - result.inserted, result.inserted]
    assert world.remote().parts["insert"] == 200, "not one was written twice"


async def test_an_upload_cancelled_again_and_again_doubles_nothing() -> None:
    world = World(seed=3)
    await world.put(*(appointment(n) for n in range(60)))
    world.remote().latency = 0.2
    cancelled = 0
    for step in range(1, 400, 7):
        steps = 0

        def cancel_at(_name: str, at: int = step) -> None:
            nonlocal steps
            steps += 1
            if steps == at:
                world.syncing.cancel(ANNA)

        world.at_step = cancel_at
        try:
            result = await world.run()
        except asyncio.CancelledError:
            cancelled += 1
        else:
            assert result.error is None
            break
    world.at_step = lambda _name: None
    await world.run()
    assert cancelled > 5
    assert len(world.live()) == len(world.remote().ours()) == 60
    assert (await world.run()).api_calls == 0


async def test_an_edit_during_a_long_upload_overtakes_it() -> None:
    world = World()
    await world.put(*(appointment(n) for n in range(1000)))
    world.remote().latency = 0.08
    upload = asyncio.create_task(world.run())
    while len(world.remote().ours()) < 200:
        await world.clock.sleep(0.1)
    await world.put(appointment(900, location="Room 2"), appointment(40, location="Room 3"))
    world.syncing.book_changed(ANNA)
    began = world.clock.monotonic()
    while world.live().get("a900") is None or world.live()["a40"].location != "Room 3":
        await world.clock.sleep(0.05)
    assert world.clock.monotonic() - began < 2.0
    assert len(world.remote().ours()) < 300
    result = await upload
    assert (result.inserted, result.updated) == (1000, 1)
    assert len(world.remote().ours()) == 1000


async def test_whatever_changes_under_a_long_upload_is_in_google_at_its_end() -> None:
    """The book in every way, a disclosure, the practice's cap: each seen by the running pass."""
    world = World()
    await world.put(*(appointment(n, notes="Bring the X-rays") for n in range(300)), SERIES)
    world.remote().latency = 0.08

    def change(progress: Progress) -> None:
        async def edit() -> None:
            await changes[progress.done // 60]()
            world.syncing.book_changed(ANNA)

        if progress.done // 60 in changes and progress.phase is SyncPhase.WRITING:
            task = asyncio.get_running_loop().create_task(edit())
            running.append(task)

    async def of_the_book() -> None:
        await world.put(appointment(299, location="Room 9"), remove=["a298"])

    async def of_the_series() -> None:
        moved = OccurrenceChange(
            original_start=MONDAY + timedelta(weeks=2), start=MONDAY + timedelta(weeks=2, hours=5)
        )
        rule = replace(SERIES.recurrence, changes=(moved,)) if SERIES.recurrence else None
        await world.put(replace(SERIES, recurrence=rule))

    async def of_the_disclosure() -> None:
        world.disclose(items=frozenset(Item))

    async def of_the_cap() -> None:
        practice = replace(
            world.settings.current.practice,
            cap=replace(world.settings.current.practice.cap, items=frozenset({Item.LOCATION})),
        )
        world.settings.current = replace(world.settings.current, practice=practice)

    running: list[asyncio.Task[None]] = []
    changes = {1: of_the_book, 2: of_the_series, 3: of_the_disclosure, 4: of_the_cap}
    result = await world.run(progress=change)
    assert result.error is None
    assert len(running) >= 4
    world.remote().exploding = True
    assert (await world.run()).api_calls == 0
    assert len(world.live()) == 299 + 6
    assert world.live()["a299"].location == "Room 9"
    assert {each.description for each in world.live().values()} == {""}


async def test_an_edit_during_an_audit_s_repairs_does_not_lose_the_repairs() -> None:
    world = await a_synced_world(100)
    for number in range(0, 100, 2):
        world.remote().person_deletes(world.id_of(f"a{number}"))
    world.remote().latency = 0.08

    def edit(progress: Progress) -> None:
        if progress.done == 4:
            world.syncing.book_changed(ANNA)

    result = await world.syncing.run(ANNA, cause="audit", audit=True, progress=edit)
    assert result.error is None
    assert len(world.live()) == 100
    assert result.proof is not None
    assert result.proof.equal


async def test_a_second_run_follows_the_first() -> None:
    world = World()
    await world.put(*(appointment(n) for n in range(50)))
    world.remote().latency = 0.1
    first, second = await asyncio.gather(world.run(), world.run())
    assert (first.inserted, second.inserted, second.api_calls) == (50, 0, 0)


async def test_a_call_still_under_way_is_let_end_before_the_next_pass_looks() -> None:
    world = await a_synced_world(3)
    await world.put(appointment(1, status=CANCELLED))
    world.remote().latency = 40.0
    world.clock.auto = False
    run = asyncio.create_task(world.run())
    await world.clock.advance(1)
    while world.clock.sleepers == 0:
        await world.clock.advance(0.1)
    world.syncing.cancel(ANNA)
    with pytest.raises(asyncio.CancelledError):
        await run
    await world.put(appointment(1))
    world.clock.auto = True
    world.remote().latency = 0.0
    audit = asyncio.create_task(world.audit())
    await world.clock.sleep(60)
    result = await audit
    assert result.error is None
    assert set(world.live()) == {"a0", "a1", "a2"}


# ── what is told ──────────────────────────────────────────────────────────────────────────────


async def test_the_activity_list_says_what_was_written_and_why_without_names() -> None:
    world = World()
    world.disclose(items=frozenset(Item))
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
    world = World()
    await world.put(*(appointment(n) for n in range(100)))
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
    assert set(await world.states()) == {EntryState.OK}
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
    world = World()
    await world.put(*(appointment(n) for n in range(5)))
    await world.stores.ledger.edit_state(ANNA, lambda _: SyncState(awaiting_upload=True))
    waiting = await world.syncing.run(ANNA, cause="worker")
    assert (waiting.error, waiting.api_calls) == (None, 0)
    assert world.live() == {}
    assert (await world.syncing.run(ANNA, cause="upload")).inserted == 5
    await world.put(appointment(7))
    assert (await world.syncing.run(ANNA, cause="worker")).inserted == 1
