"""How a file is read by its headings and values: what is taken, what is asked, what is left out.

Exports of other software than that of the samples; all people are invented."""

from __future__ import annotations

import io
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from openpyxl import Workbook as Book

from companion.domain.appointments import Practitioner
from companion.domain.errors import BadInput
from companion.services.imports.drafts import Draft
from companion.services.imports.reading.reader import read_workbook
from companion.services.imports.reading.results import Reading, Setting, UnknownLayout
from tests.fakes.workbooks import workbook_of

JO = Practitioner(id="jo-smith", name="Jo Smith")
SYDNEY = ZoneInfo("Australia/Sydney")


def read(
    content: str | bytes,
    *,
    people: tuple[Practitioner, ...] = (),
    answers: dict[str, str] | None = None,
    timezone: str = "Australia/Sydney",
) -> Reading:
    raw = content if isinstance(content, bytes) else content.strip().encode()
    setting = Setting(
        timezone=timezone, today=date(2026, 11, 29), people=people, answers=answers or {}
    )
    return read_workbook(workbook_of(raw), setting)


def sheets(**content: list[list[object]]) -> bytes:
    book = Book()
    book.remove(book.worksheets[0])
    for name, rows in content.items():
        sheet = book.create_sheet(name.replace("_", " "))
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 12, day, hour, minute)  # noqa: DTZ001 - wall time


def times(reading: Reading) -> list[tuple[datetime, datetime]]:
    return [(each.appointment.start, each.appointment.end) for each in reading.content.drafts]


def drafts(reading: Reading) -> list[Draft]:
    assert reading.content.rejections == []
    return list(reading.content.drafts)


def cancelled(reading: Reading) -> list[bool]:
    return [each.appointment.cancelled for each in drafts(reading)]


def asked(reading: Reading) -> dict[str, str]:
    return {each.key: each.guess for each in reading.content.questions}


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


# ── rows, headers and sheets ──────────────────────────────────────────────────────────────────


def test_titles_subtotals_and_repeated_headers_are_no_appointments() -> None:
    reading = read(
        "Appointments report,Riverside\nFrom,01/12/2026,To,31/12/2026\n\n"
        "Date,Start,Finish,Practitioner,Client\n"
        "13/12/2026,9:00,9:30,Jo Smith,Mira Halloway\n"
        "Subtotal Jo Smith,,,1,\nPage 1 of 2,,,,\n"
        "Date,Start,Finish,Practitioner,Client\n"
        "14/12/2026,9:00,9:30,Anh Nguyen,Ines Arkwright\n"
        "Grand Total,,,2,\nPrinted 29/11/2026 by reception,,,,\n"
    )
    assert [each.row for each in drafts(reading)] == [5, 9]
    assert reading.footers == 5


def test_a_row_that_lost_its_start_is_a_rejection_and_no_footer() -> None:
    reading = read(
        "ID,Start,End,Practitioner,Client\n1,,13/12/2026 9:30,Jo Smith,Mira Halloway\n"
        "2,13/12/2026 9:00,13/12/2026 9:30,Jo Smith,Mira Halloway\n"
    )
    assert [each.row for each in reading.content.rejections] == [2]
    assert reading.footers == 0


SECTIONS = """
Practitioner: Jo Smith
Date,From,To,Client
13/12/2026,9:00,9:30,Mira Halloway
Practitioner: Anh Nguyen
14/12/2026,9:00,9:30,Mira Halloway
"""
NAMES_BETWEEN = """
Date,From,To,Client
Jo Smith,,,
13/12/2026,9:00,9:30,Mira Halloway
Anh Nguyen,,,
14/12/2026,9:00,9:30,Mira Halloway
"""


@pytest.mark.parametrize("content", [SECTIONS, NAMES_BETWEEN])
def test_a_name_above_its_rows_is_their_practitioner(content: str) -> None:
    assert [each.name for each in drafts(read(content))] == ["Jo Smith", "Anh Nguyen"]


