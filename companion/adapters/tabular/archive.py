"""A workbook that is an archive (.xlsx, .xlsb, .ods), looked at before a parser sees it.

Its list of contents is checked (number of parts, sizes, ratio, encryption), every part is unpacked
once, because sizes may lie, and a sheet's own cell addresses and repetitions are looked at,
because a cell at XFD1048576 makes a parser that keeps whole rectangles ask for gigabytes. The
figures: an export of 50,000 rows measured 51 MB unpacked at 12:1; the bomb we met was 89 MB at
257:1.

What the parser does not tell is found on the way: the day that dates are counted from, and cells
that hold an error, which it gives as empty.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from companion.adapters.tabular.refusals import CELL_LIMIT, COLUMN_LIMIT, ROW_LIMIT, RefusedFile

UNPACKED_LIMIT = 200_000_000
RATIO_LIMIT = 100
RATIO_FROM = 1_000_000
"""Small parts may be as repetitive as they like."""
PARTS_LIMIT = 2_000
_ERRORS_LIMIT = 10_000
_EPOCH_1904 = date(1904, 1, 1)
_ADDRESS = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{0,9})(\d{1,20})["']""")
_FAR = re.compile(rb"""r\s*=\s*["'](?:[A-Za-z]{3,9}\d|[D-Zd-z][A-Za-z]\d|[A-Za-z]{0,2}\d{6})""")
"""May be an address beyond column CZ or row 99,999: reason enough to look at every one."""
_ERROR = re.compile(
    rb"""<(?:\w+:)?c\b(?=[^>]*\bt\s*=\s*["']e["'])[^>]*?\br\s*=\s*["']([A-Z]{1,3}\d{1,7})["'][^>]*>"""
    rb"""(?:(?!</(?:\w+:)?c>).){0,300}?<(?:\w+:)?v>(#[A-Z0-9/]{1,20}[!?]?)<""",
    re.DOTALL,
)
_COUNTS_FROM_1904 = re.compile(rb"""\bdate1904\s*=\s*["'](?:1|true)["']""")
_NULL_DATE_1904 = re.compile(rb"""<table:null-date\b[^>]*date-value="1904-01-01""")
_OVERLAP = 512
"""Bytes looked at twice, so that a cell across two blocks is not missed."""
_BLOCK = 1 << 20


@dataclass(slots=True)
class Archive:
    """What is known of it besides its sheets' cells."""

    kind: str
    """``xlsx``, ``xlsb`` or ``ods``."""
    epoch: date | None = None
    errors: dict[str, dict[str, str]] = field(default_factory=dict)
    """By name of the sheet's part: address ("B7") to what it shows ("#REF!")."""
    hides_errors: bool = False
    """Some cell holds an error, unknown which."""


