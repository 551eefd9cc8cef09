"""Web pages with tables, which much practice software saves under the name of an Excel file.

Every table with rows is a sheet, in the order of their beginnings; a table that only holds others
(for the layout of a page) has none of its own left. Cells that span columns or rows keep their
value in the first of them. A page in a mail's wrapping (.mht, "web archive") is unwrapped.
"""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import dataclass, field
from html import unescape

from companion.adapters.tabular.decoding import beginning, decoded
from companion.adapters.tabular.refusals import CELL_LIMIT, COLUMN_LIMIT, ROW_LIMIT, RefusedFile
from companion.adapters.tabular.stream import SheetWriter

_CHARSET = re.compile(r"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w.:-]{2,30})", re.IGNORECASE)
_XML_ENCODING = re.compile(r"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{2,30})")
_TOKEN = re.compile(
    r"""<!--.*?(?:-->|\Z)|<[!?][^>]*+>|<(/?)([a-zA-Z][\w:.-]*+)((?:[^<>"']|"[^"]*+"|'[^']*+')*+)>""",
    re.DOTALL,
)
"""A comment, a declaration or a tag: whether it closes, its name, its attributes. The standard
library's parser takes a minute for a million cells."""
_PROGRESS = 10_000
"""Tags."""
_BROKEN_OFF = "This page breaks off inside of a table: rows may be missing at its end."
_DEPTH = 50
"""Tables inside of tables."""
_SPACE = re.compile(r"[ \t\r\n\f]+")
_SPANS = re.compile(r"""\b(col|row)span\s*=\s*["']?\s*(\d{1,9})""", re.IGNORECASE)
_SILENT = frozenset({"script", "style", "title", "template", "noscript"})
_BREAKS = frozenset({"br", "p", "div", "li"})
_CELLS = frozenset({"td", "th"})


def read_web_page(content: bytes, out: SheetWriter) -> None:
    """Raises RefusedFile."""
    text, note = _text_of(content)
    page = _HtmlPage()
    page.read(text, out)
    tables = [each for each in page.tables if each.rows]
    if not tables:
        raise RefusedFile("no table")
    for sentence in filter(None, (note, page.note)):
        out.note(sentence)
    for number, table in enumerate(tables, 1):
        name = _line(table.caption) or (f"Table {number}" if len(tables) > 1 else "")
        out.sheet(name, merged=table.merged)
        for row, cells in enumerate(table.rows, 1):
            out.row(row, cells)


def _text_of(content: bytes) -> tuple[str, str]:
    """And a note about it."""
    head = beginning(content)
    if head[:13].upper() == "MIME-VERSION:":
        return _unwrapped(content), ""
    named = _CHARSET.search(head) or _XML_ENCODING.search(head)
    return decoded(content, named[1] if named else "")


def _unwrapped(content: bytes) -> str:
    message = email.message_from_bytes(content, policy=email.policy.default)
    pages = [each for each in message.walk() if each.get_content_type() == "text/html"]
    texts = [decoded(each.get_payload(decode=True) or b"")[0] for each in pages]  # type: ignore[arg-type]  # of a part that is no container these are bytes
    with_tables = [each for each in texts if "<table" in each.casefold()]
    if not with_tables:
        raise RefusedFile("no table")
    return "".join(with_tables)


@dataclass(slots=True)
class _HtmlTable:
    caption: str = ""
    rows: list[list[str | None]] = field(default_factory=list)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    spanned: dict[int, int] = field(default_factory=dict)
    """Column to the rows, after the present one, which a cell above still fills there."""
    row: list[str | None] | None = None
    cell: list[str] | None = None
    span: tuple[int, int] = (1, 1)
    """Columns and rows of the open cell."""


