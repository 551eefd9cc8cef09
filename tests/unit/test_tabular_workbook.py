"""Workbooks: what they hold, and what a hostile one is told."""

import io
import zipfile
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from companion.adapters.tabular.workbook import REFUSALS, child_environment, read_workbook
from companion.domain.errors import FileRefused
from tests.samples.exports import ALLIED, allied, xlsx_bytes

NINE = datetime(2026, 3, 1, 9, 0)  # noqa: DTZ001 - wall time
SMALL = xlsx_bytes([allied(0)])


def repacked(parts: Mapping[str, bytes | None], *, of: bytes = SMALL) -> bytes:
    """The workbook with parts replaced, added, or (None) left out."""
    kept = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(of)) as before,
        zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        for name in before.namelist():
            if name not in parts:
                after.writestr(name, before.read(name))
        for name, content in parts.items():
            if content is not None:
                after.writestr(name, content)
    return kept.getvalue()


def saved(book: Workbook) -> bytes:
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def sheet(rows: bytes) -> bytes:
    space = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return b'<worksheet xmlns="' + space + b'"><sheetData>' + rows + b"</sheetData></worksheet>"


def refusal(content: bytes) -> str:
    with pytest.raises(FileRefused) as refused:
        read_workbook(content)
    return refused.value.what


def test_cells_keep_their_types() -> None:
    book = Workbook()
    active = book.active
    assert active is not None
    row = [NINE, date(2026, 3, 1), time(9, 30), timedelta(minutes=90), 46082.375, 12, True]
    active.append(["a", "b", "c", "d", "e", "f", "g", "h", "i"])
    active.append([*row, "=1+1 is text", None])
    active["H2"].data_type = "s"
    table = read_workbook(saved(book))
    assert table.kind == "xlsx"
    assert table.headers == ("a", "b", "c", "d", "e", "f", "g", "h", "i")
    assert table.rows == [(2, (*row, "=1+1 is text", None))]


def test_row_numbers_are_those_of_the_sheet() -> None:
    content = xlsx_bytes([allied(0), {}, allied(2)], above=[["Report"], []])
    table = read_workbook(content)
    assert table.headers == ALLIED
    assert [number for number, cells in table.rows if any(cells)] == [4, 6]


def test_a_workbook_of_the_1904_calendar_means_the_same_days() -> None:
    book = Workbook()
    book.epoch = CALENDAR_MAC_1904
    active = book.active
    assert active is not None
    active.append(["Start", "End"])
    active.append([NINE, NINE])
    assert read_workbook(saved(book)).rows == [(2, (NINE, NINE))]


def test_hidden_and_empty_sheets_are_passed_over() -> None:
    book = Workbook()
    hidden = book.active
    assert hidden is not None
    hidden.append(["secret", "sheet"])
    hidden.sheet_state = "hidden"
    book.create_sheet("empty")
    book.create_sheet("table").append(["Start", "End"])
    assert read_workbook(saved(book)).headers == ("Start", "End")


def test_an_empty_workbook_is_a_table_without_anything() -> None:
    table = read_workbook(saved(Workbook()))
    assert (table.headers, list(table.rows)) == ((), [])


def test_a_bomb_is_refused_by_its_list_of_contents() -> None:
    bomb = repacked({"xl/worksheets/sheet1.xml": sheet(b" " * 90_000_000)})
    assert len(bomb) < 400_000
    assert "unpacks to far more" in refusal(bomb)


def test_a_part_that_lies_about_its_size_is_refused() -> None:
    honest = repacked({"xl/worksheets/sheet1.xml": sheet(b" " * 900_000)})
    size = len(sheet(b" " * 900_000))
    lying = honest.replace(size.to_bytes(4, "little"), (100).to_bytes(4, "little"))
    assert lying != honest
    assert "damaged" in refusal(lying)


def test_a_cell_at_the_far_corner_does_not_ask_for_gigabytes() -> None:
    rows = b'<row r="1"><c r="A1"><v>1</v></c></row><row r=\'1048576\'><c r = "XFD1048576"/></row>'
    assert "too large" in refusal(repacked({"xl/worksheets/sheet1.xml": sheet(rows)}))


def test_a_wide_and_long_sheet_is_refused_as_a_whole() -> None:
    rows = b'<row r="1"><c r="A1"/></row><row r="90000"><c r="DZ90000"><v>1</v></c></row>'
    assert "too large" in refusal(repacked({"xl/worksheets/sheet1.xml": sheet(rows)}))


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"xl/workbook.xml": None}, "not a workbook"),
        ({"xl/workbook.xml": None, "xl/workbook.bin": b"x"}, "binary"),
        ({"xl/workbook.xml": None, "mimetype": b"x"}, "opendocument"),
        ({"xl/workbook.xml": None, "word/document.xml": b"<x/>"}, "word"),
        ({"xl/worksheets/sheet1.xml": b"<worksheet><sheetData><row"}, "damaged"),
        ({"xl/worksheets/sheet1.xml": b"\xff\xfe<\x00"}, "damaged"),
        ({"xl/workbook.xml": b"no xml"}, "damaged"),
        ({f"xl/media/{number}.png": b"" for number in range(2_100)}, "bomb"),
    ],
)
def test_every_kind_of_wrong_workbook_has_its_sentence(
    parts: Mapping[str, bytes | None], reason: str
) -> None:
    assert refusal(repacked(parts)) == REFUSALS[reason][0]


def test_a_text_shared_by_very_many_cells_is_refused() -> None:
    cells = b'<row><c t="s"><v>0</v></c><c t="s"><v>0</v></c></row>' * 4_000
    words = b"<sst><si><t>" + b"long" * 8_000 + b"</t></si></sst>"
    shared = repacked({"xl/worksheets/sheet1.xml": sheet(cells), "xl/sharedStrings.xml": words})
    assert refusal(shared) == REFUSALS["bomb"][0]


def test_a_cell_longer_than_excel_allows_is_cut() -> None:
    row = allied(0, Notes="x" * 100)
    content = xlsx_bytes([row])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        before = archive.read("xl/worksheets/sheet1.xml")
    longer = before.replace(b"x" * 100, b"x" * 50_000)
    table = read_workbook(repacked({"xl/worksheets/sheet1.xml": longer}, of=content))
    assert len(str(table.rows[0][1][15])) == 32_767


def test_a_workbook_cut_short_is_damaged() -> None:
    assert refusal(SMALL[: len(SMALL) // 2]) == REFUSALS["damaged"][0]


def test_an_encrypted_part_means_a_password() -> None:
    flagged = bytearray(SMALL)
    at = flagged.find(b"PK\x01\x02")
    flagged[at + 8] |= 1
    assert refusal(bytes(flagged)) == REFUSALS["password"][0]


def test_reading_stops_at_the_time_limit() -> None:
    with pytest.raises(FileRefused, match="too long"):
        read_workbook(SMALL, time_limit=0.001)


def test_the_child_is_not_told_our_secrets() -> None:
    told = child_environment({"PATH": "/bin", "COMPANION_SECRETS_KEY": "x"})
    assert told == {"PATH": "/bin"}


def test_an_entity_is_not_resolved(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("out of the machine")
    entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'.encode()
    rows = b'<row r="1"><c r="A1" t="inlineStr"><is><t>&e;</t></is></c></row>'
    try:
        table = read_workbook(repacked({"xl/worksheets/sheet1.xml": entity + sheet(rows)}))
    except FileRefused:
        return
    assert "machine" not in str(table)
