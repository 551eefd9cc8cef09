"""Sources that are links: what is fetched when; only a calendar changes the book."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from companion.domain.appointments import AppointmentStatus
from companion.domain.errors import BadInput, SourceUnreachable
from companion.domain.settings import RemoteSettings
from companion.services.sources.fetched_sources import Wanted, filled
from companion.services.sources.fetching import FetchOutcome
from companion.services.sources.notes import SourceNote
from companion.services.sources.remote import SourceField, SourceKind
from tests.fakes.clock import FakeClock
from tests.fakes.services import TUESDAY, fake_application

LINK = "https://calendar.example/private-3f9a/basic.ics"
HOST = "calendar.example"


def calendar(*entries: str, stamp: str = "20260303T000000Z") -> bytes:
    body = "".join(
        f"BEGIN:VEVENT\r\nDTSTAMP:{stamp}\r\n{each}\r\nEND:VEVENT\r\n" for each in entries
    )
    return f"BEGIN:VCALENDAR\r\nX-WR-CALNAME:Jo Smith\r\n{body}END:VCALENDAR\r\n".encode()


def entry(uid: str, day: int, hour: int = 9, *more: str) -> str:
    start = f"DTSTART;TZID=Australia/Sydney:202612{day:02}T{hour:02}0000"
    return "\r\n".join((f"UID:{uid}", start, "DURATION:PT45M", f"SUMMARY:Entry {uid}", *more))


def at(link: str) -> Wanted:
    return Wanted(kind="link", secret=link)


FOUR = [entry(each, day) for each, day in zip("abcd", (7, 8, 9, 10), strict=True)]


class Clinic:
    def __init__(self, home: Path) -> None:
        self.clock = FakeClock(TUESDAY, auto=False)
        self.application = fake_application(clock=self.clock, home=home)
        self.services = self.application.services
        self.links = self.application.links
        self.home = home

    async def open(self, *entries: str, **wishes: object) -> None:
        await self.services.practitioners.add("Jo Smith")
        self.links.calendars[LINK] = calendar(*(entries or FOUR))
        await self.services.fetched_sources.add("books", at(LINK), **wishes)  # type: ignore[arg-type]

    async def fetch(self) -> FetchOutcome:
        return await self.services.fetched_sources.sync("books")

    async def look(self) -> None:
        """As the background does every few seconds."""
        await self.services.watching.fetching.look("books")

    async def note(self) -> SourceNote:
        (status,) = await self.services.sources.overview()
        return status.note

    async def book(self) -> dict[str, str]:
        """What takes place, by id: its start."""
        rows = await self.application.book.source_rows("books")
        return {
            key: f"{row.start:%d %H:%M}" for key, row in sorted(rows.items()) if not row.cancelled
        }

    async def all_text(self) -> str:
        """Everything that is kept or said outside of the sealed secrets."""
        activity = await self.services.activity.recent(100)
        notes = await self.services.sources.overview()
        return f"{self.application.settings.read()} {activity} {notes}"


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


async def test_the_link_is_sealed_and_never_said(clinic: Clinic) -> None:
    await clinic.open()
    await clinic.fetch()
    clinic.links.trouble[LINK] = SourceUnreachable(f"{HOST} refuses the link.")
    await clinic.fetch()
    assert "private-3f9a" not in await clinic.all_text()
    assert [*clinic.application.secrets.kept.values()].count(LINK) == 1
    await clinic.services.sources.remove("books")
    assert LINK not in clinic.application.secrets.kept.values()


async def test_a_link_that_came_with_settings_of_another_computer_is_asked_for(
    clinic: Clinic,
) -> None:
    await clinic.open()
    clinic.application.secrets.kept.clear()
    assert "Give its link, key or password again" in str((await clinic.fetch()).error)


@pytest.mark.parametrize(
    "link",
    [
        "http://calendar.example/x.ics",
        "ftp://x/y",
        "https://",
        "calendar.example/x.ics",
        "",
        "a\nb",
    ],
)
async def test_a_link_that_is_none_or_not_secure_is_refused_unrepeated(
    clinic: Clinic, link: str
) -> None:
    with pytest.raises(BadInput) as refused:
        await clinic.services.fetched_sources.add("books", at(link))
    assert refused.value.field == "secret"
    assert link in {"", "https://"} or link not in str(refused.value)


async def test_webcal_means_https_and_an_empty_link_keeps_the_one_there_is(clinic: Clinic) -> None:
    await clinic.services.fetched_sources.add(
        "books", at(f"webcal://{LINK.removeprefix('https://')}")
    )
    assert clinic.application.secrets.kept["source/books"] == LINK
    changed = await clinic.services.fetched_sources.add("books", at(""), every=timedelta(hours=1))
    assert changed.remote == RemoteSettings(kind="link", place=HOST, every=timedelta(hours=1))
    assert clinic.application.secrets.kept["source/books"] == LINK


async def test_a_practice_that_goes_over_from_an_export_to_a_link_has_no_double(
    clinic: Clinic, tmp_path: Path
) -> None:
    await clinic.services.practitioners.add("Jo Smith")
    export = tmp_path / "export.csv"
    rows = "".join(
        f"{n},0{day}/12/2026 09:00,45,Jo Smith,Entry {uid}\n"
        for n, (uid, day) in enumerate(zip("abc", (7, 8, 9), strict=True))
    )
    export.write_text(f"Id,Start,Length,Practitioner,Title\n{rows}", encoding="utf-8")
    importing = clinic.services.importing
    preview = await importing.preview(export, source="books")
    await importing.apply(preview, yes=True)
    before = {
        e.appointment_id for e in (await clinic.application.book.source_rows("books")).values()
    }
    assert len(before) == 3
    clinic.links.calendars[LINK] = calendar(*FOUR)
    await clinic.services.fetched_sources.add("books", at(LINK))
    held = (await clinic.fetch()).report
    assert held is not None
    assert [each.key for each in held.questions] == ["same:books"]
    outcome = await clinic.services.fetched_sources.sync(
        "books", answers={"same:books": "take_over"}
    )
    assert outcome.report is not None
    assert (outcome.report.held, outcome.report.added, outcome.report.removed) == (False, 1, 0)
    rows_now = await clinic.application.book.source_rows("books")
    after = {each.appointment_id for each in rows_now.values()}
    assert before < after
    assert len(after) == 4


async def test_the_background_fetches_what_is_due_and_goes_on_after_an_error(
    clinic: Clinic,
) -> None:
    await clinic.open()
    running = asyncio.create_task(clinic.services.watching.run())
    while len(await clinic.book()) < 4:
        await clinic.clock.advance(1)
    clinic.application.secrets.trouble = None
    clinic.links.calendars[LINK] = calendar(entry("a", 7, 16), *FOUR[1:])
    await clinic.clock.advance(900)
    while (await clinic.book())["a"] != "07 16:00":
        await clinic.clock.advance(1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_source_that_was_stopped_in_between_is_no_error(clinic: Clinic) -> None:
    await clinic.open()
    await clinic.services.sources.stop("books")
    await clinic.look()
    assert (await clinic.note()).trouble == ""


KIND = SourceKind(
    name="pigeons",
    title="Pigeons",
    about="They come.",
    secret=SourceField(name="secret", label="Whistle"),
    fields=(
        SourceField(name="loft", label="Loft", hint="Where they live."),
        SourceField(name="colour", label="Colour", default="grey", choices={"grey": "Grey"}),
    ),
)


def test_fields_left_empty_are_as_usual() -> None:
    assert filled(KIND, {"loft": " North "}) == {"loft": "North", "colour": "grey"}


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({}, "loft"),
        ({"loft": "North", "colour": "pink"}, "colour"),
        ({"loft": "North", "wings": "2"}, "field"),
    ],
)
def test_what_a_kind_does_not_know_or_lacks_is_named(typed: dict[str, str], field: str) -> None:
    with pytest.raises(BadInput) as refused:
        filled(KIND, typed)
    assert refused.value.field == field


async def test_a_first_fetch_that_takes_long_does_not_put_off_what_changes_next(
    clinic: Clinic,
) -> None:
    await clinic.open(every=timedelta(minutes=5))
    clinic.links.takes = lambda: clinic.clock.shift(90)
    await clinic.look()
    clinic.links.takes = lambda: None
    clinic.links.calendars[LINK] = calendar(*FOUR[1:], entry("a", 7, 11))
    await clinic.clock.advance(300)
    await clinic.look()
    assert (await clinic.book())["a"] == "07 11:00"


async def test_one_that_always_takes_long_is_asked_less_often(clinic: Clinic) -> None:
    clinic.links.tags = False
    await clinic.open(every=timedelta(minutes=5))
    clinic.links.takes = lambda: clinic.clock.shift(90)
    await clinic.look()
    await clinic.clock.advance(600)
    await clinic.look()
    assert len(clinic.links.requests) == 1
    await clinic.clock.advance(301)
    await clinic.look()
    assert len(clinic.links.requests) == 2
