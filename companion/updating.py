"""Updating: what becomes of a home when another version of the program uses it.

`STAMP` says which version and which schema last opened it. Whoever opens it with a newer schema
copies the data first, so that the way back is never lost, also where somebody replaced the
program's folder by hand. `run.py update` makes such a copy itself, and puts it back if the new
version does not prove itself.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import companion
from companion.adapters.backup import HomeCopy, Swap
from companion.adapters.clock import SystemClock
from companion.adapters.database.schema import HEAD
from companion.adapters.database.sqlite import copy_to, peek_revision
from companion.adapters.file_locks import FileLock
from companion.environment import Environment
from companion.services.files import Disk, write_durably
from companion.services.settings.documents import VERSION

STAMP = "program.json"
HOLDER = "an update"
PATIENCE = 60.0


def home_copy(environment: Environment) -> HomeCopy:
    home = environment.home
    lock = FileLock(home / "restore.lock", holder=HOLDER, patience=PATIENCE)
    return HomeCopy(home, environment.book, copy_database=copy_to, swap=Swap(home, lock=lock))


def keep(environment: Environment) -> Path | None:
    """A copy of the data as they are now; None where there are none yet. Raises StoreError."""
    if not environment.book.exists():
        return None
    now = SystemClock(environment.now).now()
    version = _stamped(environment.home).get("version") or "unknown"
    return home_copy(environment).keep(f"{version}-{now:%Y%m%d-%H%M%S}")


def put_back(environment: Environment, folder: Path) -> None:
    """Raises Busy while the app runs, FileRefused, StoreError."""
    app = FileLock(environment.home / "app.lock", holder=HOLDER, patience=5.0)
    with app:
        home_copy(environment).put_back(folder)


def keep_before_migration(environment: Environment) -> Path | None:
    """The copy, where another schema used this home last. Raises StoreError."""
    if not environment.book.exists():
        return None
    stamped = _stamped(environment.home)
    match stamped.get("schema"):
        case [int(settings), str(database)]:
            if settings > VERSION or database > HEAD:
                return None  # of a newer program, which this one refuses
            older = [settings, database] != _schema()
        case _:  # from before there was a stamp
            settings, database = 0, peek_revision(environment.book) or HEAD
            older = database < HEAD
    if not older:
        return None
    version = stamped.get("version") or "unknown"
    return home_copy(environment).keep(f"{version}-{settings}-{database}")


def stamp(environment: Environment) -> None:
    """This version has opened the home."""
    wanted = {"version": companion.__version__, "schema": _schema()}
    if _stamped(environment.home) != wanted:
        with suppress(OSError):  # the next start copies once more
            content = json.dumps(wanted).encode()
            write_durably(environment.home / STAMP, content, Disk())


def _schema() -> list[object]:
    return [VERSION, HEAD]


def _stamped(home: Path) -> dict[str, object]:
    try:
        found = json.loads((home / STAMP).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
