"""Sources that are links: what is fetched when; only a calendar changes the book."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from companion.domain.appointments import AppointmentStatus
from companion.domain.errors import Busy, SourceUnreachable
from companion.domain.practice_errors import Overtaken
from companion.services.sources.fetching import FetchOutcome
from tests.fakes.fetching_clinic import FOUR, HOST, LINK, Clinic, calendar, entry
from tests.fakes.services import TUESDAY


@pytest.fixture
def clinic(tmp_path: Path) -> Clinic:
    return Clinic(tmp_path)


WHOLE = {"a": "07 09:00", "b": "08 09:00", "c": "09 09:00", "d": "10 09:00"}


async def test_a_first_fetch_fills_the_book_and_leaves_no_copy(clinic: Clinic) -> None:
    await clinic.open()
    outcome = await clinic.fetch()
    assert outcome.report is not None
    assert (outcome.report.added, await clinic.book()) == (4, WHOLE)
    note = await clinic.note()
    assert (note.last_file, note.trouble, note.waiting) == (HOST, "", ())
    assert [*(clinic.home / "watched").iterdir()] == []


async def test_what_changed_was_cancelled_or_vanished_is_so_in_the_book(clinic: Clinic) -> None:
    many = [entry(each, day) for each, day in zip("abcdefghijkl", range(7, 19), strict=True)]
    await clinic.open(*many)
    await clinic.fetch()
    clinic.links.calendars[LINK] = calendar(
        entry("a", 7, 11), entry("b", 8, 9, "STATUS:CANCELLED"), *many[3:]
    )
    report = (await clinic.fetch()).report
    assert report is not None
    book = await clinic.book()
    assert (book["a"], len(book), {"b", "c"} & book.keys()) == ("07 11:00", 10, set())
    rows = await clinic.application.book.source_rows("books")
    appointment = await clinic.application.book.appointment(rows["b"].appointment_id)
    assert appointment is not None
    assert appointment.status is AppointmentStatus.CANCELLED


async def test_an_unchanged_calendar_costs_one_request_and_no_plan(clinic: Clinic) -> None:
    await clinic.open()
    await clinic.fetch()
    outcome = await clinic.fetch()
    assert outcome == FetchOutcome(source="books")
    assert [bool(tag) for _, tag in clinic.links.requests] == [False, True]
    assert len(await clinic.application.book.imports(10)) == 1


async def test_a_server_without_tags_is_known_by_what_it_sends(clinic: Clinic) -> None:
    await clinic.open()
    clinic.links.tags = False
    await clinic.fetch()
    clinic.links.calendars[LINK] = calendar(*FOUR, stamp="20260303T001500Z")
    assert (await clinic.fetch()).report is None
    assert len(await clinic.application.book.imports(10)) == 1


async def test_once_a_day_it_is_compared_with_the_book_anyway(clinic: Clinic) -> None:
    await clinic.open(entry("s", 7, 9, "RRULE:FREQ=WEEKLY"))
    await clinic.fetch()
    before = len(await clinic.book())
    await clinic.clock.advance(timedelta(days=8).total_seconds())
    await clinic.fetch()
    assert len(await clinic.book()) == before + 1, "two years ahead is a week further"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(calendar(), "is empty"), (calendar("UID:x\r\nSUMMARY:No start"), "None of the 1 entries")],
)
async def test_an_empty_answer_removes_nothing_and_is_said(
    clinic: Clinic, content: bytes, sentence: str
) -> None:
    await clinic.open()
    await clinic.fetch()
    clinic.links.calendars[LINK] = content
    outcome = await clinic.fetch()
    assert sentence in str(outcome.error)
    assert await clinic.book() == WHOLE
    assert sentence in (await clinic.note()).trouble


async def test_a_calendar_cut_off_in_the_middle_removes_nothing(clinic: Clinic) -> None:
    await clinic.open()
    await clinic.fetch()
    whole = calendar(FOUR[0], FOUR[3])
    clinic.links.calendars[LINK] = whole.removesuffix(b"END:VCALENDAR\r\n")
    await clinic.fetch()
    assert await clinic.book() == WHOLE


async def test_a_failing_link_says_since_when_and_is_asked_more_and_more_rarely(
    clinic: Clinic,
) -> None:
    await clinic.open(every=timedelta(minutes=15))
    await clinic.look()
    clinic.links.trouble[LINK] = SourceUnreachable(f"{HOST} refuses the link.", "Copy it anew.")
    asked: list[int] = []
    for minute in range(1, 241):
        await clinic.clock.advance(60)
        before = len(clinic.links.requests)
        await clinic.look()
        asked += [minute] * (len(clinic.links.requests) - before)
    assert asked == [15, 20, 30, 50, 90, 170]
    note = await clinic.note()
    assert (note.trouble, note.fetched.failures) == (f"{HOST} refuses the link. Copy it anew.", 6)
    assert note.trouble_since == TUESDAY + timedelta(minutes=15)
    assert await clinic.book() == WHOLE
    errors = [each for each in await clinic.services.activity.recent(50) if each.kind == "error"]
    assert len(errors) == 1, "one line, however long it fails"
    clinic.links.trouble.clear()
    await clinic.fetch()
    assert ((await clinic.note()).trouble, (await clinic.note()).fetched.failures) == ("", 0)


async def test_a_server_that_asks_for_patience_is_left_alone(clinic: Clinic) -> None:
    await clinic.open(every=timedelta(minutes=5))
    clinic.links.trouble[LINK] = SourceUnreachable(wait=3_600)
    await clinic.look()
    await clinic.clock.advance(3_500)
    await clinic.look()
    assert len(clinic.links.requests) == 1
    await clinic.clock.advance(200)
    await clinic.look()
    assert len(clinic.links.requests) == 2


async def test_a_start_of_the_program_asks_no_sooner(clinic: Clinic) -> None:
    await clinic.open()
    await clinic.look()
    await clinic.clock.advance(60)
    await clinic.look()
    assert len(clinic.links.requests) == 1


async def test_a_fetch_that_was_broken_off_is_done_again_without_a_double(clinic: Clinic) -> None:
    await clinic.open()
    fetching = asyncio.create_task(clinic.fetch())
    while not await clinic.application.book.imports(1):
        pass
    fetching.cancel()
    await asyncio.gather(fetching, return_exceptions=True)
    assert (await clinic.note()).fetched.tried_at is None, "it came to no end"
    await clinic.look()
    assert await clinic.book() == WHOLE
    assert [*(clinic.home / "watched").iterdir()] == []


async def test_removals_of_many_wait_for_a_person(clinic: Clinic) -> None:
    await clinic.open()
    await clinic.fetch()
    clinic.links.calendars[LINK] = calendar(FOUR[0], FOUR[3])
    outcome = await clinic.fetch()
    assert outcome.held
    assert await clinic.book() == WHOLE
    (waiting,) = (await clinic.note()).waiting
    assert waiting.place == HOST
    current = (await clinic.note()).fetched.current_at
    await clinic.clock.advance(600)
    await clinic.fetch()
    assert (await clinic.note()).fetched.current_at == current, "what waits is not in the book"
    preview = await clinic.services.sources.look_at("books", HOST)
    assert preview.removed == 2
    await clinic.services.sources.release("books", HOST)
    assert await clinic.book() == {"a": "07 09:00", "d": "10 09:00"}
    assert (await clinic.note()).waiting == ()


async def test_questions_wait_and_are_answered_once(clinic: Clinic) -> None:
    await clinic.services.practitioners.add("Anh Nguyen")
    await clinic.open()
    clinic.links.calendars[LINK] = calendar(*FOUR).replace(b"X-WR-CALNAME:Jo Smith\r\n", b"")
    outcome = await clinic.fetch()
    assert outcome.report is not None
    assert [each.key for each in outcome.report.questions] == ["practitioner:*"]
    assert await clinic.book() == {}
    assert (await clinic.fetch()).held, "who asks is told again, though nothing has changed"
    answer = {"practitioner:*": "jo-smith"}
    assert not (await clinic.services.fetched_sources.sync("books", answers=answer)).held
    assert await clinic.book() == WHOLE
    clinic.links.calendars[LINK] = calendar(entry("a", 7, 8), *FOUR[1:])
    await clinic.fetch()
    assert (await clinic.book())["a"] == "07 08:00"


async def test_guesses_are_taken_where_somebody_said_so_but_never_release_removals(
    clinic: Clinic,
) -> None:
    zone = [each.replace("TZID=Australia/Sydney", "TZID=Clinic time") for each in FOUR]
    await clinic.open(*zone, guesses=True)
    assert not (await clinic.fetch()).held
    assert len(await clinic.book()) == 4
    clinic.links.calendars[LINK] = calendar(zone[0], zone[3])
    assert (await clinic.fetch()).held


async def test_who_was_overtaken_while_it_fetched_leaves_the_book_to_the_other(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Halted with an older answer in hand."""
    await clinic.open()
    await clinic.fetch()
    before = await clinic.note()
    clinic.links.calendars[LINK] = calendar(*FOUR[1:], entry("a", 7, 11))

    async def overtaken() -> None:
        raise Overtaken

    monkeypatch.setattr(clinic.services.watching.fetching._locks, "ensure", overtaken)
    with pytest.raises(Busy, match="from another window or computer"):
        await clinic.fetch()
    assert (await clinic.book(), await clinic.note()) == (WHOLE, before)
    await clinic.clock.advance(timedelta(hours=2).total_seconds())
    await clinic.look()
    assert (await clinic.book(), await clinic.note()) == (WHOLE, before)
    monkeypatch.undo()
    await clinic.look()
    assert (await clinic.book())["a"] == "07 11:00"
