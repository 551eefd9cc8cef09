"""Recurring meetings of the Appointment Book screen; undo, and working hours."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from companion.domain.appointments import Appointment
from companion.domain.availability import WorkingHours
from companion.domain.errors import BadInput, ChangedMeanwhile, NotFound
from companion.services.book.availability import Availability
from companion.services.book.booking import Edit
from companion.services.book.series import Scope
from companion.services.book.trail import Trail
from tests.fakes.booking import DAY, HALF_HOUR, Fixture, visit

WEEK = timedelta(days=7)


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


# ── series ────────────────────────────────────────────────────────────────────────────────────


async def test_a_series_begins_with_its_first_occurrence(fixture: Fixture) -> None:
    edit = await fixture.lunch("FREQ=WEEKLY;BYDAY=TH;COUNT=3")
    (made,) = await fixture.all()
    assert made.start == DAY + timedelta(days=2, hours=12, minutes=30)
    assert edit.key == f"{made.id}@20261126T123000"


async def test_a_moved_occurrence_keeps_its_key_and_nothing_is_doubled(fixture: Fixture) -> None:
    """The vendor's bug: its moved instance was sent as a second appointment."""
    await fixture.lunch()
    second = "own-1@20261201T123000"
    start = DAY + WEEK + timedelta(hours=14)
    edit = await fixture.booking.move(
        second, start=start, end=start + HALF_HOUR, practitioner_id="mira", seen=1
    )
    assert edit.key == second
    (series,) = await fixture.all()
    opened = await fixture.booking.open(second)
    assert (opened.occurrence.start, opened.occurrence.key) == (start, second)
    assert series.recurrence is not None
    assert len(series.recurrence.changes) == 1


async def test_an_occurrence_that_goes_to_another_practitioner_leaves_the_series(
    fixture: Fixture,
) -> None:
    await fixture.lunch()
    second = "own-1@20261201T123000"
    start = DAY + WEEK + timedelta(hours=12, minutes=30)
    await fixture.booking.move(
        second, start=start, end=start + HALF_HOUR, practitioner_id="omar", seen=1
    )
    assert (await fixture.booking.open(second)).cancelled
    (alone,) = [each for each in await fixture.all() if each.practitioner_id == "omar"]
    assert (alone.start, alone.recurrence) == (start, None)


async def test_this_and_following_makes_two_series_that_meet(fixture: Fixture) -> None:
    await fixture.lunch()
    second = "own-1@20261201T123000"
    draft = replace(
        (await fixture.booking.open(second)).draft,
        start=DAY + WEEK + timedelta(hours=13),
        end=DAY + WEEK + timedelta(hours=13, minutes=30),
    )
    edit = await fixture.booking.edit(second, draft, seen=1, scope=Scope.FOLLOWING)
    assert edit.key == "own-2@20261201T130000"
    assert set(edit.before) == {"own-1", "own-2"}
    with pytest.raises(NotFound):
        await fixture.booking.open(second)
    undone = await fixture.booking.undo(edit)
    assert [each.id for each in await fixture.all()] == ["own-1"]
    assert undone.key.startswith("own-1@")
    assert (await fixture.booking.open(second)).occurrence.start.hour == 12


async def test_a_new_rule_for_all_counts_from_the_first_day_of_the_series(fixture: Fixture) -> None:
    await fixture.lunch()
    second = "own-1@20261201T123000"
    draft = replace((await fixture.booking.open(second)).draft, rule="FREQ=DAILY;COUNT=3")
    await fixture.booking.edit(second, draft, seen=1, scope=Scope.ALL)
    (series,) = await fixture.all()
    assert series.start.date() == DAY.date()
    assert series.recurrence is not None
    assert series.recurrence.rule == "FREQ=DAILY;COUNT=3"


async def test_cancelling_one_following_or_all_of_a_series(fixture: Fixture) -> None:
    await fixture.lunch()
    third = "own-1@20261208T123000"
    await fixture.booking.cancel(third, seen=1)
    assert (await fixture.booking.open(third)).cancelled
    await fixture.booking.restore(third, seen=2)
    assert not (await fixture.booking.open(third)).cancelled
    await fixture.booking.cancel(third, seen=3, scope=Scope.FOLLOWING)
    with pytest.raises(NotFound):
        await fixture.booking.open(third)
    second = "own-1@20261201T123000"
    await fixture.booking.cancel(second, seen=4, scope=Scope.ALL)
    assert (await fixture.booking.open(second)).cancelled
    await fixture.booking.restore(second, seen=5)
    assert not (await fixture.booking.open(second)).cancelled


