"""What is said to somebody whose computer has left a practice."""

from __future__ import annotations

from pathlib import Path

from companion.adapters.practice_note import PracticeNote
from companion.storage.returning import left

NOTE = PracticeNote(practice_id="p", workstation_id="w", place="db.example/companion")


def test_files_from_before_the_practice_are_named_to_whoever_leaves(tmp_path: Path) -> None:
    assert "before-" not in left(NOTE, tmp_path)
    (tmp_path / "before-practice-20261130-203755").mkdir()
    (tmp_path / "before-joining-20261130-205001").mkdir()
    said = left(NOTE, tmp_path)
    assert str(tmp_path / "before-practice-20261130-203755") in said
    assert str(tmp_path / "before-joining-20261130-205001") in said
