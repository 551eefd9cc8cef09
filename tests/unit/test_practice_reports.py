"""What the commands of a practice say of its workstations."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from companion.commands.practice_reports import left, workstations_table
from companion.domain.settings import SourceSettings
from tests.fakes.practice import off


def test_when_one_was_seen_is_said_in_the_practices_time_zone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen = replace(off("Second site"), seen_at=datetime(2026, 11, 30, 22, 30, tzinfo=UTC))
    workstations_table([seen], "another", "Pacific/Auckland")
    assert "01/12/2026 11:30" in capsys.readouterr().out


def test_who_leaves_is_told_which_folders_nobody_watches_any_more_and_what_to_do() -> None:
    assert "folder" not in left("db.example", [])
    said = left("db.example", [], [SourceSettings(name="nookal", folder="C:\\Exports")])
    assert "alone watches the folder of nookal (C:\\Exports)" in said
    assert "sources watch NAME" in said
