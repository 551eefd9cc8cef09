"""One appointment, one identity: under another id, from another source, twice in one file."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from companion.services.imports.drafts import Draft
from companion.services.ports import BookChange
from tests.samples.drafts import FIRST, HALF, Counter, draft


@pytest.fixture
def desk() -> Counter:
    return Counter()


def three(**changes: Any) -> list[Draft]:
    """At 9, 10 and 11 o'clock, with ids of five digits."""
    return [draft(2 + n, id=f"0012{n}", at=9 + n, **changes) for n in range(3)]


# ── the same appointment under another id or source ───────────────────────────────────────────


async def test_the_same_file_from_another_source_is_asked_about_and_not_doubled(
    desk: Counter,
) -> None:
    await desk.take(*three(), source="Front desk")
    report = await desk.take(*three(), source="bp-allied")
    assert (report.held, report.why_held) == (
        True, "One question is open, about appointments that are in the book already.",
    )  # fmt: skip
    (question,) = report.questions
    assert (question.key, question.guess, question.count) == ("same:Front desk", "skip", 3)
    assert [each.value for each in question.choices] == ["skip", "take_over", "add"]
    assert "bp-allied" not in desk.settings.read().sources
    report = await desk.take(*three(), source="bp-allied", answers={"same:Front desk": "skip"})
    assert (report.held, report.added, report.unchanged) == (False, 0, 3)
    assert len(await desk.all()) == 3


async def test_an_answer_is_kept_and_not_asked_for_again(desk: Counter) -> None:
    await desk.take(*three(), source="Front desk")
    await desk.take(*three(), source="folder", answers={"same:front DESK": "skip"})
    report = await desk.take(*three(), source="folder")
    assert (report.held, report.unchanged) == (False, 3)
    assert desk.settings.read().sources["folder"].answers == {"same:Front desk": "skip"}


async def test_the_guess_is_taken_by_yes(desk: Counter) -> None:
    await desk.take(*three(), source="Front desk")
    assert not (await desk.take(*three(), source="folder", yes=True)).held
    assert len(await desk.all()) == 3


async def test_what_is_taken_over_keeps_its_identity_and_is_kept_up_to_date(
    desk: Counter,
) -> None:
    await desk.take(*three(), source="by hand")
    before = await desk.all()
    taken = {"same:by hand": "take_over"}
    report = await desk.take(*three(), source="folder", answers=taken)
    assert (report.added, report.changed) == (0, 3)
    after = await desk.all()
    assert [each.id for each in after] == [each.id for each in before]
    assert {each.source for each in after} == {"folder"}
    moved = [*three()[:2], draft(4, id="00122", at=15)]
    report = await desk.take(*moved, source="folder")
    assert (report.held, report.changed, report.unchanged) == (False, 1, 2)
    assert [each.start.hour for each in await desk.all()] == [9, 10, 15]


async def test_what_was_taken_over_is_not_written_over_by_its_former_source(
    desk: Counter,
) -> None:
    await desk.take(*three(), source="by hand")
    await desk.take(*three(), source="folder", answers={"same:by hand": "take_over"})
    report = await desk.take(*three(), source="by hand", answers={"same:folder": "add"})
    assert (report.added, report.changed) == (3, 0)
    found = await desk.all()
    assert len({each.id for each in found}) == 6
    assert [each.source for each in found].count("folder") == 3


async def test_others_at_the_same_time_may_be_added(desk: Counter) -> None:
    await desk.take(*three(), source="Front desk")
    report = await desk.take(*three(), source="bp", answers={"same:Front desk": "add"})
    assert report.added == 3
    assert (await desk.take(*three(), source="bp")).unchanged == 3
    assert len(await desk.all()) == 6
    more = draft(9, id="00129", at=16)
    await desk.take(more, source="Front desk")
    assert (await desk.take(more, source="bp")).questions, "it was said of the first three alone"


@pytest.mark.parametrize(
    "other",
    [
        {"client": "Ben Example"},
        {"who": "Sam Lee"},
        {"at": FIRST + timedelta(minutes=5)},
    ],
)
async def test_another_client_practitioner_or_time_is_another_appointment(
    desk: Counter, other: dict[str, Any]
) -> None:
    await desk.take(draft(id="1"), draft(id="2", at=14, who="Sam Lee"), source="north")
    report = await desk.take(draft(id="9", **other), source="south")
    assert (report.held, report.added) == (False, 1)


async def test_the_clients_name_may_be_spelt_in_another_order(desk: Counter) -> None:
    await desk.take(draft(id="1"), source="north")
    swapped = draft(id="9", client_first_name="EXAMPLE", client_last_name="ada")
    assert (await desk.take(swapped, source="south")).questions


