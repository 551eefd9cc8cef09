"""TableFiles: CSV and XLSX files as tables of cells, by content, whatever they are called.

Exports come from other programs and may be broken or hostile, so: the size is asked before a byte
is read; the first bytes decide what the file is, and every kind that is not for us gets a
sentence that says what to export instead; delimited text is read in a thread (`delimited`), a
workbook in a process of its own with a time limit (`workbook`).
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from stat import S_ISREG

from companion.adapters.tabular.delimited import read_delimited
from companion.adapters.tabular.workbook import read_workbook
from companion.domain.errors import FileRefused
from companion.services.ports import Table

SIZE_LIMIT = 50_000_000
"""Bytes; 50,000 appointments are about 10 MB."""
_EXPORT_AGAIN = "Export the appointments from the practice software as CSV or Excel (.xlsx)."
_SAVE_AS = "Open it in the spreadsheet program and save it as Excel workbook (.xlsx) or as CSV."

_NOT_OURS = (
    (b"%PDF", "This is a PDF file.", _EXPORT_AGAIN),
    (b"{\\rtf", "This is a text document (RTF).", _EXPORT_AGAIN),
    (b"BEGIN:VCALENDAR", "This is a calendar file (.ics), not a table.", _EXPORT_AGAIN),
    (b"<", "This is a web page or XML file, even if its name says Excel.", _SAVE_AS),
    (b"{", "This is a JSON file.", _EXPORT_AGAIN),
    (b"[{", "This is a JSON file.", _EXPORT_AGAIN),
    (b"\x1f\x8b", "This is a compressed file.", "Unpack it first."),
    (b"7z\xbc\xaf", "This is a compressed file.", "Unpack it first."),
    (b"Rar!", "This is a compressed file.", "Unpack it first."),
    (b"\x89PNG", "This is a picture.", _EXPORT_AGAIN),
    (b"\xff\xd8\xff", "This is a picture.", _EXPORT_AGAIN),
    (b"SQLite format 3\x00", "This is a database file.", _EXPORT_AGAIN),
)
"""First bytes, after a byte order mark and white space, of files that people mistake for ours."""
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Old Excel files, and workbooks with a password."""


class TableFiles:
    """A TableReader of files on this machine."""

    async def read(self, path: Path) -> Table:
        """Raises FileRefused."""
        return await asyncio.to_thread(read_table, path)


def read_table(path: Path) -> Table:
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode):
            raise FileRefused("This is not a file.", "Choose the exported file itself.")
        if status.st_size > SIZE_LIMIT:
            raise FileRefused(
                f"The file is too large: {status.st_size / 1e6:,.0f} MB; at most "
                f"{SIZE_LIMIT // 1_000_000} MB are read.",
                "Export fewer days at a time.",
            )
        with path.open("rb") as file:
            content = file.read(SIZE_LIMIT + 1)
    except FileNotFoundError as error:
        raise FileRefused(
            "There is no such file.", "Check its name and folder.", detail=type(error).__name__
        ) from None  # the cause would carry the path
    except (OSError, ValueError) as error:
        raise FileRefused(
            "The file could not be opened.",
            "Close it in other programs, and check that this user may read it.",
            detail=type(error).__name__,
        ) from None
    if len(content) > SIZE_LIMIT:
        raise FileRefused("The file grew while it was read.", "Wait until it is complete.")
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return read_workbook(content)
    _refuse_what_is_not_ours(content)
    return read_delimited(content)


def _refuse_what_is_not_ours(content: bytes) -> None:
    if content.startswith(_COMPOUND):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise FileRefused(
                "This workbook is protected with a password.", "Save a copy without a password."
            )
        raise FileRefused("This is an old Excel file (.xls) or another Office document.", _SAVE_AS)
    head = content[:1_000].removeprefix(b"\xef\xbb\xbf").lstrip()
    for start, what, remedy in _NOT_OURS:
        if head.startswith(start):
            raise FileRefused(what, remedy)
