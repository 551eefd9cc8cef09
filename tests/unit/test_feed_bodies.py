"""Trimming to the size clients accept, and the bounds of what is kept."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from companion.domain.appointments import Appointment, OccurrenceChange, Recurrence
from companion.services.feeds.bodies import FeedBodies, Fragment, trim
from tests.fakes.calendar_lint import complaints, events
from tests.fakes.feeds import TODAY, CountingBook, FeedApplication, asking, visit

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)


def fragment(day: int, days: int = 1, size: int = 100) -> Fragment:
    begins = MIDNIGHT + timedelta(days=day)
    return Fragment(begins, f"{day:+}/{days}", begins + timedelta(days=days), b"x" * size)


def test_the_oldest_past_goes_first_then_the_farthest_future() -> None:
    week = [fragment(day) for day in range(-3, 4)]
    for limit, kept, past, future in [
        (700, range(-3, 4), 0, 0),
        (699, range(-2, 4), 1, 0),
        (400, range(4), 3, 0),
        (399, range(3), 3, 1),
        (100, range(1), 3, 3),
        (99, range(0), 3, 4),
    ]:
        shown, *left_out = trim(week, limit, MIDNIGHT)
        assert [each.begins for each in shown] == [week[day + 3].begins for day in kept]
        assert left_out == [past, future]


def test_what_began_long_ago_and_goes_on_is_not_past() -> None:
    leave, yesterday, today = fragment(-30, days=60), fragment(-1), fragment(0)
    shown, past, future = trim([leave, yesterday, today], 200, MIDNIGHT)
    assert (shown, past, future) == ([leave, today], 1, 0)


async def test_a_feed_too_large_for_clients_is_trimmed_and_says_by_how_much() -> None:
    application = FeedApplication(size_limit=20_000)
    await application.write(*(visit(each, TODAY - timedelta(days=2)) for each in range(200)))
    link, _url = await application.feeds.add("avery", label="Phone")
    body = await application.feeds.body(link.id)
    data = gzip.decompress(body.gzipped)
    assert complaints(data, limit=20_000) == []
    assert body.size == len(data) > 19_000
    assert body.trimmed_past == 96, "two days of half hours, and not one of today"
    assert body.events + body.trimmed_past + body.trimmed_future == 200
    assert events(data)[0]["DTSTART"] == "20260301T130000Z"


async def test_bodies_kept_are_bounded_and_made_again_when_wanted() -> None:
    application = FeedApplication(memory=6_000)
    await application.write(*(visit(each) for each in range(100)))
    tokens = [await application.token(days_in_advance=days) for days in range(3, 12)]
    first = [(await application.feeds.fetch(token, asking(token))).body for token in tokens]
    bodies = application.feeds._bodies
    assert bodies._used <= 6_000
    assert bodies._used == sum(len(body.gzipped) for _, body in bodies._bodies.values())
    again = [(await application.feeds.fetch(token, asking(token))).body for token in tokens]
    assert again == first


async def test_fragments_kept_are_bounded_by_their_number() -> None:
    application = FeedApplication()
    bodies = FeedBodies(book=application.book, writer=application.writer, keep_events=150)
    application.feeds._bodies = application.feeds._serving._bodies = bodies
    await application.write(*(visit(each) for each in range(100)))
    for days in range(3, 12):
        await application.feeds.fetch(await application.token(days_in_advance=days))
    assert sum(each.events for each in bodies._fragments.values()) <= 150


async def test_many_devices_at_once_read_the_book_once() -> None:
    application = FeedApplication()
    await application.write(*(visit(each) for each in range(20)))
    token = await application.token()
    answers = await asyncio.gather(*(application.feeds.fetch(token) for _ in range(50)))
    assert {answer.status for answer in answers} == {200}
    assert application.book.reads == ["revisions", "appointments"]


async def test_a_caller_who_goes_away_does_not_leave_half_a_body() -> None:
    application = FeedApplication()
    await application.write(*(visit(each) for each in range(300)))
    link, _url = await application.feeds.add("avery", label="Phone")
    for turns in range(12):
        asking = asyncio.create_task(application.feeds.body(link.id))
        for _turn in range(turns):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    assert (await application.feeds.body(link.id)).events == 300


async def test_a_series_changed_in_one_place_changes_one_event() -> None:
    application = FeedApplication()
    rule = Recurrence(rule="FREQ=DAILY;COUNT=30")
    series = visit(18, recurrence=rule, id="lunch")
    await application.edit(series, visit(20))
    token = await application.token()

    async def read() -> dict[str, str]:
        answer = await application.feeds.fetch(token)
        return {event["UID"]: event["DTSTART"] for event in events(answer.body)}

    before = await read()
    original = series.start + timedelta(days=3)
    moved = OccurrenceChange(
        original_start=original,
        start=original + timedelta(hours=2),
        end=original + timedelta(hours=3),
    )
    await application.edit(with_changes(series, moved))
    after = await read()
    assert len(before) == 31
    assert before.keys() == after.keys()
    assert [after[uid] for uid in after if after[uid] != before[uid]] == ["20260305T000000Z"]
    gone = OccurrenceChange(original_start=original, cancelled=True)
    await application.edit(with_changes(series, gone))
    assert len(await read()) == 30


def with_changes(series: Appointment, *changes: OccurrenceChange) -> Appointment:
    assert series.recurrence is not None
    return replace(series, recurrence=replace(series.recurrence, changes=changes))


async def test_a_book_that_hangs_is_given_up_for_everybody_in_the_queue() -> None:
    application = FeedApplication()
    await application.write(visit(1))

    class Hanging(CountingBook):
        async def appointments(
            self, practitioner_id: str, start: datetime, end: datetime
        ) -> list[Appointment]:
            await asyncio.Event().wait()
            return []

    bodies = FeedBodies(book=Hanging(), writer=application.writer, patience=0.05)
    application.feeds._bodies = application.feeds._serving._bodies = bodies
    tokens = [await application.token(days_in_advance=days) for days in range(1, 9)]
    async with asyncio.timeout(5):
        answers = await asyncio.gather(*(application.feeds.fetch(token) for token in tokens))
    assert {answer.status for answer in answers} == {503}
