"""What is said to somebody whose computer has left a practice."""

from __future__ import annotations

from pathlib import Path

from companion.commands.practice_reports import left
from companion.environment import Environment
from companion.storage.put_aside import folders_put_aside

PLACE = "db.example/companion"


def test_files_from_before_the_practice_are_named_to_whoever_leaves(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "disk"
    environment = Environment(home=home, database_url=f"sqlite:///{elsewhere / 'book.db'}")
    assert "before-" not in left(PLACE, folders_put_aside(environment))
    kept = [
        elsewhere / "before-practice-20261130-203755",
        home / "before-joining-20261130-205001",
        home / "before-practice-20261130-203755",
    ]
    for each in kept:
        each.mkdir(parents=True)
    assert folders_put_aside(environment) == kept
    said = left(PLACE, folders_put_aside(environment))
    assert all(str(each) in said for each in kept)
