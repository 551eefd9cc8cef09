"""Stopping: one owner ends the program, in order where that can be, and in time whatever runs.

From the moment it is asked to stop, a thread counts. When what was going on is not over in time,
the process ends as if it had been killed, which it is built for: what was acknowledged is on the
disk, and what was not is as before.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from companion.adapters.tabular.process import end_reading

LONGEST = 2.5
"""Seconds."""
_BROKEN_OFF = b"Stopped; what was going on was broken off. The next start goes on from there.\n"


class Stopping:
    """A context manager around everything whose end is waited for."""

    def __init__(self) -> None:
        self.signal = 0
        """That asked first."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._asked = threading.Event()
        self._over = threading.Event()

    def __enter__(self) -> Stopping:
        threading.Thread(target=self._watch, name="stopping", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._asked.set()

    def ask(self, number: int = 0) -> None:
        """From any thread, and from a signal's handler."""
        self.signal = self.signal or number
        self._asked.set()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)

    async def wait(self) -> None:
        await self._stop.wait()

    @contextmanager
    def signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM (and Ctrl-Break) ask; also where loops have no handlers."""
        self._loop = asyncio.get_running_loop()
        names = ("SIGINT", "SIGTERM", "SIGBREAK")
        numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
        before = {each: signal.signal(each, lambda got, _frame: self.ask(got)) for each in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _watch(self) -> None:
        self._asked.wait()
        if self._over.wait(LONGEST):
            return
        end_reading()
        with suppress(OSError):
            os.write(1, _BROKEN_OFF)
        os._exit(130 if self.signal == signal.SIGINT else 0)
