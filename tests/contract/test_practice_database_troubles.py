"""The practice's database when the server restarts, the network fails, or others are in the way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import URL, Connection, text

from companion.adapters.database import Database, postgres, postgres_connection
from companion.adapters.database.postgres_access import PostgresAccess
from companion.domain.errors import Busy, StoreError, StoreTooNew
from companion.domain.practice_errors import DatabaseAway
from companion.domain.sync_state import SyncState
from companion.services.changes import Change, Changes, SyncStateChanged
from companion.services.ports import BookChange
from tests.contract.book_samples import NOW, appointment, put
from tests.contract.test_feed_store import fetch, link
from tests.fakes.cables import Cable, cable_to
from tests.fakes.clock import FakeClock
from tests.fakes.practice_database import PracticeServer

pytestmark = pytest.mark.postgresql


def opened(url: URL, changes: Changes | None = None, **more: Any) -> Database:
    access = PostgresAccess(postgres.url_of(url), changes or Changes(), **more)
    access.prepare()
    return Database(access, FakeClock())


@pytest.fixture
def cable(practice_server: PracticeServer) -> Iterator[Cable]:
    port = practice_server.server.owner.port
    assert port is not None
    with cable_to(port) as made:
        yield made


@pytest.fixture
async def database(cable: Cable, practice_url: URL) -> AsyncIterator[Database]:
    made = opened(practice_url.set(port=cable.port), patience=2.0)
    yield made
    cable.mend()
    await made.close()


@pytest.fixture
async def both(practice_url: URL) -> AsyncIterator[list[Database]]:
    """As two workstations have it."""
    made = [opened(practice_url), opened(practice_url)]
    yield made
    for each in made:
        await each.close()


@contextmanager
def session_of_another(url: URL) -> Iterator[Connection]:
    engine = postgres.engine_of(postgres.url_of(url), 2)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def one_more(state: SyncState) -> SyncState:
    return replace(state, events=state.events + 1)


async def as_soon_as_it_is_back(database: Database) -> None:
    """One piece of work each second finds out."""
    ends = time.monotonic() + 10
    while True:
        try:
            await database.ledger.edit_state("mira", one_more)
        except DatabaseAway:
            assert time.monotonic() < ends
            await asyncio.sleep(0.02)
        else:
            return


async def events(database: Database) -> int:
    return (await database.ledger.state("mira")).events


# ── the network ───────────────────────────────────────────────────────────────────────────────


async def test_a_torn_connection_is_made_again_and_nobody_notices(
    database: Database, cable: Cable
) -> None:
    for number in range(1, 4):
        await asyncio.gather(*(database.book.count() for _ in range(3)))
        cable.cut()
        await database.ledger.edit_state("mira", one_more)
        assert await events(database) == number
    assert cable.injected["cut connections"]


async def test_a_commit_that_never_arrived_is_made_again(database: Database, cable: Cable) -> None:
    cable.lose_commits(2)
    await database.ledger.edit_state("mira", one_more)
    assert cable.injected["lost commits"] == 2
    assert await events(database) == 1


async def test_a_commit_whose_answer_was_lost_is_not_made_twice(
    cable: Cable, practice_url: URL
) -> None:
    changes, told = Changes(), list[Change]()
    changes.subscribe(told.append)
    database = opened(practice_url.set(port=cable.port), changes)
    await database.book.apply(BookChange(put=[appointment(1)]), NOW)
    cable.lose_answers()
    await database.book.apply(BookChange(put=[appointment(1, notes="b")]), NOW)
    cable.lose_answers()
    await database.ledger.edit_state("mira", one_more)
    assert cable.injected["lost answers"] == 2
    assert await database.book.revisions() == {"mira": 2}
    assert await events(database) == 1
    assert len(told) == 3
    assert told[-1] == SyncStateChanged(practitioner_id="mira")
    await database.close()


async def test_what_a_torn_session_held_does_not_hold_its_own_repetition_up(
    database: Database, cable: Cable
) -> None:
    """The server has not noticed: the session is still there, with the lock of the book."""
    begun: list[int] = []

    def work(connection: Connection) -> None:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({0x0CA1_0002})"))
        begun.append(1)
        if len(begun) == 1:
            cable.pull_out()
            raw: Any = connection.connection.driver_connection
            raw.pgconn.finish()
            cable.plug_in()
        connection.execute(text("SELECT 1"))

    await database._access.write_after(lambda: work)
    assert len(begun) == 2


async def test_a_server_that_says_nothing_at_all_is_given_up(
    cable: Cable, practice_url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_connection.WatchedConnection, "answer_seconds", 0.3)
    monkeypatch.setattr(postgres, "CONNECT_SECONDS", 2)  # the least that libpq takes
    database = opened(practice_url.set(port=cable.port), patience=0.5)
    cable.pull_out()
    with pytest.raises(DatabaseAway):
        await database.book.count()
    cable.plug_in()
    await as_soon_as_it_is_back(database)
    assert await events(database) == 1
    await database.close()


# ── the server ────────────────────────────────────────────────────────────────────────────────


async def test_a_restart_of_the_server_is_a_pause(
    practice_server: PracticeServer, practice_url: URL
) -> None:
    database = opened(practice_url)
    await database.ledger.edit_state("mira", one_more)
    process = practice_server.server.process
    process.stop()
    waiting: list[asyncio.Future[Any]] = [
        asyncio.ensure_future(database.ledger.edit_state("mira", one_more)),
        asyncio.ensure_future(database.book.count()),
    ]
    done, _ = await asyncio.wait(waiting, timeout=0.3)
    assert not done
    await asyncio.to_thread(process.start)
    await asyncio.gather(*waiting)
    assert await events(database) == 2
    await database.close()


async def test_a_server_that_stays_away_is_said_so_and_is_taken_up_again(
    cable: Cable, practice_url: URL
) -> None:
    database = opened(practice_url.set(port=cable.port), patience=0.3)
    cable.refuse(True)
    with pytest.raises(DatabaseAway):
        await database.ledger.edit_state("mira", one_more)
    refused = await asyncio.gather(
        *(database.book.count() for _ in range(40)), return_exceptions=True
    )
    assert {type(each) for each in refused} == {DatabaseAway}
    cable.refuse(False)
    await as_soon_as_it_is_back(database)
    assert await events(database) == 1
    await database.close()


async def test_who_no_longer_waits_for_the_server_is_let_go(
    cable: Cable, practice_url: URL
) -> None:
    database = opened(practice_url.set(port=cable.port), patience=60.0)
    cable.refuse(True)
    waiting = asyncio.ensure_future(database.ledger.edit_state("mira", one_more))
    await asyncio.wait([waiting], timeout=0.2)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    others = [asyncio.ensure_future(database.book.count()) for _ in range(5)]
    await asyncio.wait(others, timeout=0.2)
    await database.close()
    answers = await asyncio.gather(*others, return_exceptions=True)
    assert {str(each)[:28] for each in answers} == {"Calendar Companion is closing"[:28]}


async def test_who_gives_up_waiting_for_a_lock_is_no_sign_that_the_server_is_away(
    practice_url: URL, caplog: pytest.LogCaptureFixture
) -> None:
    database = opened(practice_url, patience=0.0)
    with session_of_another(practice_url) as other:
        other.execute(text(f"SELECT pg_advisory_xact_lock({0x0CA1_0002})"))
        waiting = asyncio.ensure_future(database.book.apply(BookChange(put=[appointment()]), NOW))
        await asyncio.wait([waiting], timeout=0.3)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting  # its connection closes itself after two seconds
    assert "is away" not in caplog.text
    assert await database.book.count() == 0
    await database.close()


async def test_what_is_written_while_another_workstation_updates_the_tables_is_refused(
    database: Database, practice_url: URL
) -> None:
    with session_of_another(practice_url) as other:
        other.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        other.commit()
    with pytest.raises(StoreTooNew, match="Update this workstation"):
        await database.ledger.edit_state("mira", one_more)


# ── others in the way ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("code", ["40001", "40P01"])
async def test_work_that_met_anothers_is_done_again(database: Database, code: str) -> None:
    tries: list[int] = []

    def work(connection: Connection) -> int:
        tries.append(1)
        connection.execute(text("INSERT INTO practitioner_revisions VALUES ('omar', 1)"))
        if len(tries) < 4:
            connection.execute(text(f"DO $$ BEGIN RAISE SQLSTATE '{code}'; END $$"))
        return len(tries)

    assert await database._access.write(work) == 4
    assert await database.book.revisions() == {"omar": 1}


async def test_work_that_always_meets_anothers_is_busy_in_the_end(database: Database) -> None:
    def work(connection: Connection) -> None:
        connection.execute(text("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$"))

    with pytest.raises(Busy):
        await database._access.write(work)


async def test_the_book_is_busy_when_another_changes_it_for_too_long(practice_url: URL) -> None:
    database = opened(practice_url, book_seconds=0.1)
    with session_of_another(practice_url) as other:
        other.execute(text(f"SELECT pg_advisory_xact_lock({0x0CA1_0002})"))
        with pytest.raises(Busy):
            await put(database.book, appointment())
        await database.ledger.edit_state("mira", one_more)  # which waits for nobody's import
        assert await database.book.count() == 0
    await put(database.book, appointment())
    await database.close()


async def test_a_statement_that_takes_too_long_is_busy(database: Database) -> None:
    def work(connection: Connection) -> None:
        connection.execute(text("SET LOCAL statement_timeout = 20"))
        connection.execute(text("SELECT pg_sleep(60)"))

    with pytest.raises(Busy):
        await database._access.write(work)
    await database.ledger.edit_state("mira", one_more)


async def test_two_workstations_that_note_fetches_of_one_link_lose_none(
    both: list[Database],
) -> None:
    await both[0].feeds.put(link("a"))
    await asyncio.gather(*(each.feeds.fetched("a", fetch()) for each in both for _ in range(10)))
    (kept,) = await both[1].feeds.links()
    assert kept.fetches == 20
    await both[0].feeds.remove("a")
    await asyncio.gather(*(each.feeds.fetched("a", fetch()) for each in both))
    assert await both[1].feeds.links() == []


async def test_two_workstations_that_edit_one_state_lose_no_edit(both: list[Database]) -> None:
    await asyncio.gather(
        *(each.ledger.edit_state("mira", one_more) for each in both for _ in range(10))
    )
    assert await events(both[0]) == 20


async def test_two_workstations_that_write_the_book_at_once_raise_it_once_each(
    both: list[Database],
) -> None:
    await asyncio.gather(
        *(put(each.book, appointment(1), appointment(2)) for each in both for _ in range(5))
    )
    assert await both[0].book.revisions() == {"mira": 10}


async def test_an_edit_that_fails_at_the_caller_changes_nothing(database: Database) -> None:
    def fail(_: SyncState) -> SyncState:
        raise StoreError("no")

    with pytest.raises(StoreError, match="no"):
        await database.ledger.edit_state("mira", fail)
    assert await database.ledger.states() == {}
    await database.ledger.edit_state("mira", one_more)
