"""Exports of practice software as bytes, for tests and benchmarks; all people are invented."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta

from openpyxl import Workbook

ALLIED = (
    "Appointment ID", "Type", "Client ID", "Client First Name", "Client Last Name",
    "Meeting Type", "Consultation Type", "Start", "End", "All Day", "Practitioner", "Location",
    "Status", "Cancelled", "Recurring", "Notes", "Created", "Created By", "Updated",
)  # fmt: skip
PREMIER = (
    "RECORDID", "RECORDSTATUS", "INTERNALID", "USERID", "LOCATIONID", "APPOINTMENTDATE",
    "APPOINTMENTTIME", "APPOINTMENTLENGTH", "APPOINTMENTTYPE", "REASON", "COMMENT", "CREATED",
    "UPDATED",
)  # fmt: skip

Row = dict[str, object]


def allied(number: int, **changes: object) -> Row:
    """A client appointment on 2 March 2026, a quarter of an hour each, 9:00 for number 0.

    `changes` by header, spaces as underscores: ``Start="…"``, ``All_Day="Yes"``."""
    start = datetime(2026, 3, 2, 9, 0) + timedelta(minutes=15 * number)  # noqa: DTZ001 - wall time
    row: Row = {
        "Appointment ID": f"A{1000 + number}",
        "Type": "Client",
        "Client ID": f"C{number}",
        "Client First Name": "Ottoline",
        "Client Last Name": f"Vane{number}",
        "Meeting Type": "",
        "Consultation Type": "Standard",
        "Start": f"{start:%d/%m/%Y %H:%M}",
        "End": f"{start + timedelta(minutes=15):%d/%m/%Y %H:%M}",
        "All Day": "No",
        "Practitioner": "Dr Ada Example",
        "Location": "Main street",
        "Status": "Busy",
        "Cancelled": "No",
        "Recurring": "No",
        "Notes": "",
        "Created": "20/02/2026 08:00",
        "Created By": "Front desk",
        "Updated": "20/02/2026 08:00",
    }
    return row | {name.replace("_", " "): value for name, value in changes.items()}


def premier(number: int, **changes: object) -> Row:
    row: Row = {
        "RECORDID": 500 + number,
        "RECORDSTATUS": 1,
        "INTERNALID": 70 + number,
        "USERID": "Dr Ada Example",
        "LOCATIONID": "1",
        "APPOINTMENTDATE": "02/03/2026",
        "APPOINTMENTTIME": f"{9 + number}:00",
        "APPOINTMENTLENGTH": 15,
        "APPOINTMENTTYPE": "Long",
        "REASON": "",
        "COMMENT": "",
        "CREATED": "20/02/2026",
        "UPDATED": "20/02/2026",
    }
    return row | changes


def csv_bytes(
    rows: Iterable[Mapping[str, object]],
    headers: Sequence[str] = ALLIED,
    *,
    delimiter: str = ",",
    encoding: str = "utf-8",
    line_end: str = "\r\n",
) -> bytes:
    """Python's own name of the encoding: ``utf-8-sig`` and ``utf-16`` write a mark."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end)
    writer.writerow(headers)
    writer.writerows([row.get(name, "") for name in headers] for row in rows)
    return text.getvalue().encode(encoding)


def xlsx_bytes(
    rows: Iterable[Mapping[str, object]],
    headers: Sequence[str] = ALLIED,
    *,
    above: Sequence[Sequence[object]] = (),
) -> bytes:
    """`above`: rows before the header. Texts stay texts, also those that look like formulas."""
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    for row in above:
        sheet.append(list(row))
    sheet.append(list(headers))
    for line in rows:
        sheet.append([line.get(name) for name in headers])
    for cells in sheet.iter_rows():
        for cell in cells:
            if cell.data_type == "f":
                cell.data_type = "s"
    kept = io.BytesIO()
    workbook.save(kept)
    return kept.getvalue()


def large_export(count: int) -> Iterator[Row]:
    """`count` rows over twelve practitioners, with real dates and notes of some length."""
    first = datetime(2026, 1, 5, 8, 0)  # noqa: DTZ001 - wall time
    for number in range(count):
        slot, desk = divmod(number, 12)
        start = first + timedelta(days=slot // 36, minutes=15 * (slot % 36))
        yield allied(
            number,
            Client_ID=f"C{number % 9_000}",
            Client_Last_Name=f"Vane{number % 7_000}",
            Start=start,
            End=start + timedelta(minutes=15),
            Practitioner=f"Dr Example {desk}",
            Consultation_Type=f"Type {number % 7}",
            Notes=f"Row {number}: bring the referral letter and the shoes.",
            Created=first,
            Updated=first + timedelta(minutes=number),
        )


def as_text(row: Mapping[str, object], moment: str = "%d/%m/%Y %H:%M") -> Row:
    """The row with its moments written out, for CSV."""
    return {name: _written(each, moment) for name, each in row.items()}


def _written(cell: object, moment: str) -> object:
    if isinstance(cell, datetime):
        return cell.strftime(moment)
    if isinstance(cell, date):
        return cell.strftime(re.split("[ T]", moment, maxsplit=1)[0])
    if isinstance(cell, time):
        return cell.strftime("%H:%M")
    return cell
