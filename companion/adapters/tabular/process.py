"""ReadingProcess: one file read by a process of its own, with limits on time and memory.

The process gets the open file as its standard input, and nothing of it is looked at here: what
comes back are sheets (`stream`). It is started with ``-P`` and this package's folder at the end of
the search path, so that nothing beside a file or in the working folder becomes importable; the
program's own environment variables (secrets among them) stay here.

What the process uses is looked at ten times a second, on every system alike, and too much of it
ends it; so does `stop`.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import psutil

from companion.adapters.tabular.refusals import REFUSALS
from companion.adapters.tabular.stream import SheetsReceived
from companion.domain.errors import FileRefused
from companion.services.processes import without_secrets
from companion.services.workbooks import Workbook

CPU_LIMIT = 60.0
"""Seconds of work; 50,000 rows take two. On a busy machine a file may take its time."""
WAIT_LIMIT = 600.0
"""Seconds altogether, should the file's disk never answer."""
MEMORY_LIMIT = 1_000_000_000
"""Bytes in use; 50,000 rows take a tenth."""
_LOOK = 0.1
"""Seconds."""
_START = (
    "import sys; sys.path.append(sys.argv.pop());"
    "from companion.adapters.tabular.worker import main; main()"
)
_ROOT = Path(__file__).resolve().parents[3]
"""The folder in which the package lies."""
_QUIETLY = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(
    subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0
)
"""On Windows: without a console window, and behind the program itself."""


_children: set[subprocess.Popen[bytes]] = set()
"""That read at the moment."""


@atexit.register
def end_reading() -> None:
    """At the program's end, which waits for no thread: nobody bounds them any more."""
    for child in [*_children]:
        child.kill()


def refused(reason: str, detail: str = "") -> FileRefused:
    what, remedy = REFUSALS[reason]
    return FileRefused(what, remedy, detail=detail)


class ReadingProcess:
    """`run` blocks, in a thread; `stop` may be called from any other."""

    def __init__(
        self,
        progress: Callable[[float], None],
        *,
        now: datetime | None = None,
        cpu_limit: float = CPU_LIMIT,
        wait_limit: float = WAIT_LIMIT,
        memory_limit: int = MEMORY_LIMIT,
    ) -> None:
        """`now`: aware, around which repeating entries are unrolled; None for the real time."""
        self._progress = progress
        self._now = now or datetime.now(UTC)
        self._cpu_limit = cpu_limit
        self._wait_limit = wait_limit
        self._memory_limit = memory_limit
        self._over = threading.Event()
        self._killed_for = ""

    def stop(self) -> None:
        """The file is no longer wanted."""
        self._over.set()

    def run(self, file: IO[bytes]) -> Workbook:
        """`file`: at its beginning. Raises FileRefused."""
        received = SheetsReceived(self._progress)
        child = subprocess.Popen(  # noqa: S603 - our own program, no word of the file in the command
            [sys.executable, "-P", "-c", _START, self._now.isoformat(), str(_ROOT)],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=without_secrets(os.environ),
            creationflags=_QUIETLY,
        )
        _children.add(child)
        watcher = threading.Thread(target=self._watch, args=(child,), daemon=True)
        watcher.start()
        try:
            if child.stdout is None:
                raise AssertionError("a pipe was asked for")
            with child.stdout:
                received.take_all(child.stdout)
        finally:
            self._over.set()
            watcher.join()
            child.kill()
            child.wait()
            _children.discard(child)
        if not received.kind:
            raise refused(self._killed_for or received.refused or "damaged")
        return received.workbook()

    def _watch(self, child: subprocess.Popen[bytes]) -> None:
        """Until it is over, or uses too much."""
        looks = 0
        while not self._over.wait(_LOOK) and not self._killed_for:
            looks += 1
            seconds, held = _used_by(child)
            if seconds > self._cpu_limit or looks * _LOOK > self._wait_limit:
                self._killed_for = "slow"
            elif held > self._memory_limit:
                self._killed_for = "memory"
        child.kill()


def _used_by(child: subprocess.Popen[bytes]) -> tuple[float, int]:
    """Seconds of work, and bytes in use."""
    try:
        process = psutil.Process(child.pid)
        with process.oneshot():
            times = process.cpu_times()
            return times.user + times.system, process.memory_info().rss
    except psutil.Error:
        return 0.0, 0  # it has just ended