async def test_without_a_client_end_and_type_must_agree(desk: Counter) -> None:
    lunch = draft(id="1", client="", appointment_type="Lunch")
    await desk.take(lunch, source="north")
    longer = draft(id="1", client="", appointment_type="Lunch", end=FIRST + 2 * HALF)
    assert (await desk.take(longer, source="south")).added == 1
    assert (await desk.take(lunch, source="west")).questions


async def test_a_calendar_with_the_client_in_its_title_is_asked_about(desk: Counter) -> None:
    await desk.take(draft(id="1"), source="pms")
    entry = draft(id="u-1", client="", title="Physio: EXAMPLE Ada", appointment_type="")
    (question,) = (await desk.take(entry, source="calendar")).questions
    assert question.key == "same:pms"
    other = draft(id="u-2", client="", title="Ada Brook", appointment_type="")
    assert (await desk.take(other, source="calendar")).added == 1
    desk = Counter()
    await desk.take(entry, source="calendar")
    assert (await desk.take(draft(id="1"), source="pms")).questions


async def test_a_free_time_that_was_booked_again_is_a_new_appointment(desk: Counter) -> None:
    await desk.take(draft(id="1", cancelled=True))
    report = await desk.take(draft(id="7"))
    assert (report.held, report.added) == (False, 1)
    assert len(await desk.live()) == 1


async def test_ids_that_lost_their_zeros_are_asked_about(desk: Counter) -> None:
    await desk.take(*three())
    bare = [draft(2 + n, id=f"12{n}", at=9 + n) for n in range(3)]
    report = await desk.take(*bare)
    (question,) = report.questions
    assert (question.key, question.count) == ("same:pms", 3)
    assert "00120 there" in question.example
    report = await desk.take(*bare, answers={"same:pms": "skip"})
    assert (report.added, report.unchanged) == (0, 3)
    assert len(await desk.all()) == 3


async def test_an_id_without_its_zeros_is_known_when_its_appointment_has_moved(
    desk: Counter,
) -> None:
    await desk.take(*three())
    moved = [draft(2, id="120", at=15), draft(3, id="121", at=10)]
    report = await desk.take(*moved, answers={"same:pms": "skip"})
    assert (report.added, report.unchanged) == (0, 2)
    (kept,) = report.kept
    assert (kept.count, "another time" in kept.why) == (1, True)
    report = await desk.take(*moved, answers={"same:pms": "take_over"})
    assert (report.added, report.changed) == (0, 2)
    assert [each.start.hour for each in await desk.all()] == [10, 11, 15]


async def test_what_is_skipped_is_not_missing_from_a_whole_file(desk: Counter) -> None:
    await desk.take(*three())
    bare = [draft(2 + n, id=f"12{n}", at=9 + n) for n in range(3)]
    report = await desk.take(*bare, snapshot=True, answers={"same:pms": "skip"})
    assert (report.removed, report.held) == (0, False)


async def test_an_appointment_of_our_own_book_is_asked_about(desk: Counter) -> None:
    await desk.take(draft(id="1"))
    (kept,) = await desk.all()

    own = replace(kept, id="own-1", source="book", source_id="")
    await desk.book.apply(BookChange(put=[own], remove=[kept.id]), desk.clock.now())
    (question,) = (await desk.take(draft(id="1"))).questions
    assert (question.key, "Appointment Book screen" in question.text) == ("same:book", True)


# ── one id twice in a file ────────────────────────────────────────────────────────────────────

WEEK = timedelta(days=7)


def series(first: int, last: int, **changes: Any) -> list[Draft]:
    return [draft(2 + n, id="5001", at=FIRST + n * WEEK, **changes) for n in range(first, last)]


async def test_a_series_that_shares_its_id_is_one_appointment_each_week(desk: Counter) -> None:
    report = await desk.take(*series(0, 8), draft(20, id="5002", at=15))
    assert (report.added, report.rejected) == (9, ())
    assert len(await desk.live()) == 9
    assert (await desk.take(*reversed(series(0, 8)))).unchanged == 8


async def test_a_later_week_of_a_series_is_new_and_an_earlier_one_stays(desk: Counter) -> None:
    await desk.take(*series(0, 4))
    report = await desk.take(*series(2, 6))
    assert (report.added, report.changed, report.unchanged) == (2, 0, 2)
    assert len(await desk.live()) == 6


async def test_the_last_week_of_a_series_alone_is_still_its_own_appointment(
    desk: Counter,
) -> None:
    await desk.take(*series(0, 3))
    assert (await desk.take(*series(2, 3))).unchanged == 1


