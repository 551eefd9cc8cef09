"""What the book screen shows of Google, and that each edit reaches Google and feed exactly once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from companion.domain.appointments import AppointmentKind
from companion.domain.reconcile import LedgerEntryState
from companion.services.book.drafts import AppointmentDraft
from companion.services.book.marks import Mark
from companion.services.book.series import Scope
from companion.services.book.view import BookEntry
from companion.services.ports import CalendarRef, FeedDetail
from tests.fakes.services import CLIENT_FILE, FakeApplication, fake_application, the_sample

WHO = the_sample().practitioners[0]
TODAY = date(2026, 11, 24)
NOON = datetime(2026, 11, 24, 12)  # noqa: DTZ001 - wall time
HALF_HOUR = timedelta(minutes=30)


@pytest.fixture
async def application() -> FakeApplication:
    """One practitioner, connected; nothing in the book."""
    made = fake_application(the_sample())
    await made.services.connecting.set_client(CLIENT_FILE)
    await made.connect(WHO.id, WHO.email)
    return made


def lunch(rule: str = "FREQ=DAILY") -> AppointmentDraft:
    return AppointmentDraft(
        kind=AppointmentKind.MEETING,
        practitioner_id=WHO.id,
        start=NOON,
        end=NOON + HALF_HOUR,
        title="Lunch",
        rule=rule,
    )


def visit(**changes: object) -> AppointmentDraft:
    draft = AppointmentDraft(
        kind=AppointmentKind.CLIENT,
        practitioner_id=WHO.id,
        start=NOON,
        end=NOON + HALF_HOUR,
        client_first_name="Anna",
        client_last_name="Lee",
        appointment_type="Physio",
    )
    return replace(draft, **changes)  # type: ignore[arg-type] # a test names the fields itself


async def sync(application: FakeApplication) -> None:
    result = await application.services.syncing.run(WHO.id, cause="test")
    assert result.error is None
    assert result.held == 0


async def entry(application: FakeApplication, day: date = TODAY) -> BookEntry:
    (found,) = await application.services.book_view.entries([WHO.id], day, day)
    return found


async def in_google(application: FakeApplication) -> list[datetime]:
    """Starts of the live events, local wall time."""
    record = application.services.settings.read().practitioners[WHO.id]
    remote = await application.google.calendar(WHO.id, record.google.calendar_id)
    seen = [each for each in await remote.list_ours(None, None) if not each.deleted]

    return sorted(
        each.begins.astimezone(ZoneInfo(WHO.timezone)).replace(tzinfo=None) for each in seen
    )


async def in_feed(application: FakeApplication, days: int = 8) -> list[str]:
    """UIDs of an export of the next days."""
    body = await application.services.feeds.export(
        WHO.id, first_day=TODAY, last_day=TODAY + timedelta(days=days)
    )
    return [line for line in body.decode().split("\r\n") if line.startswith("UID:")]


# ── marks ─────────────────────────────────────────────────────────────────────────────────────


async def test_an_appointment_waits_then_is_in_google_and_waits_again_when_changed(
    application: FakeApplication,
) -> None:
    made = await application.services.booking.create(visit(), user="Sam")
    assert (await entry(application)).mark is Mark.WAITING
    await sync(application)
    assert (await entry(application)).mark is Mark.IN_GOOGLE
    await application.services.booking.edit(made.key, visit(appointment_type="Massage"), seen=1)
    assert (await entry(application)).mark is Mark.WAITING
    await sync(application)
    await application.services.booking.edit(
        made.key, visit(appointment_type="Massage", notes="x"), seen=2
    )
    assert (await entry(application)).mark is Mark.IN_GOOGLE  # notes do not go


async def test_a_cancelled_one_waits_until_google_has_lost_it(application: FakeApplication) -> None:
    made = await application.services.booking.create(visit(), user="Sam")
    await sync(application)
    await application.services.booking.cancel(made.key, seen=1)
    shown = await entry(application)
    assert (shown.shown.cancelled, shown.mark) == (True, Mark.WAITING)
    await sync(application)
    assert (await entry(application)).mark is Mark.NONE
    assert await in_google(application) == []


async def test_what_does_not_go_says_why(application: FakeApplication) -> None:
    far = NOON + timedelta(days=90)
    await application.services.booking.create(visit(start=far, end=far + HALF_HOUR), user="Sam")
    assert (await entry(application, far.date())).mark is Mark.OUTSIDE
    await application.services.booking.create(visit(), user="Sam")
    await application.services.practitioners.set_values(WHO.id, {"kinds": "meeting"})
    assert (await entry(application)).mark is Mark.EXCLUDED
    await application.services.practitioners.set_values(WHO.id, {"enabled": "false"})
    assert (await entry(application)).mark is Mark.NONE


async def test_one_that_is_left_out_by_choice_says_so(application: FakeApplication) -> None:
    await application.services.booking.create(visit(), user="Sam")
    await sync(application)
    record = application.services.settings.read().practitioners[WHO.id]
    calendar = CalendarRef(practitioner_id=WHO.id, calendar_id=record.google.calendar_id)
    rows = [
        replace(each, state=LedgerEntryState.LEFT_OUT)
        for each in await application.ledger.entries(calendar)
    ]
    await application.ledger.write(calendar, put=rows)
    assert (await entry(application)).mark is Mark.LEFT_OUT


async def test_days_are_counted_with_their_series_and_without_the_cancelled(
    application: FakeApplication,
) -> None:
    booking = application.services.booking
    series = await booking.create(lunch("FREQ=DAILY;COUNT=3"), user="Sam")
    await booking.create(visit(), user="Sam")
    gone = await booking.create(visit(), user="Sam")
    await booking.cancel(gone.key, seen=1)
    await booking.cancel(series.key.replace("24T", "25T"), seen=1)
    counts = await application.services.book_view.counts([WHO.id], TODAY, TODAY + timedelta(days=6))
    assert counts == {TODAY: 2, TODAY + timedelta(days=2): 1}


async def test_a_search_answers_the_next_occurrence_of_a_series(
    application: FakeApplication,
) -> None:
    await application.services.booking.create(
        replace(
            lunch(), start=NOON - timedelta(days=30), end=NOON - timedelta(days=30) + HALF_HOUR
        ),
        user="Sam",
    )
    (found,) = await application.services.book_view.search([WHO.id], "LUNCH")
    assert found.occurrence.start == NOON


async def test_what_google_shows_is_the_projection_and_each_feed_has_its_own(
    application: FakeApplication,
) -> None:
    made = await application.services.booking.create(visit(), user="Sam")
    await application.services.feeds.add(WHO.id, label="Home", detail=FeedDetail.BUSY)
    shows = await application.services.book_view.shows(made.key)
    assert shows.google is not None
    assert shows.google.summary == "AL – Physio"
    assert shows.sentence == "It is written to Google with the next sync."
    (feed,) = shows.feeds
    assert (feed.detail, feed.links) == ("busy", ("Home",))
    assert feed.event is not None
    assert feed.event.summary == "Busy"


# ── each edit of a series, once, in Google and feed ───────────────────────────────────────────


async def test_a_moved_occurrence_moves_in_google_and_feed_and_nothing_is_doubled(
    application: FakeApplication,
) -> None:
    """The vendor's bug: a moved instance of a recurring meeting was there twice."""
    await application.services.booking.create(lunch(), user="Sam")
    await sync(application)
    before, uids = await in_google(application), await in_feed(application)
    second = NOON + timedelta(days=1)
    key = f"own-1@{second:%Y%m%dT%H%M%S}"
    later = second + timedelta(hours=3)
    await application.services.booking.move(
        key, start=later, end=later + HALF_HOUR, practitioner_id=WHO.id, seen=1
    )
    result = await application.services.syncing.run(WHO.id, cause="test")
    assert (result.inserted, result.updated, result.deleted) == (0, 1, 0)
    assert await in_google(application) == sorted({*before, later} - {second})
    assert sorted(await in_feed(application)) == sorted(uids)
    again = await application.services.syncing.run(WHO.id, cause="test")
    assert (again.inserted, again.updated, again.deleted) == (0, 0, 0)


