"""Data folders that move into a practice, or join one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from companion.environment import Environment
from tests.fakes.moving_practice import a_keyring, at


@pytest.fixture
def own_keyring() -> Iterator[None]:
    with a_keyring():
        yield


@pytest.fixture
def first(tmp_path: Path) -> Environment:
    return at(tmp_path / "first")


@pytest.fixture
def second(tmp_path: Path) -> Environment:
    return at(tmp_path / "second")