async def test_a_joint_session_is_in_both_calendars_and_moves_as_one(desk: Counter) -> None:
    both = [draft(2, id="77"), draft(3, id="77", who="Sam Lee")]
    assert (await desk.take(*both)).added == 2
    assert [who for who, *_ in await desk.live()] == ["jo-smith", "sam-lee"]
    assert (await desk.take(*reversed(both))).unchanged == 2
    later = [draft(2, id="77", at=14), draft(3, id="77", at=14, who="Sam Lee")]
    report = await desk.take(*later)
    assert (report.added, report.changed) == (0, 2)
    assert [start.hour for _, start, _ in await desk.live()] == [14, 14]


async def test_a_second_practitioner_may_join_later(desk: Counter) -> None:
    await desk.take(draft(id="77"))
    report = await desk.take(draft(id="77"), draft(3, id="77", who="Sam Lee"))
    assert (report.added, report.unchanged) == (1, 1)


async def test_two_practitioners_of_one_row_both_get_it(desk: Counter) -> None:
    report = await desk.take(draft(id="1"), draft(id="1", who="Anh Nguyen"))
    assert (report.added, report.rejected) == (2, ())
    same = await desk.take(draft(id="2", at=15), draft(id="2", at=15, who="SMITH, Jo"))
    assert (same.added, same.rejected) == (1, ())


async def test_a_group_is_one_appointment_with_its_number_and_nobodys_name(
    desk: Counter,
) -> None:
    people = ["Ada Example", "Ben Brook", "Cy Sample"]
    group = [draft(2 + n, id="9", client=each) for n, each in enumerate(people)]
    group[2] = draft(4, id="9", client="Cy Sample", cancelled=True)
    report = await desk.take(*group)
    assert report.added == 1
    (found,) = await desk.all()
    assert (found.appointment_type, found.client_name) == ("Standard (2 clients)", "")
    assert (await desk.take(*reversed(group))).unchanged == 1
    joined = draft(5, id="9", client="Di Vane")
    assert (await desk.take(*group, joined)).changed == 1


async def test_a_group_may_be_one_each(desk: Counter) -> None:
    people = ["Ada Example", "Ben Brook", "Cy Sample"]
    group = [draft(2 + n, id="9", client=each) for n, each in enumerate(people)]
    report = await desk.take(*group, answers={"groups": "each"})
    assert report.added == 3
    assert desk.settings.read().sources["pms"].answers == {"groups": "each"}
    assert (await desk.take(*reversed(group))).unchanged == 3


async def test_attendees_with_an_id_each_may_be_one_group(desk: Counter) -> None:
    people = ["Ada Example", "Ben Brook", "Cy Sample"]
    group = [draft(2 + n, id=str(n), client=each) for n, each in enumerate(people)]
    assert (await desk.preview(*group)).added == 3
    report = await desk.take(*group, answers={"groups": "one"})
    assert report.added == 1
    assert (await desk.take(*reversed(group))).unchanged == 1
    assert (await desk.all())[0].appointment_type == "Standard (3 clients)"


async def test_a_row_that_says_again_what_another_says_is_named(desk: Counter) -> None:
    old, new = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC)
    rows = [
        draft(2, id="1", updated=old),
        draft(3, id="1", cancelled=True, updated=new),
        draft(4, id="2", at=15),
        draft(5, id="2", at=15),
    ]
    for order in (rows, rows[::-1]):
        shown = await desk.preview(*order)
        assert shown.added == 2
        reasons = {each.row: each.reason for each in shown.rejected}
        assert reasons[2] == "The same appointment as in row 3, which counts."
        assert len(reasons) == 2
    await desk.take(*rows)
    assert [start.hour for _, start, _ in await desk.live()] == [15]


# ── updated ───────────────────────────────────────────────────────────────────────────────────


async def test_a_row_older_than_the_books_is_left_alone_and_counted(desk: Counter) -> None:
    old, new = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC)
    yesterday = [draft(2, id="1", updated=old), draft(3, id="2", at=10, updated=old)]
    today = [
        draft(2, id="1", at=14, updated=new),
        draft(3, id="2", at=10, cancelled=True, updated=new),
    ]
    await desk.take(*yesterday)
    report = await desk.take(*today)
    assert (report.changed, report.cancelled, report.older) == (2, 1, 0)
    report = await desk.take(*yesterday)
    assert (report.changed, report.older, report.unchanged) == (0, 2, 0)
    assert [start.hour for _, start, _ in await desk.live()] == [14]
    assert "2 older than the book's left alone" in desk.activity.lines[-1].text


async def test_a_whole_file_of_yesterday_removes_nothing_of_today(desk: Counter) -> None:
    old, new = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC)
    yesterday = [draft(2, id="1", updated=old), draft(4, id="3", at=16, updated=old)]
    today = [draft(2, id="1", at=11, updated=new), draft(3, id="2", at=12, updated=new)]
    await desk.take(*yesterday)
    await desk.take(*today)
    report = await desk.take(*yesterday, snapshot=True)
    assert (report.older, report.removed) == (1, 0)
    assert [(each.why, each.count) for each in report.kept] == [
        ("They were changed after this file was made", 1)
    ]


