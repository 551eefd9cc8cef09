"""How a file is read by its headings and values: what is taken, what is asked, what is left out.

Exports of other software than that of the samples; all people are invented."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from companion.services.imports.moments import DateOrder
from companion.services.imports.reading.results import Reading
from tests.samples.reading import asked, at, drafts, read, sheets, times

SYDNEY = ZoneInfo("Australia/Sydney")


def cancelled(reading: Reading) -> list[bool]:
    return [each.appointment.cancelled for each in drafts(reading)]


# ── times ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("heading", "cells"),
    [
        ("Date,Time", "13/12/2026,9:00am – 9:45am"),
        ("Date,Session time", "13/12/2026,09:00-09:45"),
        ("When,Room", "13/12/2026 9:00 AM to 9:45 AM,1"),
        ("Date,Start Time,Finish", "Sunday 13 December 2026,9:00 AM,9:45"),
        ("Appt Date,Appt Time,Mins", "2026-12-13,900,45"),
        ("Date,Time,Duration (hrs)", "13/12/2026,9am,0.75"),
        ("Date,Time,Duration (hours)", "13/12/2026,9am,0:45"),
        ("Start Date & Time,End Date & Time", "2026-12-13T09:00,2026-12-13T09:45"),
        ("From,To", "13-Dec-26 09:00,13-Dec-26 09:45"),
        ("Begins,Ends", "13.12.2026 9.00,13.12.2026 9.45"),
        ("Start Date,Start Time,End Date,End Time", "13/12/2026,09:00,13/12/2026,09:45"),
        ("Start,Length", "13/12/2026 09:00,PT45M"),
    ],
)
def test_a_time_is_read_however_the_columns_part_it(heading: str, cells: str) -> None:
    reading = read(f"Provider,{heading}\nJo Smith,{cells}\n")
    assert times(reading) == [(at(13, 9), at(13, 9, 45))]
    assert asked(reading) == {}


def test_typed_dates_times_and_lengths_of_a_workbook_are_read() -> None:
    rows: list[list[object]] = [
        ["Date", "Time", "Duration", "Practitioner"],
        [date(2026, 12, 1), time(9), time(0, 45), "Jo Smith"],
        [date(2026, 12, 2), time(9), timedelta(minutes=30), "Jo Smith"],
    ]
    assert times(read(sheets(S=rows))) == [(at(1, 9), at(1, 9, 45)), (at(2, 9), at(2, 9, 30))]


def test_whole_numbers_of_a_time_column_are_told_from_all_its_rows() -> None:
    head = "Appt Date,Appt Time,Length,Practitioner\n"
    minutes = read(f"{head}2026-12-01,540,30,Jo Smith\n2026-12-01,885,30,Jo Smith\n")
    seconds = read(f"{head}2026-12-01,32400,30,Jo Smith\n2026-12-01,53100,30,Jo Smith\n")
    clock = read(f"{head}2026-12-01,900,30,Jo Smith\n2026-12-01,1445,30,Jo Smith\n")
    assert times(minutes) == times(seconds) == times(clock)


@pytest.mark.parametrize(
    ("lengths", "unit"), [(("0.5", "1", "1.5"), "hours"), (("1800", "2700", "3600"), "seconds")]
)
def test_lengths_that_cannot_be_minutes_are_asked_about(
    lengths: tuple[str, ...], unit: str
) -> None:
    rows = "".join(f"13/12/2026,{9 + n}:00,{each},Jo Smith\n" for n, each in enumerate(lengths))
    content = f"Date,Time,Length,Provider\n{rows}"
    assert asked(read(content)) == {"length_unit": unit}
    assert times(read(content, answers={"length_unit": unit}))[0][0] == at(13, 9)


def test_a_file_without_end_and_length_asks_how_long_appointments_take() -> None:
    content = "Date,Time,Practitioner\n13/12/2026,9:00,Jo Smith\n"
    assert asked(read(content)) == {"length": "30"}
    assert times(read(content, answers={"length": "20"})) == [(at(13, 9), at(13, 9, 20))]


def test_a_length_of_more_than_a_day_is_a_reason_not_an_appointment() -> None:
    reading = read("Date,Time,Length,Provider\n13/12/2026,9:00,45,A B\n13/12/2026,9:00,2700,A B\n")
    assert [each.row for each in reading.content.rejections] == [3]


@pytest.mark.parametrize(
    ("word", "zone"),
    [("Australia/Perth", "Australia/Perth"), ("Perth", "Australia/Perth"),
     ("W. Australia Standard Time", "Australia/Perth"), ("AEST", "Australia/Brisbane")],
)  # fmt: skip
def test_a_time_zone_column_is_obeyed(word: str, zone: str) -> None:
    reading = read(
        f"Start,End,Practitioner,Time zone\n13/12/2026 9:00,13/12/2026 9:30,Jo Smith,{word}\n"
    )
    assert drafts(reading)[0].appointment.timezone == zone


def test_a_time_zone_that_nobody_knows_is_asked_about() -> None:
    content = "Start,End,Practitioner,Timezone\n13/12/2026 9:00,13/12/2026 9:30,Jo Smith,Base\n"
    assert asked(read(content)) == {"timezone": "Australia/Sydney"}
    answered = read(content, answers={"timezone": "Australia/Darwin"})
    assert drafts(answered)[0].appointment.timezone == "Australia/Darwin"


# ── date order ────────────────────────────────────────────────────────────────────────────────


def starts(*dates: str) -> str:
    rows = "".join(f"{each} 9:00,{each} 9:30,Jo Smith\n" for each in dates)
    return f"Start,End,Practitioner\n{rows}"


def test_one_row_proves_the_order_of_the_whole_file() -> None:
    reading = read(starts("12/01/2026", "12/02/2026", "12/24/2026"))
    assert times(reading)[0][0] == at(1, 9)
    assert reading.order.proved_by.startswith("12/24/2026")
    assert asked(reading) == {}


def test_dates_that_lie_together_only_the_other_way_round_are_asked_about() -> None:
    reading = read(starts("12/01/2026", "12/02/2026", "12/03/2026"))
    assert asked(reading) == {"date_order": "mdy"}
    day_first = read(starts("12/01/2026", "12/02/2026"), answers={"date_order": "dmy"})
    assert times(day_first)[0][0] == datetime(2026, 1, 12, 9)  # noqa: DTZ001 - wall time


def test_the_practices_own_order_is_taken_where_everything_speaks_for_it() -> None:
    assert asked(read(starts("01/12/2026", "02/12/2026"))) == {}
    american = read(starts("12/01/2026", "12/02/2026"), timezone="America/New_York")
    assert asked(american) == {}
    assert times(american)[0][0] == at(1, 9)


@pytest.mark.parametrize("dates", [("11/12/2026",), ("01/02/2025", "02/02/2025")])
def test_dates_that_both_orders_read_as_well_are_asked_about(dates: tuple[str, ...]) -> None:
    assert asked(read(starts(*dates))) == {"date_order": "dmy"}


def test_a_weekday_beside_the_date_proves_the_order() -> None:
    reading = read("Date,Start,Finish,Practitioner\nFri 11/12/2026,9:00,9:30,Jo Smith\n")
    assert asked(reading) == {}
    assert times(reading)[0][0] == at(11, 9)


def test_a_date_that_was_cut_proves_no_order_that_the_others_are_not_in() -> None:
    reading = read(f"{starts('01/12/2026', '02/12/2026', '03/12/2026')}08/12/2,,Jo Smith\n")
    assert reading.order.order is DateOrder.DMY
    assert [each[0] for each in times(reading)] == [at(1, 9), at(2, 9), at(3, 9)]
    assert len(reading.content.rejections) == 1


def test_a_file_of_both_orders_is_asked_about() -> None:
    assert "date_order" in asked(read(starts("13/12/2026", "12/14/2026")))


# ── whether it takes place ────────────────────────────────────────────────────────────────────


def statuses(*words: str, heading: str = "Status") -> str:
    rows = "".join(
        f"13/12/2026 {8 + n}:00,13/12/2026 {8 + n}:30,Jo Smith,{each}\n"
        for n, each in enumerate(words)
    )
    return f"Start,End,Practitioner,{heading}\n{rows}"


def test_plain_status_words_are_taken_with_their_suffixes() -> None:
    away = ["Cancelled late (fee waived)", "DNA – charged", "No-show", "Client cancelled", "FTA",
            "did not arrive", "Entered in error", "Deleted"]  # fmt: skip
    there = ["Booked", "Confirmed by SMS", "Arrived", "Completed - paid", "In progress"]
    reading = read(statuses(*away, *there))
    assert cancelled(reading) == [True] * len(away) + [False] * len(there)
    assert asked(reading) == {}
    assert {each.word: each.count for each in reading.statuses} == dict.fromkeys(away + there, 1)


def test_words_that_may_mean_either_and_words_never_seen_are_asked_about() -> None:
    words = ["Rescheduled", "Archived", "UTA", "Waitlist", "Zorp", "2", "Cancellation requested"]
    reading = read(statuses("Booked", *words))
    assert asked(reading).keys() == {f"status:{each}" for each in words}
    answered = read(statuses("Booked", "Zorp"), answers={"status:zorp": "cancelled"})
    assert cancelled(answered) == [False, True]


def test_codes_that_likely_cancel_are_asked_with_that_guess() -> None:
    codes = ["CAN", "NS", "CX", "Canx", "Late Canc"]
    assert asked(read(statuses("Booked", *codes))) == {
        f"status:{each}": "cancelled" for each in codes
    }


@pytest.mark.parametrize("heading", ["Given Names", "First Name(s)", "Christian Name", "Forenames"])
def test_a_first_name_is_known_by_its_usual_headings(heading: str) -> None:
    reading = read(f"Start,End,Surname,{heading},Practitioner\n13/12/2026 9:00,13/12/2026 9:30,"
                   "Halloway,Mira,Jo Smith\n")  # fmt: skip
    (draft,) = reading.content.drafts
    assert draft.appointment.client_first_name == "Mira"


def test_a_state_that_is_an_address_is_no_status() -> None:
    reading = read(statuses("NSW", "VIC", heading="State"))
    assert reading.statuses == ()
    assert reading.ignored == ("State",)


@pytest.mark.parametrize("heading", ["Cancelled", "cancelled_at", "Is Cancelled", "No show", "DNA",
                                     "deletedAt", "Did not attend", "Cancelled By"])  # fmt: skip
def test_yes_a_moment_and_a_reason_take_away_and_zero_dates_do_not(heading: str) -> None:
    away = ["Yes", "X", "-1", "24/11/2026 16:05", "2026-11-24T05:05:00Z", "Feeling unwell"]
    there = ["No", "0", "FALSE", "0000-00-00 00:00:00", "NULL", r"\N", ""]
    reading = read(statuses(*away, *there, heading=heading))
    assert cancelled(reading) == [True] * len(away) + [False] * len(there)


def test_several_columns_may_take_an_appointment_away() -> None:
    reading = read(
        "Start,End,Practitioner,No show,Cancelled at,Deleted\n"
        "13/12/2026 9:00,13/12/2026 9:30,Jo Smith,No,,\n"
        "13/12/2026 10:00,13/12/2026 10:30,Jo Smith,Yes,,\n"
        "13/12/2026 11:00,13/12/2026 11:30,Jo Smith,No,1/12/2026,\n"
        "13/12/2026 12:00,13/12/2026 12:30,Jo Smith,No,,Yes\n"
    )
    assert cancelled(reading) == [False, True, True, True]


def test_a_fee_for_cancelling_takes_nothing_away() -> None:
    reading = read(statuses("25.00", "0", heading="Cancellation fee"))
    assert cancelled(reading) == [False, False]


def test_a_reason_alone_is_asked_about() -> None:
    reading = read(statuses("", "Sick", heading="Cancellation Reason"))
    assert asked(reading) == {"column:cancelled": "Cancellation Reason"}


def test_rows_of_a_sheet_called_cancelled_are() -> None:
    head: list[object] = ["Start", "End", "Practitioner"]
    reading = read(
        sheets(
            Booked=[head, [at(1, 9), at(1, 10), "Jo Smith"]],
            Cancelled=[head, [at(2, 9), at(2, 10), "Jo Smith"]],
        )
    )
    assert cancelled(reading) == [False, True]


# ── kinds of appointments ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("head", "cells", "types"),
    [
        ("Appointment ID,Type", "7,Initial", ["Initial"]),
        ("Appointment ID,Type", "7,Client", [""]),
        ("Appointment ID,Type,Consultation Type", "7,Client,Initial", ["Initial"]),
        ("Appointment ID,Type,Consultation Type", "7,Group,Initial", ["Initial"]),
    ],
)
def test_a_type_says_whom_it_is_for_or_what_it_is(head: str, cells: str, types: list[str]) -> None:
    reading = read(
        f"{head},Practitioner,Client,Start,End\n"
        f"{cells},Jo Smith,Robin Sample,13/12/2026 9:00,13/12/2026 9:45\n"
    )
    assert [each.appointment.appointment_type for each in drafts(reading)] == types
