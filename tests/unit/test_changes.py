"""Changes: every commit is published, once and only then, and no subscriber harms another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from companion.adapters.database import Database, open_database
from companion.adapters.file_locks import FileLock
from companion.adapters.settings import SettingsFile
from companion.domain.appointments import Practitioner
from companion.domain.errors import BadInput, ChangedMeanwhile
from companion.domain.settings import PractitionerSettings, Settings
from companion.domain.sync_state import SyncState
from companion.services.changes import (
    ActivityAdded,
    BookChanged,
    Changes,
    FeedLinksChanged,
    SettingsChanged,
    SyncStateChanged,
)
from companion.services.ports import (
    Activity,
    ActivityKind,
    BookChange,
    ChangeSign,
    Fetch,
    ImportRecord,
    SettingsStore,
)
from tests.battery.world import ANNA, BORIS, appointment
from tests.contract.test_feed_store import link
from tests.fakes.changes import LossyChanges
from tests.fakes.clock import FakeClock
from tests.fakes.settings import FakeSettings
from tests.fakes.stores import MemoryStores

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
IMPORT = ImportRecord(
    source="nookal",
    at=NOW,
    file_name="export.csv",
    added=0,
    changed=0,
    removed=0,
    unchanged=1,
    rejected=0,
)


def book_of(*people: str) -> BookChanged:
    return BookChanged(practitioner_ids=frozenset(people))


@pytest.fixture
def changes() -> LossyChanges:
    return LossyChanges()


@pytest.fixture(params=["memory", "sqlite"])
async def stores(
    request: pytest.FixtureRequest, changes: LossyChanges, tmp_path: Path
) -> AsyncIterator[MemoryStores | Database]:
    if request.param == "memory":
        yield MemoryStores(changes)
        return
    database = open_database(tmp_path / "book.db", FakeClock(), changes=changes)
    yield database
    await database.close()


@pytest.fixture(params=["memory", "file"])
def settings(
    request: pytest.FixtureRequest, changes: LossyChanges, tmp_path: Path
) -> SettingsStore:
    if request.param == "memory":
        return FakeSettings(changes=changes)
    lock = FileLock(tmp_path / "settings.lock", holder="the test")
    return SettingsFile(tmp_path, lock=lock, changes=changes)


async def test_whoever_has_or_had_an_appointment_is_named_in_the_notice(
    stores: MemoryStores | Database, changes: LossyChanges
) -> None:
    one, two = appointment(1), appointment(2, practitioner_id=BORIS)
    await stores.book.apply(BookChange(put=[one]), NOW)
    await stores.book.apply(BookChange(put=[replace(one, practitioner_id=BORIS)]), NOW)
    await stores.book.apply(BookChange(put=[two]), NOW)
    await stores.book.apply(BookChange(remove=[one.id, two.id]), NOW)
    assert changes.published == [
        book_of(ANNA),
        book_of(ANNA, BORIS),
        book_of(BORIS),
        book_of(BORIS),
    ]


async def test_merged_practitioners_are_both_named_in_the_notice(
    stores: MemoryStores | Database, changes: LossyChanges
) -> None:
    await stores.book.apply(BookChange(put=[appointment(1)]), NOW)
    sign = await stores.book.change_sign()
    await stores.book.reassign(ANNA, BORIS, NOW)
    assert changes.published[1:] == [book_of(ANNA, BORIS)]
    assert await stores.book.change_sign() != sign


async def test_an_import_is_in_the_book_with_its_record_and_published(
    stores: MemoryStores | Database, changes: LossyChanges
) -> None:
    await stores.book.apply(BookChange(put=[appointment(1)], imported=IMPORT), NOW)
    sign = await stores.book.change_sign()
    await stores.book.apply(BookChange(imported=IMPORT), NOW)
    kept = await stores.book.imports()
    assert [replace(each, id=0, can_undo=False) for each in kept] == [IMPORT, IMPORT]
    assert changes.published == [book_of(ANNA), book_of()]
    assert await stores.book.change_sign() != sign


async def test_what_was_not_committed_is_not_published(
    stores: MemoryStores | Database, changes: LossyChanges
) -> None:
    conflict = BookChange(put=[appointment(1)], expect={"a1": 4}, imported=IMPORT)
    with pytest.raises(ChangedMeanwhile):
        await stores.book.apply(conflict, NOW)
    await stores.book.apply(BookChange(), NOW)
    await stores.activity.add([])
    assert changes.published == []
    assert await stores.book.imports() == []


async def test_a_notice_comes_when_what_it_tells_of_can_be_read(
    stores: MemoryStores | Database, changes: LossyChanges
) -> None:
    asked: list[asyncio.Task[ChangeSign]] = []
    before = await stores.book.change_sign()
    changes.subscribe(lambda _: asked.append(asyncio.ensure_future(stores.book.change_sign())))
    await stores.book.apply(BookChange(put=[appointment(1)]), NOW)
    (sign,) = asked
    assert await sign != before
    assert await stores.book.revisions() == {ANNA: 1}


async def test_states_that_differ_links_and_activity_are_published_and_fetches_are_not(
    stores: MemoryStores | Database, changes: LossyChanges
) -> None:
    line = Activity(at=NOW, practitioner_id=ANNA, cause="test", kind=ActivityKind.CHECK, text="")
    made = link()
    await stores.ledger.edit_state(ANNA, lambda _: SyncState(events=1))
    await stores.ledger.edit_state(BORIS, lambda state: state)
    await stores.activity.add([line])
    await stores.feeds.put(made)
    await stores.feeds.fetched(made.id, Fetch(at=NOW, client="Phone", status=200, network="inside"))
    await stores.feeds.remove(made.id)
    assert changes.published == [
        SyncStateChanged(practitioner_id=ANNA),
        ActivityAdded(),
        FeedLinksChanged(),
        FeedLinksChanged(),
    ]


async def test_settings_that_differ_are_published(
    settings: SettingsStore, changes: LossyChanges
) -> None:
    def add(before: Settings) -> Settings:
        person = Practitioner(id=ANNA, name="Anna")
        return before.with_practitioner(PractitionerSettings(practitioner=person))

    def refuse(_: Settings) -> Settings:
        raise BadInput("no")

    await settings.change(add)
    await settings.change(add)
    with pytest.raises(BadInput):
        await settings.change(refuse)
    assert changes.published == [SettingsChanged()]


def test_a_subscriber_that_fails_stops_neither_the_committer_nor_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    changes, heard = Changes(), list[object]()

    def fail(_: object) -> None:
        raise ValueError("Mira Quillfeather")

    changes.subscribe(fail)
    changes.subscribe(heard.append)
    with caplog.at_level(logging.ERROR):
        changes.publish(SettingsChanged())
    assert heard == [SettingsChanged()]
    assert caplog.messages == ["SettingsChanged was not taken by a subscriber: ValueError"]


def test_who_unsubscribes_hears_no_more_and_may_do_so_twice_and_while_hearing() -> None:
    changes, heard = Changes(), list[object]()

    def once(change: object) -> None:
        heard.append(change)
        unsubscribe()

    unsubscribe = changes.subscribe(once)
    changes.subscribe(heard.append)
    changes.publish(SettingsChanged())
    changes.publish(ActivityAdded())
    unsubscribe()
    assert heard == [SettingsChanged(), SettingsChanged(), ActivityAdded()]
