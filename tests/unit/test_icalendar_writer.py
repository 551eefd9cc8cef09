"""The writer's bytes, line by line."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from companion.adapters.icalendar import IcalendarWriter, colour_name
from companion.domain.appointments import ShowAs
from companion.domain.events import CalendarEvent
from tests.fakes.calendar_lint import complaints, events, unfolded

WRITER = IcalendarWriter("0123456789abcdef")
EVENT = CalendarEvent(
    key="abc",
    start=datetime(2026, 3, 2, 22, 0, tzinfo=UTC),
    end=datetime(2026, 3, 2, 22, 30, tzinfo=UTC),
    timezone="Australia/Sydney",
    summary="MQ – Standard consultation",
    location="Room 2; upstairs, left",
    description="First line\nsecond line",
    sequence=3,
    changed_at=datetime(2026, 2, 1, 4, 5, 6, 999_999, tzinfo=UTC),
)


def calendar(*written: CalendarEvent, colour: str = "") -> bytes:
    opening = WRITER.opening(name="Avery", timezone="Australia/Sydney", colour=colour)
    return WRITER.calendar(opening, map(WRITER.event, written))


def test_an_event_has_exactly_the_lines_of_the_profile() -> None:
    assert WRITER.event(EVENT).decode().split("\r\n") == [
        "BEGIN:VEVENT",
        f"UID:{WRITER.uid('abc')}",
        "DTSTAMP:20260201T040506Z",
        "LAST-MODIFIED:20260201T040506Z",
        "SEQUENCE:3",
        "DTSTART:20260302T220000Z",
        "DTEND:20260302T223000Z",
        "SUMMARY:MQ – Standard consultation",
        r"LOCATION:Room 2\; upstairs\, left",
        r"DESCRIPTION:First line\nsecond line",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "CLASS:PRIVATE",
        "END:VEVENT",
        "",
    ]


def test_a_calendar_opens_with_exactly_the_lines_of_the_profile() -> None:
    data = calendar(EVENT, colour="#2a9d8f")
    assert unfolded(data)[:10] == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Calendar Companion//Calendar Companion//EN",
        "CALSCALE:GREGORIAN",
        "NAME:Avery",
        "X-WR-CALNAME:Avery",
        "X-WR-TIMEZONE:Australia/Sydney",
        f"COLOR:{colour_name('#2a9d8f')}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT15M",
        "X-PUBLISHED-TTL:PT15M",
    ]
    assert complaints(data) == []


def test_all_day_events_are_dates_with_an_exclusive_end() -> None:
    leave = EVENT._replace(start=date(2026, 3, 2), end=date(2026, 3, 5))
    text = WRITER.event(leave).decode()
    assert "\r\nDTSTART;VALUE=DATE:20260302\r\nDTEND;VALUE=DATE:20260305\r\n" in text


@pytest.mark.parametrize(
    ("show_as", "status", "transparency"),
    [
        (ShowAs.BUSY, "CONFIRMED", "OPAQUE"),
        (ShowAs.OUT_OF_OFFICE, "CONFIRMED", "OPAQUE"),
        (ShowAs.TENTATIVE, "TENTATIVE", "OPAQUE"),
        (ShowAs.FREE, "CONFIRMED", "TRANSPARENT"),
    ],
)
def test_show_as_becomes_status_and_transparency(
    show_as: ShowAs, status: str, transparency: str
) -> None:
    (read,) = events(calendar(EVENT._replace(show_as=show_as)))
    assert (read["STATUS"], read["TRANSP"]) == (status, transparency)


def test_a_meeting_that_is_not_private_says_so() -> None:
    (read,) = events(calendar(EVENT._replace(private=False)))
    assert read["CLASS"] == "PUBLIC"


def test_a_uid_tells_nothing_and_differs_between_installations() -> None:
    other = IcalendarWriter("another installation")
    assert WRITER.uid("abc") == IcalendarWriter("0123456789abcdef").uid("abc")
    assert len({WRITER.uid("abc"), WRITER.uid("abd"), other.uid("abc")}) == 3
    assert "abc" not in WRITER.uid("abc").removesuffix("@calendar-companion")


@pytest.mark.parametrize("letters", ["x", "é", "王", "👩🏽‍⚕️", "\\", ";", "a,", "\n"])
@pytest.mark.parametrize("shift", range(4))
def test_long_lines_fold_between_characters_and_never_inside_an_escape(
    letters: str, shift: int
) -> None:
    text = "-" * shift + letters * 100 + "."
    data = calendar(EVENT._replace(description=text))
    assert complaints(data) == []
    assert [read["DESCRIPTION"] for read in events(data)] == [text]
    for line in data.split(b"\r\n"):
        slashes = len(line) - len(line.rstrip(b"\\"))
        assert slashes % 2 == 0


def test_a_line_of_75_octets_is_whole_and_one_of_76_is_folded() -> None:
    fits, not_quite = "a" * (75 - len("SUMMARY:")), "a" * (76 - len("SUMMARY:"))
    assert f"SUMMARY:{fits}\r\n" in WRITER.event(EVENT._replace(summary=fits)).decode()
    assert f"SUMMARY:{fits}\r\n a\r\n" in WRITER.event(EVENT._replace(summary=not_quite)).decode()


def test_a_backslash_before_an_n_stays_two_characters() -> None:
    (read,) = events(calendar(EVENT._replace(location="C:\\New\\notes")))
    assert read["LOCATION"] == "C:\\New\\notes"


def test_a_line_break_of_any_kind_never_begins_a_property() -> None:
    for ends in ("\r\n", "\n", "\r", "\x85", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\x00"):
        data = calendar(EVENT._replace(summary=f"Evil{ends}ATTENDEE:mailto:x@example.org"))
        assert complaints(data) == []
        assert b"\nATTENDEE" not in data


def test_unchanged_events_keep_their_bytes_and_are_not_made_again() -> None:
    first = WRITER.event(EVENT)
    assert WRITER.event(EVENT._replace()) is first
    assert WRITER.event(EVENT._replace(sequence=4)) != first


def test_the_bytes_kept_are_bounded_and_the_longest_unused_go_first() -> None:
    writer = IcalendarWriter("x", keep=2)
    one, two, three = (EVENT._replace(key=key) for key in "123")
    first, second = writer.event(one), writer.event(two)
    assert writer.event(one) is first
    writer.event(three)
    assert writer.event(one) is first
    assert writer.event(two) is not second


@pytest.mark.parametrize(
    ("colour", "name"),
    [("#dc143c", "crimson"), ("#008081", "teal"), ("", ""), ("red", ""), ("#12345", "")],
)
def test_a_colour_becomes_the_nearest_one_that_css_has_a_name_for(colour: str, name: str) -> None:
    assert colour_name(colour) == name
