"""Delimited text as a sheet of cells: delimiter, quotes, lines, damage."""

import codecs
from contextlib import suppress
from random import Random

import pytest

from companion.domain.errors import FileRefused
from companion.services.workbooks import Sheet
from tests.fakes.workbooks import workbook_of
from tests.samples.exports import ALLIED, allied, csv_bytes

ROWS = [allied(0, Client_First_Name="Zoë"), allied(1, Notes="one, two; three\nfour")]


def sheet_of(content: bytes) -> Sheet:
    workbook = workbook_of(content)
    assert workbook.kind == "csv"
    (sheet,) = workbook.sheets
    return sheet


def numbers(sheet: Sheet) -> list[int]:
    return [row.number for row in sheet.rows]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_every_encoding_and_delimiter_gives_the_same_sheet(encoding: str, delimiter: str) -> None:
    sheet = sheet_of(csv_bytes(ROWS, encoding=encoding, delimiter=delimiter))
    assert sheet.rows[0].cells == ALLIED
    assert numbers(sheet) == [1, 2, 3]
    assert sheet.rows[1].cells[3] == "Zoë"
    assert sheet.rows[2].cells[15] == "one, two; three\nfour"
    assert not sheet.damaged


def test_utf16_with_a_big_endian_mark_is_read() -> None:
    content = codecs.BOM_UTF16_BE + csv_bytes(ROWS, encoding="utf-16-be")
    assert sheet_of(content).rows[1].cells[3] == "Zoë"


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_row_numbers_are_those_of_the_lines_in_the_file(line_end: str) -> None:
    rows = [allied(0, Notes=f"a{line_end}b"), allied(1), allied(2)]
    assert numbers(sheet_of(csv_bytes(rows, line_end=line_end))) == [1, 2, 4, 5]


def test_titles_above_the_header_are_rows_and_blank_lines_are_gaps() -> None:
    sheet = sheet_of(b"Appointment report\r\n\r\n , \r\n" + csv_bytes([allied(0)]))
    assert numbers(sheet) == [1, 4, 5]
    assert sheet.rows[0].cells == ("Appointment report",)
    assert sheet.rows[1].cells == ALLIED


def test_empty_cells_are_none_and_those_at_the_end_are_left_out() -> None:
    sheet = sheet_of(b"a,b,c,d\r\n1,, ,\r\n,2,x\r\n")
    assert [row.cells for row in sheet.rows] == [("a", "b", "c", "d"), ("1",), (None, "2", "x")]


def test_text_is_not_trimmed() -> None:
    assert sheet_of(b"a, b ,c\r\n").rows[0].cells == ("a", " b ", "c")


@pytest.mark.parametrize("separator", [";", "|", "\t", "^"])
def test_the_separator_line_of_excel_is_honoured(separator: str) -> None:
    lines = [f"sep={separator}", separator.join(["Start", "End, local"]), f"1/3{separator}2,5"]
    sheet = sheet_of("\r\n".join(lines).encode())
    assert sheet.rows[0] == (2, ("Start", "End, local"))
    assert sheet.rows[1] == (3, ("1/3", "2,5"))


# ── which delimiter ───────────────────────────────────────────────────────────────────────────

HEADER = ["ID", "Start", "Who", "Notes"]
DATA = [[str(n), "1/12/2026 9:00", "Smith, Jo", "x"] for n in range(9)]


def written(rows: list[list[str]], delimiter: str) -> bytes:
    """Quoted only where it must be."""
    return csv_bytes(
        [dict(zip(HEADER, row, strict=True)) for row in rows],
        HEADER,
        delimiter=delimiter,
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("other", [",", ";", "\t", "|"])
def test_notes_full_of_another_delimiter_change_nothing(delimiter: str, other: str) -> None:
    noisy = [[*row[:3], other.join("abcdefghijkl")] for row in DATA]
    sheet = sheet_of(written(noisy, delimiter))
    assert [len(row.cells) for row in sheet.rows] == [4] * 10
    assert sheet.rows[1].cells[3] == other.join("abcdefghijkl")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "title", ["Report; Main St; Physio; all; of; it", "A, b, c, d, e, f", "x|y|z|1|2"]
)
def test_a_title_with_another_delimiter_does_not_mislead(delimiter: str, title: str) -> None:
    sheet = sheet_of(f"{title}\r\n\r\n".encode() + written(DATA[:2], delimiter))
    assert sheet.rows[1].cells == tuple(HEADER)
    assert sheet.rows[2].cells == tuple(DATA[0])


