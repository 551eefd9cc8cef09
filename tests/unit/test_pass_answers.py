"""What a pass makes of Google's answers, of changes by the practitioner and of errors."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from companion.domain.errors import AccountParked, RequestRefused, SignInExpired
from companion.domain.reconcile import LedgerEntryState
from companion.services.ports import CalendarRef, PatchEvent
from tests.battery.synced import CANCELLED, a_synced_world
from tests.battery.world import ANNA, BORIS, MONDAY, World, appointment, booked
from tests.fakes.google_calendar import content

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
    world = await booked(100)
    world.remote().lose_answers(2)
    result = await world.run()
    assert result.error is None
    assert len(world.remote().live()) == 100
    assert (await world.run()).api_calls == 0


async def test_half_a_batch_is_finished_and_never_doubles() -> None:
    world = await booked(100)
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
    assert (await world.row("a4")).state is LedgerEntryState.LEFT_OUT
    await world.put(appointment(4, location="Room 3"))
    world.remote().exploding = True
    assert (await world.run()).api_calls == 0


async def test_a_move_of_an_event_a_person_deleted_shows_it_again() -> None:
    """A new time is a new decision, whether the deletion was known before the move or not."""
    world = await a_synced_world()
    world.choose(put_back_deleted=False)
    world.remote().person_deletes(world.id_of("a4"))
    world.remote().person_deletes(world.id_of("a5"))
    await world.put(appointment(4, start=MONDAY + timedelta(days=2)))
    assert (await world.run()).error is None
    assert "a4" in world.live()
    await world.audit()
    assert "a5" not in world.live()
    await world.put(appointment(5, start=MONDAY + timedelta(days=3)))
    assert (await world.run()).inserted == 1
    assert len(world.remote().ours()) == len(world.live()) == 20
    result = await world.audit()
    assert (result.differences, result.left_out) == ((), ())


async def test_a_delete_cut_short_before_the_appointment_came_back_still_ends_equal() -> None:
    world = await a_synced_world(3)
    for reached_google in (True, False):
        row = await world.row("a1")
        ref = CalendarRef(practitioner_id=ANNA, calendar_id="anna@calendar")
        await world.stores.ledger.write(ref, put=[replace(row, state=LedgerEntryState.REMOVING)])
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


@pytest.mark.parametrize("delegated", ["", "104727004242420010001"])
async def test_practitioners_of_one_login_share_its_rate_unless_each_is_named_to_google(
    delegated: str,
) -> None:
    world = World(ANNA, BORIS, account="practice@example.com")
    people = world.settings.current.practitioners.values()
    for record in people:
        link = replace(record.google, delegated=delegated)
        world.settings.current = world.settings.current.with_practitioner(
            replace(record, google=link)
        )
    await world.put(
        *(appointment(n) for n in range(300)),
        *(appointment(n, id=f"b{n}", practitioner_id=BORIS) for n in range(300)),
    )
    began = world.clock.monotonic()
    await asyncio.gather(world.run(ANNA), world.run(BORIS))
    seconds = world.clock.monotonic() - began
    assert (seconds < 40) == bool(delegated)


async def test_one_broken_sign_in_does_not_touch_another_practitioner() -> None:
    world = World(ANNA, BORIS)
    await world.put(appointment(1), appointment(2, id="b2", practitioner_id=BORIS))
    world.calendars.refusing[ANNA] = SignInExpired()
    broken, fine = await asyncio.gather(world.run(ANNA), world.run(BORIS))
    assert isinstance(broken.error, SignInExpired)
    assert (fine.error, fine.inserted) == (None, 1)


async def test_an_event_taken_over_for_another_appointment_is_not_taken_twice() -> None:
    """The old name of an appointment comes back after its event was paired with the new name."""
    world = await a_synced_world(3)
    await world.stores.ledger.write(world.ref(), drop=["a1"])
    await world.put(appointment(1, id="b1"), remove=["a1"])
    result = await world.audit()
    assert (result.inserted, result.updated, result.deleted) == (0, 0, 0)
    world.remote().excused.add("a1")  # the mark of b1's event, which was equal and is not rewritten
    await world.put(appointment(1))
    assert (await world.run()).inserted == 1
    assert len(world.remote().ours()) == 4
    rows = await world.rows()
    assert rows["a1"].event_id != rows["b1"].event_id
    result = await world.audit()
    assert (result.differences, result.api_calls) == ((), 1)
