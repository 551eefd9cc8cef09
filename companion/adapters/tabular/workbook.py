"""Workbooks (.xlsx) as tables, parsed by a child process.

An untrusted workbook may be a bomb, so parsing happens in `workbook_reader`, a script of its own
that the operating system can be told to stop; it streams one JSON line a row. It is started by
its path with ``-P``, never ``-m``: nothing of this folder becomes importable, and the program's
environment variables (secrets among them) stay here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any

from companion.domain.errors import FileRefused
from companion.services.ports import Table

TIME_LIMIT = 60.0
"""Seconds; 50,000 rows take two."""
_SCRIPT = Path(__file__).with_name("workbook_reader.py")
_SAVE_AS = "Open it in the spreadsheet program and save it as Excel workbook (.xlsx) or as CSV."
_FEWER = "Export fewer days at a time."
REFUSALS = {
    "not a workbook": (
        "This is a compressed file, not an Excel workbook.",
        "Unpack it first and choose the exported file in it.",
    ),
    "binary": ("This is a binary Excel workbook (.xlsb).", _SAVE_AS),
    "opendocument": ("This is an OpenDocument file (.ods or the like).", _SAVE_AS),
    "word": ("This is a text document, not a table.", _SAVE_AS),
    "password": (
        "This workbook is protected with a password.",
        "Save a copy without a password.",
    ),
    "bomb": (
        "This workbook unpacks to far more than it should, so it was not opened.",
        "Export it again from the practice software.",
    ),
    "too many rows": ("The first sheet of this workbook is too large.", _FEWER),
    "no sheet": ("This workbook has no visible sheet with a table.", _SAVE_AS),
    "damaged": ("This workbook is damaged.", "Export it again from the practice software."),
    "slow": ("This workbook takes too long to read.", _FEWER),
}
"""What the child may answer, in words for a person."""


def read_workbook(content: bytes, *, time_limit: float = TIME_LIMIT) -> Table:
    """The child gets these bytes, not a path: a file that changes meanwhile cannot turn into
    another kind. `time_limit` in seconds. Raises FileRefused."""
    child = subprocess.Popen(  # noqa: S603 - our own script, no word of the file in the command
        [sys.executable, "-P", str(_SCRIPT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=child_environment(os.environ),
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    late = threading.Event()

    def stop() -> None:
        late.set()
        child.kill()

    timer = threading.Timer(time_limit, stop)
    timer.start()
    try:
        if child.stdin is None or child.stdout is None:
            raise AssertionError("pipes were asked for")
        feeder = threading.Thread(target=_feed, args=(child.stdin, content), daemon=True)
        feeder.start()
        headers, rows, verdict = _received(child.stdout)
    finally:
        timer.cancel()
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            _close(pipe)
    if verdict != "done":
        what, remedy = REFUSALS["slow" if late.is_set() else verdict or "damaged"]
        raise FileRefused(what, remedy)
    return Table(headers=headers, rows=rows, kind="xlsx")


def child_environment(ours: Mapping[str, str]) -> dict[str, str]:
    """Without our own variables: the passphrase of the secrets is among them."""
    return {key: each for key, each in ours.items() if not key.startswith("COMPANION_")}


def _feed(pipe: IO[bytes], content: bytes) -> None:
    try:
        pipe.write(content)
        pipe.close()
    except OSError:
        return  # the child refused before it had read everything


def _close(pipe: IO[bytes] | None) -> None:
    try:
        if pipe is not None:
            pipe.close()
    except OSError:
        return  # half of the file was still waiting for a child that has gone


def _received(
    stream: IO[bytes],
) -> tuple[tuple[str, ...], list[tuple[int, tuple[object, ...]]], str]:
    """Headers, rows and the verdict; without a verdict the child did not come to its end."""
    headers: tuple[str, ...] = ()
    rows: list[tuple[int, tuple[object, ...]]] = []
    shared: dict[object, object] = {}
    for line in stream:
        if not line.endswith(b"\n"):
            break
        message = json.loads(line.decode("utf-8", "surrogatepass"))
        if isinstance(message, str):
            return headers, rows, message if message in {"done", *REFUSALS} else "damaged"
        number, cells, kinds = message
        for kind, places in kinds.items():
            for at in places:
                cells[at] = _once(shared, kind, cells[at])
        if number == 0:
            headers = tuple(cells)
        else:
            rows.append((number, tuple([_once(shared, "", each) for each in cells])))
    return headers, rows, ""


def _once(shared: dict[object, object], kind: str, cell: Any) -> object:
    """The cell as its kind says; what is short is kept once, however often it occurs."""
    if not kind and (cell.__class__ is not str or len(cell) > 40):
        return cell
    known = shared.get((kind, cell) if kind else cell)
    if known is None:
        known = _MOMENTS[kind](cell) if kind else cell
        shared[(kind, cell) if kind else cell] = known
    return known


_MOMENTS: dict[str, Callable[[Any], object]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "length": lambda seconds: timedelta(seconds=seconds),
}
