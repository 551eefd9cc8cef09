"""Workbooks: what they hold, and what a hostile one is told."""

import io
import zipfile
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900
from openpyxl.worksheet.worksheet import Worksheet

from companion.adapters.tabular.refusals import REFUSALS
from companion.adapters.tabular.spreadsheets import ERRORS_EMPTY
from companion.domain.errors import FileRefused
from companion.services.workbooks import EPOCH_1904, EXCEL_EPOCH, SheetRow
from tests.fakes.workbooks import workbook_of
from tests.samples.exports import allied, xlsx_bytes

NINE = datetime(2026, 3, 1, 9, 0)  # noqa: DTZ001 - wall time
IMPORTS = Path(__file__).parents[1] / "samples" / "imports"
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


def parts_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def saved(book: Workbook) -> bytes:
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def sheet(rows: bytes) -> bytes:
    space = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return b'<worksheet xmlns="' + space + b'"><sheetData>' + rows + b"</sheetData></worksheet>"


def refusal(content: bytes) -> str:
    with pytest.raises(FileRefused) as refused:
        workbook_of(content)
    return refused.value.what


def rows_of(content: bytes) -> list[SheetRow]:
    (sheet,) = workbook_of(content).sheets
    return list(sheet.rows)


def saved_sheet(fill: Callable[[Worksheet], None]) -> bytes:
    book = Workbook()
    active = book.active
    assert isinstance(active, Worksheet)
    fill(active)
    return saved(book)


def test_cells_keep_their_types() -> None:
    row = [NINE, date(2026, 3, 1), time(9, 30), timedelta(minutes=90), 46082.375, 12, True]

    def fill(active: Worksheet) -> None:
        active.append([*row, "=1+1 is text", None, "0012", "  spaces "])
        active["H1"].data_type = "s"

    content = saved_sheet(fill)
    assert workbook_of(content).kind == "xlsx"
    ((number, cells),) = rows_of(content)
    assert (number, cells) == (1, (*row, "=1+1 is text", None, "0012", "  spaces "))
    assert [type(each) for each in cells[4:7]] == [float, int, bool]


def test_a_number_that_may_have_lost_digits_stays_a_float() -> None:
    ((_number, cells),) = rows_of(saved_sheet(lambda it: it.append([2**53 - 1, 2**60])))
    assert [type(each) for each in cells] == [int, float]


@pytest.mark.parametrize("epoch", [CALENDAR_WINDOWS_1900, CALENDAR_MAC_1904])
def test_a_length_shown_as_a_time_of_day_is_no_moment_of_long_ago(epoch: datetime) -> None:
    book = Workbook()
    book.epoch = epoch
    active = book.active
    assert active is not None
    active["A1"] = 1.25
    active["A1"].number_format = "hh:mm"
    assert rows_of(saved(book))[0].cells == (timedelta(hours=30),)


def test_moments_are_whole_seconds() -> None:
    def fill(active: Worksheet) -> None:
        active["A1"] = 46000.39583333
        active["A1"].number_format = "yyyy-mm-dd hh:mm"

    assert rows_of(saved_sheet(fill))[0].cells == (datetime(2025, 12, 9, 9, 30),)  # noqa: DTZ001


def test_an_error_is_the_text_that_a_person_sees() -> None:
    def fill(active: Worksheet) -> None:
        active.append(["Start", "Who", "Length"])
        active.append(["#REF!", "Jo", "#N/A"])
        active.append(["x", "#DIV/0!", 3])
        for at in ("A2", "C2", "B3"):
            active[at].data_type = "e"

    assert [row.cells for row in rows_of(saved_sheet(fill))[1:]] == [
        ("#REF!", "Jo", "#N/A"),
        ("x", "#DIV/0!", 3),
    ]


def test_an_error_belongs_to_its_own_sheet() -> None:
    book = Workbook()
    for name in ("one", "two"):
        book.create_sheet(name).append([name, "x"])
    book["two"]["B1"] = "#NAME?"
    book["two"]["B1"].data_type = "e"
    sheets = {sheet.name: sheet.rows for sheet in workbook_of(saved(book)).sheets}
    assert sheets["one"][0].cells == ("one", "x")
    assert sheets["two"][0].cells == ("two", "#NAME?")


def test_row_numbers_and_places_are_those_of_the_sheet() -> None:
    def fill(active: Worksheet) -> None:
        active["C4"] = "Start"
        active["D4"] = "End"
        active["C7"] = NINE

    assert rows_of(saved_sheet(fill)) == [
        (4, (None, None, "Start", "End")),
        (7, (None, None, NINE)),
    ]


def test_merged_cells_are_told_with_the_rows_and_places_of_the_sheet() -> None:
    def fill(active: Worksheet) -> None:
        active["B2"] = "Appointment"
        active.merge_cells("B2:D2")
        active["E2"] = "Client"
        active.merge_cells("E2:E3")

    (sheet,) = workbook_of(saved_sheet(fill)).sheets
    assert sheet.merged == [(2, 2, 1, 3), (2, 3, 4, 4)]


