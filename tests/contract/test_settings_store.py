"""What every SettingsStore keeps to: a home's file, a practice's database, the tests' fake."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from companion.adapters.database.settings import DatabaseSettings
from companion.adapters.file_locks import FileLock
from companion.adapters.settings import SettingsFile
from companion.domain.appointments import Practitioner
from companion.domain.errors import BadInput
from companion.domain.settings import PractitionerSettings, Settings, SourceSettings
from companion.services.ports import SettingsStore
from tests.fakes.any_database import database_url, opened_database
from tests.fakes.settings import FakeSettings


@pytest.fixture(
    params=["file", "fake", "database", pytest.param("postgresql", marks=pytest.mark.postgresql)]
)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SettingsStore]:
    if request.param == "fake":
        yield FakeSettings()
    elif request.param == "file":
        lock = FileLock(tmp_path / "settings.lock", holder="a test")
        yield SettingsFile(tmp_path, lock=lock)
    else:
        with database_url(request.param, tmp_path) as url:
            database = opened_database(url)
            yield await DatabaseSettings.open(database._access)
            await database.close()


def named(settings: Settings, name: str) -> Settings:
    return replace(settings, practice=replace(settings.practice, name=name))


def with_person(settings: Settings, person_id: str) -> Settings:
    person = Practitioner(id=person_id, name=person_id.title())
    return settings.with_practitioner(PractitionerSettings(practitioner=person))


def test_the_first_read_gives_an_install_id_that_stays(store: SettingsStore) -> None:
    first = store.read()
    assert len(first.install_id) >= 16
    assert store.read().install_id == first.install_id


async def test_a_change_is_seen_by_the_next_read(store: SettingsStore) -> None:
    answer = await store.change(lambda settings: named(settings, "Harbour Physio"))
    assert answer.practice.name == "Harbour Physio"
    assert store.read() == answer


async def test_an_edit_that_raises_leaves_the_settings_as_they_were(store: SettingsStore) -> None:
    before = store.read()

    def refuse(settings: Settings) -> Settings:
        raise BadInput("No.", field="name")

    with pytest.raises(BadInput):
        await store.change(refuse)
    assert store.read() == before


async def test_reading_again_gives_the_same_snapshot_object(store: SettingsStore) -> None:
    await store.change(lambda settings: named(settings, "Harbour Physio"))
    assert store.read() is store.read()


async def test_twenty_changes_at_once_all_count(store: SettingsStore) -> None:
    people = [f"person-{number}" for number in range(20)]
    await asyncio.gather(
        *(store.change(partial(with_person, person_id=person)) for person in people)
    )
    assert set(store.read().practitioners) == set(people)


async def test_sources_and_practitioners_are_kept_and_dropped(store: SettingsStore) -> None:
    await store.change(lambda each: with_person(with_person(each, "anna"), "ben"))
    await store.change(lambda each: each.with_source(SourceSettings(name="bp", snapshot=True)))
    await store.change(lambda each: each.without_practitioner("anna"))
    settings = store.read()
    assert list(settings.practitioners) == ["ben"]
    assert settings.sources["bp"].snapshot
