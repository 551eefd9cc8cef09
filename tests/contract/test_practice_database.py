"""The practice's database on PostgreSQL: what differs from the file of one home."""

from __future__ import annotations

import pytest
from sqlalchemy import URL, create_engine, text

from companion.adapters.database.opening_practice import open_practice_database
from companion.adapters.database.schema import HEAD
from companion.domain.errors import BadInput, StoreTooNew
from tests.fakes.clock import FakeClock
from tests.fakes.practice_database import PracticeServer

pytestmark = pytest.mark.postgresql


async def test_an_empty_database_gets_the_tables(practice_server: PracticeServer) -> None:
    with practice_server.empty_database() as url:
        database = open_practice_database(url, FakeClock())
        assert await database.integrity() == "ok"
        assert len(await database.book.id_key()) == 32
        await database.close()


def test_a_database_of_a_newer_program_is_refused(practice_url: URL) -> None:
    engine = create_engine(practice_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreTooNew, match="Update this workstation"):
        open_practice_database(practice_url, FakeClock())


@pytest.mark.parametrize("address", ["", "nonsense", "sqlite:///x.db", "postgresql://server"])
def test_an_address_of_another_kind_is_refused_and_not_shown(address: str) -> None:
    with pytest.raises(BadInput):
        open_practice_database(address, FakeClock())


def test_the_head_is_where_it_was(practice_url: URL) -> None:
    engine = create_engine(practice_url)
    with engine.begin() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == HEAD
    engine.dispose()
