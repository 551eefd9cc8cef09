"""QueryEnd: ends a query at its server, from any thread and at any moment.

A server told to end a query that has not begun yet does nothing, so it is told again until the
connection is left. That goes on in a thread of its own: whoever wants the end does not wait.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

_AGAIN = 0.1
"""Seconds."""


class QueryEnd:
    def __init__(self, break_off: Callable[[], None]) -> None:
        """`break_off`: ends what runs now; may block and fail."""
        self._break_off = break_off
        self._left = threading.Event()
        self._asked = False
        self._lock = threading.Lock()

    def ask(self) -> None:
        with self._lock:
            if self._asked or self._left.is_set():
                return
            self._asked = True
        threading.Thread(target=self._end, name="end of a query", daemon=True).start()

    def left(self) -> None:
        """The connection is about to be closed, and not to be touched any more: waits for a
        breaking off that is under way."""
        self._left.set()
        with self._lock:
            return

    def _end(self) -> None:
        while True:
            with self._lock:
                if self._left.is_set():
                    return
                with contextlib.suppress(Exception):  # it may have ended by itself
                    self._break_off()
            if self._left.wait(_AGAIN):
                return