# ── files without ids ─────────────────────────────────────────────────────────────────────────


async def test_without_ids_another_type_or_spelling_changes_the_appointment(
    desk: Counter,
) -> None:
    await desk.take(draft())
    report = await desk.take(draft(who="SMITH, Jo", appointment_type="Long"))
    assert (report.added, report.changed) == (0, 1)


async def test_ids_that_a_later_file_gains_are_taken(desk: Counter) -> None:
    await desk.take(draft())
    (before,) = await desk.all()
    report = await desk.take(draft(id="17"))
    assert (report.held, report.added, report.changed) == (False, 0, 1)
    (after,) = await desk.all()
    assert (after.id, after.source_id) == (before.id, "17")
    assert (await desk.take(draft(id="17", at=15))).changed == 1


async def test_ids_that_a_later_file_lacks_are_asked_about(desk: Counter) -> None:
    await desk.take(draft(id="17"))
    assert [each.key for each in (await desk.take(draft())).questions] == ["same:pms"]


async def test_rows_alike_without_ids_are_numbered_in_a_lasting_order(desk: Counter) -> None:
    rows = [
        draft(2, cancelled=True),
        draft(3, end=FIRST + 2 * HALF),
        draft(4, end=FIRST + 3 * HALF),
    ]
    assert (await desk.take(*rows)).added == 3
    for order in (rows, rows[::-1], [rows[1], rows[2], rows[0]]):
        report = await desk.take(*order)
        assert (report.unchanged, report.changed) == (3, 0)


# ── mass changes ──────────────────────────────────────────────────────────────────────────────


def week(**changes: Any) -> list[Draft]:
    """Twelve appointments of three practitioners, a client each."""
    people = ("Jo Smith", "Anh Nguyen", "Priya Raman")
    return [
        draft(
            2 + n,
            id=str(3001 + n),
            at=9 + n / 2,
            **{"who": people[n % 3], "client": f"Client {'abcdefghijkl'[n]}"} | changes,
        )
        for n in range(12)
    ]


async def test_another_site_with_the_same_ids_waits(desk: Counter) -> None:
    await desk.take(*week())
    before = await desk.all()
    north = [
        draft(2 + n, id=str(3001 + n), at=9 + n / 2, who="Anh Nguyen", client="Noor Brook")
        for n in range(6)
    ]
    report = await desk.take(*north)
    assert report.held
    assert report.why_held == (
        "4 of 6 appointments that the book knows by number are of other clients in this file. If "
        "it comes from another site than pms, name that as a source of its own."
    )
    assert await desk.all() == before
    assert (await desk.take(*north, source="north")).added == 6


async def test_a_renamed_practitioner_is_asked_about(desk: Counter) -> None:
    await desk.take(*week())
    named = [
        draft(
            each.row,
            id=each.appointment.source_id,
            at=each.appointment.start,
            client=each.appointment.client_name,
            who="Jo Smith-Clarke" if each.name == "Jo Smith" else each.name,
        )
        for each in week()
    ]
    report = await desk.take(*named)
    (question,) = report.questions
    assert (question.key, question.guess, question.count) == (
        "practitioner:Jo Smith-Clarke", "jo-smith", 4,
    )  # fmt: skip
    assert report.created == ()
    report = await desk.take(*named, answers={question.key: "jo-smith"})
    assert (report.held, report.unchanged) == (False, 12)
    assert (await desk.take(*named)).unchanged == 12, "the name is an alias now"


async def test_a_practitioner_said_to_be_new_takes_their_appointments(desk: Counter) -> None:
    await desk.take(*week())
    rows = [draft(2 + 3 * n, id=str(3001 + 3 * n), at=9 + 3 * n / 2, who="Jo Smith-Clarke",
                  client=f"Client {'adgj'[n]}") for n in range(4)]  # fmt: skip
    report = await desk.take(*rows, answers={"practitioner:Jo Smith-Clarke": "new"})
    assert (report.held, report.changed) == (False, 4)
    assert [each.name for each in report.created] == ["Jo Smith-Clarke"]


async def test_appointments_that_change_hands_in_bulk_wait(desk: Counter) -> None:
    await desk.take(*week())
    moved = week(who="Anh Nguyen")
    report = await desk.take(*moved)
    assert report.why_held == (
        "This file would give 8 of 12 upcoming appointments of pms to other practitioners, such "
        "as from Jo Smith to Anh Nguyen."
    )
    assert (await desk.take(*week()[:9], *moved[9:])).held is False, "a day's work"
    assert (await desk.take(*moved, yes=True)).changed == 6