async def test_a_series_that_no_longer_repeats_becomes_one_appointment(fixture: Fixture) -> None:
    edit = await fixture.lunch()
    draft = replace((await fixture.booking.open(edit.key)).draft, rule="")
    after = await fixture.booking.edit(edit.key, draft, seen=1, scope=Scope.ALL)
    assert after.key == "own-1"
    (kept,) = await fixture.all()
    assert kept.recurrence is None


# ── undo ──────────────────────────────────────────────────────────────────────────────────────


async def test_undo_and_redo_go_through_every_state_there_was(fixture: Fixture) -> None:
    """Whatever the way: after any of it the book is as it was after that many edits."""
    trail, states = Trail(), [await fixture.all()]
    noon = DAY + timedelta(hours=12)

    async def did(edit: Edit) -> Edit:
        trail.add(edit)
        states.append(await fixture.all())
        return edit

    made = await did(await fixture.booking.create(visit(), user="Sam"))
    for seen, halves in ((1, 1), (2, 2)):
        end = noon + halves * HALF_HOUR
        await did(
            await fixture.booking.move(
                made.key, start=noon, end=end, practitioner_id="omar", seen=seen
            )
        )
    await did(await fixture.booking.cancel(made.key, seen=3))
    names = ["New appointment", "Move", "Change of length", "Cancel"]
    at = len(names)
    for step in (-1, -1, 1, -1, -1, -1, 1, 1, 1, 1, -1, 1, -1, -1, -1, -1, 1):
        assert (trail.last, trail.next) == ("", *names, "")[at : at + 2]
        back = await (trail.redo if step > 0 else trail.undo)(fixture.booking)
        at += step
        assert back is not None
        now = await fixture.all()
        assert list(map(plainly, now)) == list(map(plainly, states[at]))
    await did(await fixture.booking.create(visit(), user="Sam"))
    assert (trail.next, await trail.redo(fixture.booking)) == ("", None)


def plainly(appointment: Appointment) -> Appointment:
    """Without what every write raises."""
    return replace(appointment, revision=0, changed_at=datetime(2000, 1, 1, tzinfo=UTC))


async def test_undo_drops_an_edit_that_was_overwritten_and_goes_on_with_others(
    fixture: Fixture,
) -> None:
    trail = Trail()
    trail.add(await fixture.booking.create(visit(), user="Sam"))
    trail.add(await fixture.booking.create(visit(), user="Sam"))
    await fixture.booking.edit("own-2", visit(notes="by another"), seen=1)
    with pytest.raises(ChangedMeanwhile):
        await trail.undo(fixture.booking)
    await trail.undo(fixture.booking)
    assert [each.id for each in await fixture.all()] == ["own-2"]


async def test_undo_refuses_after_a_later_edit(fixture: Fixture) -> None:
    made = await fixture.booking.create(visit(), user="Sam")
    await fixture.booking.edit(made.key, visit(notes="by another"), seen=1)
    with pytest.raises(ChangedMeanwhile, match="cannot be undone"):
        await fixture.booking.undo(made)
    (kept,) = await fixture.all()
    assert kept.notes == "by another"


# ── availability ──────────────────────────────────────────────────────────────────────────────


async def test_working_hours_are_kept_in_order_and_named_when_wrong(fixture: Fixture) -> None:
    availability = Availability(settings=fixture.settings)
    tuesday = WorkingHours(weekday=1, start=time(9), end=time(12), location=" Room  1 ")
    monday = WorkingHours(weekday=0, start=time(8), end=time(17))
    kept = await availability.keep("mira", [tuesday, monday])
    assert [each.weekday for each in kept] == [0, 1]
    assert availability.of("mira")[1].location == "Room 1"
    for wrong in (
        [replace(monday, end=time(8))],
        [monday, replace(monday, start=time(16), end=time(18))],
        [replace(monday, location="x" * 300)],
    ):
        with pytest.raises(BadInput) as caught:
            await availability.keep("mira", wrong)
        assert caught.value.field == "monday"
    with pytest.raises(NotFound):
        await availability.keep("nobody", [])
    assert availability.of("nobody") == ()
