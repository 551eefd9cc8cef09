"""When a schedule counts as old: what is expected of it, opening hours, passes; and who says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from companion.domain.client_names import NOBODY
from companion.domain.errors import CalendarGone, Offline, SignInExpired
from companion.domain.expectations import Expected
from companion.domain.settings import RemoteSettings
from companion.services.feeds.views import stale_notice, view_of
from companion.services.ports import FeedDetail
from companion.services.status import PractitionerStatus, Status
from companion.services.sync.staleness import notice_words
from tests.battery.practice import IMPORTED, Practice
from tests.battery.world import ANNA, BORIS, SYDNEY, appointment
from tests.fakes.background import in_background
from tests.fakes.clock import FakeClock
from tests.fakes.stores import MemoryFeeds

FRIDAY = IMPORTED + timedelta(days=3)
WORDS = "Schedule not updated since Tue 3 March 08:12"


def said(world: Practice) -> str:
    since = world.staleness.since(ANNA)
    return notice_words(since, SYDNEY) if since else ""


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


LINK = RemoteSettings(kind="link", place="calendar.example", every=timedelta(minutes=15))


@pytest.mark.parametrize(("hours", "old"), [(24, False), (72.2, False), (72.3, True)])
async def test_a_link_that_gives_nothing_any_more_counts_while_the_practice_is_open(
    hours: float, old: bool
) -> None:
    world = Practice()
    world.expects(Expected.AUTOMATIC, remote=LINK)
    world.fetched["nookal"] = FRIDAY + timedelta(hours=9)
    world.clock.set(FRIDAY + timedelta(hours=9 + hours))
    await world.staleness.look()
    assert world.staleness.book_since() == (world.fetched["nookal"] if old else None)


async def test_a_fetch_just_after_the_program_started_is_waited_for() -> None:
    world = Practice()
    world.expects(Expected.AUTOMATIC, remote=LINK)
    world.fetched["nookal"] = FRIDAY
    world.clock.set(FRIDAY + timedelta(days=9))
    world.staleness.woke()
    await world.staleness.look()
    assert world.staleness.book_since() is None
    world.clock.shift(660)
    await world.staleness.look()
    assert world.staleness.book_since() == FRIDAY
    world.fetched["nookal"] = world.clock.now()
    await world.staleness.look()
    assert world.staleness.book_since() is None


@pytest.mark.parametrize("expected", [Expected.NEVER, Expected.AUTOMATIC])
async def test_nothing_is_said_of_a_link_that_never_worked_or_is_not_expected(
    expected: Expected,
) -> None:
    world = Practice()
    world.expects(expected, remote=LINK)
    if expected is Expected.NEVER:
        world.fetched["nookal"] = FRIDAY
    world.clock.set(FRIDAY + timedelta(days=9))
    await world.staleness.look()
    assert world.staleness.book_since() is None


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
    async with in_background(world.worker.run()):
        await world.clock.advance(hours * 3600)


async def test_the_worker_puts_it_up_and_takes_it_down_by_itself() -> None:
    world = Practice(clock=FakeClock(auto=False))
    await world.put(appointment(100))
    await world.imported()
    await working(world, 1)
    assert world.notices() == []
    world.clock.shift(47 * 3600)
    await working(world, 0.5)
    assert len(world.notices()) == 1
    async with in_background(world.worker.run()):
        await world.imported()
        await world.clock.advance(5)
    assert world.notices() == []


async def test_the_worker_tidies_once_a_day() -> None:
    world = Practice(clock=FakeClock(auto=False))
    days: list[datetime] = []

    async def tidy() -> None:
        days.append(world.clock.now())

    world.worker._tidying._daily = (tidy,)
    async with in_background(world.worker.run()):
        for hours, times in ((2, 1), (3, 2), (18, 2), (6, 3)):  # from eight in the evening
            await world.clock.advance(60)
            world.clock.shift(hours * 3600)
            await world.clock.advance(60)
            assert len(days) == times


async def test_after_signing_in_again_the_worker_waits_no_longer() -> None:
    world = Practice(clock=FakeClock(auto=False))
    await world.put(appointment(100))
    world.remote().refusing = SignInExpired()
    async with in_background(world.worker.run()):
        await world.clock.advance(30)
        assert world.remote().ours() == []
        world.remote().refusing = None
        world.link(connected_at=world.clock.now())
        await world.clock.advance(5)
        assert len(world.remote().ours()) == 1


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
        activity_log=world.stores.activity,
        syncing=world.syncing,
        clock=world.clock,
        staleness=world.staleness,
    )
    (found,) = (await status.board()).practitioners
    return found
