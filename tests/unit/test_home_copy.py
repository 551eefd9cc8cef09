"""The copy of the data before an update, and the way back to it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path

import pytest

from companion.adapters.backup import HomeCopy, Swap
from companion.adapters.backup.home_copy import LIST, MOST_KEPT
from companion.adapters.database import open_database
from companion.adapters.database.schema import HEAD
from companion.adapters.database.sqlite import copy_to, peek_revision
from companion.adapters.file_locks import FileLock
from companion.domain.errors import Busy, FileRefused, StoreError
from companion.environment import Environment
from companion.services.files import Disk
from companion.services.settings.documents import VERSION
from companion.updating import STAMP, keep, keep_before_migration, put_back, stamp
from tests.fakes.clock import FakeClock
from tests.fakes.disk import FailingDisk
from tests.fakes.plain_ids import age


class Quick(FailingDisk):
    """Without the flushes, which take all of the time."""

    def sync(self, descriptor: int) -> None:
        self._step()


def set_word(book: Path, word: str) -> None:
    with contextlib.closing(sqlite3.connect(book)) as raw, raw:
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("CREATE TABLE IF NOT EXISTS words (word TEXT)")
        raw.execute("DELETE FROM words")
        raw.execute("INSERT INTO words VALUES (?)", (word,))


def write(home: Path, word: str) -> Path:
    home.mkdir(exist_ok=True)
    for name in ("settings.json", "secrets.json", "companion.log", "app.lock", "app.port"):
        (home / name).write_text(word, "utf-8")
    set_word(home / "companion.db", word)
    return home


def state(home: Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(home / "companion.db")) as raw:
        words = {str(raw.execute("SELECT word FROM words").fetchone()[0])}
    return words | {(home / e).read_text("utf-8") for e in ("settings.json", "secrets.json")}


def copies(home: Path, disk: Disk | None = None) -> HomeCopy:
    swap = Swap(home, lock=contextlib.nullcontext(), disk=disk, busy_seconds=0.1)
    return HomeCopy(home, home / "companion.db", copy_database=copy_to, swap=swap, disk=disk)


def test_what_was_there_comes_back_and_what_came_since_is_kept(tmp_path: Path) -> None:
    home = write(tmp_path / "home", "old")
    folder = copies(home).keep("1.0")
    kept = {each.name for each in folder.iterdir()}
    assert kept == {"settings.json", "secrets.json", "book.db", LIST}
    write(home, "new")
    copies(home).put_back(folder)
    assert state(home) == {"old"}
    assert (home / "after-update-1.0" / "settings.json").read_text("utf-8") == "new"
    assert (home / "companion.log").read_text("utf-8") == "new"
    copies(home).put_back(folder)  # begun once more after a crash
    assert state(home) == {"old"}


def test_a_crash_at_any_step_of_the_way_back_is_finished_or_never_happened(tmp_path: Path) -> None:
    counting = Quick()
    home = write(tmp_path / "all", "old")
    copies(home, counting).put_back(copies(home).keep("1.0"))
    assert counting.steps > 12
    for step in range(1, counting.steps + 1):
        home = write(tmp_path / str(step), "old")
        folder = copies(home, Quick()).keep("1.0")
        write(home, "new")
        with pytest.raises(StoreError):
            copies(home, Quick(step)).put_back(folder)
        Swap(home, lock=contextlib.nullcontext()).finish()
        assert state(home) in ({"old"}, {"new"}), step
        copies(home, Quick()).put_back(folder)
        assert state(home) == {"old"}, step


def test_a_copy_that_is_not_whole_does_not_count(tmp_path: Path) -> None:
    home = write(tmp_path / "home", "old")
    for number in range(MOST_KEPT + 2):
        with contextlib.suppress(StoreError):
            disk = FailingDisk(number + 1)
            swap = Swap(home, lock=contextlib.nullcontext())
            book = home / "companion.db"
            HomeCopy(home, book, copy_database=copy_to, swap=swap, disk=disk).keep("broken")
        assert not [*home.glob("before-update-*")]
    for number in range(MOST_KEPT + 2):
        copies(home).keep(str(number))
    assert len([*home.glob("before-update-*")]) == MOST_KEPT
    folder = copies(home).keep("4")
    (folder / "settings.json").unlink()
    for wrong in (folder, home, tmp_path):
        with pytest.raises(FileRefused):
            copies(home).put_back(wrong)
    assert state(home) == {"old"}


def test_nothing_goes_back_while_the_app_runs(tmp_path: Path) -> None:
    environment = Environment(home=write(tmp_path / "home", "old"))
    folder = keep(environment)
    assert folder is not None
    write(environment.home, "new")
    with sqlite3.connect(environment.book) as other:
        other.execute("SELECT * FROM words").fetchall()
        with pytest.raises(Busy):
            copies(environment.home).put_back(folder)
    other.close()
    assert state(environment.home) == {"new"}
    put_back(environment, folder)
    assert state(environment.home) == {"old"}
    assert not FileLock(environment.home / "app.lock", holder="a test", patience=0.0).is_taken()


def home_of(folder: Path) -> Environment:
    environment = Environment(home=folder)
    folder.mkdir(exist_ok=True)
    open_database(environment.book, FakeClock())._access.close()
    return environment


def test_a_program_with_another_schema_copies_the_data_first(tmp_path: Path) -> None:
    environment = home_of(tmp_path / "home")
    stamp(environment)
    assert keep_before_migration(environment) is None
    age(environment.book)
    older = {"version": "0.0.9", "schema": [VERSION - 1, "0004"]}
    (environment.home / STAMP).write_text(json.dumps(older), "utf-8")
    folder = keep_before_migration(environment)
    assert folder is not None
    assert folder.name == f"before-update-0.0.9-{VERSION - 1}-0004"
    assert peek_revision(folder / "book.db") == "0004"
    open_database(environment.book, FakeClock())._access.close()
    stamp(environment)
    assert keep_before_migration(environment) is None
    assert peek_revision(environment.book) == HEAD


def test_a_home_without_a_stamp_is_copied_where_its_book_is_older(tmp_path: Path) -> None:
    assert keep_before_migration(Environment(home=tmp_path / "none")) is None
    environment = home_of(tmp_path / "home")
    assert keep_before_migration(environment) is None
    age(environment.book)
    assert keep_before_migration(environment) is not None
    newer = {"version": "9.0", "schema": [VERSION + 1, "9999"]}
    (environment.home / STAMP).write_text(json.dumps(newer), "utf-8")
    assert keep_before_migration(environment) is None  # this program refuses it, untouched
