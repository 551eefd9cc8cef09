"""Delimited text (CSV) as a table.

Encoding: a byte order mark decides; else zero bytes tell UTF-16; else UTF-8, and where that fails
cp1252, unless nearly everything was good UTF-8 and single bytes are broken. Delimiter: of comma,
semicolon and tab the one that cuts the header row into most columns; Excel's own ``sep=;`` line
is honoured. The header is the first row with at least two filled cells; titles above it count
for nothing.

Records are read strictly. Where quotation marks do not match, only the line that began the record
is given up, named in `Table.damaged`, and reading goes on at the next line: a stray mark must not
swallow the rest of the file, and what it would have swallowed must not look removed.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass

from companion.domain.errors import FileRefused
from companion.services.ports import Table

ROW_LIMIT = 250_000
COLUMN_LIMIT = 500
_DELIMITERS = (",", ";", "\t")
_BAD_QUOTES = "The quotation marks in this row do not match."
_DAMAGE_LIMIT = 1_000
"""Rows given up, each of which may have cost a look at 100,000 characters."""
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_SEPARATOR_LINE = re.compile(r"\ufeff?\"?sep=(.)\"?[ \t]*(?:\r\n|\r|\n|\Z)", re.IGNORECASE)
_SHARED_LENGTH = 40
"""Cells up to this length are kept once however often they occur."""


@dataclass(slots=True)
class _Place:
    """Where in the text the next line begins."""

    offset: int
    line: int


def read_delimited(content: bytes) -> Table:
    text = _decoded(content)
    place = _Place(offset=0, line=1)
    named = _SEPARATOR_LINE.match(text)
    if named:
        place = _Place(offset=named.end(), line=2)
    delimiter = named[1] if named else _sniffed(text)
    damaged: list[tuple[int, str]] = []
    headers: tuple[str, ...] | None = None
    above: list[tuple[int, tuple[object, ...]]] = []
    rows: list[tuple[int, tuple[object, ...]]] = []
    shared: dict[str, str] = {}
    for number, record in _records(text, place, delimiter, damaged):
        if len(record) > COLUMN_LIMIT or len(rows) > ROW_LIMIT:
            raise FileRefused(
                f"The file has more than {ROW_LIMIT:,} rows or {COLUMN_LIMIT} columns.",
                "Export fewer days at a time.",
            )
        if headers is None:
            if sum(map(bool, map(str.strip, record))) >= 2:
                headers = _trimmed(record)
            elif any(map(str.strip, record)):
                above.append((number, tuple(record)))
            continue
        cells = tuple(
            (shared.setdefault(each, each) if len(each) <= _SHARED_LENGTH else each) or None
            for each in record
        )
        rows.append((number, cells))
    if headers is None and above:
        headers, rows = tuple(str(each) for each in above[0][1]), above[1:]
    return Table(headers=headers or (), rows=rows, kind="csv", damaged=damaged)


def _trimmed(record: list[str]) -> tuple[str, ...]:
    """Without the empty columns at the end."""
    while record and not record[-1].strip():
        record.pop()
    return tuple(each.strip() for each in record)


def _records(
    text: str, place: _Place, delimiter: str, damaged: list[tuple[int, str]]
) -> Iterator[tuple[int, list[str]]]:
    """Line number (from 1) at which each record begins, and its cells."""
    while place.offset < len(text):
        began = _Place(offset=place.offset, line=place.line)
        reader = csv.reader(_lines(text, place), delimiter=delimiter, strict=True)
        try:
            for record in reader:
                yield began.line, record
                began = _Place(offset=place.offset, line=place.line)
        except csv.Error:
            damaged.append((began.line, _BAD_QUOTES))
            if len(damaged) > _DAMAGE_LIMIT:
                raise FileRefused(
                    "The quotation marks of this file do not match in very many rows.",
                    "Export it again as CSV or Excel (.xlsx).",
                ) from None  # the cause may carry a cell
            line = _LINE.match(text, began.offset)
            place.offset = line.end() if line else len(text)
            place.line = began.line + 1


def _lines(text: str, place: _Place) -> Iterator[str]:
    """From `place` on, which moves along."""
    while place.offset < len(text):
        line = _LINE.match(text, place.offset)
        if line is None:
            return
        place.offset = line.end()
        place.line += 1
        yield line[0]


def _sniffed(text: str) -> str:
    """The delimiter that gives the widest of the first rows; the comma where none gives two."""
    widths = {each: _width(text, each) for each in _DELIMITERS}
    return max(_DELIMITERS, key=lambda each: widths[each])


def _width(text: str, delimiter: str) -> int:
    """Columns of the header under this delimiter."""
    place = _Place(offset=0, line=1)
    for number, record in _records(text[:100_000], place, delimiter, []):
        filled = sum(map(bool, map(str.strip, record)))
        if filled >= 2:
            return filled
        if number > 50:
            break
    return 1


def _decoded(content: bytes) -> str:
    encoding = _marked_encoding(content) or _unmarked_utf16(content)
    if encoding:
        return content.decode(encoding, "replace").removeprefix("\ufeff")
    if b"\x00" in content:
        raise FileRefused(
            "This is not a table: it holds bytes that no text has.",
            "Export it from the practice software as CSV or Excel (.xlsx).",
        )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    beyond_ascii = len(text) - broken - len(text.encode("ascii", "ignore"))
    return text if beyond_ascii > broken else content.decode("cp1252", "replace")


def _marked_encoding(content: bytes) -> str:
    if content.startswith(b"\xef\xbb\xbf"):
        return "utf-8"
    if content.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "utf-32"
    return "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else ""


def _unmarked_utf16(content: bytes) -> str:
    """Mostly Latin text has a zero in every other byte."""
    head = content[:2_000]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) / 2
    if odd > 0.6 * half and even < 0.1 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.6 * half and odd < 0.1 * half else ""
