"""The swap: all files or none, whatever crashes and whoever else is at work."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from companion.adapters.backup.swap import NOTE, HomeSwap, Swap
from companion.domain.errors import Busy, StoreDamaged, StoreError
from companion.services.files import Disk
from tests.fakes.disk import FailingDisk

ASIDE = "before-restore-1"
FILES = ("settings.json", "settings.json.bak", "secrets.json")


def book(path: Path, word: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("CREATE TABLE words (word TEXT)")
        raw.execute("INSERT INTO words VALUES (?)", (word,))
        raw.commit()


def word_in(path: Path) -> str:
    with contextlib.closing(sqlite3.connect(path)) as raw:
        return str(raw.execute("SELECT word FROM words").fetchone()[0])


def home_in(folder: Path) -> Path:
    """A home with everything, and everything prepared to replace it."""
    home = folder / "home"
    (home / "restoring").mkdir(parents=True)
    (home / "feeds").mkdir()
    (home / "feeds" / "one.feed").write_text("old")
    for name in FILES:
        (home / name).write_text("old")
    for name in ("settings.json", "secrets.json"):
        (home / "restoring" / name).write_text("new")
    book(home / "companion.db", "old")
    book(home / "restoring" / "book.db", "new")
    return home


def swap_of(home: Path, disk: Disk | None = None) -> Swap:
    return Swap(home, lock=contextlib.nullcontext(), disk=disk, busy_seconds=0.1)


def swap_in(home: Path, disk: Disk | None = None, *, with_secrets: bool = True) -> Path:
    swap = HomeSwap(home, home / "companion.db", swap_of(home, disk))
    return swap.swap_in(aside=ASIDE, with_secrets=with_secrets)


def state_of(home: Path) -> tuple[str, str, str, str]:
    settings = (home / "settings.json").read_text() if (home / "settings.json").exists() else "-"
    secrets = (home / "secrets.json").read_text() if (home / "secrets.json").exists() else "-"
    words = word_in(home / "companion.db") if (home / "companion.db").exists() else "-"
    return settings, words, secrets, "feeds" if (home / "feeds").exists() else "-"


OLD = ("old", "old", "old", "feeds")
NEW = ("new", "new", "new", "-")


def test_everything_changes_places_and_what_was_there_is_kept(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    aside = swap_in(home)
    assert state_of(home) == NEW
    assert (aside / "settings.json").read_text() == "old"
    assert (aside / "feeds" / "one.feed").read_text() == "old"
    assert word_in(aside / "companion.db") == "old"
    assert {each.name for each in home.iterdir()} == {
        ASIDE,
        "companion.db",
        "secrets.json",
        "settings.json",
    }


def test_without_sign_ins_in_the_backup_the_present_ones_stay(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    swap_in(home, with_secrets=False)
    assert state_of(home) == ("new", "new", "old", "-")


def test_an_empty_home_takes_everything(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    for name in (*FILES, "companion.db"):
        (home / name).unlink()
    swap_in(home)
    assert state_of(home) == NEW


def steps_of_a_swap(folder: Path) -> int:
    disk = FailingDisk()
    swap_in(home_in(folder), disk)
    return disk.steps


def test_a_crash_at_any_step_is_finished_or_never_happened(tmp_path: Path) -> None:
    steps = steps_of_a_swap(tmp_path / "all")
    assert steps > 15
    finished = 0
    for step in range(1, steps + 1):
        home = home_in(tmp_path / str(step))
        with pytest.raises(StoreError):
            swap_in(home, FailingDisk(step))
        if swap_of(home).finish():
            finished += 1
            assert state_of(home) == NEW, step
            assert word_in(home / ASIDE / "companion.db") == "old"
        else:
            assert state_of(home) in {OLD, NEW}, step
        assert not (home / NOTE).exists()
        assert swap_of(home).finish() is False
    assert finished > 10


def test_a_crash_while_finishing_is_finished_by_the_next(tmp_path: Path) -> None:
    for step in range(1, 12):
        home = home_in(tmp_path / str(step))
        with pytest.raises(StoreError):
            swap_in(home, FailingDisk(8))
        with contextlib.suppress(StoreError):
            swap_of(home, FailingDisk(step)).finish()
        swap_of(home).finish()
        assert state_of(home) == NEW, step


def test_nothing_happens_while_another_program_uses_the_book(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    other = sqlite3.connect(home / "companion.db")
    other.execute("SELECT * FROM words").fetchall()
    with pytest.raises(Busy):
        swap_in(home)
    assert state_of(home) == OLD
    assert not (home / NOTE).exists()
    other.close()
    swap_in(home)
    assert state_of(home) == NEW


def test_a_damaged_book_is_set_aside_with_its_log(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    (home / "companion.db").write_bytes(b"not a database at all" * 100)
    (home / "companion.db-wal").write_bytes(b"nor is this")
    aside = swap_in(home)
    assert state_of(home) == NEW
    assert (aside / "companion.db").read_bytes().startswith(b"not a database")
    assert not (home / "companion.db-wal").exists()


def test_a_book_elsewhere_is_kept_beside_where_it_was(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    elsewhere = tmp_path / "disk" / "book.db"
    elsewhere.parent.mkdir()
    (home / "companion.db").rename(elsewhere)
    HomeSwap(home, elsewhere, swap_of(home)).swap_in(aside=ASIDE, with_secrets=True)
    assert word_in(elsewhere) == "new"
    assert {each.name for each in elsewhere.parent.iterdir()} == {"book.db", ASIDE}
    assert word_in(elsewhere.parent / ASIDE / "book.db") == "old"


def test_a_book_elsewhere_that_is_in_use_leaves_nothing_behind(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    elsewhere = tmp_path / "disk" / "book.db"
    elsewhere.parent.mkdir()
    book(elsewhere, "old")
    with contextlib.closing(sqlite3.connect(elsewhere)) as other:
        other.execute("SELECT * FROM words").fetchall()
        with pytest.raises(Busy):
            HomeSwap(home, elsewhere, swap_of(home)).swap_in(aside=ASIDE, with_secrets=True)
    assert word_in(elsewhere) == "old"
    assert not (elsewhere.parent / "book.db.restoring").exists()


def test_a_note_that_cannot_be_read_says_what_to_do(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    (home / NOTE).write_text("[]")
    with pytest.raises(StoreDamaged, match="interrupted"):
        swap_of(home).finish()
    assert state_of(home) == OLD
