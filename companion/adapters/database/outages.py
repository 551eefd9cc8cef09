"""Outage: for how long the practice's database has been away, as all threads see it together.

A server that restarts is a pause: who needs it waits and asks again. One that has been away for
longer is away for everybody: a piece of work that comes now does not wait all over again.
"""

from __future__ import annotations

import logging
import random
import threading
import time

log = logging.getLogger(__name__)

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
        self._said = False

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
            if now - self._since < self._patience:
                return True
            if not self._said:
                self._said = True
                log.warning("the practice's database is away")
            return False

    def answered(self) -> None:
        since = self._since
        if since is None:
            return
        with self._lock:
            self._since, self._said = None, False
        lasted = time.monotonic() - since
        if lasted > _BETWEEN:  # a connection that had to be made again is nothing to tell
            log.info("the practice's database answers again after %.0f s", lasted)


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
