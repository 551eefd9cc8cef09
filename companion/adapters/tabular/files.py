"""WorkbookFiles: files on this machine as workbooks, whatever they are called.

Exports come from other programs and may be broken or hostile, so a file is opened here and read
somewhere else: its size is asked before a byte is read, and then it is handed to a process of its
own (`process`). At most two of them run at once; who comes later waits without holding a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISREG

from companion.adapters.tabular.process import ReadingProcess, refused
from companion.adapters.tabular.refusals import SIZE_LIMIT
from companion.services.pools import READING
from companion.services.workbooks import Workbook

AT_ONCE = 2


class WorkbookFiles:
    """A WorkbookReader."""

    def __init__(
        self, *, at_once: int = AT_ONCE, now: Callable[[], datetime] | None = None
    ) -> None:
        """`now`: None for the real time."""
        self._now = now or (lambda: datetime.now(UTC))
        self._turn = asyncio.Semaphore(at_once)

    async def read(
        self, path: Path, *, progress: Callable[[float], None] | None = None
    ) -> Workbook:
        """Raises FileRefused."""
        async with self._turn:
            loop = asyncio.get_running_loop()
            shown = 0.0

            def show(share: float) -> None:
                nonlocal shown
                if progress is not None and share > shown:
                    shown = share
                    loop.call_soon_threadsafe(progress, min(share, 1.0))

            process = ReadingProcess(show, now=self._now())
            reading = asyncio.ensure_future(READING.run(read_workbook, path, process))
            try:
                return await asyncio.shield(reading)
            except asyncio.CancelledError:
                process.stop()
                await asyncio.wait([reading])
                reading.exception()  # seen: no caller wants it any more
                raise


def read_workbook(path: Path, process: ReadingProcess) -> Workbook:
    """Raises FileRefused."""
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode):
            raise refused("not a file")
        if status.st_size > SIZE_LIMIT:
            raise refused("too large", detail=f"{status.st_size} bytes")
        with path.open("rb") as file:
            return process.run(file)
    except FileNotFoundError as error:
        # The cause would carry the path.
        raise refused("no such file", detail=type(error).__name__) from None
    except (OSError, ValueError) as error:
        raise refused("not opened", detail=type(error).__name__) from None
