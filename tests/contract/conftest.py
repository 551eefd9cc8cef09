"""Data folders that move into a practice, or join one; a simulated Google and its client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from companion.environment import Environment
from companion.sandbox.server import SimulatedHandle
from tests.fakes.moving_practice import a_keyring, at
from tests.fakes.simulator import Client, connect, simulated_google


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


@pytest.fixture
def handle() -> Iterator[SimulatedHandle]:
    with simulated_google() as running:
        yield running


@pytest.fixture
def client(handle: SimulatedHandle) -> Client:
    return connect(handle)
