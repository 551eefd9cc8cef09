"""The reading process: a file on standard input, its sheets on standard output (`stream`).

An untrusted file may be a bomb, so every kind is read here and never in the program: this process
has limits of its own and can be stopped. It knows nothing of the rest of the program, is given
none of its secrets, and gives way to everything else that runs.
"""

from __future__ import annotations

import faulthandler
import gc
import io
import os
import sys
from contextlib import suppress
from datetime import datetime
from typing import IO

from companion.adapters.tabular.kinds import kind_of
from companion.adapters.tabular.refusals import SIZE_LIMIT, RefusedFile
from companion.adapters.tabular.stream import SheetWriter

MEMORY_LIMIT = 1_500_000_000
"""Bytes of address space, where the system can limit that."""
LIFE_LIMIT = 700.0
"""Seconds after which the process ends by itself, if its parent has gone."""


def main() -> None:
    with suppress(RuntimeError):  # without a standard error, as a windowed Python may be
        faulthandler.dump_traceback_later(LIFE_LIMIT, exit=True)
    _limit_memory()
    _give_way()
    gc.disable()  # nothing here is kept, let alone in circles
    out = io.TextIOWrapper(sys.stdout.buffer, encoding="ascii", newline="\n")
    try:
        content = sys.stdin.buffer.read(SIZE_LIMIT + 1)
    except OSError:
        content = b""
        SheetWriter(out).refuse("not opened")
    else:
        write_sheets(content, out, datetime.fromisoformat(sys.argv[-1]))
    out.flush()


def write_sheets(content: bytes, out: IO[str], now: datetime) -> None:
    """Every line that the program gets, the last of them done or refused."""
    writer = SheetWriter(out)
    try:
        if len(content) > SIZE_LIMIT:
            raise RefusedFile("too large")
        writer.done(_read(content, writer, now))
    except RefusedFile as refusal:
        writer.refuse(str(refusal))
    except MemoryError:
        writer.refuse("memory")
    except Exception:  # noqa: BLE001 - whatever a parser thinks of a hostile file
        writer.refuse("damaged")


def _read(content: bytes, writer: SheetWriter, now: datetime) -> str:
    """Says of which kind the file is. The parser of another kind is not even loaded."""
    kind = kind_of(content)
    if kind == "zip":
        from companion.adapters.tabular.spreadsheets import read_archive

        return read_archive(content, writer)
    if kind == "xls":
        from companion.adapters.tabular.spreadsheets import read_old_workbook

        read_old_workbook(content, writer)
    elif kind == "csv":
        from companion.adapters.tabular.delimited import read_delimited

        read_delimited(content, writer)
    elif kind == "xml":
        from companion.adapters.tabular.excel_xml import read_excel_xml

        read_excel_xml(content, writer)
    elif kind == "ics":
        from companion.adapters.tabular.calendar_file import read_calendar

        read_calendar(content, writer, now)
    elif kind in {"json", "ndjson"}:
        from companion.adapters.tabular.fhir import read_fhir

        read_fhir(content, writer)
    else:
        from companion.adapters.tabular.web_page import read_web_page

        read_web_page(content, writer)
        return "html"
    return kind


def _limit_memory() -> None:
    """Where the system can; the program watches everywhere."""
    if sys.platform != "win32":
        import resource

        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))


def _give_way() -> None:
    """Pages, phones and the sync go first; on Windows the program says so at the start."""
    if sys.platform != "win32":
        with suppress(OSError):
            os.nice(5)
