"""CalendarEvent to Google's JSON and back, without losing or adding anything."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.adapters.google import wire
from companion.adapters.google.wire import changed_event, new_event, observe
from companion.domain.appointments import ShowAs
from companion.domain.calendar_writers import CalendarWriter
from companion.domain.errors import RequestRefused
from companion.domain.events import CalendarEvent

WRITER, ID = CalendarWriter(id="w", term=2), "abc123"
ZONES = ("Australia/Sydney", "Australia/Lord_Howe", "Europe/Dublin", "America/St_Johns", "UTC")
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)

words = st.text(alphabet=st.characters(exclude_categories=("C", "Z")), max_size=40)


@st.composite
def calendar_events(draw: st.DrawFn) -> CalendarEvent:
    if draw(st.booleans()):
        first = draw(st.dates(date(2020, 1, 1), date(2035, 1, 1)))
        start: Any = first
        end: Any = first + timedelta(days=draw(st.integers(1, 30)))
    else:
        start = draw(
            st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
        ).replace(microsecond=0)
        end = start + timedelta(minutes=draw(st.integers(1, 3000)))
    return CalendarEvent(
        key=draw(st.text(min_size=1, max_size=100)),
        start=start,
        end=end,
        timezone=draw(st.sampled_from(ZONES)),
        summary=draw(words),
        location=draw(words),
        description=draw(words),
        show_as=draw(st.sampled_from(ShowAs)),
        private=draw(st.booleans()),
        reminder_minutes=draw(st.none() | st.integers(0, 40_320)),
        colour=draw(st.sampled_from(["", *map(str, range(1, 12))])),
    )


def event(**fields: Any) -> CalendarEvent:
    usual: dict[str, Any] = {
        "key": "key",
        "start": NINE,
        "end": NINE + timedelta(minutes=30),
        "timezone": "Australia/Sydney",
        "summary": "ZO",
    }
    return CalendarEvent(**(usual | fields))


@given(calendar_events())
def test_an_event_sent_and_read_back_keeps_its_fingerprint(written: CalendarEvent) -> None:
    read = observe(new_event(ID, written, WRITER, NINE), marks=WRITER.marks, timezone="UTC")
    assert read.content.fingerprint == written.fingerprint
    assert read.style == written.style
    assert (read.event_id, read.key, read.deleted) == (ID, written.key, False)


@given(calendar_events(), st.integers(-12 * 60, 14 * 60))
def test_times_come_back_the_same_from_any_offset(written: CalendarEvent, minutes: int) -> None:
    item = new_event(ID, written, WRITER, NINE)
    elsewhere = timezone(timedelta(minutes=minutes))
    for edge in ("start", "end"):
        if "dateTime" in item[edge]:
            moment = datetime.fromisoformat(item[edge]["dateTime"])
            item[edge]["dateTime"] = moment.astimezone(elsewhere).isoformat()
    read = observe(item, marks=WRITER.marks, timezone="UTC")
    assert read.content.fingerprint == written.fingerprint


@given(calendar_events())
def test_what_google_leaves_out_is_its_default(written: CalendarEvent) -> None:
    """Google echoes neither empty texts nor default transparency and visibility."""
    item = new_event(ID, written, WRITER, NINE)
    for key, default in (("transparency", "opaque"), ("visibility", "default")):
        if item[key] == default:
            del item[key]
    item = {key: value for key, value in item.items() if value != ""}
    read = observe(item, marks=WRITER.marks, timezone="UTC")
    assert read.content.fingerprint == written.fingerprint


@given(calendar_events())
def test_no_write_invites_anybody_or_touches_fields_that_are_not_ours(
    written: CalendarEvent,
) -> None:
    ours = {
        "summary",
        "location",
        "description",
        "start",
        "end",
        "transparency",
        "visibility",
        "extendedProperties",
    }
    assert set(changed_event(written, WRITER, NINE, style=False)) == ours | {"recurrence"}
    assert set(changed_event(written, WRITER, NINE, style=True)) == ours | {
        "recurrence",
        "colorId",
        "reminders",
    }
    assert set(new_event(ID, written, WRITER, NINE)) <= ours | {
        "id",
        "status",
        "colorId",
        "reminders",
    }


def test_times_go_out_in_utc_with_the_books_zone_beside_them() -> None:
    start = new_event(ID, event(), WRITER, NINE)["start"]
    assert start == {"dateTime": "2026-03-02T09:00:00Z", "timeZone": "Australia/Sydney"}


def test_a_patch_to_all_day_takes_the_time_away() -> None:
    all_day = event(start=date(2026, 3, 2), end=date(2026, 3, 3))
    start = changed_event(all_day, WRITER, NINE, style=False)["start"]
    assert start == {"date": "2026-03-02", "dateTime": None, "timeZone": None}


def test_an_all_day_event_never_rings_at_midnight() -> None:
    all_day = event(start=date(2026, 3, 2), end=date(2026, 3, 3))
    assert new_event(ID, all_day, WRITER, NINE)["reminders"] == {"useDefault": False}
    assert new_event(ID, event(), WRITER, NINE)["reminders"] == {"useDefault": True}


def test_a_reminder_stays_within_googles_four_weeks() -> None:
    body = new_event(ID, event(reminder_minutes=100_000), WRITER, NINE)
    assert body["reminders"]["overrides"] == [{"method": "popup", "minutes": 40_320}]


def test_another_mark_is_not_ours_unless_it_was_taken_over() -> None:
    body = new_event(ID, event(), CalendarWriter(id="w", marks=("an older program's",)), NINE)
    assert observe(body, marks=WRITER.marks, timezone="UTC").key == ""
    assert observe(body, marks=(*WRITER.marks, "an older program's"), timezone="UTC").key == "key"


def test_every_write_says_who_wrote_and_when() -> None:
    for body in (
        new_event(ID, event(), WRITER, NINE),
        changed_event(event(), WRITER, NINE, style=False),
    ):
        seen = observe(body, marks=WRITER.marks, timezone="UTC")
        assert seen.stamp == WRITER.stamp(NINE)
        assert seen.stamp.moment == NINE


def test_a_bare_tombstone_can_be_read() -> None:
    read = observe({"id": ID, "status": "cancelled"}, marks=WRITER.marks, timezone="UTC")
    assert read.deleted
    assert read.begins.year == 2000


def test_an_event_made_to_repeat_in_google_differs_from_ours() -> None:
    item = new_event(ID, event(), WRITER, NINE) | {"recurrence": ["RRULE:FREQ=WEEKLY"]}
    read = observe(item, marks=WRITER.marks, timezone="UTC")
    assert read.content.fingerprint != event().fingerprint


@pytest.mark.parametrize(
    "damage",
    [
        {"start": {}},
        {"start": {"dateTime": "yesterday"}},
        {"end": {"date": "2026-13-01"}},
        {"start": "now"},
        {"extendedProperties": {}},
        {"reminders": {"overrides": [{"method": "email", "minutes": 5}]}},
        {"summary": None},
    ],
)
def test_damaged_fields_never_stop_reading(damage: dict[str, Any]) -> None:
    item = new_event(ID, event(), WRITER, NINE) | damage
    assert observe(item, marks=WRITER.marks, timezone="UTC").event_id == ID


def test_a_key_longer_than_google_keeps_is_refused_before_it_is_cut() -> None:
    with pytest.raises(RequestRefused):
        new_event(ID, event(key="k" * 1025), WRITER, NINE)
    assert len(wire.KEY) <= 44
