"""Moments that a file gives exactly stay those moments; local times follow the practice's clock."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from companion.domain.appointments import Appointment, interval
from companion.services.imports.drafts import fixed_zone
from companion.services.imports.moments import DateOrder, read_stamp
from tests.samples.import_bench import ImportBench

SYDNEY = "Australia/Sydney"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


async def only(tmp_path: Path, start: str, end: str, heading: str = "Start") -> Appointment:
    bench = ImportBench(tmp_path)
    content = f"ID,{heading},End,Practitioner,Time zone\n1,{start},{end},Jo Smith,\n"
    report = await bench.take(content.encode())
    assert report.rejected == ()
    (found,) = (await bench.all(report.source)).values()
    return found


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-04-04T15:30:00", "2026-04-04T16:15:00"),  # 2:30 summer time to 2:15 after it
        ("2026-04-04T15:00:00", "2026-04-04T15:45:00"),  # the first 2:00
        ("2026-04-04T16:00:00", "2026-04-04T16:45:00"),  # the second 2:00
        ("2026-04-04T16:30:00", "2026-04-04T18:00:00"),  # out of the repeated hour
        ("2026-04-04T14:00:00", "2026-04-04T16:30:00"),  # into it
        ("2026-10-03T15:30:00", "2026-10-03T16:30:00"),  # over the hour that is left out
        ("2026-07-01T00:00:00", "2026-07-01T01:00:00"),
    ],
)
async def test_a_moment_in_utc_stays_that_moment(tmp_path: Path, start: str, end: str) -> None:
    found = await only(tmp_path, f"{start}Z", f"{end}Z")
    assert interval(found.start, found.end, found.timezone) == (utc(start), utc(end))
    assert found.end > found.start


async def test_outside_of_the_repeated_hour_the_book_holds_the_practices_own_time(
    tmp_path: Path,
) -> None:
    found = await only(tmp_path, "2026-04-04T03:00:00Z", "2026-04-04T04:00:00Z")
    assert (found.timezone, found.start.hour) == (SYDNEY, 14)


async def test_the_second_of_two_hours_is_shown_as_the_clock_shows_it(tmp_path: Path) -> None:
    found = await only(tmp_path, "2026-04-05T02:30:00+10:00", "2026-04-05T03:15:00+10:00")
    assert (found.start.hour, found.start.minute, found.end.hour) == (2, 30, 3)
    assert interval(found.start, found.end, found.timezone)[0] == utc("2026-04-04T16:30:00")


async def test_a_heading_that_says_utc_is_believed(tmp_path: Path) -> None:
    found = await only(tmp_path, "2026-11-30 22:00", "2026-11-30 22:45", "Start (UTC)")
    assert found.start == datetime(2026, 12, 1, 9)  # noqa: DTZ001 - wall time


@pytest.mark.parametrize("zone", ["Australia/Sydney", "Australia/Adelaide", "Europe/London"])
def test_a_fixed_zone_has_the_offset_of_its_moment_or_is_utc(zone: str) -> None:
    for hours in range(0, 24 * 365, 500):
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
        fixed = fixed_zone(moment, zone)
        offset = moment.astimezone(ZoneInfo(zone)).utcoffset()
        assert fixed == "UTC" or moment.astimezone(ZoneInfo(fixed)).utcoffset() == offset


@pytest.mark.parametrize(
    ("cell", "hours"),
    [
        ("14/12/2026 09:00 +1100", 11),
        ("14/12/2026 9:00 AM GMT+11", 11),
        ("14/12/2026 9:00 UTC-5", -5),
        ("9:00 +1000", 10),
    ],
)
def test_an_offset_may_stand_behind_any_time(cell: str, hours: int) -> None:
    stamp = read_stamp(cell, DateOrder.DMY)
    assert (stamp.clock, stamp.until) == (9 * 3_600, None)
    assert stamp.zone is not None
    assert stamp.zone.utcoffset(None) == timedelta(hours=hours)


@pytest.mark.parametrize("cell", ["9:00-1000", "9:00 - 10:00", "9:00 -10:00"])
def test_a_dash_between_times_is_a_range(cell: str) -> None:
    stamp = read_stamp(cell, DateOrder.DMY)
    assert (stamp.clock, stamp.until, stamp.zone) == (9 * 3_600, 10 * 3_600, None)
