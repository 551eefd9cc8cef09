"""Known browsers, on a real folder."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from companion.domain.tokens import token_hash
from companion.web.launching import (
    MACHINE_LIFE,
    MOST_MACHINES,
    LaunchTokens,
    MachineFile,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_the_same_browser_is_known_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "browsers.json"
    hashed = token_hash("cookie")
    asyncio.run(MachineFile(path, lambda: NOW).add(hashed))
    assert MachineFile(path, lambda: NOW).knows(hashed)
    assert "cookie" not in path.read_text(encoding="utf-8")


def test_a_browser_is_forgotten_when_its_cookie_has_died(tmp_path: Path) -> None:
    path = tmp_path / "browsers.json"
    asyncio.run(MachineFile(path, lambda: NOW).add("a"))
    assert not MachineFile(path, lambda: NOW + MACHINE_LIFE + timedelta(days=1)).knows("a")


def test_the_oldest_browsers_are_dropped(tmp_path: Path) -> None:
    moment = NOW
    machines = MachineFile(tmp_path / "browsers.json", lambda: moment)
    for number in range(MOST_MACHINES + 1):
        moment = NOW + timedelta(minutes=number)
        asyncio.run(machines.add(f"browser {number}"))
    assert not machines.knows("browser 0")
    assert machines.knows(f"browser {MOST_MACHINES}")


def test_a_damaged_list_only_costs_another_launch(tmp_path: Path) -> None:
    path = tmp_path / "browsers.json"
    for damage in ("", "{", "[1]", '{"a": 1}', '{"a": "2026-01-01T00:00:00"}'):
        path.write_text(damage, encoding="utf-8")
        assert not MachineFile(path, lambda: NOW).knows("a")


def test_launch_tokens_differ() -> None:
    launches = LaunchTokens()
    assert len({launches.issue() for _ in range(100)}) == 100
