"""What every RemoteCalendar does: the fake, and the Google adapter against the simulated Google."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from companion.domain.appointments import ShowAs
from companion.domain.errors import EventGone, IdInUse, PreconditionFailed
from companion.services.ports import DeleteEvent, InsertEvent, PatchEvent
from tests.contract.calendar_world import (
    World,
    event,
    insert,
    live_keys,
    one,
    seen,
    wanted_id,
)

# ── writing ───────────────────────────────────────────────────────────────────────────────────


async def test_an_insert_answers_the_event_as_google_keeps_it(world: World) -> None:
    answer = seen(await one(world.calendar, insert()))
    assert (answer.event_id, answer.key, answer.deleted) == (wanted_id(), "a", False)
    assert answer.content.fingerprint == event().fingerprint
    assert answer.style == event().style
    assert answer.etag


@pytest.mark.parametrize(
    "fields",
    [
        {"show_as": ShowAs.FREE},
        {"show_as": ShowAs.TENTATIVE},
        {"show_as": ShowAs.OUT_OF_OFFICE},
        {"private": False},
        {"description": "Line one\nLine ‹two› 💊"},
        {"start": date(2026, 3, 2), "end": date(2026, 3, 4)},
        {"reminder_minutes": 15, "colour": "5"},
        {"location": ""},
    ],
)
async def test_every_field_we_own_survives_the_round_trip(
    world: World, fields: dict[str, Any]
) -> None:
    written = event(**fields)
    answer = seen(await one(world.calendar, InsertEvent(event_id=wanted_id(), event=written)))
    assert answer.content.fingerprint == written.fingerprint
    assert answer.style == written.style
    [listed] = await world.calendar.list_ours(None, None)
    assert listed.content == answer.content


async def test_a_batch_answers_in_the_order_of_its_writes(world: World) -> None:
    keys = [f"k{number}" for number in range(50)]
    answers = await world.calendar.write(
        [insert(key, hours=number) for number, key in enumerate(keys)]
    )
    assert [seen(answer).key for answer in answers] == keys


async def test_more_than_fifty_writes_are_a_mistake_of_ours(world: World) -> None:
    with pytest.raises(ValueError, match="51"):
        await world.calendar.write([insert(f"k{number}") for number in range(51)])


async def test_no_writes_are_no_call(world: World) -> None:
    world.refuse_next()
    assert list(await world.calendar.write([])) == []


async def test_parts_of_a_batch_fail_one_by_one(world: World) -> None:
    await one(world.calendar, insert("a"))
    answers = await world.calendar.write(
        [
            insert("a"),
            insert("b"),
            PatchEvent(event_id=wanted_id("nowhere"), event=event("nowhere")),
            DeleteEvent(event_id=wanted_id("a")),
        ]
    )
    assert isinstance(answers[0], IdInUse)
    assert seen(answers[1]).key == "b"
    assert isinstance(answers[2], EventGone)
    assert answers[3] is None
    assert await live_keys(world.calendar) == ["b"]


async def test_a_repeated_insert_answers_that_the_id_is_in_use(world: World) -> None:
    await one(world.calendar, insert())
    assert isinstance(await one(world.calendar, insert()), IdInUse)


async def test_a_deleted_event_keeps_its_id_occupied(world: World) -> None:
    await one(world.calendar, insert())
    world.person_deletes(wanted_id())
    assert isinstance(await one(world.calendar, insert()), IdInUse)
    tombstone = seen(await world.calendar.get(wanted_id()))
    assert tombstone.deleted


async def test_a_patch_changes_what_we_own(world: World) -> None:
    first = seen(await one(world.calendar, insert()))
    moved = event(hours=3, summary="ZO – Review", location="")
    answer = seen(await one(world.calendar, PatchEvent(event_id=wanted_id(), event=moved)))
    assert answer.content.fingerprint == moved.fingerprint
    assert answer.etag != first.etag


async def test_a_patch_leaves_colour_and_reminder_to_the_practitioner(world: World) -> None:
    await one(world.calendar, insert(reminder_minutes=10))
    world.person_recolours(wanted_id(), "7")
    changed = event(summary="ZO – Review", colour="2", reminder_minutes=30)
    answer = seen(await one(world.calendar, PatchEvent(event_id=wanted_id(), event=changed)))
    assert answer.style.startswith("7|")
    styled = PatchEvent(event_id=wanted_id(), event=changed, style=True)
    assert seen(await one(world.calendar, styled)).style == changed.style


async def test_a_patch_of_the_style_can_take_colour_and_reminder_away(world: World) -> None:
    await one(world.calendar, insert(reminder_minutes=10, colour="3"))
    plain = PatchEvent(event_id=wanted_id(), event=event(), style=True)
    assert seen(await one(world.calendar, plain)).style == event().style


async def test_an_all_day_event_can_become_a_timed_one_and_back(world: World) -> None:
    all_day = event(start=date(2026, 3, 2), end=date(2026, 3, 3))
    await one(world.calendar, InsertEvent(event_id=wanted_id(), event=all_day))
    for wanted in (event(), all_day):
        answer = seen(await one(world.calendar, PatchEvent(event_id=wanted_id(), event=wanted)))
        assert answer.content.fingerprint == wanted.fingerprint


@pytest.mark.parametrize("before", list(ShowAs))
@pytest.mark.parametrize("after", list(ShowAs))
async def test_show_as_can_change_from_each_to_each(
    world: World, before: ShowAs, after: ShowAs
) -> None:
    await one(world.calendar, insert(show_as=before))
    wanted = event(show_as=after)
    answer = seen(await one(world.calendar, PatchEvent(event_id=wanted_id(), event=wanted)))
    assert answer.content.fingerprint == wanted.fingerprint


@pytest.mark.parametrize("fields", [{}, {"show_as": ShowAs.TENTATIVE}])
async def test_a_patch_never_revives_an_event_a_person_deleted(
    world: World, fields: dict[str, Any]
) -> None:
    await one(world.calendar, insert(**fields))
    world.person_deletes(wanted_id())
    patch = PatchEvent(event_id=wanted_id(), event=event(summary="ZO – Review", **fields))
    assert isinstance(await one(world.calendar, patch), EventGone)
    assert await live_keys(world.calendar) == []


async def test_a_condition_on_the_version_is_kept_alone_and_in_a_batch(world: World) -> None:
    first = seen(await one(world.calendar, insert()))
    world.person_retitles(wanted_id(), "Mine")
    stale = PatchEvent(event_id=wanted_id(), event=event(), if_match=first.etag)
    assert isinstance(await one(world.calendar, stale), PreconditionFailed)
    both = await world.calendar.write([stale, insert("b")])
    assert isinstance(both[0], PreconditionFailed)
    now = seen(await world.calendar.get(wanted_id()))
    fresh = replace(stale, if_match=now.etag)
    assert seen(await one(world.calendar, fresh)).content.summary == event().summary


async def test_deleting_what_is_gone_counts_as_done(world: World) -> None:
    await one(world.calendar, insert())
    delete = DeleteEvent(event_id=wanted_id())
    assert await one(world.calendar, delete) is None
    assert await one(world.calendar, delete) is None
    assert list(await world.calendar.write([delete, DeleteEvent(event_id=wanted_id("b"))])) == [
        None,
        None,
    ]


async def test_an_id_is_free_again_once_google_forgot_its_tombstone(world: World) -> None:
    await one(world.calendar, insert())
    await one(world.calendar, DeleteEvent(event_id=wanted_id()))
    world.purge()
    assert await world.calendar.get(wanted_id()) is None
    assert seen(await one(world.calendar, insert())).key == "a"
