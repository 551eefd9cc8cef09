"""What a file is, by its first bytes, whatever it is called.

Practice software calls HTML and tab-separated text ".xls", people rename files, and phones send
pictures of a screen: nothing here looks at a name.
"""

from __future__ import annotations

import re

from companion.adapters.tabular.decoding import beginning
from companion.adapters.tabular.refusals import RefusedFile

_OTHERS = (
    (b"%PDF", "pdf"),
    (b"{\\rtf", "rtf"),
    (b"\x1f\x8b", "compressed"),
    (b"7z\xbc\xaf", "compressed"),
    (b"Rar!", "compressed"),
    (b"BZh", "compressed"),
    (b"\xfd7zXZ", "compressed"),
    (b"\x89PNG", "picture"),
    (b"\xff\xd8\xff", "picture"),
    (b"GIF8", "picture"),
    (b"SQLite format 3\x00", "database"),
    (b"\x00\x01\x00\x00Standard ", "database"),
)
"""First bytes, after a byte order mark and white space, of files that people mistake for ours."""
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Old Office files, and workbooks with a password."""
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_JSON = re.compile(r"\{\s*[\"}]|\[\s*[{\]]")
_JSON_LINES = re.compile(r"\{[^\r\n]*\}[ \t]*[\r\n]+\s*\{")
_MARKUP = re.compile(r"<(?:!doctype html|html|head|body|table|style|meta|div)\b", re.IGNORECASE)
_EXCEL_XML = "urn:schemas-microsoft-com:office:spreadsheet"


def kind_of(content: bytes) -> str:
    """``zip`` (any workbook that is an archive), ``xls``, ``html``, ``mhtml``, ``xml``, ``ics``,
    ``json``, ``ndjson`` or ``csv``. Raises RefusedFile for what people mistake for an export."""
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if content.startswith(_COMPOUND):
        if _ENCRYPTED in content:
            raise RefusedFile("password")
        return "xls"
    start = content[:1_000].removeprefix(b"\xef\xbb\xbf").lstrip()
    for first, reason in _OTHERS:
        if start.startswith(first):
            raise RefusedFile(reason)
    head = beginning(content).lstrip()
    if head[:15].upper() == "BEGIN:VCALENDAR":
        return "ics"
    if head[:13].upper() == "MIME-VERSION:":
        return "mhtml"
    if _JSON.match(head):
        return "ndjson" if _JSON_LINES.match(head) else "json"
    return _markup(head) if head.startswith("<") else "csv"


def _markup(head: str) -> str:
    if _EXCEL_XML in head and "<html" not in head.casefold():
        return "xml"
    if _MARKUP.search(head):
        return "html"
    raise RefusedFile("xml")
