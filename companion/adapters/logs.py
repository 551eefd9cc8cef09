"""The log file: for support, without client data.

Rotating, in the home, for this user alone. Whoever logs, the program or a library, a line holds
nothing that came from outside: of the message only what stands so in the source that logs it, of
its arguments only numbers, kinds of errors and what is `Technical`; else "…". An exception is its
type and the places in the code it came through. What a library puts together with values in it is
replaced by its place in that library. So no name, no address and no line break of a file, a page or
a request can get in; and one place of a library is written down once a minute at most, so that no
page can push out what else the log holds.
"""

from __future__ import annotations

import linecache
import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from logging.handlers import RotatingFileHandler
from pathlib import Path

from companion.domain.errors import Technical
from companion.domain.practice_errors import DatabaseAway

FILE_NAME = "companion.log"
OURS = "companion"
_SIZE, _KEPT = 1_000_000, 3
_SELDOM = 60.0
"""Seconds between two lines of one place in a library."""
_AWAY_SELDOM = 600.0
"""The same for the practice's database, which may be away for days."""
_DEEPEST = 6
"""Causes of an error that are named."""
_PLACEHOLDER = re.compile(r"%[#0 +-]*\d*(?:\.\d+)?[a-zA-Z]")
_log = logging.getLogger(__name__)


class ClosedFormatter(logging.Formatter):
    """Without what came from outside; see the module."""

    def format(self, record: logging.LogRecord) -> str:
        head = f"{self.formatTime(record)} {record.levelname} {record.name}: "
        line = _message(record)
        if record.exc_info and record.exc_info[1] is not None:
            line += f" [{places(record.exc_info[1])}]"
        return head + line


def _message(record: logging.LogRecord) -> str:
    text = record.msg if isinstance(record.msg, str) else ""
    written, source = text.encode("unicode_escape").decode(), _source(record.pathname)
    if not text or not any(f"{quote}{written}{quote}" in source for quote in "\"'"):
        place = f"{Path(record.pathname).name}:{record.lineno} {record.funcName}"
        return place if isinstance(record.msg, str) else f"{place} {_shown(record.msg)}"
    if record.args:
        try:
            text %= tuple(map(_shown, record.args)) if isinstance(record.args, tuple) else ()
        except (TypeError, ValueError):
            text = _PLACEHOLDER.sub("…", text)
    return text.replace("\r", "\\r").replace("\n", "\\n")


@lru_cache(maxsize=64)
def _source(path: str) -> str:
    return "".join(linecache.getlines(path))


def _shown(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, BaseException):
        return type(value).__name__
    if isinstance(value, Technical):
        return re.sub(r"[^\w .,:;/<()\[\]-]+", "…", value[:200], flags=re.ASCII)
    return value if isinstance(value, str) and value in _kinds_of_errors() else "…"


def _kinds_of_errors() -> set[str]:
    """The names of all there are."""
    found: set[type[BaseException]] = set()
    waiting = [BaseException]
    while waiting:
        kind = waiting.pop()
        if kind not in found:
            found.add(kind)
            waiting += kind.__subclasses__()
    return {kind.__name__ for kind in found}


def places(error: BaseException, depth: int = _DEEPEST) -> str:
    """``ValueError at importing.py:120 < cli.py:88``: types and places, no texts."""
    frames = traceback.extract_tb(error.__traceback__)
    path = " < ".join(f"{Path(each.filename).name}:{each.lineno}" for each in reversed(frames))
    text = f"{type(error).__name__} at {path}"
    if depth and isinstance(error, BaseExceptionGroup):
        text += f" of {', '.join(places(each, depth - 1) for each in error.exceptions[:5])}"
    cause = error.__cause__ or error.__context__
    return text + (f" from {places(cause, depth - 1)}" if cause and depth else "")


class _Seldom(logging.Filter):
    """A library's line, and one of ours that only says that the practice's database is away: the
    same place again only after a while."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        seconds = _SELDOM
        if record.name.partition(".")[0] == OURS:
            if DatabaseAway.__name__ not in (record.args or ()):
                return True
            seconds = _AWAY_SELDOM
        place = (record.pathname, record.lineno)
        if record.created - self._last.get(place, 0.0) < seconds:
            return False
        self._last[place] = record.created
        return True


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
    handler.setFormatter(ClosedFormatter())
    handler.addFilter(_Seldom())
    root, ours = logging.getLogger(), logging.getLogger(OURS)
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


@contextmanager
def uncaught_logged() -> Iterator[None]:
    """What Python would print with all its values, of a thread or of an object that is cleared
    away, goes to the log while inside."""
    before = threading.excepthook, sys.unraisablehook

    def of_thread(ended: threading.ExceptHookArgs) -> None:
        _log.error("a thread ended with an error", exc_info=ended.exc_value)

    def of_object(lost: sys.UnraisableHookArgs) -> None:
        _log.error("an error had nobody to go to", exc_info=lost.exc_value)

    threading.excepthook, sys.unraisablehook = of_thread, of_object
    try:
        yield
    finally:
        threading.excepthook, sys.unraisablehook = before
