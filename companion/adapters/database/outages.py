"""Outage: for how long the practice's database has been away, as all threads see it together.

A server that restarts is a pause: who needs it waits and asks again. One that has been away for
longer is away for everybody: a piece of work that comes now does not wait all over again.
"""

from __future__ import annotations

import random
import threading
import time

PATIENCE = 12.0
"""Seconds that a restart may take."""
_BETWEEN = 1.0
"""Once it is away, one piece of work in this many seconds finds out whether it is back."""
_LONGEST_PAUSE = 0.5


class Outage:
    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._since: float | None = None
        self._tried = 0.0

    def to_be_tried(self) -> bool:
        """Whether it is worth the time to ask the server."""
        with self._lock:
            if self._since is None:
                return True
            now = time.monotonic()
            if now - self._since < self._patience or now - self._tried >= _BETWEEN:
                self._tried = now
                return True
            return False

    def failed(self) -> bool:
        """It did not answer; whether to wait for it."""
        with self._lock:
            now = self._tried = time.monotonic()
            if self._since is None:
                self._since = now
            return now - self._since < self._patience

    def answered(self) -> None:
        if self._since is not None:
            with self._lock:
                self._since = None


def pause_when_away(time_number: int) -> float:
    """Seconds; none the first time, which a connection that died meanwhile needs."""
    if time_number < 2:
        return 0.0
    return _jitter(min(_LONGEST_PAUSE, 0.05 * 2 ** (time_number - 2)))


def pause_after_clash(time_number: int) -> float:
    return _jitter(0.01 * 2**time_number)


def _jitter(seconds: float) -> float:
    """So that those who met do not meet again."""
    return seconds * random.uniform(0.3, 1.0)  # noqa: S311 - it keeps no secret
