"""Editing the book: what is written, what is refused and by which field, undo, two editors."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest

from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    Practitioner,
    ShowAs,
)
from companion.domain.availability import WorkingHours
from companion.domain.errors import BadInput, ChangedMeanwhile, NotFound
from companion.domain.settings import PractitionerSettings, Settings
from companion.services.book.availability import Availability
from companion.services.book.booking import Booking, Edit
from companion.services.book.drafts import AppointmentDraft
from companion.services.book.series import Scope
from companion.services.book.trail import Trail
from companion.services.ports import BookChange
from tests.fakes.clock import FakeClock
from tests.fakes.settings import FakeSettings
from tests.fakes.stores import MemoryBook

DAY = datetime(2026, 11, 24)  # noqa: DTZ001 - a Tuesday, wall time
NINE = DAY + timedelta(hours=9)
HALF_HOUR = timedelta(minutes=30)
WEEK = timedelta(days=7)


class Fixture:
    """A booking service over a book in memory."""

    def __init__(self) -> None:
        settings = Settings(install_id="0123456789abcdef")
        for key, zone in (("mira", "Australia/Sydney"), ("omar", "Australia/Perth")):
            person = Practitioner(id=key, name=key.title(), timezone=zone)
            settings = settings.with_practitioner(PractitionerSettings(practitioner=person))
        self.settings = FakeSettings(settings)
        self.book = MemoryBook()
        self.clock = FakeClock()
        self._made = 0
        self.booking = Booking(
            book=self.book,
            settings=self.settings,
            clock=self.clock,
            identity=self._identity,
        )

    def _identity(self) -> str:
        self._made += 1
        return f"own-{self._made}"

    async def all(self) -> list[Appointment]:
        return await self.book.of_practitioners(
            ["mira", "omar"], DAY - timedelta(days=400), DAY + timedelta(days=400)
        )

    async def revision(self, key: str) -> int:
        return (await self.booking.open(key)).revision

    async def lunch(self, rule: str = "FREQ=WEEKLY;BYDAY=TU") -> Edit:
        return await self.booking.create(lunch(rule), user="Sam")


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


def visit(**changes: object) -> AppointmentDraft:
    draft = AppointmentDraft(
        kind=AppointmentKind.CLIENT,
        practitioner_id="mira",
        start=NINE,
        end=NINE + HALF_HOUR,
        client_first_name="Anna",
        client_last_name="Lee",
    )
    return replace(draft, **changes)  # type: ignore[arg-type] # a test names the fields itself


def lunch(rule: str = "FREQ=WEEKLY;BYDAY=TU") -> AppointmentDraft:
    return AppointmentDraft(
        kind=AppointmentKind.MEETING,
        practitioner_id="mira",
        start=DAY + timedelta(hours=12, minutes=30),
        end=DAY + timedelta(hours=13),
        title="Lunch",
        rule=rule,
    )


# ── one appointment ───────────────────────────────────────────────────────────────────────────


async def test_a_new_appointment_bears_its_maker_its_zone_and_an_id_of_our_own(
    fixture: Fixture,
) -> None:
    edit = await fixture.booking.create(visit(practitioner_id="omar"), user="Sam")
    (made,) = await fixture.all()
    assert (made.id, made.source, made.created_by) == ("own-1", "book", "Sam")
    assert (made.timezone, made.created) == ("Australia/Perth", fixture.clock.now())
    assert (edit.key, edit.after) == ("own-1", {"own-1": 1})


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("client_last_name", {"client_first_name": "", "client_last_name": " \t"}),
        ("title", {"kind": AppointmentKind.MEETING}),
        ("title", {"kind": AppointmentKind.CASUAL, "title": "x" * 1001}),
        ("practitioner_id", {"practitioner_id": "nobody"}),
        ("end", {"end": NINE}),
        ("end", {"end": NINE - HALF_HOUR}),
        ("end", {"end": NINE + timedelta(days=400)}),
        ("start", {"start": datetime(1890, 1, 1), "end": datetime(1890, 1, 1, 1)}),  # noqa: DTZ001 - wall time
        ("reminder_minutes", {"reminder_minutes": -5}),
        ("notes", {"notes": "n" * 8001}),
        ("location", {"location": "l" * 201}),
        ("kind", {"rule": "FREQ=DAILY"}),
        ("all_day", {"all_day": True}),
    ],
)
async def test_bad_input_names_its_field_and_writes_nothing(
    fixture: Fixture, field: str, changes: dict[str, object]
) -> None:
    with pytest.raises(BadInput) as caught:
        await fixture.booking.create(visit(**changes), user="Sam")
    assert caught.value.field == field
    assert await fixture.all() == []


@pytest.mark.parametrize(
    "rule", ["FREQ=HOURLY", "FREQ=DAILY;INTERVAL=0", "nonsense", "FREQ=WEEKLY;BYDAY=XX"]
)
async def test_a_rule_we_do_not_keep_is_refused_by_name(fixture: Fixture, rule: str) -> None:
    with pytest.raises(BadInput) as caught:
        await fixture.booking.create(lunch(rule), user="Sam")
    assert caught.value.field == "recurrence"


async def test_a_time_that_the_clocks_skip_is_refused_in_that_zone_only(fixture: Fixture) -> None:
    gap = datetime(2026, 10, 4, 2, 30)  # noqa: DTZ001 - Sydney goes forward at two
    for field, start, end in (
        ("start", gap, gap + timedelta(hours=2)),
        ("end", gap - timedelta(hours=1), gap),
    ):
        with pytest.raises(BadInput) as caught:
            await fixture.booking.create(visit(start=start, end=end), user="Sam")
        assert caught.value.field == field
        assert "02:30 does not exist on 4 October 2026" in caught.value.what
    perth = visit(start=gap, end=gap + HALF_HOUR, practitioner_id="omar")
    await fixture.booking.create(perth, user="Sam")


async def test_names_in_any_script_and_markup_are_kept_as_text(fixture: Fixture) -> None:
    title = "<img src=x onerror=alert(1)> נור 🌞 " + "x" * 900
    casual = visit(kind=AppointmentKind.CASUAL, title=title, notes="a\r\nb\x00\n\n")
    await fixture.booking.create(casual, user="Sam")
    (made,) = await fixture.all()
    assert made.title == title.strip()
    assert made.notes == "a\nb"
    assert made.client_name == ""


async def test_an_edit_replaces_what_was_seen(fixture: Fixture) -> None:
    made = await fixture.booking.create(visit(), user="Sam")
    draft = visit(practitioner_id="omar", show_as=ShowAs.TENTATIVE, cancelled=True)
    await fixture.booking.edit(made.key, draft, seen=1)
    (kept,) = await fixture.all()
    assert (kept.practitioner_id, kept.timezone) == ("omar", "Australia/Perth")
    assert (kept.show_as, kept.cancelled, kept.revision) == (ShowAs.TENTATIVE, True, 2)
    assert (kept.created_by, kept.id) == ("Sam", made.key)


async def test_the_later_of_two_editors_gets_an_error_and_overwrites_nothing(
    fixture: Fixture,
) -> None:
    made = await fixture.booking.create(visit(), user="Sam")
    await fixture.booking.edit(made.key, visit(notes="first"), seen=1)
    later = visit(notes="second")
    with pytest.raises(ChangedMeanwhile):
        await fixture.booking.edit(made.key, later, seen=1)
    with pytest.raises(ChangedMeanwhile):
        await fixture.booking.cancel(made.key, seen=1)
    (kept,) = await fixture.all()
    assert kept.notes == "first"


async def test_an_edit_of_what_was_removed_meanwhile_says_so(fixture: Fixture) -> None:
    made = await fixture.booking.create(visit(), user="Sam")
    await fixture.booking.undo(made)
    with pytest.raises(NotFound):
        await fixture.booking.edit(made.key, visit(), seen=1)
    for key in ("own-1@nonsense", "", "own-1@20261124T093000"):
        with pytest.raises(NotFound):
            await fixture.booking.open(key)


async def test_cancelling_keeps_it_in_the_book_and_can_be_taken_back(fixture: Fixture) -> None:
    made = await fixture.booking.create(visit(), user="Sam")
    await fixture.booking.cancel(made.key, seen=1)
    assert (await fixture.booking.open(made.key)).cancelled
    await fixture.booking.restore(made.key, seen=2)
    assert not (await fixture.booking.open(made.key)).cancelled


async def test_copies_are_independent_and_may_overlap(fixture: Fixture) -> None:
    made = await fixture.booking.create(visit(notes="as before"), user="Sam")
    starts = [NINE, NINE + WEEK, NINE + 2 * WEEK]
    await fixture.booking.copy(made.key, to=starts, practitioner_id="omar", user="Kim")
    copies = [each for each in await fixture.all() if each.practitioner_id == "omar"]
    assert [each.start for each in copies] == starts
    assert {each.created_by for each in copies} == {"Kim"}
    assert len({each.id for each in copies}) == 3
    with pytest.raises(BadInput) as caught:
        await fixture.booking.copy(made.key, to=[NINE] * 101, user="Kim")
    assert caught.value.field == "copies"


async def test_overlaps_are_reported_and_allowed(fixture: Fixture) -> None:
    await fixture.booking.create(visit(), user="Sam")
    await fixture.booking.create(visit(cancelled=True), user="Sam")
    later = visit(start=NINE + HALF_HOUR / 2, end=NINE + HALF_HOUR, client_first_name="Bo")
    (found,) = await fixture.booking.conflicts(later)
    assert (found.start, found.what) == (NINE, "Anna Lee")
    await fixture.booking.create(later, user="Sam")
    assert await fixture.booking.conflicts(visit(), apart_from="own-1") != ()
    after = visit(start=NINE + HALF_HOUR, end=NINE + 2 * HALF_HOUR)
    assert await fixture.booking.conflicts(after) == ()
    assert await fixture.booking.conflicts(visit(end=NINE)) == ()


async def test_overlaps_of_a_series_are_looked_for_in_its_next_dozen(fixture: Fixture) -> None:
    noon = DAY + 2 * WEEK + timedelta(hours=12)
    await fixture.booking.create(visit(start=noon, end=noon + timedelta(hours=1)), user="Sam")
    (found,) = await fixture.booking.conflicts(lunch())
    assert found.start == noon


# ── imported ones ─────────────────────────────────────────────────────────────────────────────


async def test_an_imported_appointment_is_read_only_here_and_says_where_to_change_it(
    fixture: Fixture,
) -> None:
    imported = Appointment(
        id="imported-7",
        practitioner_id="mira",
        kind=AppointmentKind.CLIENT,
        start=NINE,
        end=NINE + HALF_HOUR,
        timezone="Australia/Sydney",
        client_last_name="Lee",
        source="bp",
        source_id="7",
    )
    await fixture.book.apply(BookChange(put=[imported]), fixture.clock.now())
    for edit in (
        fixture.booking.edit(imported.id, visit(), seen=1),
        fixture.booking.cancel(imported.id, seen=1),
        fixture.booking.move(imported.id, start=DAY, end=NINE, practitioner_id="mira", seen=1),
    ):
        with pytest.raises(BadInput, match='imported from "bp"') as caught:
            await edit
        assert "practice software" in caught.value.remedy
    await fixture.booking.copy(imported.id, to=[NINE + WEEK], user="Sam")
    assert [each.source for each in await fixture.all()] == ["bp", "book"]


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


async def test_undo_goes_back_step_by_step_to_an_empty_book(fixture: Fixture) -> None:
    made = await fixture.booking.create(visit(), user="Sam")
    noon = DAY + timedelta(hours=12)
    moved = await fixture.booking.move(
        made.key, start=noon, end=noon + HALF_HOUR, practitioner_id="omar", seen=1
    )
    longer = await fixture.booking.move(
        made.key, start=noon, end=noon + 2 * HALF_HOUR, practitioner_id="omar", seen=2
    )
    trail = Trail()
    for edit in (made, moved, longer):
        trail.add(edit)
    for what, start, length in (
        ("Change of length", noon, HALF_HOUR),
        ("Move", NINE, HALF_HOUR),
    ):
        assert trail.last == what
        await trail.undo(fixture.booking)
        (kept,) = await fixture.all()
        assert (kept.start, kept.end - kept.start) == (start, length)
    await trail.undo(fixture.booking)
    assert await fixture.all() == []
    assert (trail.last, await trail.undo(fixture.booking)) == ("", None)


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
