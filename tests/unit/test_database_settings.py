"""The settings in a database: what is written, what is damaged, too new or older than before."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, update

from companion.adapters.database import open_database
from companion.adapters.database.access import DatabaseAccess
from companion.adapters.database.documents import Document, documents_under
from companion.adapters.database.schema import documents
from companion.adapters.database.settings import PREFIX, DatabaseSettings
from companion.domain.errors import BadInput, StoreError, StoreTooNew
from companion.domain.settings import Settings, SourceSettings
from companion.services.changes import Changes, SettingsChanged
from companion.services.settings.documents import VERSION
from tests.fakes.clock import FakeClock


@dataclass(frozen=True, kw_only=True)
class Shared:
    access: DatabaseAccess
    one: DatabaseSettings
    other: DatabaseSettings
    heard: list[object]
    """What the one published."""

    async def found(self) -> dict[str, Document]:
        return await self.access.read(lambda connection: documents_under(connection, PREFIX))

    async def renew(self, store: DatabaseSettings) -> None:
        found = await self.found()
        store.renew(lambda: found)

    async def overwrite(self, table: str, body: str) -> None:
        """As a program that we do not know."""
        changed = update(documents).where(documents.c.name == PREFIX + table)
        values = changed.values(body=body, version=documents.c.version + 1)
        await self.access.write(lambda connection: connection.execute(values))


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[Shared]:
    database = open_database(tmp_path / "book.db", FakeClock())
    changes = Changes()
    heard: list[object] = []
    changes.subscribe(heard.append)
    one = await DatabaseSettings.open(database.access, changes=changes)
    other = await DatabaseSettings.open(database.access)
    yield Shared(access=database.access, one=one, other=other, heard=heard)
    await database.close()


def named(name: str) -> Callable[[Settings], Settings]:
    return lambda found: replace(found, practice=replace(found.practice, name=name))


async def test_one_document_is_one_table_of_a_tinydb_and_only_what_changed_is_written(
    shared: Shared,
) -> None:
    before = await shared.found()
    assert before.keys() == {
        f"settings/{table}" for table in ("home", "practice", "practitioners", "sources", "users")
    }
    await shared.one.change(named("Zoë’s Physio \x00 \ud800"))
    after = await shared.found()
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"settings/practice"}
    assert after["settings/practice"].version == 2
    (row,) = json.loads(after["settings/practice"].body).values()
    assert row["name"] == "Zoë’s Physio \x00 \ud800"


async def test_reading_asks_the_database_for_nothing_until_the_hub_renews_it(
    shared: Shared,
) -> None:
    before = shared.other.read()
    await shared.one.change(named("Harbour Physio"))
    assert shared.other.read() is before
    await shared.renew(shared.other)
    assert shared.other.read().practice.name == "Harbour Physio"
    assert shared.other.read() == shared.one.read()


async def test_a_change_is_made_to_what_another_wrote_although_it_was_not_heard(
    shared: Shared,
) -> None:
    await shared.one.change(named("Harbour Physio"))
    after = await shared.other.change(lambda each: each.with_source(SourceSettings(name="bp")))
    assert after.practice.name == "Harbour Physio"
    assert list(after.sources) == ["bp"]


async def test_only_a_change_is_published_and_only_once_it_can_be_read(shared: Shared) -> None:
    names: list[str] = []
    shared.one._changes.subscribe(lambda _: names.append(shared.one.read().practice.name))
    await shared.one.change(lambda each: each)
    assert shared.heard == [SettingsChanged()]  # those of a new practice
    await shared.one.change(named("Harbour Physio"))
    assert shared.heard == [SettingsChanged(), SettingsChanged()]
    assert names == ["Harbour Physio"]


async def test_what_was_read_before_an_own_change_does_not_undo_it(shared: Shared) -> None:
    before = await shared.found()
    reads: list[str] = []

    def slow() -> dict[str, Document]:
        reads.append(shared.one.read().practice.name)
        return before

    change = shared.one.change(named("Harbour Physio"))
    hub = shared.one._known  # the hub began to read here
    await change
    shared.one._remember(shared.one._read_as(slow()), hub)
    assert shared.one.read().practice.name == "Harbour Physio"


async def test_a_backup_that_was_restored_counts_though_its_versions_are_lower(
    shared: Shared,
) -> None:
    before = await shared.found()
    for name in ("one", "two", "three"):
        await shared.one.change(named(name))
    await shared.renew(shared.other)

    def restore(connection: Connection) -> None:
        connection.execute(delete(documents))
        rows = [{"name": name, **each._asdict()} for name, each in before.items()]
        connection.execute(documents.insert(), rows)

    await shared.access.write(restore)
    await shared.renew(shared.one)
    assert shared.one.read().practice.name == ""
    await shared.other.change(lambda each: each.with_source(SourceSettings(name="bp")))
    assert shared.other.read().practice.name == ""
    assert list(shared.other.read().sources) == ["bp"]


async def test_settings_of_a_newer_program_are_left_alone_until_they_can_be_read(
    shared: Shared,
) -> None:
    before = await shared.found()
    (home,) = json.loads(before["settings/home"].body).values()
    await shared.overwrite("home", json.dumps({"1": {**home, "version": VERSION + 1}}))
    with pytest.raises(StoreTooNew):
        await shared.one.change(named("Harbour Physio"))
    await shared.renew(shared.one)
    with pytest.raises(StoreTooNew):
        shared.one.read()
    with pytest.raises(StoreTooNew):
        await DatabaseSettings.open(shared.access)
    await shared.overwrite("home", before["settings/home"].body)
    await shared.renew(shared.one)
    assert (await shared.one.change(named("Harbour Physio"))).practice.name == "Harbour Physio"


@pytest.mark.parametrize("body", ["", "{", "[]", "7", '{"1": {"name": 7}}', '{"1": {"new": 1}}'])
async def test_a_damaged_table_is_told_and_nothing_is_written_over_it(
    shared: Shared, body: str
) -> None:
    await shared.overwrite("practice", body)
    with pytest.raises(StoreError, match="practice's database"):
        await shared.one.change(named("Harbour Physio"))
    assert (await shared.found())["settings/practice"].body == body


async def test_a_value_that_cannot_be_kept_leaves_all_as_it_was(shared: Shared) -> None:
    before = await shared.found()
    with pytest.raises(BadInput):
        await shared.one.change(
            lambda each: replace(each, practice=replace(each.practice, timezone="Mars"))
        )
    assert await shared.found() == before
