"""Web pages and Excel 2003's XML, which are often called .xls."""

from datetime import date, datetime, time

import pytest

from companion.domain.errors import FileRefused
from companion.services.workbooks import EPOCH_1904, Sheet
from tests.fakes.workbooks import workbook_of


def page(*tables: str) -> bytes:
    return f"<html><body><h1>Report</h1>{''.join(tables)}</body></html>".encode()


def table(*rows: str, tag: str = "td") -> str:
    cells = [row.split("|") for row in rows]
    lines = ["".join(f"<{tag}>{cell}</{tag}>" for cell in row) for row in cells]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def only(content: bytes) -> Sheet:
    workbook = workbook_of(content)
    assert workbook.kind == "html"
    (sheet,) = workbook.sheets
    return sheet


def test_a_table_is_a_sheet() -> None:
    sheet = only(page(table("ID|Start|Who", "1|1/12/2026 9:00| |", "|2|x")))
    assert sheet.name == ""
    assert [row.number for row in sheet.rows] == [1, 2, 3]
    assert [row.cells for row in sheet.rows] == [
        ("ID", "Start", "Who"),
        ("1", "1/12/2026 9:00"),
        (None, "2", "x"),
    ]


def test_text_is_what_a_person_reads() -> None:
    sheet = only(
        page(
            "<TABLE border=1><TR><TD style='a > b'>Smith,\n   <b>Jo</b> &amp; Al</TD>"
            "<td>&nbsp;</td><td>line one<br/>line two</td><td><!-- no --><p>para</p></td>"
            "<td><script>if (a < b) '</td>'</script>x&eacute;</td></TR></TABLE>"
        )
    )
    assert sheet.rows[0].cells == ("Smith, Jo & Al", None, "line one\nline two", "para", "xé")


def test_tags_that_nobody_closed_are_closed() -> None:
    cells = [("ID", "Start"), ("1", "9:00"), ("2", "9:30")]
    whole = b"<table><tr><th>ID<th>Start<tr><td>1<td>9:00<tr><td>2<td>9:30</table>"
    assert [row.cells for row in only(whole).rows] == cells
    assert workbook_of(whole).notes == ()
    cut = workbook_of(whole[:-5])
    assert [row.cells for row in cut.sheets[0].rows] == cells
    assert "breaks off" in cut.notes[0]


def test_cells_over_columns_and_rows_keep_the_others_in_their_places() -> None:
    sheet = only(
        page(
            "<table><tr><th rowspan=2>ID</th><th colspan='2'>When</th><th>Who</th></tr>"
            "<tr><th>Start</th><th>End</th><th>Name</th></tr>"
            "<tr><td>1</td><td>9:00</td><td>9:30</td><td>Jo</td></tr></table>"
        )
    )
    assert [row.cells for row in sheet.rows] == [
        ("ID", "When", None, "Who"),
        (None, "Start", "End", "Name"),
        ("1", "9:00", "9:30", "Jo"),
    ]
    assert sheet.merged == [(1, 1, 1, 2), (1, 2, 0, 0)]


