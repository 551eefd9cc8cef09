"""What people type for a day and a time, and what is understood."""

from __future__ import annotations

import contextlib
from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.domain.errors import BadInput
from companion.web.ui import typed

NEAR = date(2026, 11, 24)
THAT_DAY = date(2026, 11, 29)


@given(st.dates())
def test_a_day_is_read_as_it_is_shown(day: date) -> None:
    assert typed.day_of(typed.day_text(day), near=NEAR) == day
    assert typed.day_of(day.isoformat(), near=NEAR) == day
    assert typed.is_whole_day(typed.day_text(day))


@given(st.times())
def test_a_time_is_read_as_it_is_shown_to_the_minute(clock: time) -> None:
    assert typed.clock_of(typed.clock_text(clock)) == clock.replace(second=0, microsecond=0)
    assert typed.is_whole_clock(typed.clock_text(clock))


@given(st.dates(date(1901, 1, 1), date(2100, 1, 1)), st.integers(-150, 150))
def test_a_day_without_its_year_is_the_nearest(near: date, away: int) -> None:
    day = near + timedelta(days=away)
    if (day.month, day.day) != (2, 29):
        assert typed.day_of(f"{day.day}/{day.month}", near=near) == day


@pytest.mark.parametrize(
    "text",
    ["29/11/2026", " 29/11/26", "29.11.2026", "29.11.", "29/11", "29-11-2026", "29 11 2026",
     "29112026", "29 Nov", "29 november 2026", "29th Nov. 2026", "Sun 29 Nov 2026",
     "Sunday, 29 Nov, 2026", "29Nov2026", "2026-11-29"],
)  # fmt: skip
def test_usual_ways_to_write_a_day_are_read(text: str) -> None:
    assert typed.day_of(text, near=NEAR) == THAT_DAY


@pytest.mark.parametrize(
    ("text", "clock"),
    [("19:00", time(19)), ("7pm", time(19)), ("7:30 p.m.", time(19, 30)), ("1900", time(19)),
     ("19", time(19)), ("9", time(9)), ("9.15", time(9, 15)), ("915", time(9, 15)),
     ("12am", time(0)), ("12 PM", time(12)), ("7 a", time(7)), ("0:05", time(0, 5))],
)  # fmt: skip
def test_usual_ways_to_write_a_time_are_read(text: str, clock: time) -> None:
    assert typed.clock_of(text) == clock


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "The day is missing."), ("soon", "This is no day."), ("31/2/2026", "no such day"),
     ("11/29/2026", "There is no month 29. The day comes first"), ("0/1/2026", "no such day"),
     ("29 smarch", "This is no day."), ("29/11/0000", "no such day")],
)  # fmt: skip
def test_what_is_no_day_is_said(text: str, said: str) -> None:
    with pytest.raises(BadInput) as found:
        typed.day_of(text, near=NEAR, field="start_day")
    assert said in f"{found.value.what} {found.value.remedy}"
    assert found.value.field == "start_day"


@pytest.mark.parametrize("text", ["", "25:00", "9:60", "13pm", "0am", "nine", "12345", "-1"])
def test_what_is_no_time_is_said(text: str) -> None:
    with pytest.raises(BadInput, match=r"no time|missing"):
        typed.clock_of(text)


@given(st.text())
def test_nothing_that_is_typed_ends_in_another_error(text: str) -> None:
    for read in (lambda: typed.day_of(text, near=NEAR), lambda: typed.clock_of(text)):
        with contextlib.suppress(BadInput):
            read()
