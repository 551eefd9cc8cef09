"""FailingDisk: the real file operations, one of which fails on demand."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from companion.services.files import Disk


class FailingDisk(Disk):
    """Counts writing operations (write, sync, replace) and raises at the one numbered
    `fail_at`, from 1; a failing write leaves half of its content, as a full disk does."""

    def __init__(self, fail_at: int = 0, code: int = errno.ENOSPC) -> None:
        super().__init__(shared_files_lock=False)
        self.fail_at = fail_at
        self.code = code
        self.steps = 0

    def write(self, path: Path, content: bytes) -> None:
        if self._due():
            path.write_bytes(content[: len(content) // 2])
            raise OSError(self.code, os.strerror(self.code))
        super().write(path, content)

    def sync(self, descriptor: int) -> None:
        self._step()
        super().sync(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        self._step()
        super().replace(source, target)

    def _step(self) -> None:
        if self._due():
            raise OSError(self.code, os.strerror(self.code))

    def _due(self) -> bool:
        self.steps += 1
        return self.steps == self.fail_at
