"""Delimited text (CSV) as a sheet of cells.

Delimiter: every line of the beginning is tried as the header with each of comma, semicolon, tab
and pipe. The best has many columns and following rows that agree with it: as many cells as it has
counts fully, fewer half (some programs leave empty cells at the end away), more a little (a note
with the delimiter in it). With a title above no row agrees, and a line of data, such as one cut up
by its own notes, is taken for a header only where there is no better. Excel's own ``sep=;`` line
is honoured.

Records are read strictly. Where quotation marks do not match, only the line that began the record
is given up and named as damaged, and reading goes on at the next line: a stray mark must not
swallow the rest of the file, and what it would have swallowed must not look removed. A record with
backslashes before its quotation marks is taken as databases write it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from companion.adapters.tabular.decoding import decoded
from companion.adapters.tabular.refusals import ROW_LIMIT, RefusedFile
from companion.adapters.tabular.stream import SheetWriter

_DELIMITERS = (",", ";", "\t", "|")
_BAD_QUOTES = "The quotation marks in this row do not match."
_TOO_LONG = "This row is longer than any export's: a quotation mark may be missing."
_CUT_OFF = "This row holds zero bytes: the file was not written to its end."
_ZEROS = "Zero bytes between the characters were left out."
_LINE_LIMIT = 8 * ROW_LIMIT
"""A row may have several lines, yet not all of them very many."""
_DAMAGE_LIMIT = 1_000
"""Rows given up, each of which may have cost a look at 100,000 characters."""
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_SEPARATOR_LINE = re.compile(r"\ufeff?\"?sep=(.)\"?[ \t]*(?:\r\n|\r|\n|\Z)", re.IGNORECASE)
_END_OF_FILE = "\x1a"
"""As DOS programs write it."""
_CONTROLS = "\x01\x02\x03\x04\x05\x06\x07\x08\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x7f"
_CONTROLS_SHARE = 0.05
"""Of characters that no text has; a few come from old databases. Program files and pictures have
twice that, or zero bytes besides."""
_LOOKED_AT = 1_000_000
"""Characters by which binary files are told from text."""
_BEGINNING = 100_000
"""Characters by which the delimiter is told."""
_HEADER_LINES, _FOLLOWING_LINES = 40, 60
_DATA = re.compile(r"\d{1,2}[:/.-]\d{2}|@|^\s*\d+\s*$")
"""In a cell: this is a row of data, not of names."""
_ENOUGH = 0.29
"""Share of the rows below that must agree with a header."""
_PROGRESS = 2_000
"""Lines."""


def read_delimited(content: bytes, out: SheetWriter) -> None:
    """Raises RefusedFile."""
    text, note = decoded(content)
    text = text.removesuffix(_END_OF_FILE)
    _refuse_binary(text)
    if max(text.count("\n"), text.count("\r")) > _LINE_LIMIT:
        raise RefusedFile("too many rows")
    if note:
        out.note(note)
    place = _Place(offset=0, line=1)
    named = _SEPARATOR_LINE.match(text)
    if named:
        place = _Place(offset=named.end(), line=2)
    delimiter = named[1] if named else sniffed(text)
    out.sheet("")
    zeros = "\x00" in text
    for number, cells in _records(text, place, delimiter, _Damage(out)):
        record = cells
        if zeros and any("\x00" in each for each in cells):
            record = [each.replace("\x00", "") for each in cells]
            if not any(each and not each.isspace() for each in record):
                out.damaged(number, _CUT_OFF)
                continue
            out.note(_ZEROS)
        out.row(number, record)
        if number % _PROGRESS == 0:
            out.progress(place.offset / len(text))


def _refuse_binary(text: str) -> None:
    zeros = text.count("\x00")
    if zeros and not text.strip("\x00 \r\n\t"):
        raise RefusedFile("zeros")
    head = text[:_LOOKED_AT]
    foreign = sum(map(head.count, _CONTROLS))
    if foreign > _CONTROLS_SHARE * len(head) * (0.1 if zeros else 1):
        raise RefusedFile("not text")


# ── the delimiter ─────────────────────────────────────────────────────────────────────────────


def sniffed(text: str) -> str:
    """The comma where nothing speaks for another."""
    lines = text[:_BEGINNING].splitlines(keepends=True)
    filled = "".join(each for each in lines if not each.isspace())
    scores = {each: _agreement(filled, each) for each in _DELIMITERS}
    return max(_DELIMITERS, key=lambda each: scores[each])


def _agreement(text: str, delimiter: str) -> tuple[bool, float]:
    """Of the best header row under this delimiter: whether it may be one, and its columns as far
    as the rows below agree with it."""
    records: list[list[str]] = []
    damage = _Damage(None, limit=_HEADER_LINES + _FOLLOWING_LINES)
    with suppress(RefusedFile):
        for _number, record in _records(text, _Place(offset=0, line=1), delimiter, damage):
            if any(each and not each.isspace() for each in record):
                records.append(record)
            if len(records) > _HEADER_LINES + _FOLLOWING_LINES:
                break
    best = (False, 0.0)
    for at, header in enumerate(records[:_HEADER_LINES]):
        filled = sum(bool(each) and not each.isspace() for each in header)
        if filled < 2:
            continue
        following = records[at + 1 : at + 1 + _FOLLOWING_LINES]
        agreeing = sum(_agrees(len(each), len(header)) for each in following)
        share = (agreeing + 0.75) / (len(following) + damage.count + 1.5)
        names = share > _ENOUGH and not any(map(_DATA.search, header))
        best = max(best, (names, filled * share * (1 - at / 100)))
    return best


def _agrees(width: int, header: int) -> float:
    if width == header:
        return 1.0
    if width > header:
        return 0.25
    return 0.5 if width >= 2 else 0.0


# ── records ───────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Place:
    """Where in the text the next line begins."""

    offset: int
    line: int


@dataclass(slots=True)
class _Damage:
    """Lines given up; raises RefusedFile when they are too many."""

    out: SheetWriter | None
    """Gets the damaged rows; None to count them only."""
    limit: int = _DAMAGE_LIMIT
    count: int = 0

    def line(self, number: int, reason: str) -> None:
        self.count += 1
        if self.count > self.limit:
            raise RefusedFile("quotation marks")
        if self.out is not None:
            self.out.damaged(number, reason)


def _records(
    text: str, place: _Place, delimiter: str, damage: _Damage
) -> Iterator[tuple[int, list[str]]]:
    """Line number (from 1) at which each record begins, and its cells."""
    while place.offset < len(text):
        offset, number = place.offset, place.line
        reader = csv.reader(_lines(text, place), delimiter=delimiter, strict=True)
        try:
            for record in reader:
                yield number, record
                offset, number = place.offset, place.line
        except csv.Error as error:
            found = _LINE.match(text, offset)
            line = found[0] if found else ""
            place.offset, place.line = offset + len(line), number + 1
            escaped = _escaped(line, delimiter)
            if escaped is not None:
                yield number, escaped
            elif "\x00" in line:
                damage.line(number, _CUT_OFF)
            else:
                damage.line(number, _TOO_LONG if "limit" in str(error) else _BAD_QUOTES)


def _escaped(line: str, delimiter: str) -> list[str] | None:
    """A record with backslashes before its quotation marks; None for any other."""
    if '\\"' not in line:
        return None
    try:
        reader = csv.reader(
            [line], delimiter=delimiter, escapechar="\\", doublequote=False, strict=True
        )
        return next(reader, None)
    except csv.Error:
        return None


def _lines(text: str, place: _Place) -> Iterator[str]:
    """From `place` on, which moves along."""
    for found in _LINE.finditer(text, place.offset):
        place.offset = found.end()
        place.line += 1
        yield found[0]
