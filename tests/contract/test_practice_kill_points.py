"""Killed anywhere on the way into a practice or back, one of the two is in charge, and whole.

A process dies before a step of the disk or before a COMMIT, of the home's file or of the server;
from then on it does nothing more. Whoever starts next settles what it left; for some that is killed
too, before it is let go on.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, event

from companion.adapters.practice_note import MOVING, practice_note
from companion.domain.errors import StoreError
from companion.environment import Environment
from companion.services.files import Disk
from companion.storage.creating import create_practice
from companion.storage.joining import join_practice_here
from companion.storage.moving import recover_move, row_after_moves
from companion.storage.returning import leave_here, take_everything
from tests.fakes.moving_practice import (
    Kept,
    a_keyring,
    at,
    connected,
    fill,
    kept_in,
    made_of,
    shown,
)
from tests.fakes.practice_database import PracticeServer

pytestmark = pytest.mark.postgresql

EVERY = 4
"""Of how many points one is tried in each run; `--long` tries all."""


class Killed(Exception):
    """The process is no more: no later step of it succeeds either."""


class Steps:
    """Counts them, and kills before the one numbered `kill_at`, from 1; 0 for none."""

    def __init__(self, kill_at: int = 0) -> None:
        self.kill_at = kill_at
        self.taken = 0

    def step(self) -> None:
        self.taken += 1
        if self.kill_at and self.taken >= self.kill_at:
            raise Killed

    @contextmanager
    def counting_commits(self) -> Iterator[None]:
        def commit(_connection: object) -> None:
            self.step()

        event.listen(Engine, "commit", commit)
        try:
            yield
        finally:
            event.remove(Engine, "commit", commit)


class KilledDisk(Disk):
    def __init__(self, steps: Steps) -> None:
        super().__init__(shared_files_lock=False)
        self.steps = steps

    def write(self, path: Path, content: bytes) -> None:
        try:
            self.steps.step()
        except Killed:
            path.write_bytes(content[: len(content) // 2])
            raise
        super().write(path, content)

    def replace(self, source: Path, target: Path) -> None:
        self.steps.step()
        super().replace(source, target)

    def remove(self, path: Path) -> None:
        self.steps.step()
        super().remove(path)


Act = Callable[[Environment, Disk], Awaitable[object]]


async def killed(act: Act, environment: Environment, kill_at: int) -> bool:
    """Whether it was; False where it had come to its end before."""
    steps = Steps(kill_at)
    with steps.counting_commits():
        try:
            await act(environment, KilledDisk(steps))
        except Killed:
            return True
    return False


async def settled(environment: Environment, number: int) -> None:
    """By starts of which the first ones are killed too, now and then."""
    for kill_at in range(1, number % 4):
        await killed(recover_move, environment, kill_at)
    await recover_move(environment)
    assert not (environment.home / MOVING).exists()


def points(request: pytest.FixtureRequest, total: int) -> range:
    return range(1, total + 2, 1 if request.config.getoption("long") else EVERY)


@dataclass
class Clinic:
    """A filled home, of which each try gets a copy."""

    template: Path
    before: Kept
    folder: Path
    server: PracticeServer
    tries: int = 0

    def copy(self, source: Path | None = None) -> Environment:
        self.tries += 1
        home = self.folder / f"try-{self.tries}"
        shutil.copytree(source or self.template, home)
        return at(home)


@pytest.fixture
async def clinic(practice_server: PracticeServer, tmp_path: Path) -> AsyncIterator[Clinic]:
    # A passphrase would be stretched again at each opening; the key of a copy is its original's.
    with a_keyring(one_key=True):
        template = tmp_path / "template"
        before = await fill(at(template))
        yield Clinic(template, before, tmp_path, practice_server)


async def total_of(act: Act, environment: Environment) -> int:
    steps = Steps()
    with steps.counting_commits():
        await act(environment, KilledDisk(steps))
    return steps.taken


async def in_charge(environment: Environment, url: URL, number: int) -> str:
    """After the next start; exactly one of the two is, and says all that there was."""
    await settled(environment, number)
    joined = practice_note(environment.home) is not None
    row = row_after_moves(url)
    here = row is not None and not row.moved_to
    assert joined == here, "the practice is in charge here and there, or nowhere"
    assert joined != environment.book.exists()
    return "practice" if joined else "home"


async def test_killed_anywhere_while_a_practice_is_made(
    clinic: Clinic, request: pytest.FixtureRequest
) -> None:
    def creating(url: URL) -> Act:
        return lambda environment, disk: create_practice(
            environment, shown(url), name="Front desk", disk=disk
        )

    with clinic.server.new_database() as url:
        total = await total_of(creating(url), clinic.copy())
    assert total > 12
    found = set()
    for number in points(request, total):
        with clinic.server.new_database() as url:
            environment = clinic.copy()
            was_killed = await killed(creating(url), environment, number)
            assert was_killed == (number <= total)
            who = await in_charge(environment, url, number)
            assert await kept_in(environment) == clinic.before
            found.add(who)
            for aside in environment.home.glob("before-practice-*/companion.db"):
                with pytest.raises(StoreError, match="were moved"):
                    await kept_in(at(aside.parent))
    assert found == {"home", "practice"}


async def test_killed_anywhere_while_everything_is_taken_back(
    clinic: Clinic, request: pytest.FixtureRequest
) -> None:
    async def taking(environment: Environment, disk: Disk) -> object:
        return await take_everything(environment, disk=disk)

    found = set()
    joined = clinic.copy()
    with clinic.server.new_database() as first:
        await made_of(joined, first)
        with clinic.server.new_database(first.database) as url:
            total = await total_of(taking, readdressed(clinic.copy(joined.home), url))
        assert total > 12
        for number in points(request, total):
            with clinic.server.new_database(first.database) as url:
                environment = readdressed(clinic.copy(joined.home), url)
                was_killed = await killed(taking, environment, number)
                assert was_killed == (number <= total)
                who = await in_charge(environment, url, number)
                opened = at(environment.home) if who == "home" else environment
                assert await kept_in(opened) == clinic.before
                found.add(who)
    assert found == {"home", "practice"}


async def test_a_disk_that_fills_up_after_the_commit_does_not_undo_the_move(
    clinic: Clinic, practice_url: URL
) -> None:
    class FullOnce(Disk):
        """Once the note of the exchange of files is to be written."""

        def write(self, path: Path, content: bytes) -> None:
            if path.name == "restore.json.tmp":
                raise OSError(errno.ENOSPC, "full")
            super().write(path, content)

    environment = clinic.copy()
    with pytest.raises(StoreError, match=r"have moved into the practice, but .* is full"):
        await create_practice(environment, shown(practice_url), name="Desk", disk=FullOnce())
    assert await kept_in(environment) == clinic.before
    assert practice_note(environment.home) is not None


async def test_killed_anywhere_while_joining_or_leaving(
    clinic: Clinic, request: pytest.FixtureRequest, practice_url: URL
) -> None:
    made = await made_of(clinic.copy(), practice_url)
    empty = clinic.folder / "empty"
    empty.mkdir()

    async def joining(environment: Environment, disk: Disk) -> object:
        return await join_practice_here(environment, shown(practice_url), made.key.text, disk=disk)

    async def leaving(environment: Environment, disk: Disk) -> object:
        return await leave_here(environment, disk=disk)

    for act in (joining, leaving):
        start = clinic.copy(empty)
        if act is leaving:
            await joining(start, Disk())
        total = await total_of(act, clinic.copy(start.home))
        for number in points(request, total):
            environment = clinic.copy(start.home)
            await killed(act, environment, number)
            await settled(environment, number)
            kept = await kept_in(environment)
            assert (kept == clinic.before) == (practice_note(environment.home) is not None)
            assert kept == clinic.before or not kept.names
    with connected(practice_url) as connection:
        (count,) = connection.execute("SELECT count(*) FROM appointments").fetchone() or (0,)
    assert count == clinic.before.appointments, "the practice is unharmed"


def readdressed(environment: Environment, url: URL) -> Environment:
    """The address that was kept is that of another copy of the database."""
    return at(environment.home, database_url=shown(url))
