"""Excel 2003's XML ("XML Spreadsheet"), which reporting tools still write as .xls or .xml."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import date, datetime, time
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from companion.adapters.tabular.refusals import CELL_LIMIT, COLUMN_LIMIT, ROW_LIMIT, RefusedFile
from companion.adapters.tabular.stream import SheetWriter

_SS = "{urn:schemas-microsoft-com:office:spreadsheet}"
_X = "{urn:schemas-microsoft-com:office:excel}"
_EPOCH_1904 = date(1904, 1, 1)
_NO_DAY = frozenset({date(1899, 12, 30), date(1899, 12, 31), _EPOCH_1904})
"""What a time of day alone has for its day."""


def read_excel_xml(content: bytes, out: SheetWriter) -> None:
    """Raises RefusedFile."""
    sheet = _SheetRead()
    sheets = 0
    try:
        for _event, element in iterparse(io.BytesIO(content), forbid_dtd=True):
            if element.tag == f"{_X}Date1904":
                out.epoch = _EPOCH_1904
            elif element.tag == f"{_SS}Row":
                sheet.take(element)
                element.clear()
            elif element.tag == f"{_SS}Worksheet":
                sheets += 1
                sheet.write(element, out)
                sheet = _SheetRead()
                element.clear()
    except (ParseError, DefusedXmlException):
        raise RefusedFile("damaged") from None
    if not sheets:
        raise RefusedFile("xml")


@dataclass(slots=True)
class _SheetRead:
    """Whether it is hidden stands behind its rows."""

    rows: list[tuple[int, list[object]]] = field(default_factory=list)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)

    def take(self, row: Element) -> None:
        number = _whole(row, "Index", self.rows[-1][0] + 1 if self.rows else 1)
        self.rows.append((number, _cells(row, number, self.merged)))
        if len(self.rows) > ROW_LIMIT:
            raise RefusedFile("too many rows")

    def write(self, sheet: Element, out: SheetWriter) -> None:
        name = sheet.get(f"{_SS}Name", "")
        visible = sheet.findtext(f"{_X}WorksheetOptions/{_X}Visible", "SheetVisible")
        if visible != "SheetVisible":
            out.sheet(name, hidden=True)
            return
        out.sheet(name, merged=self.merged)
        for number, cells in self.rows:
            out.row(number, cells)


def _cells(row: Element, number: int, merged: list[tuple[int, int, int, int]]) -> list[object]:
    cells: list[object] = []
    at = 0
    for cell in row.iterfind(f"{_SS}Cell"):
        at = _whole(cell, "Index", at + 1)
        if at > COLUMN_LIMIT:
            raise RefusedFile("too many columns")
        cells.extend([None] * (at - 1 - len(cells)))
        cells.append(_value(cell))
        across, down = _whole(cell, "MergeAcross", 0), _whole(cell, "MergeDown", 0)
        if across or down:
            merged.append((number, number + down, at - 1, at - 1 + across))
        at += across
    return cells


def _value(cell: Element) -> object:
    data = cell.find(f"{_SS}Data")
    text = "" if data is None else "".join(data.itertext())
    kind = "" if data is None else data.get(f"{_SS}Type", "String")
    try:
        if kind == "Number":
            return float(text)
        if kind == "DateTime":
            return _moment(datetime.fromisoformat(text))
    except ValueError:
        return text
    if kind == "Boolean":
        return text.strip() == "1"
    return text


def _moment(moment: datetime) -> object:
    if moment.date() in _NO_DAY:
        return moment.time()
    return moment.date() if moment.time() == time() else moment


def _whole(element: Element, name: str, default: int) -> int:
    value = element.get(f"{_SS}{name}", "")
    if not value.isdecimal() or len(value) > 9:
        return default
    if int(value) > max(ROW_LIMIT, CELL_LIMIT):
        raise RefusedFile("too many rows")
    return int(value)
