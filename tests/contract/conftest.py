"""What several modules ask of: data folders, and services that are simulated."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import URL

from companion.environment import Environment
from companion.sandbox.server import SimulatedHandle
from companion.services.ports import AppointmentBook
from tests.contract.calendar_world import FakeWorld, World, simulated_world
from tests.contract.feed_listening import Listener, listening
from tests.contract.google_world import SimulatedWorld, simulated
from tests.contract.stores import KINDS, Stores, opened
from tests.fakes.cliniko import Clinic, clinic
from tests.fakes.google_calendar import FakeRemoteCalendar
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
def address(practice_url: URL) -> URL:
    """Of a practice's database."""
    return practice_url


@pytest.fixture(params=KINDS)
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    async with opened(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def book(stores: Stores) -> AppointmentBook:
    return stores.book


@pytest.fixture
def handle() -> Iterator[SimulatedHandle]:
    with simulated_google() as running:
        yield running


@pytest.fixture
def client(handle: SimulatedHandle) -> Client:
    return connect(handle)


@pytest.fixture
async def real() -> AsyncIterator[SimulatedWorld]:
    async with simulated() as world:
        yield world


@pytest.fixture(params=["fake", "google"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "fake":
        yield FakeWorld(held=FakeRemoteCalendar(now=lambda: datetime.now(UTC)))
    else:
        async with simulated_world() as made:
            yield made


@pytest.fixture
def there() -> Iterator[Clinic]:
    with clinic() as found:
        yield found


@pytest.fixture
async def feed() -> AsyncIterator[Listener]:
    async with listening() as listener:
        yield listener
