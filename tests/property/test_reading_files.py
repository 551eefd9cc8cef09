"""Reading files: whatever table is written comes back, and whatever bytes come are no surprise."""

import csv
import io
import tempfile
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook as Book

from companion.adapters.tabular.process import ReadingProcess
from companion.domain.errors import FileRefused
from companion.services.workbooks import Cell
from tests.fakes.workbooks import workbook_of
from tests.samples.exports import allied, xlsx_bytes

IMPORTS = Path(__file__).parents[1] / "samples" / "imports"
HEADINGS = ("ID", "Start", "Practitioner", "Client", "Type", "Notes", "Room (no.)", "Paid?")
ACCENTS = ("Zoë", "Müller", "André", "Françoise", "Peña", "GÖTZ", "Søren", "García")
"""In every one of the encodings, and as names have them."""
LETTERS = st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("\n\t")
TITLES = ("", "Appointments\n", "Report; all | sites, May\n\n", "From,1/12/2026,To,31/12/2026\n\n")

plain = st.text(LETTERS, max_size=12).map(str.strip)
texts = st.lists(st.one_of(plain, st.sampled_from(ACCENTS)), max_size=3).map(" ".join)
moments = st.integers(0, 50_000).map(
    lambda minutes: f"{datetime(2026, 11, 1) + timedelta(minutes=minutes):%d/%m/%Y %H:%M}"  # noqa: DTZ001
)
tables = st.integers(3, len(HEADINGS)).flatmap(
    lambda width: st.lists(
        st.tuples(st.integers(1, 9_999).map(str), moments, *[texts] * (width - 2)),
        min_size=2,
        max_size=12,
    )
)
ENCODINGS = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "cp1252",
    "mac_roman",
    "cp850",
)


def trimmed(row: Sequence[object]) -> tuple[object, ...]:
    """As `SheetRow.cells`: what is blank is None, and nothing at the end."""
    cells = [each if str(each).strip() else None for each in row]
    while cells and cells[-1] is None:
        cells.pop()
    return tuple(cells)


@given(
    tables,
    st.sampled_from(",;\t|"),
    st.sampled_from(["\r\n", "\n", "\r"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(TITLES),
    st.sampled_from(ENCODINGS),
)
def test_a_table_in_any_dialect_and_encoding_is_read_back_equal(
    table: list[tuple[str, ...]],
    delimiter: str,
    line_end: str,
    quoting: int,
    title: str,
    encoding: str,
) -> None:
    names = tuple(f"{ACCENTS[at % 8]} {ACCENTS[-at - 1]}" for at in range(len(table[0])))
    rows = [HEADINGS[: len(table[0])], *table, *[names] * 3]
    if line_end == "\r":  # the library would leave a line feed inside a cell unquoted
        quoting = csv.QUOTE_ALL
    out = io.StringIO(newline="")
    out.write(title.replace("\n", line_end))
    csv.writer(out, delimiter=delimiter, lineterminator=line_end, quoting=quoting).writerows(rows)  # type: ignore[arg-type]  # one of its own constants
    (sheet,) = workbook_of(out.getvalue().encode(encoding)).sheets
    assert not sheet.damaged
    header = next(at for at, row in enumerate(sheet.rows) if row.cells == rows[0])
    expected = [trimmed(row) for row in rows]
    assert [row.cells for row in sheet.rows[header:]] == [row for row in expected if row]


cells = st.one_of(
    texts,
    st.integers(-(2**40), 2**40),
    st.booleans(),
    st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001
        lambda moment: moment.replace(microsecond=0, hour=moment.hour or 1)
    ),
    st.none(),
)


@given(st.lists(st.lists(cells, min_size=1, max_size=6), min_size=1, max_size=8))
def test_a_workbook_is_read_back_with_its_types(table: list[list[Cell]]) -> None:
    book = Book()
    active = book.active
    assert active is not None
    for number, row in enumerate(table, 1):
        for column, value in enumerate(row, 1):
            cell = active.cell(number, column, value)
            if isinstance(value, str):
                cell.data_type = "s"
    kept = io.BytesIO()
    book.save(kept)
    (sheet,) = workbook_of(kept.getvalue()).sheets
    found = {row.number: row.cells for row in sheet.rows}
    for number, row in enumerate(table, 1):
        wanted = trimmed(["" if each is None else each for each in row])
        assert found.get(number, ()) == wanted
        assert [type(each) for each in found.get(number, ())] == [type(each) for each in wanted]


# ── hostile ───────────────────────────────────────────────────────────────────────────────────

WHOLE = {
    "xlsx": xlsx_bytes([allied(n) for n in range(3)]),
    "xls": (IMPORTS / "44_old_excel.xls").read_bytes(),
    "ods": (IMPORTS / "45_opendocument.ods").read_bytes(),
    "html": b"<html><table><tr><td rowspan=2>ID<td colspan=3>x</tr><tr><td>1</table></html>",
    "xml": b'<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet><Table>'
    b"<Row><Cell><Data>x</Data></Cell></Row></Table></Worksheet></Workbook>",
}
edits = st.lists(
    st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8), st.booleans()),
    min_size=1,
    max_size=6,
)


def edited(content: bytes, changes: list[tuple[float, bytes, bool]]) -> bytes:
    for where, what, inserted in changes:
        at = int(where * len(content))
        content = content[:at] + what + content[at + (0 if inserted else len(what)) :]
    return content


@settings(max_examples=10)
@given(edits)
def test_an_old_workbook_with_changed_bytes_is_refused_or_read(
    changes: list[tuple[float, bytes, bool]],
) -> None:
    """In a process of its own: its library can ask for all memory, and is ended for it."""
    with tempfile.TemporaryFile() as file:
        file.write(edited(WHOLE["xls"], changes))
        file.seek(0)
        with suppress(FileRefused):
            ReadingProcess(lambda _share: None, cpu_limit=5).run(file)


@given(st.sampled_from(sorted(WHOLE.keys() - {"xls"})), edits)
def test_a_workbook_with_changed_bytes_is_refused_or_read(
    kind: str, changes: list[tuple[float, bytes, bool]]
) -> None:
    with suppress(FileRefused):
        workbook_of(edited(WHOLE[kind], changes))


@given(st.sampled_from(["xlsx", "ods"]), st.integers(0, 20), edits)
def test_a_workbook_with_a_changed_part_is_refused_or_read(
    kind: str, number: int, changes: list[tuple[float, bytes, bool]]
) -> None:
    kept = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(WHOLE[kind])) as before,
        zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        names = before.namelist()
        for name in names:
            content = before.read(name)
            changed = name == names[number % len(names)]
            after.writestr(name, edited(content, changes) if changed else content)
    with suppress(FileRefused):
        workbook_of(kept.getvalue())


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"PK\x03\x04", b"\xff\xfe", b"<", b"{", b"\x00"])
)
def test_any_bytes_are_refused_or_a_workbook(noise: bytes, first: bytes) -> None:
    with suppress(FileRefused):
        workbook_of(first + noise)
