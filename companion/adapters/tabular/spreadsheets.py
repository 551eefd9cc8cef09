"""Workbooks through python-calamine: .xlsx, .xlsb, .xls and .ods as sheets of cells."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from struct import unpack_from
from typing import Any

from defusedxml.ElementTree import fromstring

from companion.adapters.tabular.archive import Archive, check, column_of
from companion.adapters.tabular.refusals import CELL_LIMIT, RefusedFile
from companion.adapters.tabular.stream import SheetWriter

ERRORS_EMPTY = "Cells that hold an error (such as #REF!) were read as empty."
_ADDRESS = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_GLOBALS = re.compile(rb"\x09\x08..\x00[\x05\x06]\x05\x00", re.DOTALL)
"""How the records of an old workbook begin (BOF, of its globals)."""
_DATE_MODE, _END, _FORMULA, _BOOLEAN_OR_ERROR = 0x22, 0x0A, 0x06, 0x0205
_LONG = re.compile(r"PT(\d{1,6})H(\d{1,2})M(\d{1,2})(?:[.,]\d+)?S")
"""A length of more than a day in OpenDocument, which the parser leaves as it is."""
_STREAMS = tuple(each.encode("utf-16-le") for each in ("Workbook", "Book"))
"""Where an old workbook keeps its sheets."""


def read_archive(content: bytes, out: SheetWriter) -> str:
    """.xlsx, .xlsb or .ods: says which. Raises RefusedFile."""
    archive = check(content)
    out.epoch = archive.epoch
    _read(content, out, archive.kind, _errors_by_sheet(content, archive))
    if archive.hides_errors:
        out.note(ERRORS_EMPTY)
    return archive.kind


def read_old_workbook(content: bytes, out: SheetWriter) -> None:
    """.xls. Raises RefusedFile."""
    globals_at = _globals_of(content)
    out.epoch = date(1904, 1, 1) if _counts_from_1904(content, globals_at) else None
    _read(content, out, "xls", {})
    wrong = _error_rows(content, globals_at)
    if wrong:
        rows = ", ".join(map(str, wrong[:20])) + (" and others" if len(wrong) > 20 else "")
        out.note(f"{ERRORS_EMPTY} They are in row {rows}.")


def _read(
    content: bytes, out: SheetWriter, kind: str, errors: Mapping[str, Mapping[str, str]]
) -> None:
    import python_calamine as calamine

    try:
        workbook = calamine.load_workbook(io.BytesIO(content))
    except calamine.PasswordError:
        raise RefusedFile("password") from None
    except calamine.CalamineError:
        is_other = content[:2] != b"PK" and not any(each in content for each in _STREAMS)
        raise RefusedFile("office" if is_other else "damaged") from None
    of_cells = calamine.SheetTypeEnum.WorkSheet
    sheets = [each for each in workbook.sheets_metadata if each.typ is of_cells]
    hidden = {each.name for each in sheets if each.visible is not calamine.SheetVisibleEnum.Visible}
    if len(hidden) == len(sheets):
        raise RefusedFile("hidden" if sheets else "no sheet")
    out.progress(0.2)
    for at, each in enumerate(sheets, 1):
        if each.name in hidden:
            out.sheet(each.name, hidden=True)
        else:
            sheet = workbook.get_sheet_by_name(each.name)
            out.progress(0.2 + 0.8 * (at - 0.5) / len(sheets))
            wrong = _by_row(errors.get(each.name, {}))
            _write(sheet, out, wrong, open_document=kind == "ods")
        out.progress(0.2 + 0.8 * at / len(sheets))


def _write(
    sheet: Any,
    out: SheetWriter,
    errors: Mapping[int, Mapping[int, str]],
    *,
    open_document: bool,
) -> None:
    merged = sheet.merged_cell_ranges or ()
    out.sheet(
        sheet.name,
        merged=[(first[0] + 1, last[0] + 1, first[1], last[1]) for first, last in merged],
    )
    if sheet.start is None:
        return
    if (sheet.total_height + 1) * (sheet.total_width + 1) > 2 * CELL_LIMIT:
        raise RefusedFile("too many rows")
    # Rows come from the first of the sheet on, cells from the first column with anything.
    left: list[object] = [None] * sheet.start[1]
    for number, cells in enumerate(sheet.iter_rows(), 1):
        row = left + cells
        for column, shown in errors.get(number, {}).items():
            if column < len(row):
                row[column] = shown
        if open_document:
            row = [_length(cell) if cell.__class__ is str else cell for cell in row]
        out.row(number, row)


def _length(cell: Any) -> object:
    found = _LONG.fullmatch(cell) if cell.startswith("PT") else None
    if not found:
        return cell
    hours, minutes, seconds = map(int, found.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


# ── what the parser does not tell ─────────────────────────────────────────────────────────────


def _errors_by_sheet(content: bytes, archive: Archive) -> dict[str, dict[str, str]]:
    """By the name of the sheet, where any cell of the workbook holds an error."""
    if not any(archive.errors.values()):
        return {}
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        sheets = fromstring(parts.read("xl/workbook.xml"))
        targets = {
            each.get("Id"): posixpath.join("/xl", each.get("Target", ""))[1:].casefold()
            for each in fromstring(parts.read("xl/_rels/workbook.xml.rels"))
        }
    found: dict[str, dict[str, str]] = {}
    for each in sheets.iter():
        if each.tag.endswith("}sheet"):
            relation = next((value for key, value in each.items() if key.endswith("}id")), "")
            found[each.get("name", "")] = archive.errors.get(targets.get(relation, ""), {})
    return found


def _by_row(errors: Mapping[str, str]) -> dict[int, dict[int, str]]:
    """Row number and place in the row of each error, by its address."""
    rows: dict[int, dict[int, str]] = {}
    for address, shown in errors.items():
        found = _ADDRESS.fullmatch(address)
        if found:
            rows.setdefault(int(found[2]), {})[column_of(found[1].encode()) - 1] = shown
    return rows


def _globals_of(content: bytes) -> int:
    """Where the records of an old workbook begin. They are taken to lie in one piece, as every
    known program writes them."""
    begin = _GLOBALS.search(content)
    return begin.start() if begin else len(content)


def _records(content: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Kind and content of each record of an old workbook."""
    while at + 4 <= len(content):
        kind, length = unpack_from("<HH", content, at)
        yield kind, content[at + 4 : at + 4 + length]
        at += 4 + length


def _counts_from_1904(content: bytes, at: int) -> bool:
    for kind, record in _records(content, at):
        if kind == _DATE_MODE:
            return record[:1] == b"\x01"
        if kind == _END:
            break
    return False


def _error_rows(content: bytes, at: int) -> list[int]:
    """Numbers of the rows in which a cell holds an error, itself or by its formula."""
    rows: dict[int, None] = {}
    for kind, record in _records(content, at):
        if kind == 0:
            break  # behind the last sheet
        is_error = (kind == _BOOLEAN_OR_ERROR and record[7:8] == b"\x01") or (
            kind == _FORMULA and record[6:7] == b"\x02" and record[12:14] == b"\xff\xff"
        )
        if is_error and len(record) > 1:
            rows.setdefault(int.from_bytes(record[:2], "little") + 1)
    return list(rows)