@pytest.mark.parametrize("rest", ["", "\x01;\x01", "Total; 1; 2; 3; 4\r\n"])
def test_a_header_without_rows_of_its_own_is_still_the_header(rest: str) -> None:
    sheet = sheet_of(f"Report; of; all; of; it\r\n{','.join(ALLIED)}\r\n{rest}".encode())
    assert sheet.rows[1].cells == ALLIED


def test_decimal_commas_do_not_outweigh_semicolons() -> None:
    sheet = sheet_of(b"ID;Hours;Fee\r\n1;0,5;80,00\r\n2;0,75;90,50\r\n")
    assert sheet.rows[1].cells == ("1", "0,5", "80,00")


def test_names_with_commas_do_not_outweigh_tabs() -> None:
    rows = "".join(f"Smith, Jo, Dr\tDoe, Al, Mr\t{n}/12/2026\n" for n in range(1, 6))
    sheet = sheet_of(f"Client\tPractitioner\tDay\n{rows}".encode())
    assert sheet.rows[1].cells == ("Smith, Jo, Dr", "Doe, Al, Mr", "1/12/2026")


def test_rows_without_their_empty_cells_at_the_end_still_agree() -> None:
    sheet = sheet_of(
        b"ID;Start;Who;Notes;More\r\n1;9:00;Jo\r\n2;9:30;Al\r\n3;9:45;Bo;a,b,c,d,e,f,g\r\n"
    )
    assert sheet.rows[3].cells == ("3", "9:45", "Bo", "a,b,c,d,e,f,g")


def test_a_delimiter_inside_a_quoted_header_does_not_mislead() -> None:
    sheet = sheet_of(b'"Start, local, wall";End;Who\r\na;b;c\r\n')
    assert sheet.rows[0].cells == ("Start, local, wall", "End", "Who")


def test_a_file_of_one_column_is_read() -> None:
    assert [row.cells for row in sheet_of(b"Start\r\n1/3/2026\r\n").rows] == [
        ("Start",),
        ("1/3/2026",),
    ]


# ── damage ────────────────────────────────────────────────────────────────────────────────────


def test_a_stray_quotation_mark_costs_its_own_row_only() -> None:
    lines = csv_bytes([allied(n) for n in range(5)]).split(b"\r\n")
    lines[3] = lines[3].replace(b",Client,", b',"Client,')
    sheet = sheet_of(b"\r\n".join(lines))
    assert numbers(sheet) == [1, 2, 3, 5, 6]
    assert sheet.damaged == [(4, "The quotation marks in this row do not match.")]


def test_quotation_marks_behind_backslashes_are_read_as_databases_write_them() -> None:
    sheet = sheet_of(b'ID,Notes,Who\n1,"says \\"hello, you\\" often",Jo\n2,"plain",Al\n')
    assert sheet.rows[1].cells == ("1", 'says "hello, you" often', "Jo")
    assert sheet.rows[2].cells == ("2", "plain", "Al")
    assert not sheet.damaged


def test_a_field_longer_than_any_is_named() -> None:
    sheet = sheet_of(b'ID,Notes\n1,"' + b"x" * 200_000 + b'"\n2,y\n')
    assert numbers(sheet) == [1, 3]
    assert [number for number, _reason in sheet.damaged] == [2]


def test_zero_bytes_used_as_padding_are_left_out_and_said() -> None:
    workbook = workbook_of(b"ID,Who\r\n1,Jo\x00\x00\x00\r\n2,Al\x00\x00\x00\r\n")
    assert [row.cells for row in workbook.sheets[0].rows[1:]] == [("1", "Jo"), ("2", "Al")]
    assert workbook.notes == ("Zero bytes between the characters were left out.",)


