# ruff: noqa: DTZ001 - the book's times are wall time
"""The window's edges, at the moments where UTC would get them wrong."""

from datetime import UTC, date, datetime, timedelta

from companion.domain.appointments import Appointment
from companion.domain.disclosure import Disclosure
from companion.domain.events import project
from companion.domain.window import SyncWindow
from tests.fakes.appointments import meeting


def around(now: datetime, zone: str = "Australia/Sydney") -> SyncWindow:
    return SyncWindow.around(now, zone, days_in_arrears=1, days_in_advance=2)


def keys(window: SyncWindow, *appointments: Appointment) -> list[str]:
    return [event.key for event in project(appointments, window, Disclosure())]


def appointment(name: str, start: datetime, end: datetime, *, all_day: bool = False) -> Appointment:
    return meeting(start, end - start, id=name, all_day=all_day)


def test_today_is_the_local_day_not_utcs() -> None:
    before, after = (
        around(datetime(2026, 3, 4, 12, 59, tzinfo=UTC)),
        around(datetime(2026, 3, 4, 13, 0, tzinfo=UTC)),
    )
    assert (before.first_day, before.last_day) == (date(2026, 3, 3), date(2026, 3, 6))
    assert (after.first_day, after.last_day) == (date(2026, 3, 4), date(2026, 3, 7))


def test_the_days_on_which_the_clocks_change_are_23_and_25_hours_long() -> None:
    for day, hours in ((date(2026, 10, 4), 23), (date(2026, 4, 5), 25), (date(2026, 3, 4), 24)):
        window = SyncWindow(first_day=day, last_day=day, timezone="Australia/Sydney")
        assert window.end - window.start == timedelta(hours=hours)


def test_a_day_without_midnight_begins_at_one() -> None:
    day = date(2026, 9, 6)  # Santiago goes from 24:00 straight to 01:00
    window = SyncWindow(first_day=day, last_day=day, timezone="America/Santiago")
    eve = SyncWindow(
        first_day=day - timedelta(days=1),
        last_day=day - timedelta(days=1),
        timezone="America/Santiago",
    )
    assert window.start == eve.end == datetime(2026, 9, 6, 4, tzinfo=UTC)
    assert window.end - window.start == timedelta(hours=23)


def test_an_appointment_that_ends_or_begins_at_the_edge_is_outside() -> None:
    window = around(datetime(2026, 3, 4, 1, tzinfo=UTC))
    first, last = window.wall_start, window.wall_end
    half = timedelta(minutes=30)
    assert keys(
        window,
        appointment("ends at the edge", first - half, first),
        appointment("hangs in", first - half, first + half),
        appointment("begins it", first, first + half),
        appointment("ends it", last - half, last),
        appointment("hangs out", last - half, last + half),
        appointment("begins at the edge", last, last + half),
    ) == ["hangs in", "begins it", "ends it", "hangs out"]


def test_an_all_day_appointment_is_in_on_each_of_its_days_and_not_after() -> None:
    def leave(first: int, after: int) -> Appointment:
        return appointment(
            "leave", datetime(2026, 3, first), datetime(2026, 3, after), all_day=True
        )

    window = around(datetime(2026, 3, 4, 1, tzinfo=UTC))  # 3 to 6 March
    assert keys(window, leave(2, 3)) == []
    assert keys(window, leave(3, 4)) == ["leave"]
    assert keys(window, leave(6, 7)) == ["leave"]
    assert keys(window, leave(7, 8)) == []
    assert keys(window, leave(1, 20)) == ["leave"]


def test_a_book_in_a_far_zone_is_cut_at_the_windows_own_midnight() -> None:
    window = around(datetime(2026, 3, 4, 1, tzinfo=UTC), "Pacific/Kiritimati")  # UTC+14
    inside = appointment("in", datetime(2026, 3, 2, 21), datetime(2026, 3, 2, 22))
    outside = appointment("out", datetime(2026, 3, 2, 20), datetime(2026, 3, 2, 21))
    assert window.first_day == date(2026, 3, 3)
    assert keys(window, inside, outside) == ["in"]
