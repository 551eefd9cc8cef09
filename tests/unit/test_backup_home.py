"""Backup and restore of a real home: real stores, a real crash, and what the next start finds."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from companion.adapters.backup import HomeSwap, Swap
from companion.adapters.database.opening import open_database
from companion.adapters.file_locks import FileLock
from companion.domain.errors import Busy, StoreError, StoreTooNew
from companion.environment import Environment
from companion.main import open_companion, open_ports
from companion.restoring import restoring_of
from companion.services.assembly import build
from tests.fakes.clock import FakeClock
from tests.fakes.disk import FailingDisk
from tests.fakes.maintenance import FAIR


def at(home: Path, key: str = "first passphrase of this home") -> Environment:
    return Environment(home=home, secrets_key=key, now="2026-03-02T09:00+11:00")


async def names(environment: Environment) -> set[str]:
    async with open_companion(environment, holder="a test") as application:
        return set(application.settings.read().names().values())


async def add(environment: Environment, name: str) -> None:
    async with open_ports(environment, holder="a test") as ports:
        await build(ports).practitioners.add(name)
        await ports.secrets.put("google/client", f"client of {name}")


async def back_up(environment: Environment, file: Path) -> None:
    async with open_companion(environment, holder="a test") as application:
        await application.backups.back_up(file, FAIR)


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    """Of a home with Anna; Ben came later."""
    await add(at(tmp_path / "home"), "Anna Example")
    await back_up(at(tmp_path / "home"), tmp_path / "it.ccbackup")
    await add(at(tmp_path / "home"), "Ben Muster")
    return tmp_path / "it.ccbackup"


async def test_it_comes_back_whole_and_sealed_with_this_home_s_own_key(
    file: Path, tmp_path: Path
) -> None:
    environment = at(tmp_path / "home", key="a second, longer passphrase")
    done = await restoring_of(environment).restore(file, FAIR)
    assert await names(environment) == {"Anna Example"}
    async with open_ports(environment, holder="a test") as ports:
        assert await ports.secrets.get("google/client") == "client of Anna Example"
        assert await ports.stores.integrity() == "ok"
        lines = await ports.stores.activity.recent(1)
        assert lines[0].text == "A backup of 01/03/2026 22:00 UTC was restored."
    assert (done.aside / "companion.db").is_file()


async def test_the_home_set_aside_can_be_opened_again(file: Path, tmp_path: Path) -> None:
    done = await restoring_of(at(tmp_path / "home")).restore(file, FAIR)
    assert await names(at(done.aside)) == {"Anna Example", "Ben Muster"}


async def test_a_start_after_a_crash_finishes_the_restore(file: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    environment = at(home)
    restoring = restoring_of(environment)
    lock = FileLock(home / "restore.lock", holder="a test")
    crashing = Swap(home, lock=lock, disk=FailingDisk(12))
    restoring.swapping = HomeSwap(home, home / "companion.db", crashing)
    with pytest.raises(StoreError):
        await restoring.restore(file, FAIR)
    assert (home / "restore.json").is_file()
    assert await names(environment) == {"Anna Example"}
    assert not (home / "restore.json").exists()
    assert not (home / "restoring").exists()


async def test_an_open_home_is_not_replaced(file: Path, tmp_path: Path) -> None:
    environment = at(tmp_path / "home")
    async with open_companion(environment, holder="a test") as application:
        await application.book.count()
        with pytest.raises(Busy):
            await restoring_of(environment).restore(file, FAIR)
    assert await names(environment) == {"Anna Example", "Ben Muster"}


async def test_an_app_that_runs_is_not_replaced(file: Path, tmp_path: Path) -> None:
    environment = at(tmp_path / "home")
    with (
        FileLock(environment.home / "app.lock", holder="the app"),
        pytest.raises(Busy, match="is running"),
    ):
        await restoring_of(environment).restore(file, FAIR)


async def test_a_book_of_a_newer_program_is_not_taken(tmp_path: Path) -> None:
    environment = at(tmp_path / "home")
    await add(environment, "Anna Example")
    newer = tmp_path / "newer.db"
    open_database(newer, FakeClock())._access.close()
    with closing(sqlite3.connect(newer)) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
        raw.commit()
    async with open_companion(environment, holder="a test") as application:
        backups = application.backups

        async def copy(path: Path) -> None:
            path.write_bytes(newer.read_bytes())  # noqa: ASYNC240 - a small file of a test

        backups._copy_database = copy
        await backups.back_up(tmp_path / "it.ccbackup", FAIR)
    with pytest.raises(StoreTooNew):
        await restoring_of(environment).restore(tmp_path / "it.ccbackup", FAIR)
    assert await names(environment) == {"Anna Example"}


async def test_a_book_kept_elsewhere_is_replaced_where_it_is(file: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "disk" / "book.db"
    environment = Environment(
        home=tmp_path / "third", database_url=f"sqlite:///{elsewhere}", secrets_key="any"
    )
    await restoring_of(environment).restore(file, FAIR)
    assert [each.name for each in elsewhere.parent.iterdir()] == ["book.db"]
    assert not (tmp_path / "third" / "companion.db").exists()
    assert await names(environment) == {"Anna Example"}
