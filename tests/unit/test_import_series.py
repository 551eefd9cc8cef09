"""One id twice in a file, rows that are older, files without ids, and mass changes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from companion.services.imports.drafts import Draft
from tests.samples.drafts import FIRST, HALF, Counter, draft


@pytest.fixture
def desk() -> Counter:
    return Counter()


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