class _HtmlPage:
    def __init__(self) -> None:
        self.tables: list[_HtmlTable] = []
        self.note = ""
        self._open: list[_HtmlTable] = []
        self._in_caption = False
        self._cells = self._rows = 0

    def read(self, text: str, out: SheetWriter) -> None:
        at = 0
        for number, token in enumerate(_TOKEN.finditer(text)):
            begin, end = token.span()
            if begin < at:
                continue  # inside of a script
            if self._open and begin > at:
                self._say(text[at:begin])
            at = end
            closes, name, attributes = token.groups()
            tag = (name or "").casefold()
            if tag in _SILENT and not closes:
                at = _close_of(text, tag, end)
            elif tag == "table" and not closes:
                self._begin_table()
            elif tag and self._open:
                if closes:
                    self._end(tag)
                else:
                    self._begin(tag, attributes)
            if number % _PROGRESS == 0:
                out.progress(0.9 * at / len(text))
        if self._open:
            self._say(text[at:].partition("<")[0])
            self.note = _BROKEN_OFF
        while self._open:
            self._end("table")

    def _begin(self, tag: str, attributes: str) -> None:
        table = self._open[-1]
        if tag in _CELLS:
            self._end_cell()
            if table.row is None:
                table.row = []
            table.cell = []
            table.span = _spans(attributes)
        elif tag == "tr":
            self._end_row()
            table.row = []
        elif tag == "caption":
            self._in_caption = True
        elif tag in _BREAKS and table.cell is not None:
            table.cell.append("\n")

    def _end(self, tag: str) -> None:
        if tag in _CELLS:
            self._end_cell()
        elif tag == "tr":
            self._end_row()
        elif tag == "caption":
            self._in_caption = False
        elif tag == "table":
            self._end_row()
            self._open.pop()
        elif tag in _BREAKS:
            self._begin(tag, "")

    def _say(self, text: str) -> None:
        table = self._open[-1]
        if table.cell is not None:
            table.cell.append(_SPACE.sub(" ", unescape(text) if "&" in text else text))
        elif self._in_caption:
            table.caption += unescape(text[:200])

    def _begin_table(self) -> None:
        if len(self._open) >= _DEPTH:
            raise RefusedFile("damaged")
        table = _HtmlTable()
        self._open.append(table)
        self.tables.append(table)

    def _end_cell(self) -> None:
        table = self._open[-1]
        if table.cell is None or table.row is None:
            return
        text = "".join(table.cell).strip()
        if "\n" in text:
            text = "\n".join(map(str.strip, text.split("\n")))
        table.cell = None
        _fill_spanned(table)
        first, (columns, rows) = len(table.row), table.span
        table.row.extend([text or None, *[None] * (columns - 1)])
        self._cells += columns
        if len(table.row) > COLUMN_LIMIT:
            raise RefusedFile("too many columns")
        if self._cells > CELL_LIMIT:
            raise RefusedFile("too many rows")
        if rows > 1:
            table.spanned.update(dict.fromkeys(range(first, first + columns), rows - 1))
        if rows > 1 or columns > 1:
            row = len(table.rows) + 1
            table.merged.append((row, row + rows - 1, first, first + columns - 1))

    def _end_row(self) -> None:
        self._end_cell()
        self._in_caption = False
        table = self._open[-1]
        if table.row is None:
            return
        _fill_spanned(table)
        self._rows += 1
        if self._rows > ROW_LIMIT:
            raise RefusedFile("too many rows")
        table.rows.append(table.row)
        table.row = None


def _fill_spanned(table: _HtmlTable) -> None:
    """Places at the end of the open row that belong to cells of the rows above."""
    row = table.row
    while row is not None and table.spanned.get(len(row), 0):
        table.spanned[len(row)] -= 1
        row.append(None)


def _spans(attributes: str) -> tuple[int, int]:
    """Columns and rows."""
    if "span" not in attributes.casefold():
        return 1, 1
    found = {name.casefold(): int(figures) for name, figures in _SPANS.findall(attributes)}
    columns, rows = found.get("col", 1), found.get("row", 1)
    return max(1, min(columns, COLUMN_LIMIT)), max(1, min(rows, ROW_LIMIT))


def _close_of(text: str, tag: str, at: int) -> int:
    """Where the script or style ends that begins at `at`."""
    close = re.compile(f"</{tag}\\b", re.IGNORECASE).search(text, at)
    return close.start() if close else len(text)


def _line(text: str) -> str:
    return " ".join(text.split())