@pytest.mark.parametrize("zeros", [3, 4_096, 500_000])
def test_a_file_that_was_not_written_to_its_end_says_so(zeros: int) -> None:
    sheet = sheet_of(b"ID,Who\r\n1,Jo\r\n" + bytes(zeros))
    assert sheet.rows[1].cells == ("1", "Jo")
    ((number, reason),) = sheet.damaged
    assert number == 3
    assert "not written to its end" in reason


def test_the_end_of_a_file_of_dos_is_no_row() -> None:
    assert numbers(sheet_of(b"ID,Who\r\n1,Jo\r\n\x1a")) == [1, 2]


def test_an_empty_file_is_a_sheet_without_rows() -> None:
    for content in (b"", b"\xef\xbb\xbf", b"\r\n\r\n", b"\xff\xfe"):
        assert list(sheet_of(content).rows) == []


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"%PDF-1.7", "PDF"),
        (b"{\\rtf1", "RTF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "Office document"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "password",
        ),
        (b"\xef\xbb\xbf\r\n<html><p>Please sign in", "web page without a table"),
        (b"<?xml version='1.0'?><Appointments/>", "XML"),
        (b"\x1f\x8b\x08", "compressed"),
        (b"\x89PNG\r\n", "picture"),
        (b"MZ\x00\x01\x00\x00binary\x00", "no text has"),
        (bytes(5_000), "zero bytes"),
    ],
)
def test_a_file_of_another_kind_is_named_and_refused(content: bytes, word: str) -> None:
    with pytest.raises(FileRefused, match=word):
        workbook_of(content)


CALENDAR = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (CALENDAR.encode(), "ics"),
        (CALENDAR.encode("utf-8-sig"), "ics"),
        (CALENDAR.encode("utf-16"), "ics"),
        (b'{"resourceType": "Bundle",\n "entry": []}', "json"),
        (b' [ {"resourceType": "Appointment"}]', "json"),
        (b'{"resourceType": "Appointment"}\n{"resourceType": "Appointment"}\n', "ndjson"),
    ],
)
def test_a_calendar_and_fhir_resources_are_a_table_too(content: bytes, kind: str) -> None:
    workbook = workbook_of(content)
    assert (workbook.kind, [len(each.rows) for each in workbook.sheets]) == (kind, [1])


@pytest.mark.parametrize("header", ["[ID],[Start]", "{x},Start", "{ID};Start"])
def test_brackets_in_a_header_are_no_json(header: str) -> None:
    assert workbook_of(f"{header}\r\n1,2\r\n".encode()).kind == "csv"


def test_random_bytes_are_refused_or_a_workbook_and_never_anything_else() -> None:
    chance = Random(7)
    for _round in range(300):
        with suppress(FileRefused):
            workbook_of(chance.randbytes(300))


def test_too_many_columns_are_refused() -> None:
    with pytest.raises(FileRefused, match="columns"):
        workbook_of(b",".join([b"x"] * 600) + b"\r\n")


@pytest.mark.parametrize(
    "line", [b"\n", b"\r", b"\r\n", b",,,\n", b'""\n', b" \n", b'"\n"\n'], ids=repr
)
def test_blank_lines_count_towards_the_row_limit(line: bytes) -> None:
    with pytest.raises(FileRefused, match="250,000 rows"):
        workbook_of(b"ID,Who\n" + line * 251_000)
    assert workbook_of(b"ID,Who\n" + line * 1_000).sheets[0].rows == [(1, ("ID", "Who"))]


def test_a_quotation_mark_before_very_many_lines_does_not_hide_them() -> None:
    with pytest.raises(FileRefused, match="rows"):
        workbook_of(b'ID,Who\n1,"Jo' + b"\n" * 600_000)


def test_quotation_marks_that_never_match_are_refused_in_good_time() -> None:
    with pytest.raises(FileRefused, match="quotation marks"):
        workbook_of(b"a,b\r\n" + b'"x"y,z\r\n' * 5_000)
