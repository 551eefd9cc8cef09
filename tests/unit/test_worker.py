"""The worker in virtual time: when it looks, when it writes, and when it leaves things alone."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from companion.domain.errors import (
    AccountParked,
    Offline,
    RateLimited,
    RemoteError,
    RequestRefused,
    SignInExpired,
    StoreError,
)
from companion.services.imports.importing import Importing
from companion.services.ports import Activity, ActivityKind, InsertEvent, Write
from companion.services.settings.practitioners import Practitioners
from tests.battery.world import ANNA, BORIS, MONDAY, Crash, World, appointment
from tests.fakes.clock import FakeClock
from tests.fakes.stores import MemoryActivity
from tests.fakes.workbooks import InlineWorkbooks
from tests.samples.exports import allied, csv_bytes

TOMORROW = MONDAY + timedelta(days=1)


class FullActivity(MemoryActivity):
    async def add(self, lines: Sequence[Activity]) -> None:
        raise StoreError(detail="disk full")


@asynccontextmanager
async def working(world: World) -> AsyncIterator[None]:
    task = asyncio.create_task(world.worker.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def edit(world: World, number: int = 1, who: str = ANNA, **more: object) -> None:
    values: dict[str, object] = {"start": TOMORROW + timedelta(minutes=30 * number), **more}
    await world.put(appointment(number, id=f"{who}{number}", practitioner_id=who, **values))


async def until(world: World, holds: Callable[[], bool], seconds: float) -> float:
    """Seconds of virtual time until it holds; fails when that takes longer than `seconds`."""
    began = world.clock.monotonic()
    while not holds():
        assert world.clock.monotonic() - began < seconds, "it took too long"
        await world.clock.sleep(0.1)
    return world.clock.monotonic() - began


# ── changes ───────────────────────────────────────────────────────────────────────────────────


async def test_an_edit_is_in_google_within_two_seconds() -> None:
    world = World()
    async with working(world):
        await world.clock.sleep(60)
        await edit(world)
        await until(world, lambda: "anna1" in world.live(), 2.0)


async def test_edits_in_quick_succession_are_collected_into_one_pass() -> None:
    world = World()
    async with working(world):
        await edit(world, 0)
        await world.clock.sleep(60)
        before = world.remote().calls["write"]
        for number in range(1, 4):
            await edit(world, number)
            await world.clock.sleep(0.1)
        await until(world, lambda: len(world.live()) == 4, 2.0)
        assert world.remote().calls["write"] - before == 1


async def test_edits_that_never_end_delay_the_pass_by_a_second_at_most() -> None:
    world = World()
    async with working(world):
        await world.clock.sleep(60)
        for number in range(20):
            await edit(world, number)
            await world.clock.sleep(0.15)
        assert len(world.live()) >= 8


async def test_what_another_process_wrote_is_seen_within_three_seconds() -> None:
    world = World()
    async with working(world):
        await world.clock.sleep(60)
        await world.put_elsewhere(appointment(1, start=TOMORROW))
        await until(world, lambda: "a1" in world.live(), 3.0)


async def test_an_edit_whose_notice_is_lost_is_in_google_within_ten_seconds() -> None:
    world = World()
    async with working(world):
        await world.clock.sleep(60)
        with world.changes.losing():
            await edit(world)
        await until(world, lambda: "anna1" in world.live(), 10.0)


async def test_an_edit_under_an_upload_whose_notice_is_lost_overtakes_it_all_the_same() -> None:
    world = World()
    world.remote().latency = 0.1
    async with working(world):
        later = TOMORROW + timedelta(days=3)
        await world.put(*(appointment(n, start=later) for n in range(600)))
        await until(world, lambda: len(world.live()) > 20, 30.0)
        with world.changes.losing():
            await edit(world, 700)
        await until(world, lambda: "anna700" in world.live(), 10.0)
        assert len(world.live()) < 500, "the upload is still under way"


async def test_settings_whose_notice_is_lost_are_in_google_within_ten_seconds() -> None:
    world = World()
    far = appointment(1, start=MONDAY + timedelta(days=50))
    world.choose(days_in_advance=10)
    async with working(world):
        await world.put(far)
        await world.clock.sleep(60)
        assert world.live() == {}
        record = world.record()
        wider = replace(record, choices=replace(record.choices, days_in_advance=60))
        with world.changes.losing():
            await world.settings.change(lambda settings: settings.with_practitioner(wider))
        await until(world, lambda: "a1" in world.live(), 10.0)


async def test_settings_are_acted_on_at_once() -> None:
    world = World()
    world.choose(days_in_advance=10)
    async with working(world):
        await world.put(appointment(1, start=MONDAY + timedelta(days=50)))
        await world.clock.sleep(60)
        record = world.record()
        wider = replace(record, choices=replace(record.choices, days_in_advance=60))
        await world.settings.change(lambda settings: settings.with_practitioner(wider))
        await until(world, lambda: "a1" in world.live(), 1.0)


async def test_an_import_that_fails_after_its_commit_is_in_google_within_ten_seconds(
    tmp_path: Path,
) -> None:
    world = World()
    activity = FullActivity()
    importing = Importing(
        book=world.stores.book,
        settings=world.settings,
        practitioners=Practitioners(
            settings=world.settings, book=world.stores.book, clock=world.clock
        ),
        reader=InlineWorkbooks(),
        activity=activity,
        clock=world.clock,
    )
    export = tmp_path / "export.csv"
    export.write_bytes(csv_bytes([allied(0, Practitioner="Anna Example")]))
    preview = await importing.preview(export)
    async with working(world):
        await world.clock.sleep(60)
        with world.changes.losing(), pytest.raises(StoreError):
            await importing.apply(preview)
        assert len(await world.stores.book.imports()) == 1
        await until(world, lambda: len(world.live()) == 1, 10.0)


async def test_hours_of_phones_and_passes_of_others_do_not_make_the_book_look_new() -> None:
    world = World(ANNA, BORIS)
    async with working(world):
        await edit(world, 1)
        await world.clock.sleep(1300)
        steps = world.steps
        line = Activity(
            at=world.clock.now(),
            practitioner_id="",
            cause="test",
            kind=ActivityKind.CHECK,
            text="",
        )
        for _ in range(30):
            await world.stores.activity.add([line])
            await world.stores.ledger.edit_state(BORIS, lambda state: state)
            await world.clock.sleep(2)
        assert world.steps == steps


async def test_an_edit_that_comes_while_a_pass_ends_is_not_lost() -> None:
    world = World()
    edited = False

    def edit_at_the_end(name: str) -> None:
        nonlocal edited
        if name == "before ledger.edit_state" and world.live() and not edited:
            edited = True
            asyncio.get_running_loop().create_task(edit(world, 2))

    async with working(world):
        await world.clock.sleep(10)
        world.at_step = edit_at_the_end
        await edit(world, 1)
        await until(world, lambda: "anna2" in world.live(), 5.0)


# ── nothing to do ─────────────────────────────────────────────────────────────────────────────


async def test_hours_without_a_change_cost_no_call_and_no_query() -> None:
    world = World(ANNA, BORIS)
    async with working(world):
        await edit(world, 1)
        await edit(world, 1, BORIS)
        await world.clock.sleep(60)
        world.steps = 0
        for remote in world.calendars.by_id.values():
            remote.exploding = True
        await world.clock.sleep(3 * 3600)
        assert world.steps == 0


async def test_after_a_restart_what_was_settled_costs_one_query_and_no_call() -> None:
    world = World(ANNA, BORIS)
    async with working(world):
        await edit(world, 1)
        await edit(world, 1, BORIS)
        await world.clock.sleep(60)
    world.restart()
    queries: Counter[str] = Counter()
    world.at_step = lambda name: queries.update([name])
    for remote in world.calendars.by_id.values():
        remote.exploding = True
    async with working(world):
        await world.clock.sleep(1200)
    before = {name: count for name, count in queries.items() if name.startswith("before")}
    assert before == {"before book.revisions": 1, "before ledger.states": 1}


async def test_after_a_restart_a_changed_setting_is_noticed() -> None:
    world = World()
    async with working(world):
        await edit(world)
        await world.clock.sleep(60)
    world.restart()
    world.disclose(busy_only=True)
    async with working(world):
        await until(world, lambda: world.live()["anna1"].summary == "Busy", 3.0)


async def test_a_pass_cut_short_is_taken_up_after_the_restart() -> None:
    """Also when the settings have been put back to how they were at the last good pass."""
    world = World()
    async with working(world):
        for number in range(20):
            await edit(world, number)
        await world.clock.sleep(60)
    world.choose(days_in_advance=0)

    def die_after_the_first_call(name: str) -> None:
        if name == "after google.write":
            raise Crash

    world.at_step = die_after_the_first_call
    with pytest.raises(Crash):
        await world.run(release_held=True)
    world.at_step = lambda _name: None
    world.restart()
    assert 0 < len(world.live()) < 20
    world.choose(days_in_advance=60)
    async with working(world):
        await until(world, lambda: len(world.live()) == 20, 10.0)


# ── time ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("zone", ["Australia/Sydney", "Europe/Berlin"])
async def test_local_midnight_moves_the_window(zone: str) -> None:
    world = World()
    record = world.record()
    person = replace(record.practitioner, timezone=zone)
    world.settings.current = world.settings.current.with_practitioner(
        replace(record, practitioner=person)
    )
    world.choose(days_in_advance=3)
    in_zone = {"timezone": zone, "start": datetime(2026, 3, 6, 0, 15)}  # noqa: DTZ001 - wall time
    await world.put(appointment(1, **in_zone))
    midnight = {
        "Australia/Sydney": datetime(2026, 3, 2, 13, tzinfo=UTC),
        "Europe/Berlin": datetime(2026, 3, 2, 23, tzinfo=UTC),
    }[zone]
    async with working(world):
        await world.clock.sleep((midnight - world.clock.now()).total_seconds() - 5)
        assert world.live() == {}
        await world.clock.sleep(10)
        assert set(world.live()) == {"a1"}


@pytest.mark.parametrize("jump", [timedelta(hours=8), timedelta(days=1), timedelta(days=-1)])
async def test_after_sleep_or_a_clock_that_jumps_everything_is_looked_at_anew(
    jump: timedelta,
) -> None:
    world = World()
    async with working(world):
        await edit(world)
        await world.clock.sleep(60)
        sign = world.stores.book.sign
        with world.changes.losing():
            await edit(world, 2)
        world.stores.book.sign = sign  # nothing tells of it
        world.clock.set(world.clock.now() + jump)
        await until(world, lambda: "anna2" in world.live(), 5.0)


async def test_waking_up_forgets_an_old_backoff() -> None:
    world = World()
    world.remote().refusing = RateLimited(retry_after=3600)
    async with working(world):
        await edit(world)
        await world.clock.sleep(60)
        world.remote().refusing = None
        world.clock.set(world.clock.now() + timedelta(minutes=20))
        await until(world, lambda: "anna1" in world.live(), 5.0)


async def test_every_night_an_audit_mends_what_people_did_in_google() -> None:
    world = World()
    async with working(world):
        await edit(world)
        await world.clock.sleep(60)
        world.remote().person_deletes(world.id_of("anna1"))
        world.clock.shift(3 * 3600)
        await world.clock.sleep(60)
        assert world.live() == {}
        world.clock.shift(3 * 3600 + 56 * 60)
        await world.clock.sleep(300)
        assert set(world.live()) == {"anna1"}
        proof = (await world.syncing.state(ANNA)).proof
        assert proof is not None
        at = proof.at.astimezone(UTC)
        assert (at.hour, at.minute) == (16, 0), "03:00 in Sydney"
        lists = world.remote().calls["list"]
        world.clock.shift(12 * 3600)
        await world.clock.sleep(60)
        assert world.remote().calls["list"] == lists


async def test_an_app_that_is_closed_at_night_audits_in_the_morning() -> None:
    world = World()
    async with working(world):
        await edit(world)
        await world.clock.sleep(60)
    for _day in range(3):
        world.remote().person_deletes(world.id_of("anna1"))
        world.clock.shift(24 * 3600)
        world.restart()
        async with working(world):
            await until(world, lambda: "anna1" in world.live(), 10.0)
            await world.clock.sleep(5)
            lists = world.remote().calls["list"]
            await world.clock.sleep(3600)
            assert world.remote().calls["list"] == lists


async def test_an_audit_that_fails_is_repeated_but_not_hammered() -> None:
    world = World()
    async with working(world):
        await edit(world)
        await world.clock.sleep(60)
        tries = 0

        def count(name: str) -> None:
            nonlocal tries
            tries += name == "before google.list"

        world.at_step = count
        world.remote().refusing = SignInExpired()
        world.clock.shift(8 * 3600)
        await world.clock.sleep(2 * 3600)
        assert 5 < tries < 20
        world.remote().refusing = None
        await world.clock.sleep(1300)
        proof = (await world.syncing.state(ANNA)).proof
        assert proof is not None
        assert world.clock.now() - proof.at < timedelta(minutes=22)


# ── trouble ───────────────────────────────────────────────────────────────────────────────────


async def test_without_a_network_one_probes_for_all_and_all_resume_when_it_returns() -> None:
    people = [f"p{n}" for n in range(30)]
    world = World(*people)
    async with working(world):
        for who in people:
            await edit(world, 1, who)
        await world.clock.sleep(60)
        for who in people:
            world.remote(who).refusing = Offline()
            await edit(world, 2, who)
        tries: Counter[float] = Counter()
        running = 0

        def count(name: str) -> None:
            nonlocal running
            if name == "before google.write":
                tries[world.clock.monotonic() // 60] += 1

        await world.clock.sleep(20)
        world.at_step = count
        await world.clock.sleep(1200)
        assert max(tries.values()) <= 3 * 30, "three tries a probe"
        assert sum(tries.values()) <= 20 * 15
        for who in people:
            world.remote(who).refusing = None
        took = await until(world, lambda: all(f"{who}2" in world.live(who) for who in people), 90.0)
        assert took < 60


async def test_offline_for_a_day_then_each_change_is_written_once() -> None:
    world = World()
    async with working(world):
        for number in range(40):
            await edit(world, number)
        await world.clock.sleep(120)
        world.remote().refusing = Offline()
        writes = Counter(world.remote().parts)
        for change in range(500):
            await edit(world, change % 40, location=f"Room {change}")
            world.clock.shift(24 * 3600 / 500 - 3)
            await world.clock.sleep(3)
        world.remote().refusing = None
        await until(world, lambda: world.live()["anna39"].location == "Room 479", 120.0)
        await world.clock.sleep(60)
        written = Counter(world.remote().parts)
        written.subtract(writes)
        assert written["insert"] == 0
        assert written["patch"] == 40


async def test_a_no_change_pass_that_is_due_does_not_block_the_probe_for_ever() -> None:
    world = World(ANNA, BORIS)
    async with working(world):
        await edit(world, 1)
        await edit(world, 1, BORIS)
        await world.clock.sleep(60)
        world.remote(ANNA).refusing = world.remote(BORIS).refusing = Offline()
        await edit(world, 2)
        await world.clock.sleep(3600)
        world.remote(ANNA).refusing = world.remote(BORIS).refusing = None
        await until(world, lambda: "anna2" in world.live(), 60.0)
        await edit(world, 2, BORIS)
        await until(world, lambda: "boris2" in world.live(BORIS), 60.0)


@pytest.mark.parametrize(
    "error", [Offline(), RateLimited(), SignInExpired(), AccountParked(), StoreError()]
)
async def test_one_broken_account_delays_nobody(error: RemoteError) -> None:
    people = ["broken", *(f"p{n}" for n in range(5))]
    world = World(*people)
    async with working(world):
        world.remote("broken").refusing = error
        waits = []
        for number in range(25):
            await edit(world, number, "broken")
            for who in people[1:]:
                await edit(world, number, who)

            def everybody(number: int = number) -> bool:
                return all(f"{who}{number}" in world.live(who) for who in people[1:])

            waits.append(await until(world, everybody, 30.0))
            await world.clock.sleep(20)
        assert sorted(waits)[20] < 3.0
        assert max(waits) < 8.0


async def test_signing_in_again_resumes_at_once() -> None:
    world = World()
    async with working(world):
        await edit(world, 1)
        await world.clock.sleep(60)
        world.calendars.refusing[ANNA] = SignInExpired()
        await edit(world, 2)
        await world.clock.sleep(30)
        assert "anna2" not in world.live()
        del world.calendars.refusing[ANNA]
        world.link(connected_at=world.clock.now())
        await until(world, lambda: "anna2" in world.live(), 5.0)


async def test_an_expired_sign_in_is_not_asked_all_the_time() -> None:
    world = World()
    asked = 0
    plain = world.calendars.calendar

    async def counted(practitioner_id: str, calendar_id: str) -> object:
        nonlocal asked
        asked += 1
        return await plain(practitioner_id, calendar_id)

    world.calendars.calendar = counted  # type: ignore[method-assign,assignment] # only counts
    world.calendars.refusing[ANNA] = SignInExpired()
    async with working(world):
        await edit(world)
        await world.clock.sleep(3600)
    assert asked <= 10


async def test_a_refused_event_does_not_hold_up_later_edits() -> None:
    world = World()

    def refuse(write: Write) -> RemoteError | None:
        named = isinstance(write, InsertEvent) and write.event.key == "anna1"
        return RequestRefused() if named else None

    world.remote().part_fault = refuse
    async with working(world):
        await edit(world, 1)
        await world.clock.sleep(30)
        await edit(world, 2)
        await until(world, lambda: "anna2" in world.live(), 5.0)
        world.remote().part_fault = lambda _write: None
        await until(world, lambda: "anna1" in world.live(), 700.0)


async def test_a_long_retry_after_is_honoured() -> None:
    world = World()
    world.remote().fail_next(RateLimited(retry_after=1800))
    async with working(world):
        await edit(world)
        took = await until(world, lambda: "anna1" in world.live(), 2400.0)
    assert took >= 1800


async def test_a_parked_account_is_tried_again_by_itself() -> None:
    world = World()
    world.remote().fail_next(AccountParked())
    async with working(world):
        await edit(world)
        took = await until(world, lambda: "anna1" in world.live(), 3600.0)
    assert 15 * 60 <= took <= 30 * 60


async def test_a_disk_that_fails_stops_nothing_for_good() -> None:
    world = World()
    failing = True

    def fail(name: str) -> None:
        if failing and name.startswith("before"):
            raise StoreError

    async with working(world):
        await world.clock.sleep(10)
        world.at_step = fail
        await edit(world)
        await world.clock.sleep(60)
        failing = False
        await until(world, lambda: "anna1" in world.live(), 15 * 60.0)


async def test_a_mistake_of_ours_over_one_practitioner_does_not_stop_the_others() -> None:
    world = World(ANNA, BORIS)
    tries = 0
    plain = world.syncing.run

    async def fail_at(practitioner_id: str, **more: object) -> object:
        nonlocal tries
        if practitioner_id == ANNA:
            tries += 1
            raise ValueError("not foreseen")
        return await plain(practitioner_id, **more)  # type: ignore[arg-type] # as it came

    world.syncing.run = fail_at  # type: ignore[method-assign,assignment] # a mistake, made here
    async with working(world):
        await edit(world, 1)
        await edit(world, 1, BORIS)
        await until(world, lambda: "boris1" in world.live(BORIS), 5.0)
        await world.clock.sleep(1800)
    assert tries <= 5


async def test_what_a_person_stopped_waits_for_a_change_or_ten_minutes() -> None:
    world = World()
    world.remote().latency = 0.1
    async with working(world):
        await world.put(*(appointment(n, start=TOMORROW) for n in range(200)))
        await until(world, lambda: len(world.live()) > 20, 30.0)
        world.syncing.cancel(ANNA)
        await world.clock.sleep(1)
        stopped_at = len(world.live())
        await world.clock.sleep(300)
        assert len(world.live()) == stopped_at
        await until(world, lambda: len(world.live()) == 200, 400.0)


async def test_a_practitioner_added_later_is_taken_up() -> None:
    world = World(ANNA, BORIS)
    settings = world.settings.current
    world.settings.current = settings.without_practitioner(BORIS)
    async with working(world):
        await world.clock.sleep(60)
        world.settings.current = settings
        await edit(world, 1, BORIS)
        await until(world, lambda: "boris1" in world.live(BORIS), 3.0)


# ── the end ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seconds", [0.1, 3.3, 7.7])
async def test_it_stops_at_once_in_the_middle_of_anything_and_nothing_is_lost(
    seconds: float,
) -> None:
    world = World(ANNA, BORIS)
    for who in (ANNA, BORIS):
        await world.put(
            *(
                appointment(n, id=f"{who}{n}", practitioner_id=who, start=TOMORROW)
                for n in range(90)
            )
        )
        world.remote(who).latency = 0.5
    task = asyncio.create_task(world.worker.run())
    await world.clock.sleep(seconds)
    task.cancel()
    async with asyncio.timeout(3):
        await asyncio.gather(task, return_exceptions=True)
    assert all(world.syncing.running(who) is None for who in (ANNA, BORIS))
    world.restart()
    async with working(world):
        await until(world, lambda: all(len(world.live(who)) == 90 for who in (ANNA, BORIS)), 60.0)
    for who in (ANNA, BORIS):
        assert len(world.remote(who).ours()) == 90


async def test_hours_of_everything_end_equal() -> None:
    """Flaps, quota storms, edits all along."""
    world = World(ANNA, BORIS, clock=FakeClock())
    async with working(world):
        for hour in range(6):
            for number in range(4):
                who = (ANNA, BORIS)[number % 2]
                await edit(world, hour * 4 + number, who)
                remote = world.remote(who)
                remote.refusing = Offline() if (hour + number) % 5 == 0 else None
                if hour % 3 == 0:
                    remote.fail_next(*(RateLimited() for _ in range(6)))
                await world.clock.sleep(900)
        for who in (ANNA, BORIS):
            world.remote(who).refusing = None
        await world.clock.sleep(900)
        for who in (ANNA, BORIS):
            assert len(world.live(who)) == len(world.remote(who).ours()) == 12