async def test_a_cancelled_occurrence_leaves_google_and_feed(application: FakeApplication) -> None:
    await application.services.booking.create(lunch(), user="Sam")
    await sync(application)
    before, uids = await in_google(application), await in_feed(application)
    await application.services.booking.cancel("own-1@20261125T120000", seen=1)
    await sync(application)
    assert await in_google(application) == [
        each for each in before if each.day != 25 or each.month != 11
    ]
    assert len(await in_feed(application)) == len(uids) - 1


@pytest.mark.parametrize("scope", [Scope.FOLLOWING, Scope.ALL])
async def test_a_new_time_for_many_is_not_held_and_leaves_one_a_day(
    application: FakeApplication, scope: Scope
) -> None:
    """Sixty removals at once would be held if an import had caused them; here a person did."""
    await application.services.booking.create(lunch(), user="Sam")
    await sync(application)
    days = [each.date() for each in await in_google(application)]
    later = NOON + timedelta(days=3, minutes=45)
    await application.services.booking.move(
        "own-1@20261127T120000",
        start=later,
        end=later + HALF_HOUR,
        practitioner_id=WHO.id,
        seen=1,
        scope=scope,
    )
    await sync(application)
    after = await in_google(application)
    assert [each.date() for each in after] == days
    first_moved = later.date() if scope is Scope.FOLLOWING else TODAY
    assert all((each.minute == 45) is (each.date() >= first_moved) for each in after)
    assert len(set(await in_feed(application))) == 9


async def test_a_series_cancelled_as_a_whole_leaves_google_without_waiting_for_anybody(
    application: FakeApplication,
) -> None:
    await application.services.booking.create(lunch(), user="Sam")
    await application.services.booking.create(visit(), user="Sam")
    await sync(application)
    await application.services.booking.cancel("own-1@20261125T120000", seen=1, scope=Scope.ALL)
    await sync(application)
    assert await in_google(application) == [NOON]
