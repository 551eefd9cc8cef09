"""Cells: what one cell of an export means as text, or as yes and no.

Each reader takes a cell as the table reader gave it (text, number, date, time, or None) and
answers with a value, or raises `CellError`; `moments` beside it reads dates and times.

Text is data: control characters, half characters and marks that turn the writing direction go,
the rest is kept in Unicode's composed form (NFC). Messages repeat a cell only where it is a date,
a time or another figure: a shifted row must not put a name or a telephone number on a screen.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache

from companion.domain.contacts import contacts

LINE_LIMIT = 500
"""Characters kept of a single-line field."""
NOTES_LIMIT = 20_000


class CellError(ValueError):
    """What is wrong, as words that follow the column's name and a colon."""


# ── text ──────────────────────────────────────────────────────────────────────────────────────

_LINE_BREAKS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef"
    "\ufeff\ufffe\uffff]"
)


def text_of(cell: object) -> str:
    """The cell as its author would read it, not yet cleaned: 1001.0 is "1001"."""
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "Yes" if cell else "No"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else f"{cell:.15g}"
    return str(cell)


def read_line(cell: object, limit: int = LINE_LIMIT) -> str:
    """One clean line; longer ones end in "…"."""
    if cell is None:
        return ""
    if isinstance(cell, str) and len(cell) <= 40 <= limit:
        return _line_of(cell)
    return _shortened(_line_of.__wrapped__(text_of(cell)), limit)


@lru_cache(maxsize=32_768)  # most short cells of an export occur many times
def _line_of(text: str) -> str:
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFC", _UNWANTED.sub("", _LINE_BREAKS.sub("\n", text)))
    return " ".join(text.split())


def read_notes(cell: object, limit: int = NOTES_LIMIT) -> str:
    """Clean text that may have several lines."""
    text = text_of(cell)
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFC", _UNWANTED.sub("", _LINE_BREAKS.sub("\n", text)))
    return _shortened(text.strip(), limit)


def is_blank(cell: object) -> bool:
    if not isinstance(cell, str):
        return cell is None
    return not cell or not (cell[0].isalnum() or read_line(cell[:1_000]))


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


_WORD = re.compile(r"[^\W\d_]+")
_OF_TIMES = re.compile(
    r"jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|"
    r"oct(ober)?|nov(ember)?|dec(ember)?|(mon|tues?|wed(nes)?|thu(rs?)?|fri|sat(ur)?|sun)(day)?|"
    r"[ap]m?|[mtzhs]|utc|gmt|st|nd|rd|th|h(ou)?rs?|min(ute)?s?|sec(ond)?s?"
)


def quoted(cell: object) -> str:
    """The cell where it holds a figure and no other words than a date's or time's."""
    line = read_line(cell, 40)
    plain = all(map(_OF_TIMES.fullmatch, _WORD.findall(line.casefold())))
    figures = plain and any(map(str.isdigit, line)) and not contacts(line)
    return f"“{line}”" if figures else "the text there"


# ── yes and no ────────────────────────────────────────────────────────────────────────────────

_YES = frozenset({"yes", "y", "true", "t", "1"})
_NO = frozenset({"", "no", "n", "false", "f", "0"})


def folded(cell: object) -> str:
    """A value as compared with the words of a layout."""
    return read_line(cell).casefold()


def read_yes_no(cell: object, words: Collection[str] | None = None) -> bool:
    """Empty means no. With `words` (folded) of a mapping, one of them is yes, all else no."""
    value = folded(cell)
    if words is not None:
        return value in words
    if value in _YES:
        return True
    if value in _NO:
        return False
    raise CellError(f"{quoted(cell)} is neither yes nor no")
