"""A schedule that is not kept up to date says so, in Google and in the feed, and nowhere else."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from companion.domain.client_names import NOBODY
from companion.domain.errors import CalendarGone, Offline, SignInExpired
from companion.domain.event_keys import is_notice
from companion.domain.events import Content
from companion.domain.expectations import Expected
from companion.domain.opening_hours import Opening
from companion.domain.settings import SourceSettings
from companion.services.feeds.views import stale_notice, view_of
from companion.services.ports import BookChange, FeedDetail, ImportRecord
from companion.services.status import PractitionerStatus, Status
from companion.services.sync.staleness import Staleness, notice_words
from companion.services.sync.syncing import Syncing
from companion.services.sync.worker import Worker
from tests.battery.world import ANNA, BORIS, SYDNEY, World, appointment
from tests.fakes.clock import FakeClock
from tests.fakes.stores import MemoryFeeds

IMPORTED = datetime(2026, 3, 2, 21, 12, tzinfo=UTC)
"""Tuesday 3 March 2026, 08:12 in Sydney."""
FRIDAY = IMPORTED + timedelta(days=3)
"""Friday 6 March 2026, 08:12 in Sydney."""
WORDS = "Schedule not updated since Tue 3 March 08:12"


class Practice(World):
    """A world open on every day, whose book is imported each day from a watched folder."""

    def __init__(self, *people: str, clock: FakeClock | None = None) -> None:
        super().__init__(*people, clock=clock)
        self.expects(Expected.DAILY, Opening(days=frozenset(range(7))))

    def expects(
        self, expected: Expected, opening: Opening | None = None, *, folder: str = "/exports"
    ) -> None:
        source = SourceSettings(name="nookal", folder=folder, expected=expected)
        practice = replace(self.settings.current.practice, opening=opening or Opening())
        changed = replace(self.settings.current, practice=practice)
        self.settings.current = changed.with_source(source)

    def restart(self) -> None:
        super().restart()
        self.staleness = Staleness(
            book=self.book, ledger=self.ledger, settings=self.settings, clock=self.clock
        )
        parts = replace(self.syncing._parts, stale_since=self.staleness.for_google)
        self.syncing = Syncing(parts, self.changes)
        self.auditing._syncing = self.syncing
        self.worker = self.new_worker()

    def new_worker(self) -> Worker:
        return Worker(
            syncing=self.syncing,
            auditing=self.auditing,
            book=self.book,
            settings=self.settings,
            clock=self.clock,
            chance=self.chance,
            changes=self.changes,
            staleness=getattr(self, "staleness", None),
        )

    async def imported(self, at: datetime | None = None) -> None:
        record = ImportRecord(
            source="nookal",
            at=at or self.clock.now(),
            file_name="export.csv",
            added=0,
            changed=0,
            removed=0,
            unchanged=1,
            rejected=0,
        )
        await self.stores.book.apply(BookChange(imported=record), self.clock.now())

    def notices(self, practitioner_id: str = ANNA) -> list[Content]:
        return [each.content for each in self.remote(practitioner_id).ours() if is_notice(each.key)]

    async def uploaded(self, *people: str) -> None:
        """Ten appointments, in Google, from an import at 08:12."""
        self.clock.set(IMPORTED)
        await self.put(*(appointment(100 + number) for number in range(10)))
        await self.imported()
        for who in people or (ANNA,):
            assert (await self.run(who)).error is None

    async def two_days_later(self) -> None:
        self.clock.shift(49 * 3600)
        await self.staleness.look()


def said(world: Practice) -> str:
    since = world.staleness.since(ANNA)
    return notice_words(since, SYDNEY) if since else ""


async def test_nothing_is_said_within_the_set_time() -> None:
    world = Practice()
    await world.uploaded()
    world.clock.shift(48 * 3600 - 10)
    await world.run()
    assert world.notices() == []


async def test_an_import_too_long_ago_is_one_all_day_entry_at_the_top_of_today() -> None:
    world = Practice()
    await world.uploaded()
    await world.two_days_later()
    result = await world.run()
    assert result.error is None
    (notice,) = world.notices()
    assert notice.summary == WORDS
    assert (notice.start, notice.end) == (date(2026, 3, 5), date(2026, 3, 6))
    assert (notice.availability.value, notice.private) == ("free", False)


async def test_it_counts_in_no_proof_no_count_and_no_difference() -> None:
    world = Practice()
    await world.uploaded()
    await world.two_days_later()
    result = await world.run()
    assert (result.inserted, result.planned["insert"], result.unchanged) == (0, 0, 10)
    audit = await world.audit()
    assert (audit.differences, audit.inserted, audit.deleted) == ((), 0, 0)
    assert audit.proof is not None
    assert (audit.proof.book, audit.proof.google, audit.proof.equal) == (10, 10, True)
    assert len(world.notices()) == 1
    assert (await world.syncing.state(ANNA)).events == 10


async def test_the_same_notice_is_written_once_and_moved_to_each_new_day() -> None:
    world = Practice()
    await world.uploaded()
    await world.two_days_later()
    await world.run()
    before = dict(world.remote().parts)
    assert (await world.run()).api_calls == 0
    world.clock.shift(24 * 3600)
    await world.run()
    (notice,) = world.notices()
    assert (notice.summary, notice.start) == (WORDS, date(2026, 3, 6))
    assert world.remote().parts["insert"] == before["insert"]
    assert world.remote().parts["patch"] == before.get("patch", 0) + 1


async def test_it_disappears_with_the_first_good_pass_after_an_import() -> None:
    world = Practice()
    await world.uploaded()
    await world.two_days_later()
    await world.run()
    await world.imported()
    world.clock.shift(10)
    result = await world.run()
    assert (world.notices(), result.deleted) == ([], 0)
    assert len(world.live()) == 10
    assert not [key for key in await world.rows() if is_notice(key)]


async def test_a_second_staleness_is_an_event_of_its_own() -> None:
    world = Practice()
    await world.uploaded()
    for _ in range(3):
        await world.two_days_later()
        await world.run()
        assert len(world.notices()) == 1
        await world.imported()
        world.clock.shift(10)
        await world.run()
        assert world.notices() == []
    assert world.remote().calls["get"] == 0


async def test_two_never_stand_beside_each_other_even_when_the_import_went_unseen() -> None:
    world = Practice()
    await world.uploaded()
    await world.two_days_later()
    await world.run()
    await world.imported()
    seen: list[int] = []
    world.at_step = lambda _name: seen.append(len(world.notices()))
    await world.two_days_later()
    await world.run()
    assert max(seen) == 1
    (notice,) = world.notices()
    assert notice.summary == "Schedule not updated since Thu 5 March 09:12"


async def test_a_person_who_deletes_it_has_read_it() -> None:
    world = Practice()
    await world.uploaded()
    await world.two_days_later()
    await world.run()
    (event,) = [each for each in world.remote().ours() if is_notice(each.key)]
    world.remote().person_deletes(event.event_id)
    assert (await world.audit()).error is None
    world.clock.shift(24 * 3600)
    await world.run()
    assert world.notices() == []


async def test_a_lost_ledger_doubles_no_notice() -> None:
    world = Practice()
    await world.uploaded()
    await world.two_days_later()
    await world.run()
    world.stores.ledger._rows.clear()
    audit = await world.audit()
    assert audit.proof is not None
    assert audit.proof.equal
    assert len(world.notices()) == 1
    await world.imported()
    world.clock.shift(10)
    await world.run()
    assert (world.notices(), len(world.live())) == ([], 10)


@pytest.mark.parametrize("step", range(1, 40, 2))
async def test_a_crash_anywhere_leaves_one_notice_or_none_and_heals(step: int) -> None:
    world = Practice()
    await world.uploaded()
    await world.two_days_later()
    await world.crash_at(step, world.run)
    await world.run()
    await world.run()
    assert len(world.notices()) == 1
    await world.imported()
    world.clock.shift(10)
    await world.crash_at(step, world.run)
    await world.run()
    assert (world.notices(), len(world.live())) == ([], 10)


async def test_where_google_cannot_be_reached_there_is_no_notice_but_the_feed_has_it() -> None:
    world = Practice()
    await world.uploaded()
    world.remote().refusing = SignInExpired()
    await world.two_days_later()
    assert isinstance((await world.run()).error, SignInExpired)
    assert world.notices() == []
    assert world.staleness.since(ANNA) == IMPORTED


async def test_nothing_is_said_over_a_weekend_and_on_tuesday_what_did_not_come_on_monday() -> None:
    world = Practice()
    world.expects(Expected.DAILY)
    world.clock.set(FRIDAY)
    await world.imported()
    await world.put(appointment(100))
    await world.run()
    for hours in (24, 48, 72, 95):
        world.clock.set(FRIDAY + timedelta(hours=hours))
        world.staleness.confirm(ANNA)
        await world.staleness.look()
        assert said(world) == ""
    world.clock.set(FRIDAY + timedelta(hours=97))
    await world.staleness.look()
    assert said(world) == "Schedule not updated since Fri 6 March 08:12"


async def test_missing_passes_count_while_the_practice_is_open() -> None:
    world = Practice()
    world.expects(Expected.NEVER)
    world.clock.set(FRIDAY + timedelta(hours=9))
    await world.put(appointment(100))
    await world.run()
    for hours, words in (
        (60, ""),
        (80.9, ""),
        (81.1, "Schedule not updated since Fri 6 March 17:12"),
    ):
        world.clock.set(FRIDAY + timedelta(hours=hours))
        await world.staleness.look()
        assert said(world) == words


@pytest.mark.parametrize("folder", ["", "/exports"])
async def test_a_single_import_is_not_expected_again(folder: str) -> None:
    world = Practice()
    world.expects(Expected.AUTOMATIC, folder=folder)
    await world.uploaded()
    world.clock.shift(90 * 86_400)
    assert (await world.run()).error is None
    await world.staleness.look()
    assert (said(world), world.notices()) == ("", [])


@pytest.mark.parametrize("hand", ["new", "imported"])
async def test_an_edit_in_the_book_removes_it_with_the_pass_that_sends_the_edit(hand: str) -> None:
    world = Practice()
    world.clock.set(IMPORTED)
    await world.put(appointment(100, source="nookal", source_id="7"))
    await world.imported()
    await world.two_days_later()
    await world.run()
    assert len(world.notices()) == 1
    edited = appointment(101) if hand == "new" else appointment(100, source="nookal", title="Later")
    await world.put(edited)
    world.clock.shift(10)
    await world.run()
    assert (world.notices(), said(world)) == ([], "")
    world.clock.shift(25 * 3600)
    world.staleness.confirm(ANNA)
    await world.staleness.look()
    assert said(world) == "Schedule not updated since Thu 5 March 09:12"


async def test_what_an_import_wrote_is_no_edit() -> None:
    world = Practice()
    world.clock.set(IMPORTED)
    await world.imported()
    world.clock.shift(3)
    await world.put(appointment(100, source="nookal", source_id="7"))
    await world.two_days_later()
    assert world.staleness.book_since() == IMPORTED


async def test_a_practice_can_switch_it_off() -> None:
    world = Practice()
    await world.uploaded()
    await world.two_days_later()
    await world.run()
    practice = replace(world.settings.current.practice, stale_days=None)
    world.settings.current = replace(world.settings.current, practice=practice)
    world.clock.shift(10)
    await world.run()
    assert (world.notices(), said(world)) == ([], "")


async def test_a_book_that_is_never_imported_is_stale_only_by_its_passes() -> None:
    world = Practice()
    world.clock.set(IMPORTED)
    await world.put(appointment(100))
    await world.run()
    await world.two_days_later()
    assert world.staleness.book_since() is None
    assert said(world) == WORDS
    await world.run()
    await world.staleness.look()
    assert world.staleness.since(ANNA) is None
    assert world.notices() == []


async def test_somebody_who_is_not_connected_misses_no_pass() -> None:
    world = Practice(ANNA, BORIS)
    await world.uploaded(ANNA)
    world.choose(BORIS, enabled=False)
    await world.imported(IMPORTED + timedelta(hours=24))
    await world.two_days_later()
    assert world.staleness.since(BORIS) is None
    assert said(world) == WORDS


async def test_a_pass_that_was_not_needed_counts_as_good() -> None:
    world = Practice()
    world.clock.set(IMPORTED)
    await world.put(appointment(100))
    await world.run()
    world.clock.shift(23 * 3600)
    world.staleness.confirm(ANNA)
    world.clock.shift(2 * 3600)
    await world.staleness.look()
    assert world.staleness.since(ANNA) is None


async def test_an_import_by_a_clock_that_ran_ahead_does_not_hide_a_stale_book() -> None:
    world = Practice()
    await world.uploaded()
    await world.imported(world.clock.now() + timedelta(days=300))
    await world.two_days_later()
    assert world.staleness.book_since() == IMPORTED


async def test_a_pass_by_a_clock_that_ran_ahead_does_not_hide_that_none_succeeds() -> None:
    world = Practice()
    world.clock.set(IMPORTED)
    await world.put(appointment(100))
    world.clock.shift(300 * 86_400)
    await world.run()
    world.staleness.confirm(ANNA)
    world.clock.set(IMPORTED)
    await world.two_days_later()
    assert world.staleness.since(ANNA) is not None


async def test_after_waking_the_first_pass_gets_its_time() -> None:
    world = Practice()
    world.clock.set(IMPORTED)
    await world.put(appointment(100))
    await world.run()
    world.clock.shift(60 * 3600)
    world.staleness.woke()
    await world.staleness.look()
    assert world.staleness.since(ANNA) is None
    world.clock.shift(601)
    assert said(world) == WORDS


async def test_google_and_the_feed_use_the_same_words() -> None:
    world = Practice()
    await world.uploaded()
    await world.two_days_later()
    await world.run()
    since = world.staleness.since(ANNA)
    assert since is not None
    view = view_of(
        world.record(),
        world.settings.current,
        detail=FeedDetail.BUSY,
        window=(await world.syncing.plan(ANNA)).window,
        names=NOBODY,
        now=world.clock.now(),
        stale_since=since,
    )
    in_feed = stale_notice(view, since)
    (notice,) = world.notices()
    assert in_feed.summary == notice.summary == notice_words(since, SYDNEY) == WORDS
    assert in_feed.start == notice.start


async def test_the_notice_of_a_former_calendar_waits_for_nobody() -> None:
    world = Practice()
    await world.uploaded()
    await world.two_days_later()
    await world.run()
    old = world.remote()
    world.link(calendar_id="other@calendar")
    await world.imported()
    world.clock.shift(10)
    first = await world.run()
    assert first.held == 10
    await world.run(release_held=True)
    assert old.ours() == []


async def test_a_notice_alone_in_a_former_calendar_goes_at_once() -> None:
    world = Practice()
    await world.imported(IMPORTED)
    world.clock.set(IMPORTED)
    await world.two_days_later()
    await world.run()
    old = world.remote()
    assert len(old.ours()) == 1
    world.link(calendar_id="other@calendar")
    await world.imported()
    world.clock.shift(10)
    result = await world.run()
    assert (result.held, old.ours()) == (0, [])


async def working(world: Practice, hours: float) -> None:
    """The worker runs for so long."""
    running = asyncio.create_task(world.worker.run())
    try:
        await world.clock.advance(hours * 3600)
    finally:
        running.cancel()
        await asyncio.wait({running})


async def test_the_worker_puts_it_up_and_takes_it_down_by_itself() -> None:
    world = Practice(clock=FakeClock(auto=False))
    await world.put(appointment(100))
    await world.imported()
    await working(world, 1)
    assert world.notices() == []
    await working(world, 48)
    assert len(world.notices()) == 1
    running = asyncio.create_task(world.worker.run())
    await world.imported()
    await world.clock.advance(5)
    running.cancel()
    await asyncio.wait({running})
    assert world.notices() == []


async def test_the_worker_tidies_once_a_day() -> None:
    world = Practice(clock=FakeClock(auto=False))
    days: list[datetime] = []

    async def tidy() -> None:
        days.append(world.clock.now())

    world.worker._daily = (tidy,)
    await working(world, 26)
    assert len(days) == 2


async def test_after_signing_in_again_the_worker_waits_no_longer() -> None:
    world = Practice(clock=FakeClock(auto=False))
    await world.put(appointment(100))
    world.remote().refusing = SignInExpired()
    running = asyncio.create_task(world.worker.run())
    try:
        await world.clock.advance(30)
        assert world.remote().ours() == []
        world.remote().refusing = None
        world.link(connected_at=world.clock.now())
        await world.clock.advance(5)
        assert len(world.remote().ours()) == 1
    finally:
        running.cancel()
        await asyncio.wait({running})


@pytest.mark.parametrize("error", [Offline(), CalendarGone()])
async def test_the_card_says_why_before_it_says_since_when(
    error: Offline | CalendarGone,
) -> None:
    world = Practice()
    await world.uploaded()
    world.remote().refusing = error
    await world.two_days_later()
    await world.run()
    status = await card(world)
    assert (status.sentence, status.stale_since) == (error.what, IMPORTED)


async def test_the_card_of_a_stale_schedule_says_since_when_and_what_to_do() -> None:
    world = Practice()
    await world.uploaded()
    await world.two_days_later()
    await world.run()
    status = await card(world)
    assert (status.state, status.action) == ("stale", "import")
    assert status.sentence == "The schedule has not been updated since Tue 3 March 08:12."


async def card(world: Practice) -> PractitionerStatus:
    status = Status(
        settings=world.settings,
        book=world.stores.book,
        ledger=world.stores.ledger,
        feeds=MemoryFeeds(),
        activity=world.stores.activity,
        syncing=world.syncing,
        clock=world.clock,
        staleness=world.staleness,
    )
    (found,) = (await status.board()).practitioners
    return found
