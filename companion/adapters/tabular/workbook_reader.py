"""The child process of `workbook`: an .xlsx on standard input, JSON lines on standard output.

Each line is ``[row number, [cells], {kind: [positions of moments]}]``, the headers under number 0;
the last line is "done" or the reason why not. Nothing here knows the rest of the program.

Before the parser sees the file: its list of contents is checked (number of parts, sizes, ratio,
encryption), every part is unpacked once, because sizes may lie, and the sheet's own cell
addresses are looked at, because a cell at XFD1048576 makes a parser that keeps whole rectangles
ask for gigabytes. A memory limit stands behind that where the system has one. The figures: an
export of 50,000 rows measured 51 MB unpacked at 12:1; the bomb we met was 89 MB at 257:1.
"""

from __future__ import annotations

import gc
import io
import json
import re
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import Any

UNPACKED_LIMIT = 200_000_000
RATIO_LIMIT = 100
RATIO_FROM = 1_000_000
"""Small parts may be as repetitive as they like."""
PARTS_LIMIT = 2_000
ROW_LIMIT = 250_000
COLUMN_LIMIT = 500
CELL_LIMIT = 8_000_000
CHARACTER_LIMIT = 32_767
"""Of one cell: Excel's own."""
MEMORY_LIMIT = 2_000_000_000
_ADDRESS = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{0,9})(\d{1,20})["']""")
_FAR = re.compile(rb"""=\s*["'](?:[A-Za-z]{3,9}\d|[D-Zd-z][A-Za-z]\d|[A-Za-z]{0,2}\d{6})""")
"""May be an address beyond column CZ or row 99,999: reason enough to look at every one."""
_OVERLAP = 64
"""Bytes looked at twice, so that an address across two blocks is not missed."""
_BLOCK = 1 << 20
_PLAIN = frozenset({int, float, bool, type(None)})


class Refused(Exception):
    """With one of the reasons that `workbook` has words for."""


def main() -> None:
    sys.stdout.reconfigure(encoding="utf-8", errors="surrogatepass", newline="\n")  # type: ignore[union-attr]  # standard output is a text stream
    _limit_memory()
    try:
        content = sys.stdin.buffer.read()
        check(content)
        gc.disable()  # nothing here is kept, let alone in circles
        encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
        written = 0
        for number, cells in read_rows(content):
            written += sys.stdout.write(f"{encode([number, cells, flatten(cells)])}\n")
            if written > UNPACKED_LIMIT:  # a few texts, shared by very many cells
                raise Refused("bomb")
        verdict = "done"
    except Refused as refusal:
        verdict = str(refusal)
    except MemoryError:
        verdict = "bomb"
    except Exception:  # noqa: BLE001 - whatever the parser thinks of a hostile file
        verdict = "damaged"
    print(json.dumps(verdict), flush=True)


def _limit_memory() -> None:
    """Where the system can; elsewhere the checks and the time limit stand alone."""
    if sys.platform != "win32":
        import resource

        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))


def check(content: bytes) -> None:
    """Raises Refused for what the parser should not see."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            _check_list(parts)
            for part in parts:
                if part.filename.casefold().endswith((".xml", ".rels")):
                    _check_part(archive, part)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        raise Refused("damaged") from None


def _check_list(parts: list[zipfile.ZipInfo]) -> None:
    names = {part.filename for part in parts}
    if len(parts) > PARTS_LIMIT or len(names) < len(parts):
        raise Refused("bomb")
    if any(part.flag_bits & 1 for part in parts):
        raise Refused("password")
    _check_kind(names)
    if sum(part.file_size for part in parts) > UNPACKED_LIMIT:
        raise Refused("bomb")
    for part in parts:
        if part.file_size > max(RATIO_FROM, RATIO_LIMIT * part.compress_size):
            raise Refused("bomb")


def _check_kind(names: set[str]) -> None:
    if "xl/workbook.xml" in names:
        return
    if "xl/workbook.bin" in names:
        raise Refused("binary")
    if "mimetype" in names or "content.xml" in names:
        raise Refused("opendocument")
    if any(name.startswith("word/") for name in names):
        raise Refused("word")
    raise Refused("not a workbook")


def _check_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Unpack it once; sizes and checksums that lie raise. Sheets must be of a possible size."""
    is_sheet = part.filename.casefold().startswith("xl/worksheets/")
    far = False
    for block in _blocks(archive, part):
        if is_sheet and block[:2] in {b"\xff\xfe", b"\xfe\xff"}:
            raise Refused("damaged")  # two-byte text would hide its addresses from the search
        far = far or (is_sheet and _FAR.search(block) is not None)
    if far:
        _check_rectangle(archive, part)


def _check_rectangle(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    last_row = last_column = 0
    for block in _blocks(archive, part):
        for letters, figures in set(_ADDRESS.findall(block)):
            last_row = max(last_row, int(figures))
            last_column = max(last_column, _column(letters))
    if last_row > ROW_LIMIT or last_column > COLUMN_LIMIT or last_row * last_column > CELL_LIMIT:
        raise Refused("too many rows")


def _blocks(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """The part's text, each block after the first with the end of the one before."""
    rest = b""
    with archive.open(part) as stream:
        while block := stream.read(_BLOCK):
            yield rest + block
            rest = block[-_OVERLAP:]


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def read_rows(content: bytes) -> Iterator[tuple[int, list[object]]]:
    """Headers as row 0, then the rows below them, of the first visible sheet with anything."""
    import python_calamine as calamine

    try:
        workbook = calamine.load_workbook(io.BytesIO(content))
    except calamine.PasswordError:
        raise Refused("password") from None
    for metadata in workbook.sheets_metadata:
        if (
            metadata.typ is not calamine.SheetTypeEnum.WorkSheet
            or metadata.visible is not calamine.SheetVisibleEnum.Visible
        ):
            continue
        sheet = workbook.get_sheet_by_name(metadata.name)
        if sheet.start is not None:
            yield from _rows_of(sheet)
            return


def _rows_of(sheet: Any) -> Iterator[tuple[int, list[object]]]:
    """The header is the first row with at least two filled cells, else the first with any."""
    width = 0
    above: tuple[int, list[object]] | None = None
    for number, cells in enumerate(sheet.iter_rows(), 1):
        row = [None if cell == "" else cell for cell in cells]
        if width:
            yield number, _within(row, width)
            continue
        filled = sum(cell is not None for cell in row)
        if filled >= 2:
            width = max(at for at, cell in enumerate(row, 1) if cell is not None)
            yield 0, [_header(cell) for cell in row[:width]]
        elif filled and above is None:
            above = number, row
    if not width and above is not None:
        yield 0, [_header(cell) for cell in above[1] if cell is not None]


def _within(row: list[object], width: int) -> list[object]:
    """Without empty cells beyond the header."""
    return row if any(cell is not None for cell in row[width:]) else row[:width]


def _header(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


def flatten(cells: list[object]) -> dict[str, list[int]]:
    """Put moments into JSON's own types, and say which cells hold what."""
    kinds: dict[str, list[int]] = {}
    for at, cell in enumerate(cells):
        if isinstance(cell, str):
            if len(cell) > CHARACTER_LIMIT:
                cells[at] = cell[:CHARACTER_LIMIT]
            continue
        if cell.__class__ in _PLAIN:
            continue
        if isinstance(cell, timedelta):
            kinds.setdefault("length", []).append(at)
            cells[at] = cell.total_seconds()
        elif isinstance(cell, datetime | date | time):
            kinds.setdefault(type(cell).__name__, []).append(at)
            cells[at] = cell.isoformat()
    return kinds


if __name__ == "__main__":
    main()
