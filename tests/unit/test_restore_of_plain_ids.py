"""A backup from before ids were made under a key (schema 0004), restored whole by this version."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from companion.adapters.backup import SealedArchive
from companion.adapters.database import Database, open_database
from companion.adapters.file_locks import FileLock
from companion.adapters.settings import SettingsFile
from companion.environment import Environment
from companion.restoring import restoring_of
from companion.services.maintenance.backup import BOOK, MANIFEST, SETTINGS, VERSION
from companion.services.settings.documents import to_tables
from tests.battery.world import MONDAY, World, appointment
from tests.fakes.clock import FakeClock
from tests.fakes.maintenance import FAIR, QUICK
from tests.fakes.plain_ids import age, plain_id
from tests.fakes.settings import FakeSettings

EVENTS = 3
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def database_in(folder: Path) -> Database:
    return open_database(folder / "book.db", FakeClock())


async def backed_up(folder: Path) -> World:
    """The version before has written a calendar; its book lies in `old.ccbackup`."""
    world = World()
    database = database_in(folder)
    world.stores = database  # type: ignore[assignment] # what passes use of it
    world.restart()
    for number in range(EVENTS):
        key = f"key-{number}"
        await world.put(
            appointment(
                number,
                id=plain_id("pms", key),
                source="pms",
                source_id=key,
                start=MONDAY + timedelta(days=1, hours=number),
            )
        )
    assert (await world.run()).error is None
    await database.backup_to(folder / "copy.db")
    await database.close()
    age(folder / "copy.db")
    manifest = {
        "version": VERSION,
        "program": "0.0.9",
        "made_at": NOW.isoformat(),
        "install_id": world.settings.current.install_id,
        "practice": "",
        "practitioners": 1,
        "appointments": EVENTS,
        "feeds": 0,
        "sign_ins": False,
    }
    parts: dict[str, Path | bytes] = {
        MANIFEST: json.dumps(manifest).encode(),
        SETTINGS: json.dumps(to_tables(world.settings.current)).encode(),
        BOOK: folder / "copy.db",
    }
    SealedArchive(cost=QUICK).write(folder / "old.ccbackup", FAIR, parts)
    return world


@pytest.mark.parametrize("moved_meanwhile", [False, True])
async def test_it_is_restored_whole_and_google_holds_nothing_twice(
    tmp_path: Path, *, moved_meanwhile: bool
) -> None:
    """`moved_meanwhile`: a newer version has marked the events under another key since."""
    world = await backed_up(tmp_path)
    if moved_meanwhile:
        shutil.copy(tmp_path / "copy.db", tmp_path / "book.db")
        database = database_in(tmp_path)
        world.stores = database  # type: ignore[assignment]
        world.restart()
        assert (await world.run()).updated == EVENTS
        await database.close()
    ids = {each.event_id for each in world.remote().ours()}
    home = tmp_path / "home"
    environment = Environment(home=home, secrets_key="a passphrase for tests")
    done = await restoring_of(environment).restore(tmp_path / "old.ccbackup", FAIR)
    assert (done.manifest.appointments, done.calendars) == (EVENTS, 1)

    restored = open_database(home / "companion.db", FakeClock())
    assert await restored.integrity() == "ok"
    keyed = {row.appointment_id for row in (await restored.book.source_rows("pms")).values()}
    assert len(keyed) == EVENTS
    assert not keyed & {plain_id("pms", f"key-{number}") for number in range(EVENTS)}
    lock = FileLock(home / "settings.lock", holder="a test")
    world.settings = FakeSettings(SettingsFile(home, lock=lock).read())
    world.stores = restored  # type: ignore[assignment]
    world.restart()
    result = await world.run()
    assert (result.error, result.inserted, result.deleted, result.updated) == (None, 0, 0, EVENTS)
    assert {each.event_id for each in world.remote().ours()} == ids
    assert {each.key for each in world.remote().ours()} == keyed
    assert max(Counter(each.content.start for each in world.remote().ours()).values()) == 1
    audit = await world.audit()
    assert (audit.error, audit.differences) == (None, ())
    await restored.close()