def test_a_workbook_of_the_1904_calendar_means_the_same_days() -> None:
    book = Workbook()
    book.epoch = CALENDAR_MAC_1904
    active = book.active
    assert active is not None
    active.append([NINE, (NINE - datetime(1904, 1, 1)).total_seconds() / 86_400])  # noqa: DTZ001
    workbook = workbook_of(saved(book))
    moment, number = workbook.sheets[0].rows[0].cells
    assert moment == NINE
    assert isinstance(number, float)
    assert workbook.epoch == EPOCH_1904
    since = timedelta(days=number)
    assert datetime.combine(workbook.epoch, time()) + since == NINE
    assert workbook_of(SMALL).epoch == EXCEL_EPOCH


def test_every_sheet_is_there_and_a_hidden_one_is_named_only() -> None:
    book = Workbook()
    hidden = book.active
    assert hidden is not None
    hidden.title = "secret"
    hidden.append(["secret", "sheet"])
    hidden.sheet_state = "hidden"
    book.create_sheet("empty")
    book.create_sheet("one").append(["Start", "End"])
    book.create_sheet("two").append(["Start", "Who"])
    book.create_chartsheet("chart")
    sheets = workbook_of(saved(book)).sheets
    assert [(each.name, each.hidden, len(each.rows)) for each in sheets] == [
        ("secret", True, 0),
        ("empty", False, 0),
        ("one", False, 1),
        ("two", False, 1),
    ]


def test_a_workbook_of_hidden_sheets_alone_says_so() -> None:
    changed = {"xl/workbook.xml": parts_of(SMALL)["xl/workbook.xml"].replace(b"visible", b"hidden")}
    assert refusal(repacked(changed)) == REFUSALS["hidden"][0]


def test_an_empty_workbook_is_a_sheet_without_rows() -> None:
    assert rows_of(saved(Workbook())) == []


def test_the_rows_of_all_sheets_together_have_a_limit() -> None:
    far = (
        b'<row r="1"><c r="A1"><v>1</v></c></row><row r="130000"><c r="A130000"><v>1</v></c></row>'
    )
    book = Workbook()
    book.create_sheet("two")
    name = "xl/worksheets/sheet{}.xml"
    both = repacked({name.format(1): sheet(far), name.format(2): sheet(far)}, of=saved(book))
    assert refusal(both) == REFUSALS["too many rows"][0]


# ── other kinds of workbook ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "kind", "number"),
    [("44_old_excel.xls", "xls", 3001), ("45_opendocument.ods", "ods", "3001")],
)
def test_old_and_open_workbooks_are_read(name: str, kind: str, number: object) -> None:
    workbook = workbook_of((IMPORTS / name).read_bytes())
    assert workbook.kind == kind
    (only,) = workbook.sheets
    assert only.name == "Appointments"
    assert len(only.rows) == 13
    assert only.rows[1].cells[:4] == (number, "01/12/2026 09:00", "01/12/2026 09:45", "Jo Smith")


def test_an_old_workbook_says_that_it_counts_from_1904() -> None:
    content = (IMPORTS / "44_old_excel.xls").read_bytes()
    flag = b"\x22\x00\x02\x00"
    assert content.count(flag + b"\x00\x00") == 1
    assert workbook_of(content).epoch == EXCEL_EPOCH
    changed = content.replace(flag + b"\x00\x00", flag + b"\x01\x00")
    assert workbook_of(changed).epoch == EPOCH_1904


def test_an_old_workbook_tells_the_rows_whose_errors_were_read_as_empty() -> None:
    content = (IMPORTS / "44_old_excel.xls").read_bytes()
    assert workbook_of(content).notes == ()
    # The number 3002 in row 3, as an RK record; an error's record is two bytes shorter.
    number = (0x027E).to_bytes(2, "little") + b"\x0a\x00\x02\x00\x00\x00"
    at = content.index(number)
    error = (0x0205).to_bytes(2, "little") + b"\x0a\x00\x02\x00\x00\x00\x0f\x00\x17\x01"
    changed = content[:at] + error + b"\x00\x00" + content[at + 14 :]
    assert "were read as empty. They are in row 3." in workbook_of(changed).notes[0]


OPEN_CELLS = (
    b'<table:table-cell office:value-type="time" office:time-value="PT09H30M00S"/>'
    b'<table:table-cell office:value-type="time" office:time-value="PT30H15M00S"/>'
    b'<table:table-cell office:value-type="date" office:date-value="2026-12-01T09:00:00"/>'
    b'<table:table-cell office:value-type="float" office:value="12"/>'
    b'<table:table-cell office:value-type="string" office:string-value="" '
    b'calcext:value-type="error">'
    b"<text:p>#REF!</text:p></table:table-cell>"
    b'<table:table-cell office:value-type="boolean" office:boolean-value="true"/>'
)


