"""Folder: one watched folder, what lies in it, and where a file goes when it is dealt with.

    the folder/            exports are dropped here
        imported/          those that were imported, under their name and the time
        set aside/         those that could not be, or wait for a person; a report beside each

No link is followed: whoever may write here, but not where it leads, could otherwise make the
program move or overwrite files there.

All of it blocks, maybe for long: the folder may be a network share that has just gone. So it runs
`apart`, in a thread of its own that neither the event loop, nor another folder, nor the end of
the program waits for.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import secrets
import stat
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from companion.domain.errors import FileRefused
from companion.services.files import make_folder

T = TypeVar("T")
MOST_BYTES = 50_000_000
IMPORTED = "imported"
SET_ASIDE = "set aside"
REPORT = ".report.txt"
_UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".filepart", ".tmp", ".temp")
_NEVER = frozenset({"thumbs.db", "desktop.ini", "icon\r"})
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFile:
    """A file as it is in the folder; equal while no program writes to it."""

    name: str
    size: int
    """Bytes."""
    changed: int
    """Modification time in nanoseconds."""


class Changed(OSError):
    """The file was written to while it was read."""


class Linked(OSError):
    """A folder of ours is a link that another user has placed."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Folder:
    """Every method raises OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def scan(self) -> list[SeenFile]:
        """The files dropped here, oldest first; none that is hidden, unfinished or a link."""
        with os.scandir(self.path) as entries:
            found = [
                _seen(each.name, each.stat(follow_symlinks=False))
                for each in entries
                if is_dropped(each.name) and each.is_file(follow_symlinks=False)
            ]
        return sorted(found, key=lambda each: (each.changed, each.name))

    def fetch(self, seen: SeenFile, copy: Path) -> str:
        """Copy the file for this user alone; its SHA-256. Raises Changed when it is not, before
        and after, exactly as it was seen."""
        source = self.path / seen.name
        digest = hashlib.sha256()
        self._check_unchanged(seen)
        copy.unlink(missing_ok=True)
        descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
        with os.fdopen(descriptor, "wb") as target, open(source, "rb", opener=_unlinked) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                target.write(block)
        self._check_unchanged(seen)
        return digest.hexdigest()

    def file_away(self, seen: SeenFile, into: str, stamp: str, report: str = "") -> str:
        """Move the file below `into`, a report beside it; its new place, relative to the folder.
        Raises Changed when it has been written to meanwhile."""
        self._check_unchanged(seen)
        place = _free(self._below(into), seen.name, stamp)
        (self.path / seen.name).rename(place)
        if report:
            beside = place.with_name(place.name + REPORT)
            with (
                contextlib.suppress(FileExistsError),
                beside.open("x", encoding="utf-8-sig", newline="\r\n") as file,
            ):
                file.write(report)
        return f"{into}/{place.name}"

    def mark_imported(self, place: str) -> None:
        """A file that was set aside has been imported: move it to the imported ones."""
        source = self._own(place)
        source.rename(_free(self._below(IMPORTED), source.name, ""))
        source.with_name(source.name + REPORT).unlink(missing_ok=True)

    def take_back(self, place: str, name: str) -> None:
        """A file that was moved too early: back into the folder, to be read again."""
        source = self._own(place)
        wanted = self.path / name
        source.rename(_free(self.path, name, "") if wanted.exists() else wanted)
        source.with_name(source.name + REPORT).unlink(missing_ok=True)

    def look(self, place: str) -> SeenFile:
        """One file, anywhere below the folder, as it is now."""
        return _seen(place, self._own(place).stat(follow_symlinks=False))

    def others(self) -> list[str]:
        """Names of files here that are no exports, by their ending."""
        return [each.name for each in self.scan() if not is_export(each.name)]

    def _below(self, name: str) -> Path:
        """A folder of ours, made where it is missing. Raises Linked."""
        folder = self.path / name
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
        _check_no_link(folder)
        return folder

    def _own(self, place: str) -> Path:
        """A file here or in a folder of ours. Raises Linked."""
        *folders, name = PurePosixPath(place).parts
        path = self.path
        for each in folders:
            path /= each
            _check_no_link(path)
        return path / name

    def _check_unchanged(self, seen: SeenFile) -> None:
        if self.look(seen.name) != seen:
            raise Changed


def is_dropped(name: str) -> bool:
    """Not hidden, no lock file of a spreadsheet program, no download under way."""
    low = name.casefold()
    return not (low.startswith((".", "~")) or low.endswith(_UNFINISHED) or low in _NEVER)


def is_export(name: str) -> bool:
    return Path(name).suffix.casefold() in {".csv", ".tsv", ".txt", ".xlsx"}


def _check_no_link(folder: Path) -> None:
    """Raises Linked; a junction of Windows is one too."""
    status = folder.stat(follow_symlinks=False)
    junction = getattr(status, "st_reparse_tag", 0) == _JUNCTION
    if junction or not stat.S_ISDIR(status.st_mode):
        raise Linked(folder.name)


def _unlinked(path: str, flags: int) -> int:
    return os.open(path, flags | _NO_FOLLOW)


def _seen(name: str, status: os.stat_result) -> SeenFile:
    return SeenFile(name=name, size=status.st_size, changed=status.st_mtime_ns)


def _free(folder: Path, name: str, stamp: str) -> Path:
    """An unused name: the file's own, the time, and a number where that is taken."""
    own = Path(name)
    parts = [own.stem, stamp] if stamp else [own.stem]
    for number in range(1, 10_000):
        more = [f"({number})"] if number > 1 else []
        wanted = folder / f"{' '.join([*parts, *more])}{own.suffix}"
        if not wanted.exists():
            return wanted
    raise FileExistsError(str(folder))


@asynccontextmanager
async def spooled(folder: Folder, seen: SeenFile, spool: Path) -> AsyncIterator[tuple[Path, str]]:
    """A private copy of a file, while it is needed, and its digest. Raises OSError, FileRefused,
    StoreError."""
    if seen.size > MOST_BYTES:
        raise FileRefused(
            f"The file is too large: {seen.size / 1e6:,.0f} MB; at most "
            f"{MOST_BYTES // 1_000_000} MB are read.",
            "Export fewer days at a time.",
        )
    make_folder(spool)
    copy = spool / f"{secrets.token_hex(12)}{Path(seen.name).suffix[:8]}"
    try:
        yield copy, await apart(lambda: folder.fetch(seen, copy))
    finally:
        with contextlib.suppress(OSError):
            copy.unlink(missing_ok=True)


async def apart(work: Callable[[], T], seconds: float | None = 60.0) -> T:
    """`work` in a daemon thread of its own; what it raises is raised here, and TimeoutError (an
    OSError) when it takes too long: the thread is then left to itself."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def deliver(result: Any, error: Exception | None) -> None:
        if done.done():  # no caller waits any more
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as raised:  # noqa: BLE001 - carried over to the caller
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(deliver, result, error)

    threading.Thread(target=run, name="folder", daemon=True).start()
    async with asyncio.timeout(seconds):
        return await done


_BINARY = getattr(os, "O_BINARY", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_JUNCTION = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", -1)
