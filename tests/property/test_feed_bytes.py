"""Whatever stands in the book, a feed is well-formed and reads back equal in foreign readers."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import ical.calendar_stream
import icalendar
import pytest
import recurring_ical_events
from hypothesis import given
from hypothesis import strategies as st

from companion.adapters.icalendar import IcalendarWriter
from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    OccurrenceChange,
    Recurrence,
    ShowAs,
)
from companion.domain.disclosure import ClientName, Disclosure, DisclosureItem
from companion.domain.events import CalendarEvent, project
from companion.domain.window import SyncWindow
from tests.fakes.calendar_lint import complaints, events
from tests.fakes.feeds import visit

ZONES = (
    "Australia/Sydney", "Australia/Brisbane", "Pacific/Auckland", "Europe/London",
    "America/New_York",
)  # fmt: skip
WRITER = IcalendarWriter("0123456789abcdef")
FULL = Disclosure(
    client_name=ClientName.FULL,
    items=frozenset(
        {
            DisclosureItem.TYPE,
            DisclosureItem.LOCATION,
            DisclosureItem.NOTES,
            DisclosureItem.STATUS,
            DisclosureItem.PRACTITIONER,
        }
    ),
)
WINDOW = SyncWindow(
    first_day=date(2026, 3, 1), last_day=date(2026, 3, 3), timezone="Australia/Sydney"
)


def calendar(written: list[CalendarEvent], name: str = "Avery", zone: str = "Etc/UTC") -> bytes:
    return WRITER.calendar(
        WRITER.opening(name=name, timezone=zone, colour=""), map(WRITER.event, written)
    )


# ── injection ────────────────────────────────────────────────────────────────────────────────

# Everything that has ended a line somewhere, and what an attacker would put behind it.
ENDS = [
    "\r\n",
    "\n",
    "\r",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x1d",
    "\x1e",
    "\x85",
    "\u2028",
    "\u2029",
    "\x00",
]
INJECTIONS = ["ATTENDEE:mailto:x@example.org", "END:VEVENT", "BEGIN:VALARM", "URL:http://x", " :"]
hostile = st.lists(
    st.one_of(
        st.text(max_size=60),
        st.text(alphabet=st.characters(), max_size=60),
        st.sampled_from(ENDS),
        st.sampled_from(INJECTIONS),
        st.sampled_from(["\\", ";", ",", "\\n", "\\N", '"', "=", "%0d%0a", "王", "👩🏽‍⚕️"]),
    ),
    max_size=12,
).map("".join)


@given(texts=st.tuples(*[hostile] * 8), calendar_name=hostile)
def test_no_text_of_the_book_makes_a_property(texts: tuple[str, ...], calendar_name: str) -> None:
    first, last, kind_of, place, notes, number, title, who = texts
    appointments = [
        visit(
            each,
            kind=kind,
            client_first_name=first,
            client_last_name=last,
            appointment_type=kind_of,
            location=place,
            notes=notes,
            client_id=number,
            title=title,
        )
        for each, kind in enumerate(AppointmentKind)
    ]
    written = project(appointments, WINDOW, FULL, practitioner_name=who)
    data = calendar(written, calendar_name)
    if complaints(data) != []:
        raise AssertionError(complaints(data))
    read = events(data)
    if [each["SUMMARY"] for each in read] != [each.summary for each in written]:
        raise AssertionError(read)
    if [each.get("DESCRIPTION", "") for each in read] != [each.description for each in written]:
        raise AssertionError(read)


@given(summary=hostile, location=hostile, description=hostile, key=hostile)
def test_the_writer_alone_lets_no_text_make_a_property(
    summary: str, location: str, description: str, key: str
) -> None:
    """Also of a projection that had forgotten to clean its text."""
    event = CalendarEvent(
        key=key,
        start=datetime(2026, 3, 2, 9, tzinfo=UTC),
        end=datetime(2026, 3, 2, 10, tzinfo=UTC),
        timezone="Etc/UTC",
        summary=summary,
        location=location,
        description=description,
    )
    if complaints(calendar([event])) != []:
        raise AssertionError(complaints(calendar([event])))


def test_both_hold_when_assertions_are_switched_off() -> None:
    """`python -O` removes assert statements; nothing of the writer may rest on one."""
    program = (
        "from tests.property.test_feed_bytes import *\n"
        "test_no_text_of_the_book_makes_a_property()\n"
        "test_the_writer_alone_lets_no_text_make_a_property()\n"
        "print(__debug__)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-O", "-c", program],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "False"), done.stderr[-2000:]


# ── foreign readers ──────────────────────────────────────────────────────────────────────────

Reading = set[tuple[str, Any, Any, str, str, str]]


def a_year(zone: str) -> list[Appointment]:
    """Every four hours of a year round the clock, so that both clock changes are met, and a lunch
    that repeats, all-day leave, odd texts and every show-as."""
    start = datetime(2026, 1, 1)  # noqa: DTZ001 - wall time
    shows = list(ShowAs)
    round_the_clock = [
        visit(
            8 * each,
            start,
            timezone=zone,
            show_as=shows[each % 4],
            notes=f"Note {each}; a, b\\c\nsecond: line" if each % 7 == 0 else "",
            location="Räume 王, 2" if each % 5 == 0 else "Room 2",
        )
        for each in range(6 * 365)
    ]
    lunch_start = start + timedelta(days=3, hours=12)
    moved = OccurrenceChange(
        original_start=lunch_start + timedelta(days=1),
        start=lunch_start + timedelta(days=1, hours=1),
        end=lunch_start + timedelta(days=1, hours=2),
    )
    cancelled = OccurrenceChange(original_start=lunch_start + timedelta(days=2), cancelled=True)
    night = Appointment(
        id="night",
        practitioner_id="avery",
        kind=AppointmentKind.MEETING,
        start=start + timedelta(hours=2, minutes=15),
        end=start + timedelta(hours=2, minutes=45),
        timezone=zone,
        title="On call",
        recurrence=Recurrence(rule="FREQ=DAILY"),
    )
    lunch = replace(
        night,
        id="lunch",
        start=lunch_start,
        end=lunch_start + timedelta(hours=1),
        title="Lunch",
        recurrence=Recurrence(rule="FREQ=DAILY;BYDAY=MO,TU,WE", changes=(moved, cancelled)),
    )
    leave = replace(
        night,
        id="leave",
        start=start + timedelta(days=80),
        end=start + timedelta(days=110),
        title="Leave",
        all_day=True,
        recurrence=None,
    )
    return [*round_the_clock, night, lunch, leave]


def expected(written: list[CalendarEvent]) -> Reading:
    return {
        (
            WRITER.uid(event.key),
            event.start,
            event.end,
            event.summary,
            event.location,
            event.description,
        )
        for event in written
    }


def as_written(moment: date) -> date:
    return moment.astimezone(UTC) if isinstance(moment, datetime) else moment


def of_icalendar(component: Any) -> tuple[str, Any, Any, str, str, str]:
    return (
        str(component["UID"]),
        as_written(component["DTSTART"].dt),
        as_written(component["DTEND"].dt),
        str(component["SUMMARY"]),
        str(component.get("LOCATION", "")),
        str(component.get("DESCRIPTION", "")),
    )


@pytest.mark.parametrize("zone", ZONES)
def test_three_readers_agree_with_the_projection_over_a_year(zone: str) -> None:
    window = SyncWindow(first_day=date(2026, 1, 1), last_day=date(2026, 12, 31), timezone=zone)
    written = project(a_year(zone), window, FULL)
    data = calendar(written, zone=zone)
    wanted = expected(written)
    assert complaints(data, limit=None) == []
    assert len(wanted) == len(written) == 6 * 365 + 365 + 155 + 1

    parsed = icalendar.Calendar.from_ical(data)
    assert {of_icalendar(event) for event in parsed.walk("VEVENT")} == wanted

    # The range goes beyond the year on both sides: none may be missing, none invented.
    found = recurring_ical_events.of(parsed).between((2025, 12, 1), (2027, 2, 1))
    assert len(found) == len(written)
    assert {of_icalendar(event) for event in found} == wanted

    stream = ical.calendar_stream.CalendarStream.from_ics(data.decode())
    (read,) = stream.calendars
    assert {
        (
            str(event.uid),
            as_written(event.start),
            as_written(event.end),
            event.summary or "",
            event.location or "",
            event.description or "",
        )
        for event in read.timeline
    } == wanted
