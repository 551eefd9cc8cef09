"""The log file: for support, without client data.

Rotating, in the home, for this user alone. An exception is logged as its type and the places in the
code it came through, never its text: texts may hold a name or a token. Anything else in a message
is redacted by pattern, and line breaks are escaped so that no entry can be forged.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

FILE_NAME = "companion.log"
_SIZE, _KEPT = 1_000_000, 3
_SECRETS = (
    (re.compile(r"/feeds/[^\s\"'?]+"), "/feeds/…"),
    (re.compile(r"\?[^\s\"']+"), "?…"),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "…@…"),
    (re.compile(r"\b(?:ya29\.|1//|4/0|GOCSPX-)[\w./-]+"), "…"),
    (re.compile(r"\b[A-Za-z0-9_-]{40,}\b"), "…"),
)


def redact(text: str) -> str:
    """`text` without tokens, addresses, query strings and line breaks."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text.replace("\r", "\\r").replace("\n", "\\n")


class _Quiet(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = f"{self.formatTime(record)} {record.levelname} {record.name}: "
        line += redact(record.getMessage())
        if record.exc_info and record.exc_info[1] is not None:
            line += f" [{places(record.exc_info[1])}]"
        return line


def places(error: BaseException) -> str:
    """``ValueError at importing.py:120 < cli.py:88``: types and places, no texts."""
    frames = traceback.extract_tb(error.__traceback__)
    path = " < ".join(f"{Path(each.filename).name}:{each.lineno}" for each in reversed(frames))
    cause = error.__cause__ or error.__context__
    return f"{type(error).__name__} at {path}" + (f" from {places(cause)}" if cause else "")


@contextmanager
def log_to(home: Path) -> Iterator[Path]:
    """Send our log, and warnings of libraries, to the home's file while inside."""
    path = home / FILE_NAME
    try:
        handler: logging.Handler = RotatingFileHandler(
            path, maxBytes=_SIZE, backupCount=_KEPT, encoding="utf-8", delay=True
        )
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(_Quiet())
    root, ours = logging.getLogger(), logging.getLogger("companion")
    handler.setLevel(logging.INFO)
    before = ours.level
    ours.setLevel(logging.INFO)
    root.addHandler(handler)
    try:
        yield path
    finally:
        root.removeHandler(handler)
        ours.setLevel(before)
        handler.close()
