"""The book over a cable that is cut, that loses commits and answers, and behind which the server is
stopped: what was acknowledged is there exactly once, and nobody is told of a conflict with nobody.
"""

from __future__ import annotations

import asyncio
import random
import signal
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import URL

from companion.adapters.database.database import Database
from companion.adapters.database.opening_practice import open_practice_database
from companion.domain.appointments import Appointment
from companion.domain.errors import CompanionError
from companion.services.ports import BookChange
from tests.battery.world import appointment
from tests.fakes.cables import Cable, cable_to
from tests.fakes.clock import FakeClock
from tests.fakes.database_servers import Server, postgresql
from tests.fakes.practice_database import PracticeServer

pytestmark = pytest.mark.postgresql
FAULTS = ("cut connections", "lost commits", "lost answers")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Of this module alone, as it is stopped."""
    # What is not committed reaches no disk, so that a crash may give its number to another.
    with postgresql(wal_writer_delay="10s") as made:
        PracticeServer(made)
        yield made


@pytest.fixture
def cable(server: Server) -> Iterator[Cable]:
    assert server.owner.port is not None
    with cable_to(server.owner.port) as made:
        yield made


def address(server: Server, port: int | None) -> URL:
    return server.owner.set(drivername="postgresql+psycopg", port=port, database="practice")


@pytest.fixture
async def direct(server: Server) -> AsyncIterator[Database]:
    """Past the cable."""
    opened = open_practice_database(address(server, server.owner.port), FakeClock())
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
async def database(server: Server, cable: Cable) -> AsyncIterator[Database]:
    opened = open_practice_database(address(server, cable.port), FakeClock())
    try:
        yield opened
    finally:
        cable.mend()
        await opened.close()


@dataclass
class Editor:
    """Somebody who edits one appointment that nobody else edits."""

    database: Database
    direct: Database
    own: Appointment
    outcomes: Counter[str] = field(default_factory=Counter)

    async def edit(self, location: str) -> None:
        before = self.own
        after = replace(before, location=location)
        change = BookChange(put=[after], expect={before.id: before.revision})
        try:
            await self.database.book.apply(change, NOW)
        except CompanionError as error:
            self.outcomes[f"{type(error).__name__} {error.detail}".strip()] += 1
            self.own = await self.now()
            assert self.own in {before, replace(after, revision=before.revision + 1)} or (
                self.own.revision - before.revision,
                self.own.location,
            ) in {(0, before.location), (1, location)}
            return
        self.outcomes["acknowledged"] += 1
        self.own = await self.now()
        assert (self.own.location, self.own.revision) == (location, before.revision + 1)

    async def now(self) -> Appointment:
        """As it is, past the cable."""
        found = await self.direct.book.appointment(self.own.id)
        assert found is not None
        return found


async def test_what_a_page_asks_costs_one_statement_each(database: Database, cable: Cable) -> None:
    """Without a transaction around it: over a slow network each statement is a wait."""
    await database.ledger.states()  # it is connected
    cable.statements.clear()
    await database.ledger.states()
    await database.ledger.state("mira")
    await database.feeds.links()
    await database.activity.recent()
    await database.book.revisions()
    assert cable.statements == Counter(SELECT=5)


async def editors(database: Database, direct: Database, count: int) -> list[Editor]:
    made = [appointment(number, id=f"cable{number}") for number in range(count)]
    await database.book.apply(BookChange(put=made), NOW)
    found = [await database.book.appointment(each.id) for each in made]
    return [Editor(database, direct, each) for each in found if each is not None]


@contextmanager
def trouble(cable: Cable, seed: int, ended: Callable[[], int]) -> Iterator[None]:
    """All the time, but never faster than edits end: `ended` counts them."""
    chance = random.Random(seed)
    over = threading.Event()

    def work() -> None:
        before = -1
        while not over.wait(chance.uniform(0.02, 0.15)):
            if ended() == before:
                continue
            before = ended()
            chance.choice([cable.cut, cable.lose_commits, cable.lose_answers, cable.lose_answers])()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        cable.mend()


@pytest.mark.parametrize("seed", range(2))
async def test_what_is_acknowledged_is_there_once_whatever_becomes_of_the_cable(
    cable: Cable, database: Database, direct: Database, seed: int
) -> None:
    people = await editors(database, direct, 3)

    async def work(person: Editor) -> None:
        number = 0
        while min(cable.injected[each] for each in FAULTS) < 6 or number < 20:
            number += 1
            await person.edit(f"Room {number}")
            assert number < 2000, "nothing is injected"

    with trouble(cable, seed, lambda: sum(each.outcomes.total() for each in people)):
        await asyncio.gather(*(work(each) for each in people))
    outcomes = sum((each.outcomes for each in people), Counter[str]())
    print(dict(outcomes), dict(cable.injected))
    assert outcomes["ChangedMeanwhile"] == 0, "a conflict with nobody"
    assert outcomes["acknowledged"] > 0.9 * outcomes.total()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
async def test_a_restart_of_the_server_is_a_pause_and_no_error(
    server: Server, database: Database, direct: Database, how: signal.Signals
) -> None:
    people = await editors(database, direct, 2)

    async def work(person: Editor) -> None:
        for number in range(20):
            await person.edit(f"Room {number}")
            await asyncio.sleep(0.01)

    working = asyncio.gather(*(work(each) for each in people))
    await asyncio.sleep(0.05)
    await asyncio.to_thread(server.process.stop, how)
    still = asyncio.create_task(asyncio.to_thread(server.process.start))
    await working
    await still
    for each in people:
        assert each.outcomes == {"acknowledged": 20}


async def test_a_crash_that_gives_our_transaction_s_number_to_another_does_not_mislead(
    server: Server, cable: Cable, database: Database, direct: Database
) -> None:
    [person, other] = await editors(database, direct, 2)
    at_the_commit = cable.hold_commit()
    editing = asyncio.create_task(person.edit("Room 1"))
    assert await asyncio.to_thread(at_the_commit.wait, 10)
    await asyncio.to_thread(server.process.stop, signal.SIGQUIT)
    cable.refuse(True)
    await asyncio.to_thread(server.process.start)
    elsewhere = Editor(direct, direct, other.own)
    for number in range(10):
        await elsewhere.edit(f"Room {number}")
    cable.refuse(False)
    await editing
    assert person.outcomes == {"acknowledged": 1}
