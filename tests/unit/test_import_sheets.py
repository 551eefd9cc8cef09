"""Which rows of which sheets are appointments, and whose."""

from __future__ import annotations

import pytest

from companion.domain.appointments import Practitioner
from companion.domain.errors import BadInput
from companion.services.imports.reading.results import UnknownLayout
from tests.samples.reading import asked, at, drafts, read, sheets, times

JO = Practitioner(id="jo-smith", name="Jo Smith")


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


def test_sheets_that_were_one_table_are_one_choice() -> None:
    months: list[list[object]] = [["Date", "Location", "Phone"], [at(2, 9), "Main street", "x"]]
    diary: list[list[object]] = [["Start", "End", "Client"], [at(1, 9), at(1, 10), "Mira Halloway"]]
    file = sheets(Diary=diary, July=months, August=months)
    (question,) = [each for each in read(file).content.questions if each.key == "sheets"]
    assert [each.value for each in question.choices] == ["Diary", "July, August"]
    answered = read(file, answers={"sheets": "July, August"})
    assert [each.name for each in answered.sheets if each.used] == ["July", "August"]


def test_a_sheet_whose_name_holds_a_comma_can_be_named() -> None:
    content: dict[str, list[list[object]]] = {
        "Smith, Jo": [["Start", "End", "Client"], [at(1, 9), at(1, 10), "Mira Halloway"]],
        "Waitlist": [["Date", "Location", "Phone"], [at(2, 9), "Main street", "x"]],
    }
    file = sheets(**content)
    answered = read(file, answers={"sheets": "Smith, Jo"})
    assert [each.name for each in answered.sheets if each.used] == ["Smith, Jo"]


@pytest.mark.parametrize("further", ["", "000", "000000", ".0", "000.5"])
def test_moments_counted_since_1970_are_read_as_utc(further: str) -> None:
    reading = read(
        "Start,End,Practitioner,Client\n"
        f"1797154200{further},1797156900{further},Jo Smith,Mira Halloway\n"
    )
    assert times(reading) == [(at(13, 9, 30), at(13, 10, 15))]
    assert drafts(reading)[0].appointment.timezone == "UTC"


@pytest.mark.parametrize(
    ("heading", "guess"),
    [
        ("Attended", "booked"),
        ("Arrival Status", "booked"),
        ("Visit Status", "booked"),
        ("Is Active", "cancelled"),
    ],
)
def test_whether_a_no_means_cancelled_is_asked(heading: str, guess: str) -> None:
    reading = read(
        f"Date,Start,End,Practitioner,Client,{heading}\n"
        "13/12/2026,9:00,9:30,Jo Smith,Mira Halloway,Yes\n"
        "14/12/2026,9:00,9:30,Jo Smith,Pell O'Dowd,No\n"
    )
    assert asked(reading) == {"status:No": guess}
    assert f"“No” under “{heading}”" in reading.content.questions[0].text


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
