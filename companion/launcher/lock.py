"""One process at a time sets up.

The lock belongs to the operating system: it is dropped with its last holder, so a crash leaves
nothing behind that a later start would have to judge stale and break.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from companion.launcher.exchange import grab
from companion.launcher.pip import InstallProgress
from companion.launcher.setup_errors import SetupError


@contextlib.contextmanager
def setup_lock(root: Path, progress: InstallProgress, seconds: float = 900) -> Iterator[int]:
    """Hold the lock beside `.venv`, as its file descriptor; waits at most `seconds` seconds."""
    lock = os.open(root / ".venv.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        until = time.monotonic() + seconds
        announced = False
        while not grab(lock):
            if not announced:
                progress.step("Another start is setting up Calendar Companion; waiting for it …")
                announced = True
            if time.monotonic() > until:
                raise SetupError(
                    "Another start has been setting up Calendar Companion for a long time.",
                    "Close its window, or restart the computer, and start again.",
                )
            time.sleep(0.2)
        yield lock
    finally:
        os.close(lock)
