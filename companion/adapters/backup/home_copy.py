"""HomeCopy: a plain copy of the data in a folder of the home, made before a newer version uses it.

The book as of one moment, and every file at the top of the home that is not a lock, a log or a
note of the running app. It is as private as the home. Putting one back is a `Swap`: whole or not at
all, and finished by the next start where a crash cut it off.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from companion.adapters.backup.swap import NOTE, Move, Swap
from companion.domain.errors import FileRefused
from companion.services.files import Disk, disk_trouble, make_folder, write_durably
from companion.services.maintenance.backup import BOOK

LIST = "copied.json"
PREFIX = "before-update-"
MOST_KEPT = 3
_NOT_COPIED = (".lock", ".holder", ".log", ".part", ".tmp")
_OF_THE_APP = frozenset({"app.port", NOTE})
_BESIDE = ("-wal", "-shm", "-journal")


class HomeCopy:
    """Blocking, for worker threads and commands."""

    def __init__(
        self,
        home: Path,
        database: Path,
        *,
        copy_database: Callable[[Path, Path], None],
        swap: Swap,
        disk: Disk | None = None,
    ) -> None:
        self._home = home
        self._database = database
        self._copy_database = copy_database
        self._swap = swap
        self._disk = disk or Disk()

    def keep(self, name: str) -> Path:
        """A folder `PREFIX` and `name`; a copy of that name that is whole already stays as it is.
        Older ones go. Raises StoreError."""
        folder = self._home / f"{PREFIX}{name}"
        if (folder / LIST).is_file():
            return folder
        draft = folder.with_name(f"{folder.name}.part")
        try:
            for left in self._home.glob(f"{PREFIX}*.part"):
                shutil.rmtree(left, ignore_errors=True)
            make_folder(draft)
            files = [each.name for each in self._to_copy()]
            for each in files:
                shutil.copy2(self._home / each, draft / each)
            if self._database.exists():
                self._copy_database(self._database, draft / BOOK)
                files.append(BOOK)
            for each in files:
                with (draft / each).open("rb+") as file:
                    self._disk.sync(file.fileno())
            write_durably(draft / LIST, json.dumps({"files": files}).encode(), self._disk)
            self._disk.replace(draft, folder)
            self._disk.sync_folder(self._home)
        except OSError as error:
            shutil.rmtree(draft, ignore_errors=True)
            raise disk_trouble(error, folder) from error
        self._forget_old(folder)
        return folder

    def put_back(self, folder: Path) -> None:
        """What is there now goes aside. Raises FileRefused, Busy (nothing has changed then),
        StoreError."""
        try:
            files = [str(each) for each in json.loads((folder / LIST).read_bytes())["files"]]
            whole = all((folder / each).is_file() for each in files)
        except (OSError, ValueError, KeyError, TypeError):
            files, whole = [], False
        if not whole or folder.parent.resolve() != self._home.resolve():
            raise FileRefused(
                f"{folder} is no whole copy of the data.", "Restore a backup instead.", field="file"
            )
        staging = self._swap.staging
        shutil.rmtree(staging, ignore_errors=True)
        make_folder(staging)
        aside = self._home / f"after-{folder.name.removeprefix('before-')}"
        shutil.rmtree(aside, ignore_errors=True)  # of the same way back, begun once before
        book = self._database
        logs = [book.with_name(book.name + each) for each in _BESIDE]
        beside = book.parent / aside.name  # a rename does not cross disks
        shutil.rmtree(beside, ignore_errors=True)
        moves = [Move(target=each, aside=beside / each.name) for each in logs]
        try:
            for each in files:
                target = book if each == BOOK else self._home / each
                staged = staging / each if target.parent == self._home else _beside(book)
                shutil.copy2(folder / each, staged)
                with staged.open("rb+") as file:
                    self._disk.sync(file.fileno())
                put_aside = (beside if each == BOOK else aside) / target.name
                moves.append(Move(target=target, aside=put_aside, staged=staged))
        except OSError as error:
            shutil.rmtree(staging, ignore_errors=True)
            raise disk_trouble(error, folder) from error
        self._swap.run(moves, book)

    def _to_copy(self) -> list[Path]:
        apart = {self._database.name, *(self._database.name + each for each in _BESIDE)}
        return sorted(
            each
            for each in self._home.iterdir()
            if each.is_file()
            and not each.is_symlink()
            and each.name not in apart | _OF_THE_APP
            and not each.name.endswith(_NOT_COPIED)
            and ".log." not in each.name
        )

    def _forget_old(self, newest: Path) -> None:
        made = [each for each in self._home.glob(f"{PREFIX}*") if (each / LIST).is_file()]
        made.sort(key=lambda each: (each == newest, (each / LIST).stat().st_mtime))
        for each in made[:-MOST_KEPT]:
            shutil.rmtree(each, ignore_errors=True)


def _beside(book: Path) -> Path:
    """On its own disk."""
    return book.with_name(f"{book.name}.restoring")
