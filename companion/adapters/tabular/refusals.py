"""Why a file is not taken: every reason has its sentence here, and what to do about it.

The reading process names a reason, the program says the sentence: no word of a file gets into it.
"""

from __future__ import annotations

SIZE_LIMIT = 50_000_000
"""Bytes of a file; 50,000 appointments are about 10 MB."""
ROW_LIMIT = 250_000
"""Rows of all visible sheets together, blank ones too."""
COLUMN_LIMIT = 500
CELL_LIMIT = 8_000_000
CHARACTER_LIMIT = 32_767
"""Of one cell: Excel's own."""

_EXPORT = "Export the appointments from the practice software as CSV or Excel (.xlsx)."
_AGAIN = "Export it again from the practice software."
_SAVE_AS = "Open it in the spreadsheet program and save it as Excel workbook (.xlsx) or as CSV."
_FEWER = "Export fewer days at a time."
_UNPACK = "Unpack it first and choose the exported file in it."

REFUSALS = {
    # about the file
    "not a file": ("This is not a file.", "Choose the exported file itself."),
    "no such file": ("There is no such file.", "Check its name and folder."),
    "not opened": (
        "The file could not be opened.",
        "Close it in other programs, and check that this user may read it.",
    ),
    "too large": (
        f"The file is too large; at most {SIZE_LIMIT // 1_000_000} MB are read.",
        _FEWER,
    ),
    "slow": ("This file takes too long to read.", _FEWER),
    "memory": ("This file takes far more memory than it should, so it was not read.", _AGAIN),
    # other kinds
    "pdf": ("This is a PDF file.", _EXPORT),
    "rtf": ("This is a text document (RTF).", _EXPORT),
    "document": ("This is a text document, not a table.", _SAVE_AS),
    "office": ("This is an Office document, but no workbook that can be read.", _SAVE_AS),
    "numbers": ("This is a Numbers document.", "Open it in Numbers and export it as CSV."),
    "xml": ("This is a web page or XML file, even if its name says Excel.", _SAVE_AS),
    "no table": ("This is a web page without a table, even if its name says Excel.", _EXPORT),
    "compressed": ("This is a compressed file.", _UNPACK),
    "archive": ("This is a compressed file, not an Excel workbook.", _UNPACK),
    "picture": ("This is a picture.", _EXPORT),
    "database": ("This is a database file.", _EXPORT),
    "not text": ("This is not a table: it holds bytes that no text has.", _EXPORT),
    "zeros": ("This file holds nothing but zero bytes: it was not written to its end.", _AGAIN),
    # calendars and resources
    "not a calendar": ("This calendar file cannot be read.", "Export it again, as an .ics file."),
    "calendar message": (
        "This is an answer to an invitation, not a calendar.",
        "Export the calendar itself, as an .ics file.",
    ),
    "too many entries": ("This calendar file holds too many entries.", _FEWER),
    "json": ("This JSON file cannot be read.", _AGAIN),
    "no fhir": (
        "This JSON file holds no FHIR resources.",
        "Export the appointments as a FHIR R4 bundle, or as CSV.",
    ),
    # tables that are not read
    "password": (
        "This workbook is protected with a password.",
        "Save a copy without a password.",
    ),
    "bomb": ("This workbook unpacks to far more than it should, so it was not opened.", _AGAIN),
    "damaged": ("This file is damaged.", _AGAIN),
    "quotation marks": (
        "The quotation marks of this file do not match in very many rows.",
        "Export it again as CSV or Excel (.xlsx).",
    ),
    "too many rows": (f"The file has more than {ROW_LIMIT:,} rows, or is too large.", _FEWER),
    "too many columns": (f"The file has more than {COLUMN_LIMIT} columns.", _SAVE_AS),
    "too many sheets": ("The file has more sheets or tables than can be read.", _EXPORT),
    "no sheet": ("This workbook has no sheet with cells.", _EXPORT),
    "hidden": (
        "Every sheet of this workbook is hidden.",
        "Show the sheet with the appointments in the spreadsheet program, and save it.",
    ),
}


class RefusedFile(Exception):
    """With one of the reasons above."""