def test_a_title_may_name_the_practitioner_of_the_whole_file() -> None:
    reading = read(
        "Provider:,Dr Jo Smith\n\nDate,From,To,Client\n13/12/2026,9:00,9:30,Mira Halloway\n"
    )
    assert [each.name for each in drafts(reading)] == ["Dr Jo Smith"]


def test_headings_of_two_rows_are_read_together() -> None:
    reading = read(
        "Appointment,,,Client,,Practitioner\nDate,From,To,First name,Surname,Name\n"
        "13/12/2026,9:00,9:30,Mira,Halloway,Jo Smith\n"
    )
    (draft,) = drafts(reading)
    assert (draft.name, draft.appointment.client_name) == ("Jo Smith", "Mira Halloway")


def test_sheets_that_fit_are_read_together_and_others_are_not() -> None:
    reading = read(
        sheets(
            Summary=[["Practitioner", "Appointments"], ["Jo Smith", 3], ["Anh Nguyen", 2]],
            Jo_Smith=[["Start", "End", "Client"], [at(1, 9), at(1, 10), "Mira Halloway"]],
            Anh_Nguyen=[["Client", "Start", "End"], ["Pell O'Dowd", at(2, 9), at(2, 10)]],
        )
    )
    assert [(each.name, each.appointment.start) for each in drafts(reading)] == [
        ("Jo Smith", at(1, 9)),
        ("Anh Nguyen", at(2, 9)),
    ]
    assert [(each.name, each.used) for each in reading.sheets] == [
        ("Summary", False), ("Jo Smith", True), ("Anh Nguyen", True),
    ]  # fmt: skip


def test_the_header_row_is_asked_for_where_several_rows_may_be_it() -> None:
    rows = (
        "Tabula,Prima,Praxis,Medica\nQuando,Usque,Medicus,Aeger\n"
        "13/12/2026 9:00,13/12/2026 9:30,Jo Smith,Mira Halloway\n"
        "14/12/2026 9:00,14/12/2026 9:30,Jo Smith,Pell O'Dowd\n"
    )
    (question,) = [each for each in read(rows).content.questions if each.key == "header_row"]
    assert sorted(each.value for each in question.choices) == ["1", "2"]
    answered = read(rows, answers={"header_row": "1"})
    assert answered.headings == ("Tabula", "Prima", "Praxis", "Medica")
    assert "header_row" not in asked(answered)


def test_a_second_sheet_of_appointments_under_other_headings_is_asked_about() -> None:
    file = sheets(
        Smith=[["Start", "End", "Client"], [at(1, 9), at(1, 10), "Mira Halloway"]],
        Waitlist=[["Date", "Location", "Phone"], [at(2, 9), "Main street", "x"]],
    )
    assert asked(read(file))["sheets"] == "Smith"
    answered = read(file, answers={"sheets": "Waitlist"})
    assert [each.name for each in answered.sheets if each.used] == ["Waitlist"]
    assert "sheets" not in asked(answered)


def test_a_sheet_whose_name_holds_a_comma_can_be_named() -> None:
    content: dict[str, list[list[object]]] = {
        "Smith, Jo": [["Start", "End", "Client"], [at(1, 9), at(1, 10), "Mira Halloway"]],
        "Waitlist": [["Date", "Location", "Phone"], [at(2, 9), "Main street", "x"]],
    }
    file = sheets(**content)
    answered = read(file, answers={"sheets": "Smith, Jo"})
    assert [each.name for each in answered.sheets if each.used] == ["Smith, Jo"]


@pytest.mark.parametrize("thousandths", ["", "000"])
def test_moments_counted_since_1970_are_read_as_utc(thousandths: str) -> None:
    reading = read(
        "Start,End,Practitioner,Client\n"
        f"1797154200{thousandths},1797156900{thousandths},Jo Smith,Mira Halloway\n"
    )
    assert times(reading) == [(at(13, 9, 30), at(13, 10, 15))]
    assert drafts(reading)[0].appointment.timezone == "UTC"


def test_whether_not_yet_attended_means_cancelled_is_asked() -> None:
    reading = read(
        "Date,Start,End,Practitioner,Client,Attended\n"
        "13/12/2026,9:00,9:30,Jo Smith,Mira Halloway,Yes\n"
        "14/12/2026,9:00,9:30,Jo Smith,Pell O'Dowd,No\n"
    )
    assert asked(reading) == {"status:No": "booked"}
    assert "“No” under “Attended”" in reading.content.questions[0].text


