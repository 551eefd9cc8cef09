"""Editing the book: what is written, what is refused and by which field, undo, two editors."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from companion.domain.appointments import AppointmentKind, ShowAs
from companion.domain.errors import BadInput, ChangedMeanwhile, NotFound
from companion.services.ports import BookChange
from tests.fakes.appointments import appointment
from tests.fakes.booking import DAY, HALF_HOUR, NINE, Fixture, lunch, visit

WEEK = timedelta(days=7)


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


# ── one appointment ───────────────────────────────────────────────────────────────────────────


async def test_a_new_appointment_bears_its_maker_its_zone_and_an_id_of_our_own(
    fixture: Fixture,
) -> None:
    edit = await fixture.booking.create(visit(practitioner_id="omar"), user="Sam")
    (made,) = await fixture.all()
    assert (made.id, made.source, made.created_by) == ("own-1", "book", "Sam")
    assert (made.timezone, made.created) == ("Australia/Perth", fixture.clock.now())
    assert (edit.key, edit.after) == ("own-1", {"own-1": 1})


async def test_a_meeting_for_several_is_one_of_each_and_one_edit(fixture: Fixture) -> None:
    meeting = visit(kind=AppointmentKind.MEETING, title="Review")
    edit = await fixture.booking.create(meeting, user="Sam", also=["omar", "mira", "omar"])
    made = await fixture.all()
    assert sorted((e.practitioner_id, e.timezone, e.title) for e in made) == [
        ("mira", "Australia/Sydney", "Review"),
        ("omar", "Australia/Perth", "Review"),
    ]
    await fixture.booking.undo(edit)
    assert await fixture.all() == []
    for wrong, also in ((meeting, ["nobody"]), (visit(), ["omar"])):
        with pytest.raises(BadInput):
            await fixture.booking.create(wrong, user="Sam", also=also)
    assert await fixture.all() == []


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
    imported = appointment(NINE, practitioner_id="mira", client_last_name="Lee", source="bp")
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