def check(content: bytes) -> Archive:
    """Raises RefusedFile for what the parser should not see."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            _check_list(parts)
            found = Archive(kind=_kind_of({part.filename for part in parts}, archive))
            for part in parts:
                if part.filename.casefold().endswith((".xml", ".rels", ".bin")):
                    _check_part(archive, part, found)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError):
        raise RefusedFile("damaged") from None
    return found


def _check_list(parts: list[zipfile.ZipInfo]) -> None:
    if len(parts) > PARTS_LIMIT or len({part.filename for part in parts}) < len(parts):
        raise RefusedFile("bomb")
    if any(part.flag_bits & 1 for part in parts):
        raise RefusedFile("password")
    if sum(part.file_size for part in parts) > UNPACKED_LIMIT:
        raise RefusedFile("bomb")
    for part in parts:
        if part.file_size > max(RATIO_FROM, RATIO_LIMIT * part.compress_size):
            raise RefusedFile("bomb")


def _kind_of(names: set[str], archive: zipfile.ZipFile) -> str:
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "xl/workbook.bin" in names:
        return "xlsb"
    if "mimetype" in names and "content.xml" in names:
        with archive.open("mimetype") as stream:
            if b"spreadsheet" in stream.read(200):
                return "ods"
        raise RefusedFile("document")
    if "word/document.xml" in names or any(name.startswith("ppt/") for name in names):
        raise RefusedFile("document")
    if any(name.startswith("Index/") or name == "Index.zip" for name in names):
        raise RefusedFile("numbers")
    raise RefusedFile("archive")


def _check_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo, found: Archive) -> None:
    """Unpack it once; sizes and checksums that lie raise. Sheets must be of a possible size."""
    name = part.filename.casefold()
    if found.kind == "ods":
        if name == "content.xml":
            _check_open_document(archive, part, found)
        return
    is_sheet = name.startswith("xl/worksheets/") and name.endswith(".xml")
    far = False
    for block in _blocks(archive, part):
        if name == "xl/workbook.xml" and _COUNTS_FROM_1904.search(block):
            found.epoch = _EPOCH_1904
        if not is_sheet:
            continue
        if block[:2] in {b"\xff\xfe", b"\xfe\xff"}:
            raise RefusedFile("damaged")  # two-byte text would hide its addresses from the search
        far = far or _FAR.search(block) is not None
        _note_errors(block, found.errors.setdefault(name, {}))
    if far:
        _check_rectangle(archive, part)


def _note_errors(block: bytes, errors: dict[str, str]) -> None:
    if b't="e"' not in block and b"t='e'" not in block:
        return
    for address, shown in _ERROR.findall(block):
        errors[address.decode("ascii")] = shown.decode("ascii")
        if len(errors) > _ERRORS_LIMIT:
            raise RefusedFile("damaged")


def _check_rectangle(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    last_row = last_column = 0
    for block in _blocks(archive, part):
        for letters, figures in set(_ADDRESS.findall(block)):
            last_row = max(last_row, int(figures))
            last_column = max(last_column, column_of(letters))
    _check_size(last_row, last_column)


def _check_size(rows: int, columns: int) -> None:
    if columns > COLUMN_LIMIT:
        raise RefusedFile("too many columns")
    if rows > ROW_LIMIT or rows * columns > CELL_LIMIT:
        raise RefusedFile("too many rows")


def _blocks(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """The part's text, each block after the first with the end of the one before."""
    rest = b""
    with archive.open(part) as stream:
        while block := stream.read(_BLOCK):
            yield rest + block
            rest = block[-_OVERLAP:]


def column_of(letters: bytes) -> int:
    """From 1."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


# ── OpenDocument: what is repeated ────────────────────────────────────────────────────────────

_ROW = re.compile(rb"<table:table-row\b([^>]*)>(.*?)</table:table-row>", re.DOTALL)
_REPEATED_ROWS = re.compile(rb'table:number-rows-repeated="(\d{1,12})"')
_CELL = re.compile(
    rb"<table:(?:covered-)?table-cell\b([^>]*?)(?:/>|>(.*?)</table:(?:covered-)?table-cell>)",
    re.DOTALL,
)
_REPEATED_CELLS = re.compile(rb'table:number-columns-repeated="(\d{1,12})"')


def _check_open_document(archive: zipfile.ZipFile, part: zipfile.ZipInfo, found: Archive) -> None:
    """A row or cell with something in it may be repeated a few times, not a million."""
    with archive.open(part) as stream:
        content = stream.read()
    if _NULL_DATE_1904.search(content):
        found.epoch = _EPOCH_1904
    found.hides_errors = b'calcext:value-type="error"' in content
    if b"-repeated=" not in content:
        return
    rows = 0
    for row in _ROW.finditer(content):
        attributes, inside = row.groups()
        if b"-repeated=" not in attributes and b"-repeated=" not in inside:
            rows += 1
            continue
        width = _filled_width(inside)
        repeated = _REPEATED_ROWS.search(attributes)
        if width:
            rows += int(repeated[1]) if repeated else 1
        _check_size(rows, width)
    if rows > ROW_LIMIT:
        raise RefusedFile("too many rows")


def _filled_width(row: bytes) -> int:
    """Columns up to the last that holds something."""
    at = width = 0
    for attributes, inside in _CELL.findall(row):
        repeated = _REPEATED_CELLS.search(attributes)
        at += int(repeated[1]) if repeated else 1
        if inside or b"office:value" in attributes:
            width = at
    return width
