"""Swap: prepared files take the place of a home's, all of them or none.

1. A note of every move is written durably. From here on the swap will be finished: by this process
or, after a crash, by the next one that opens the home (`finish`). 2. The present database is closed
up (its log folded in). No other program may have it open; while one has, the note is withdrawn and
nothing has changed. 3. Each present file is renamed to the folder of what was before; each prepared
one takes its place. 4. The note and what is left of the preparation go.

Every step can be done again: a move whose source is gone is done.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from companion.domain.errors import Busy, StoreDamaged
from companion.domain.json_documents import DAMAGED, from_document
from companion.services.files import Disk, disk_errors, disk_trouble, make_folder, write_durably
from companion.services.maintenance.backup import BOOK, SECRETS, SETTINGS

NOTE = "restore.json"
STAGING = "restoring"
_LEAVING = ("settings.json.bak", "settings.json.damaged", "feeds")
"""The generation before of settings that are replaced, and answers of feeds as they were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    target: Path
    aside: Path
    """Where the present one goes; its folder is made."""
    staged: Path | None = None
    """What takes its place; None for nothing."""


class Swap:
    """Blocking, for worker threads."""

    def __init__(
        self,
        home: Path,
        *,
        lock: AbstractContextManager[object],
        disk: Disk | None = None,
        busy_seconds: float = 3.0,
    ) -> None:
        """`lock`: the lock that every process shares which may finish a swap of this home."""
        self.staging = home / STAGING
        self._note = home / NOTE
        self._lock = lock
        self.disk = disk or Disk()
        self.busy_seconds = busy_seconds

    def run(self, moves: Sequence[Move], database: Path) -> None:
        """Raises Busy when another program uses `database`: nothing has changed then. Any later
        StoreError leaves a swap that `finish` completes."""
        note = {"database": database, "moves": [asdict(each) for each in moves]}
        content = json.dumps(note, indent=1, default=str).encode()
        with self._lock:
            try:
                write_durably(self._note, content, self.disk)
            except OSError as error:
                self._note.unlink(missing_ok=True)
                raise disk_trouble(error, self._note) from error
            try:
                close_up(database, self.busy_seconds)
            except Busy:
                self._note.unlink(missing_ok=True)
                raise
            self._go(moves)

    def finish(self) -> bool:
        """Complete a swap that a crash interrupted; False when there is none."""
        if not self._note.exists():
            return False
        with self._lock:
            if not self._note.exists():  # its own process finished it while we waited
                return False
            with disk_errors(self._note):
                content = self.disk.read(self._note)
            moves, database = _noted(content)
            close_up(database, self.busy_seconds)
            self._go(moves)
        return True

    def _go(self, moves: Sequence[Move]) -> None:
        with disk_errors(self._note):
            for move in moves:
                self._move(move)
            self._note.unlink(missing_ok=True)
            self.disk.sync_folder(self._note.parent)
        shutil.rmtree(self.staging, ignore_errors=True)

    def _move(self, move: Move) -> None:
        waiting = move.staged is None or move.staged.exists()
        if waiting and move.target.exists() and not move.aside.exists():
            make_folder(move.aside.parent)
            self.disk.replace(move.target, move.aside)
            self.disk.sync_folder(move.aside.parent)
        if move.staged is not None and move.staged.exists():
            self.disk.replace(move.staged, move.target)
        self.disk.sync_folder(move.target.parent)


class HomeSwap:
    """Implements `maintenance.restore.Swapping`: which files change places."""

    def __init__(self, home: Path, database: Path, swap: Swap) -> None:
        self._home = home
        self._database = database
        self._swap = swap
        self.staging = swap.staging

    def swap_in(self, *, aside: str, with_secrets: bool) -> Path:
        """As in the port. What would contradict the new files goes aside with the old ones."""
        before = self._home / aside
        book = self._database
        beside = book.parent / aside
        close_up(self.staging / BOOK, self._swap.busy_seconds)
        staged_book = self._beside_its_target(book)
        log, shared = book.name + "-wal", book.name + "-shm"
        taken = [SETTINGS, *([SECRETS] if with_secrets else [])]
        leaving = [self._home / each for each in _LEAVING]
        moves = [
            *(Move(target=each, aside=before / each.name) for each in leaving),
            *(Move(target=book.with_name(each), aside=beside / each) for each in (log, shared)),
            Move(target=book, aside=beside / book.name, staged=staged_book),
            *(
                Move(target=self._home / each, aside=before / each, staged=self.staging / each)
                for each in taken
            ),
        ]
        try:
            self._swap.run(moves, book)
        except Busy:
            if staged_book.parent != self.staging:
                staged_book.unlink(missing_ok=True)
            raise
        return before

    def _beside_its_target(self, book: Path) -> Path:
        """The prepared book, on the disk that it belongs to: a rename does not cross disks."""
        prepared = self.staging / BOOK
        if book.parent.resolve() == self._home.resolve():
            return prepared
        make_folder(book.parent)
        copy = book.with_name(f"{book.name}.restoring")
        try:
            copy.unlink(missing_ok=True)
            shutil.copyfile(prepared, copy)
            copy.chmod(0o600)
            with copy.open("rb+") as file:
                self._swap.disk.sync(file.fileno())
        except OSError as error:
            copy.unlink(missing_ok=True)
            raise disk_trouble(error, book) from error
        return copy


def close_up(database: Path, busy_seconds: float) -> None:
    """Fold the write-ahead log into the file, which only works while no other process has it open.

    Raises Busy. A damaged database is left as it is: it is about to be set aside."""
    if not database.exists():
        return
    try:
        with closing(sqlite3.connect(database, timeout=busy_seconds, isolation_level=None)) as raw:
            raw.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise Busy(
                "Another Calendar Companion window or command is using the book.",
                "Close it or let it finish, then try again. Nothing was changed.",
            ) from error
    except sqlite3.DatabaseError as error:
        # Not even a database any more.
        del error


def _noted(content: bytes) -> tuple[list[Move], Path]:
    with suppress(*DAMAGED):
        note = json.loads(content)
        moves = [from_document(Move, each) for each in note["moves"]]
        return moves, Path(note["database"])
    raise StoreDamaged(
        "A restore was interrupted, and the note of what is left to do cannot be read.",
        f"Delete the file {NOTE} in the data folder and restore the backup again.",
    )