def test_open_documents_keep_types_and_say_that_errors_are_empty() -> None:
    content = (IMPORTS / "45_opendocument.ods").read_bytes()
    body = parts_of(content)["content.xml"]
    at = body.index(b"<table:table-row")
    row = b"<table:table-row>" + OPEN_CELLS + b"</table:table-row>"
    workbook = workbook_of(repacked({"content.xml": body[:at] + row + body[at:]}, of=content))
    assert workbook.sheets[0].rows[0].cells == (
        time(9, 30),
        timedelta(hours=30, minutes=15),
        datetime(2026, 12, 1, 9, 0),  # noqa: DTZ001 - wall time
        12,
        None,
        True,
    )
    assert workbook.notes == (ERRORS_EMPTY,)


def test_an_old_workbook_cut_short_is_refused() -> None:
    content = (IMPORTS / "44_old_excel.xls").read_bytes()
    assert refusal(content[:3_000]) == REFUSALS["office"][0]


TEXT = b'office:value-type="string"><text:p>x</text:p></table:table-cell></table:table-row>'
REPEATED = [
    b'<table:table-row table:number-rows-repeated="900000"><table:table-cell ' + TEXT,
    b'<table:table-row><table:table-cell table:number-columns-repeated="16000" ' + TEXT,
    b'<table:table-row table:number-rows-repeated="100000">'
    b'<table:table-cell table:number-columns-repeated="400" ' + TEXT,
]


@pytest.mark.parametrize("row", REPEATED, ids=["rows", "columns", "both"])
def test_a_cell_repeated_a_million_times_is_refused(row: bytes) -> None:
    content = (IMPORTS / "45_opendocument.ods").read_bytes()
    body = parts_of(content)["content.xml"]
    assert b"<table:table-row" in body
    at = body.index(b"<table:table-row")
    changed = repacked({"content.xml": body[:at] + row + body[at:]}, of=content)
    assert "more than" in refusal(changed)


def test_empty_rows_and_cells_may_be_repeated_to_the_end_of_the_sheet() -> None:
    content = (IMPORTS / "45_opendocument.ods").read_bytes()
    body = parts_of(content)["content.xml"]
    rest = (
        b'<table:table-row table:number-rows-repeated="1048560">'
        b'<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    )
    changed = body.replace(b"</table:table>", rest + b"</table:table>", 1)
    assert len(rows_of(repacked({"content.xml": changed}, of=content))) == 13


# ── what a hostile one is told ────────────────────────────────────────────────────────────────


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
    assert "more than" in refusal(repacked({"xl/worksheets/sheet1.xml": sheet(rows)}))


def test_a_wide_and_long_sheet_is_refused_as_a_whole() -> None:
    rows = b'<row r="1"><c r="A1"/></row><row r="90000"><c r="DZ90000"><v>1</v></c></row>'
    assert "more than" in refusal(repacked({"xl/worksheets/sheet1.xml": sheet(rows)}))


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"xl/workbook.xml": None}, "archive"),
        ({"xl/workbook.xml": None, "xl/workbook.bin": b"x"}, "no sheet"),
        (
            {"xl/workbook.xml": None, "content.xml": b"", "mimetype": b"application/x.text"},
            "document",
        ),
        ({"xl/workbook.xml": None, "word/document.xml": b"<x/>"}, "document"),
        ({"xl/workbook.xml": None, "Index/Document.iwa": b""}, "numbers"),
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


def test_a_cell_longer_than_excel_allows_is_cut() -> None:
    row = allied(0, Notes="x" * 100)
    content = xlsx_bytes([row])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        before = archive.read("xl/worksheets/sheet1.xml")
    longer = before.replace(b"x" * 100, b"x" * 50_000)
    workbook = workbook_of(repacked({"xl/worksheets/sheet1.xml": longer}, of=content))
    assert len(str(workbook.sheets[0].rows[1].cells[15])) == 32_767
    assert "32,767" in workbook.notes[0]


def test_a_workbook_cut_short_is_damaged() -> None:
    assert refusal(SMALL[: len(SMALL) // 2]) == REFUSALS["damaged"][0]


def test_an_encrypted_part_means_a_password() -> None:
    flagged = bytearray(SMALL)
    at = flagged.find(b"PK\x01\x02")
    flagged[at + 8] |= 1
    assert refusal(bytes(flagged)) == REFUSALS["password"][0]


def test_an_entity_is_not_resolved(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("out of the machine")
    entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'.encode()
    rows = b'<row r="1"><c r="A1" t="inlineStr"><is><t>&e;</t></is></c></row>'
    try:
        workbook = workbook_of(repacked({"xl/worksheets/sheet1.xml": entity + sheet(rows)}))
    except FileRefused:
        return
    assert "machine" not in str(workbook)