def test_each_table_is_a_sheet_and_one_for_the_layout_is_none() -> None:
    inner = table("ID|Start", "1|2").replace("<table>", "<table><caption>Book</caption>")
    content = page(table("Filter|All"), f"<table><tr><td>{inner}</td></tr></table>")
    sheets = workbook_of(content).sheets
    assert [(each.name, [row.cells for row in each.rows]) for each in sheets] == [
        ("Table 1", [("Filter", "All")]),
        ("Table 2", []),
        ("Book", [("ID", "Start"), ("1", "2")]),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252", "mac_roman", "iso8859-15"])
def test_a_page_is_in_the_encoding_that_it_names(encoding: str) -> None:
    text = f"<html><head><meta charset={encoding}></head>{table('Zoë Müller|€ 5')}</html>"
    assert only(text.encode(encoding)).rows[0].cells == ("Zoë Müller", "€ 5")


def test_a_web_archive_is_unwrapped() -> None:
    content = (
        b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n--x\r\n"
        b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
        b"\r\n<table><tr><td>Zo=C3=AB</td><td>x=3Dy</td></tr></table>\r\n--x--\r\n"
    )
    assert only(content).rows[0].cells == ("Zoë", "x=y")


@pytest.mark.parametrize(
    ("cells", "word"),
    [
        ("<td colspan=400>x</td><td colspan=400>y</td>", "columns"),
        ("<table>" * 60, "damaged"),
        ("</tr><tr>" * 251_000, "rows"),
    ],
)
def test_a_hostile_page_is_refused(cells: str, word: str) -> None:
    with pytest.raises(FileRefused, match=word):
        workbook_of(page(f"<table><tr>{cells}</tr></table>"))


def test_a_span_of_a_billion_is_as_long_as_the_table() -> None:
    sheet = only(page("<table><tr><td rowspan=999999999>a<td>b</tr><tr><td>c</tr></table>"))
    assert [row.cells for row in sheet.rows] == [("a", "b"), (None, "c")]


# ── Excel 2003 ────────────────────────────────────────────────────────────────────────────────

BOOK = """<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"
 xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"
 xmlns:x="urn:schemas-microsoft-com:office:excel">{extra}
<Worksheet ss:Name="Data"><Table>{rows}</Table></Worksheet>
<Worksheet ss:Name="Secret"><Table><Row><Cell><Data ss:Type="String">x</Data></Cell></Row></Table>
<x:WorksheetOptions><x:Visible>SheetHidden</x:Visible></x:WorksheetOptions></Worksheet>
</Workbook>"""


def cell(kind: str, value: str, **attributes: int) -> str:
    said = "".join(f' ss:{name}="{number}"' for name, number in attributes.items())
    return f'<Cell{said}><Data ss:Type="{kind}">{value}</Data></Cell>'


def excel(*rows: str, extra: str = "") -> bytes:
    return BOOK.format(rows="".join(rows), extra=extra).encode()


def test_excel_2003_keeps_types_places_and_hidden_sheets() -> None:
    header = cell("String", "ID", MergeDown=1), cell("String", "When", MergeAcross=1)
    moments = "2026-12-01T09:00:00.000", "2026-12-01T00:00:00.000", "1899-12-31T09:30:00.000"
    content = excel(
        f"<Row>{''.join(header)}{cell('String', 'Who')}</Row>",
        '<Row ss:Index="5">',
        cell("Number", "12"),
        cell("DateTime", moments[0]),
        cell("DateTime", moments[1]),
        cell("Boolean", "1"),
        cell("DateTime", moments[2], Index=7),
        cell("Error", "#REF!") + "</Row>",
    )
    workbook = workbook_of(content)
    assert workbook.kind == "xml"
    data, secret = workbook.sheets
    assert (secret.name, secret.hidden, list(secret.rows)) == ("Secret", True, [])
    assert data.rows[0] == (1, ("ID", "When", None, "Who"))
    assert data.rows[1].number == 5
    assert data.rows[1].cells == (
        12,
        datetime(2026, 12, 1, 9, 0),  # noqa: DTZ001 - wall time
        date(2026, 12, 1),
        True,
        None,
        None,
        time(9, 30),
        "#REF!",
    )
    assert data.merged == [(1, 1, 1, 2), (1, 2, 0, 0)]


def test_excel_2003_says_from_when_it_counts() -> None:
    content = excel(
        f"<Row>{cell('Number', '44889.375')}</Row>",
        extra="<x:ExcelWorkbook><x:Date1904/></x:ExcelWorkbook>",
    )
    assert workbook_of(content).epoch == EPOCH_1904


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (excel('<Row ss:Index="999999">' + cell("String", "x") + "</Row>")[:-20], "damaged"),
        (excel("<Row>" + cell("String", "x", Index=9_999) + "</Row>"), "columns"),
        (excel('<Row ss:Index="99999999"/>'), "rows"),
        (
            excel().replace(b"?>\n", b'?>\n<!DOCTYPE x [<!ENTITY a "aaaaaaaa">]>', 1),
            "damaged",
        ),
    ],
    ids=["cut", "far column", "far row", "entity"],
)
def test_a_hostile_excel_2003_file_is_refused(content: bytes, word: str) -> None:
    with pytest.raises(FileRefused, match=word):
        workbook_of(content)
