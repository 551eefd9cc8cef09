"""Instance: the one app of a home, whatever its port: whether it runs, and what it answers.

The app holds `app.lock` for life and notes its port beside it; a process id would be somebody
else's tomorrow. The note stays, so the next start in the background takes the same port.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from companion.adapters.file_locks import FileLock
from companion.services.files import write_file
from companion.web.control import (
    SECONDS,
    ask_running_app,
    command_running_app,
    control_secret,
)

HOLDER = "the app"


class Instance:
    def __init__(self, home: Path) -> None:
        self._home = home
        self._note = home / "app.port"

    def lock(self, patience: float = 0.0) -> FileLock:
        return FileLock(self._home / "app.lock", holder=HOLDER, patience=patience)

    def runs(self) -> bool:
        """In any process; it need not answer yet, or any more."""
        return self._home.is_dir() and self.lock().is_taken()

    @property
    def port(self) -> int | None:
        """As last noted."""
        with suppress(OSError, ValueError):
            return int(self._note.read_text(encoding="ascii"))
        return None

    @contextmanager
    def hold(self, port: int) -> Iterator[None]:
        """Be the app of this home. Raises Busy where there is one already, StoreError where the
        note cannot be written."""
        with self.lock(patience=0.3):
            write_file(self._note, str(port).encode())
            yield

    async def launch_address(self) -> str | None:
        """From the app that runs; None where none proves to be this home's."""
        if (port := self.port) is None:
            return None
        return await ask_running_app(port, control_secret(self._home / "control.secret"))

    async def ask(self, word: str, *, seconds: float = SECONDS) -> dict[str, Any] | None:
        """What the app that runs answers to that command; None as above."""
        if (port := self.port) is None:
            return None
        secret = control_secret(self._home / "control.secret")
        return await command_running_app(port, secret, word, seconds=seconds)
