"""Files that survive a crash: every write is whole or did not happen.

The way (measured against `kill -9`): a temporary file in the same folder → write, flush, fsync →
`os.replace` → fsync of the folder, where the system has that. Windows refuses to replace a file
that another process has open for a moment, so there it is tried again for a second or two.
The caller holds a lock: one temporary name per file is then enough, and a dead writer's leftover
is simply written over. `Disk` holds the single operations, so that a test can make each one fail.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from companion.domain.errors import StoreError

T = TypeVar("T")
Signature = tuple[int, int, int, int]
"""What tells one written file from the next without reading it."""

_NO_SUCH_CALL = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}
_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.5)


class Disk:
    """The operations a durable write is made of; each raises OSError."""

    def __init__(
        self,
        *,
        shared_files_lock: bool = sys.platform == "win32",
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """`shared_files_lock`: PermissionError may mean "open elsewhere just now" (Windows)."""
        self._tries = len(_PAUSES) if shared_files_lock else 0
        self._pause = pause

    def read(self, path: Path) -> bytes:
        return self._patiently(path.read_bytes)

    def write(self, path: Path, content: bytes) -> None:
        """A new file for its owner alone, durable when this returns."""
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            self.sync(file.fileno())

    def sync(self, descriptor: int) -> None:
        os.fsync(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        self._patiently(lambda: source.replace(target))

    def remove(self, path: Path) -> None:
        """Nothing where it is not there."""
        self._patiently(lambda: path.unlink(missing_ok=True))

    def sync_folder(self, folder: Path) -> None:
        """Make the names in `folder` durable; Windows has no such call and needs none, and some
        network drives have none either."""
        if sys.platform != "win32":
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                self.sync(descriptor)
            except OSError as error:
                if error.errno not in _NO_SUCH_CALL:
                    raise
            finally:
                os.close(descriptor)

    def free(self, folder: Path) -> int:
        """Bytes that are left."""
        return shutil.disk_usage(folder).free

    def signature(self, path: Path) -> Signature | None:
        """None while there is no such file."""
        try:
            state = path.stat()
        except FileNotFoundError:
            return None
        return (state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)

    def _patiently(self, act: Callable[[], T]) -> T:
        for pause in _PAUSES[: self._tries]:
            try:
                return act()
            except PermissionError:
                self._pause(pause)
        return act()


_BINARY = getattr(os, "O_BINARY", 0)


def write_durably(path: Path, content: bytes, disk: Disk) -> None:
    """Replace `path` by `content`, or leave it as it was; raises OSError.

    Only an error of the very last step (the folder's fsync) leaves the new content in place."""
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        disk.write(temporary, content)
        disk.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    disk.sync_folder(path.parent)


def write_file(path: Path, content: bytes, disk: Disk | None = None) -> None:
    """`write_durably`, which raises StoreError."""
    with disk_errors(path):
        write_durably(path, content, disk or Disk())


def make_folder(folder: Path) -> None:
    """The folder and its parents, for this user alone; raises StoreError."""
    with disk_errors(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Raises StoreError, in words, for an OSError of the block about `path`."""
    try:
        yield
    except OSError as error:
        raise disk_trouble(error, path) from error


def disk_trouble(error: OSError, path: Path) -> StoreError:
    """The error in words: a full disk, a folder we may not write to, a failing disk."""
    detail = f"{type(error).__name__} {errno.errorcode.get(error.errno or 0, '?')}"
    remedy: str | None
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            what = f"The disk is full: {path.name} could not be saved."
            remedy = "Free some space and try again; what was saved before is untouched."
        case errno.EACCES | errno.EPERM | errno.EROFS:
            what = f"This user may not read or write {path}."
            remedy = "Give yourself permission for that folder, or choose another data folder."
        case errno.EIO:
            what = f"The disk reports a fault at {path.name}."
            remedy = "Make a backup now and have the disk checked; then try again."
        case _:
            what, remedy = f"{path} could not be read or written.", None
    return StoreError(what, remedy, detail=detail)
