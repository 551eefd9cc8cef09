"""Real processes, really killed in the middle of an upload: nothing is doubled, nothing lost."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from companion.sandbox.server import SimulatedHandle, start_simulated_google
from tests.battery.real import NOW, PASSPHRASE, appointments, book, keys_of, opened, populate
from tests.fakes import warm

EVENTS = 300
ANNA = "anna"


@dataclass(slots=True)
class InThread:
    """The simulated Google of this process."""

    handle: SimulatedHandle
    base_url: str = field(init=False)

    def __post_init__(self) -> None:
        self.base_url = self.handle.base_url

    def let(self, email: str) -> tuple[str, str]:
        with self.handle.lock:
            google = self.handle.google
            account = google.add_account(email, name=email, timezone="Australia/Sydney")
            made = google.add_calendar(email, "Appointments")
            tokens = self.handle.api.grants.issue(account, frozenset({"calendar"}))
        return made.id, str(tokens["refresh_token"])


@dataclass(slots=True)
class Clinic:
    home: Path
    google: SimulatedHandle
    calendar_id: str = ""

    def start(self, *arguments: str) -> warm.Process:
        environment = {
            **os.environ,
            "COMPANION_HOME": str(self.home),
            "COMPANION_GOOGLE_API": self.google.base_url,
            "COMPANION_SECRETS_KEY": PASSPHRASE,
            "COMPANION_NOW": NOW.isoformat(),
        }
        command = "from companion.cli import run; run()"
        return warm.start("-c", command, *arguments, env=environment, errors=True)

    def run(self, *arguments: str) -> dict[str, Any]:
        process = self.start(*arguments, "--json")
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, f"{arguments}: {process.returncode}\n{out}\n{err}"
        (result,) = json.loads(out)["practitioners"]
        return dict(result)

    def events(self) -> list[dict[str, Any]]:
        with self.google.lock:
            return self.google.google.events(self.calendar_id)

    @property
    def calls(self) -> int:
        return self.google.google.counts.calls


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    with start_simulated_google() as google:
        google.google.meter.quota.per_user = google.google.meter.quota.per_project = None
        google.api.latency = 0.01
        made = Clinic(home=tmp_path / "home", google=google)
        asyncio.run(_move_in(made))
        yield made


async def _move_in(clinic: Clinic) -> None:
    async with opened(clinic.home, clinic.google.base_url) as application:
        (tenant,) = await populate(application, InThread(clinic.google), [ANNA], user_rate=100)
        await book(application, appointments(ANNA, EVENTS))
    clinic.calendar_id = tenant.calendar_id


async def _edit(clinic: Clinic, chance: random.Random, round_: int) -> None:
    """Some are changed, some cancelled or booked again: inserts, patches and deletes to do."""
    async with opened(clinic.home, clinic.google.base_url) as application:
        some = chance.sample(list(appointments(ANNA, EVENTS)), 40)
        changed = [replace(each, location=f"Room {round_}") for each in some[:30]]
        await book(application, changed, remove=[each.id for each in some[30:]])


def kill_while_it_writes(clinic: Clinic, chance: random.Random) -> bool:
    """False when there was nothing left to write before the moment came."""
    before = clinic.calls
    process = clinic.start("upload", "Anna Example")
    wanted = before + chance.randint(1, 60)
    until = time.monotonic() + 30
    while clinic.calls < wanted and process.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    time.sleep(chance.uniform(0, 0.02))
    running = process.poll() is None
    process.kill()
    process.communicate(timeout=10)
    return running and clinic.calls > before


def _check_in_between(clinic: Clinic) -> None:
    doubled = {key: count for key, count in keys_of(clinic.events()).items() if count > 1}
    assert not doubled


def _check_at_the_end(clinic: Clinic) -> None:
    with closing(sqlite3.connect(clinic.home / "companion.db")) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)

    async def look() -> tuple[int, str | None]:
        async with opened(clinic.home, clinic.google.base_url) as application:
            assert application.services.settings.read().practitioner(ANNA).choices.enabled
            token = await application.ports.secrets.get("google/token/anna")
            return await application.services.book.count(ANNA), token

    count, token = asyncio.run(look())
    assert token
    live = keys_of(clinic.events())
    assert len(live) == sum(live.values()) == count


def kill_again_and_again(clinic: Clinic, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    killed = round_ = 0
    while killed < kills:
        round_ += 1
        assert round_ < kills * 4, "it is seldom caught while it writes"
        if kill_while_it_writes(clinic, chance):
            killed += 1
        else:
            asyncio.run(_edit(clinic, chance, round_))
        _check_in_between(clinic)
    result = clinic.run("sync", "Anna Example", "--yes")
    assert result["error"] is None
    audit = clinic.run("audit", "Anna Example")
    assert audit["differences"] == []
    assert audit["book"] == audit["google"]
    assert clinic.run("sync", "Anna Example")["api_calls"] == 0
    _check_at_the_end(clinic)


@pytest.mark.timeout(400)
def test_twenty_kills_in_the_middle_of_writing_double_and_lose_nothing(clinic: Clinic) -> None:
    kill_again_and_again(clinic, 20, seed=1)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(2, 12))
def test_two_hundred_kills_in_the_middle_of_writing_double_and_lose_nothing(
    clinic: Clinic, seed: int
) -> None:
    kill_again_and_again(clinic, 20, seed=seed)