def test_headings_nobody_knows_are_asked_about_by_their_values() -> None:
    reading = read(
        "Nr;Datum;Beginn;Ende;Behandler;Patient\n"
        "1;01.12.2026;09:00;09:30;Jo Smith;Mira Halloway\n"
        "2;13.12.2026;09:00;09:30;Jo Smith;Pell O'Dowd\n"
        "3;14.12.2026;09:00;09:30;Anh Nguyen;Ines Arkwright\n"
        "4;14.12.2026;10:00;10:30;Anh Nguyen;Otto van der Berg\n"
    )
    assert asked(reading) == {
        "column:date": "Datum",
        "column:time": "Beginn",
        "column:end": "Ende",
        "column:practitioner": "Behandler",
    }
    assert times(reading)[0] == (at(1, 9), at(1, 9, 30))


def test_a_file_without_any_date_is_refused_with_its_columns() -> None:
    with pytest.raises(UnknownLayout, match="“Fee”"):
        read("Client,Fee\nMira Halloway,20\n")


def test_ids_that_a_spreadsheet_shortened_are_refused() -> None:
    with pytest.raises(BadInput, match="shortened by a spreadsheet"):
        read("ID,Start,End,Practitioner\n2.02611E+13,13/12/2026 9:00,13/12/2026 9:30,Jo Smith\n")


# ── people ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "cell", ["Jo Smith; Anh Nguyen", "Jo Smith & Anh Nguyen", "Jo Smith / Anh Nguyen",
             '"Jo Smith, Anh Nguyen"'],
)  # fmt: skip
def test_a_cell_may_name_two_practitioners(cell: str) -> None:
    reading = read(f"Start,End,Practitioner\n13/12/2026 9:00,13/12/2026 9:30,{cell}\n")
    assert [each.name for each in drafts(reading)] == ["Jo Smith", "Anh Nguyen"]


def test_a_surname_with_a_comma_is_one_person() -> None:
    reading = read('Start,End,Practitioner\n13/12/2026 9:00,13/12/2026 9:30,"van der Berg, Jo"\n')
    assert [each.name for each in drafts(reading)] == ["van der Berg, Jo"]


@pytest.mark.parametrize(
    "cell", ["HALLOWAY, Mira (Mrs)", "Mrs Mira Halloway", "Halloway, Mira [File 7]",
             "Mira HALLOWAY", "DR. Mira Halloway JR", "Mira “Mim” Halloway"],
)  # fmt: skip
def test_a_client_is_one_name_however_it_is_spelt(cell: str) -> None:
    reading = read(
        f'Start,End,Practitioner,Client\n13/12/2026 9:00,13/12/2026 9:30,Jo Smith,"{cell}"\n'
    )
    it = drafts(reading)[0].appointment
    assert (it.client_first_name, it.client_last_name) == ("Mira", "Halloway")


def test_two_columns_of_practitioners_that_differ_are_asked_about() -> None:
    reading = read(
        "Start,End,Practitioner,Provider\n13/12/2026 9:00,13/12/2026 9:30,Jo Smith,Anh Nguyen\n"
    )
    assert asked(reading) == {"column:practitioner": "Practitioner"}
    answers = {"column:practitioner": "Provider"}
    other = read(
        "Start,End,Practitioner,Provider\n13/12/2026 9:00,13/12/2026 9:30,Jo Smith,Anh Nguyen\n",
        answers=answers,
    )
    assert drafts(other)[0].name == "Anh Nguyen"


def test_a_file_that_names_nobody_asks_whose_it_is() -> None:
    content = "Start,End,Client\n13/12/2026 9:00,13/12/2026 9:30,Mira Halloway\n"
    assert asked(read(content, people=(JO,))) == {"practitioner:*": "jo-smith"}
    answered = read(content, people=(JO,), answers={"practitioner:*": "jo-smith"})
    assert drafts(answered)[0].name == "Jo Smith"
