"""Steady time: seconds that only ever grow, and that count on while the computer sleeps.

`time.monotonic` stands still in a sleeping computer on Linux and macOS. What must be over by a
moment, such as a right that others take over, needs a clock that does not.
"""

from __future__ import annotations

import sys
import time


def steady() -> float:
    """Seconds since some moment before this process began."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    elif sys.platform == "darwin":  # noqa: RET505 - mypy reads one platform at a time
        return time.clock_gettime(time.CLOCK_MONOTONIC)
    else:
        return time.monotonic()
