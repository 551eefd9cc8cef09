"""What a calendar at Google answers, and what goes wrong: the fake and the real adapter alike."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from companion.domain.calendar_writers import MARK, CalendarWriter
from companion.domain.errors import (
    CalendarGone,
    CompanionError,
    IdInUse,
    Offline,
    PermissionDenied,
    RateLimited,
    SignInExpired,
)
from companion.domain.reconcile import ObservedEvent
from companion.services.ports import DeleteEvent, InsertEvent, PatchEvent, RemoteCalendar, Write
from tests.contract.calendar_world import (
    NINE,
    WRITER,
    World,
    event,
    insert,
    live_keys,
    one,
    seen,
    wanted_id,
)

# ── reading ───────────────────────────────────────────────────────────────────────────────────


async def test_every_write_is_stamped_by_its_writer(world: World) -> None:
    first = seen(await one(world.calendar, insert()))
    assert (first.stamp.term, first.stamp.writer) == (WRITER.term, WRITER.id)
    assert first.stamp.moment is not None
    patch = PatchEvent(event_id=wanted_id(), event=event(summary="ZO – Review"))
    later = seen(await one(world.calendar, patch)).stamp
    assert (later.writer, later.at >= first.stamp.at) == (WRITER.id, True)
    world.person_retitles(wanted_id(), "Mine")
    [listed] = await world.calendar.list_ours(None, None)
    assert listed.stamp == later


async def test_the_list_can_be_of_what_changed_lately(world: World) -> None:
    await one(world.calendar, insert())
    now = datetime.now(UTC)
    for since, wanted in ((now - timedelta(days=1), ["a"]), (now + timedelta(days=1), [])):
        listed = await world.calendar.list_ours(None, None, since=since)
        assert [each.key for each in listed] == wanted


async def test_who_wrote_is_told_of_all_events_of_ours_whatever_their_mark(world: World) -> None:
    await one(world.calendar, insert())
    await one(world.calendar, insert("b", hours=1))
    await one(world.calendar, DeleteEvent(event_id=wanted_id("b")))
    world.person_adds("dentist12")
    world.another_writes("c", CalendarWriter(id="another", marks=("an older program's",)))
    found = {each.key: each for each in await world.calendar.marked_events()}
    assert set(found) == {"a", "c"}
    assert (found["a"].event_id, found["a"].mark) == (wanted_id(), MARK)
    assert (found["c"].mark, found["c"].stamp.writer) == ("an older program's", "another")
    assert all(each.written_at and each.changed_at for each in found.values())


async def test_get_is_none_for_an_unused_id(world: World) -> None:
    assert await world.calendar.get(wanted_id("nobody")) is None


async def test_the_list_holds_ours_alone(world: World) -> None:
    await one(world.calendar, insert())
    world.person_adds("dentist12")
    await one(world.calendar, insert("b", hours=1))
    await one(world.calendar, DeleteEvent(event_id=wanted_id("b")))
    assert await live_keys(world.calendar) == ["a"]
    assert world.titles() == ["Dentist", event().summary]


async def test_the_list_keeps_to_the_interval_half_open(world: World) -> None:
    await world.calendar.write([insert(key, hours=hour) for hour, key in enumerate("abcd")])
    start, end = NINE + timedelta(hours=1), NINE + timedelta(hours=3)
    found = await world.calendar.list_ours(start, end)
    assert sorted(each.key for each in found) == ["b", "c"]
    assert [each.key for each in await world.calendar.list_ours(end, None)] == ["d"]


async def test_the_list_goes_on_past_any_page(world: World) -> None:
    keys = [f"k{number:04d}" for number in range(2_600)]
    for first in range(0, len(keys), 50):
        batch = [
            insert(key, hours=number / 4)
            for number, key in enumerate(keys[first : first + 50], first)
        ]
        answers = await world.calendar.write(batch)
        assert all(isinstance(answer, ObservedEvent) for answer in answers)
    assert await live_keys(world.calendar) == keys


async def test_an_all_day_event_has_the_calendars_edges(world: World) -> None:
    all_day = event(start=date(2026, 3, 2), end=date(2026, 3, 3))
    await one(world.calendar, InsertEvent(event_id=wanted_id(), event=all_day))
    found = seen(await world.calendar.get(wanted_id()))
    assert found.timezone == "Australia/Sydney"
    assert found.begins == datetime(2026, 3, 1, 13, tzinfo=UTC)


async def test_info_gives_name_role_and_zone(world: World) -> None:
    info = await world.calendar.info()
    assert (info.name, info.access_role, info.timezone) == (
        "Appointments",
        "owner",
        "Australia/Sydney",
    )


# ── what goes wrong ───────────────────────────────────────────────────────────────────────────


async def test_a_refused_connection_is_offline_and_changes_nothing(world: World) -> None:
    world.refuse_next()
    with pytest.raises(Offline):
        await world.calendar.write([insert("a"), insert("b")])
    assert await live_keys(world.calendar) == []


async def test_a_lost_answer_raises_although_everything_was_done(world: World) -> None:
    world.lose_answer()
    with pytest.raises(Offline):
        await world.calendar.write([insert("a"), insert("b", hours=1)])
    assert await live_keys(world.calendar) == ["a", "b"]
    answers = await world.calendar.write([insert("a"), insert("b", hours=1)])
    assert [type(answer) for answer in answers] == [IdInUse, IdInUse]


async def test_a_batch_that_dies_in_the_middle_raises(world: World) -> None:
    world.die_after(2)
    with pytest.raises(Offline):
        await world.calendar.write([insert(key) for key in "abcd"])
    assert await live_keys(world.calendar) == ["a", "b"]


async def test_a_limited_part_is_that_parts_error(world: World) -> None:
    await world.calendar.write([insert("a"), insert("b")])
    world.limit_part(wanted_id("b"))
    answers = await world.calendar.write(
        [
            PatchEvent(event_id=wanted_id("a"), event=event("a", summary="New")),
            PatchEvent(event_id=wanted_id("b"), event=event("b", summary="New")),
        ]
    )
    assert seen(answers[0]).content.summary == "New"
    assert isinstance(answers[1], RateLimited)


async def raised_or_answered(calendar: RemoteCalendar, write: Write) -> CompanionError:
    try:
        answer = await one(calendar, write)
    except CompanionError as err:
        return err
    assert isinstance(answer, CompanionError)
    return answer


@pytest.mark.parametrize(
    "write",
    [
        insert(),
        PatchEvent(event_id=wanted_id(), event=event()),
        DeleteEvent(event_id=wanted_id()),
    ],
    ids=["insert", "patch", "delete"],
)
async def test_a_missing_calendar_is_distinguished_from_a_missing_event(
    world: World, write: Write
) -> None:
    world.remove_calendar()
    assert isinstance(await raised_or_answered(world.calendar, write), CalendarGone)


async def test_reading_a_calendar_that_is_gone_says_so(world: World) -> None:
    world.remove_calendar()
    with pytest.raises(CalendarGone):
        await world.calendar.info()
    with pytest.raises(CalendarGone):
        await world.calendar.list_ours(None, None)
    with pytest.raises(CalendarGone):
        await world.calendar.get(wanted_id())


async def test_a_calendar_that_may_only_be_read_says_so(world: World) -> None:
    world.read_only()
    assert isinstance(await raised_or_answered(world.calendar, insert()), PermissionDenied)


async def test_a_withdrawn_consent_asks_to_sign_in_again(world: World) -> None:
    await one(world.calendar, insert())
    world.revoke()
    calls: Sequence[Callable[[], Awaitable[object]]] = [
        lambda: world.calendar.write([insert("b")]),
        lambda: world.calendar.write([insert("b"), insert("c")]),
        world.calendar.info,
        lambda: world.calendar.list_ours(None, None),
        lambda: world.calendar.get(wanted_id()),
    ]
    for call in calls:
        with pytest.raises(SignInExpired):
            await call()


async def test_many_tasks_may_write_at_once(world: World) -> None:
    async def several(letter: str) -> None:
        for number in range(5):
            key = f"{letter}{number}"
            assert seen(await one(world.calendar, insert(key, hours=number))).key == key

    await asyncio.gather(*(several(letter) for letter in "abcdef"))
    assert len(await live_keys(world.calendar)) == 30
