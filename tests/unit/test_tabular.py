"""Delimited text as a table, and files that are none."""

import codecs
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from companion.adapters.tabular import SIZE_LIMIT, TableFiles, read_table
from companion.adapters.tabular.delimited import read_delimited
from companion.domain.errors import FileRefused
from tests.samples.exports import ALLIED, allied, csv_bytes

ROWS = [allied(0, Client_First_Name="Zoë"), allied(1, Notes="one, two; three\nfour")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_every_encoding_and_delimiter_gives_the_same_table(encoding: str, delimiter: str) -> None:
    table = read_delimited(csv_bytes(ROWS, encoding=encoding, delimiter=delimiter))
    assert table.headers == ALLIED
    assert [number for number, _cells in table.rows] == [2, 3]
    assert table.rows[0][1][3] == "Zoë"
    assert table.rows[1][1][15] == "one, two; three\nfour"
    assert not table.damaged


def test_utf16_with_a_big_endian_mark_is_read() -> None:
    content = codecs.BOM_UTF16_BE + csv_bytes(ROWS, encoding="utf-16-be")
    assert read_delimited(content).rows[0][1][3] == "Zoë"


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_row_numbers_are_those_of_the_lines_in_the_file(line_end: str) -> None:
    rows = [allied(0, Notes=f"a{line_end}b"), allied(1), allied(2)]
    table = read_delimited(csv_bytes(rows, line_end=line_end))
    assert [number for number, _cells in table.rows] == [2, 4, 5]


def test_titles_above_the_header_and_blank_lines_count_as_lines_only() -> None:
    content = b"Appointment report\r\n\r\n" + csv_bytes([allied(0)])
    table = read_delimited(content)
    assert table.headers == ALLIED
    assert [number for number, _cells in table.rows] == [4]


def test_the_separator_line_of_excel_is_honoured() -> None:
    table = read_delimited(b"sep=;\r\nStart;End\r\n1/3/2026;2/3/2026\r\n")
    assert table.headers == ("Start", "End")
    assert table.rows == [(3, ("1/3/2026", "2/3/2026"))]


def test_a_delimiter_inside_a_quoted_header_does_not_mislead() -> None:
    table = read_delimited(b'"Start, local, wall";End;Who\r\na;b;c\r\n')
    assert table.headers == ("Start, local, wall", "End", "Who")


def test_a_stray_quotation_mark_costs_its_own_row_only() -> None:
    lines = csv_bytes([allied(n) for n in range(5)]).split(b"\r\n")
    lines[3] = lines[3].replace(b",Client,", b',"Client,')
    table = read_delimited(b"\r\n".join(lines))
    assert [number for number, _cells in table.rows] == [2, 3, 5, 6]
    assert table.damaged == [(4, "The quotation marks in this row do not match.")]


def test_a_damaged_byte_does_not_turn_a_utf8_file_into_another_encoding() -> None:
    content = csv_bytes([allied(n, Client_First_Name="Zoë") for n in range(5)])
    table = read_delimited(content + b"A\xff9,x\r\n")
    assert table.rows[0][1][3] == "Zoë"


def test_an_empty_file_is_a_table_without_anything() -> None:
    for content in (b"", b"\xef\xbb\xbf", b"\r\n\r\n"):
        table = read_delimited(content)
        assert (table.headers, list(table.rows)) == ((), [])


def test_a_file_of_one_column_keeps_its_header() -> None:
    assert read_delimited(b"Start\r\n1/3/2026\r\n").headers == ("Start",)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"%PDF-1.7", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), ".xls"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "password",
        ),
        (b"\xef\xbb\xbf\r\n<html><table>", "web page"),
        (b"<?xml version='1.0'?><Workbook>", "XML"),
        (b"BEGIN:VCALENDAR\r\n", ".ics"),
        (b'{"resourceType": "Bundle"}', "JSON"),
        (b"\x1f\x8b\x08", "compressed"),
        (b"\x89PNG\r\n", "picture"),
        (b"MZ\x00\x01\x00\x00binary\x00", "no text has"),
    ],
)
async def test_a_file_of_another_kind_is_named_and_refused(
    tmp_path: Path, content: bytes, word: str
) -> None:
    path = tmp_path / "appointments.csv"
    path.write_bytes(content)
    with pytest.raises(FileRefused, match=word):
        await TableFiles().read(path)


def test_a_huge_file_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(10 * SIZE_LIMIT)
    with pytest.raises(FileRefused, match="500 MB"):
        read_table(path)


def test_a_folder_or_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="not a file"):
        read_table(tmp_path)
    with pytest.raises(FileRefused, match="no such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(FileRefused, match="could not be opened"):
        read_table(tmp_path / "a\x00b.csv")


def test_random_bytes_are_refused_or_a_table_and_never_anything_else(tmp_path: Path) -> None:
    path = tmp_path / "random.bin"
    chance = Random(7)
    for _round in range(300):
        path.write_bytes(chance.randbytes(300))
        with suppress(FileRefused):
            read_table(path)


def test_too_many_columns_are_refused() -> None:
    with pytest.raises(FileRefused, match="columns"):
        read_delimited(b",".join([b"x"] * 600) + b"\r\n")


def test_quotation_marks_that_never_match_are_refused_in_good_time() -> None:
    with pytest.raises(FileRefused, match="quotation marks"):
        read_delimited(b"a,b\r\n" + b'"x"y,z\r\n' * 5_000)
