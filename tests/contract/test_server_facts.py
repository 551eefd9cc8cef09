"""What the doctor is told of a real PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import URL

from companion.adapters.database.inspection import inspect_database
from companion.adapters.database.server_facts import PostgresServer, examine
from companion.adapters.database.shared_pace import PostgresPace
from companion.domain.errors import CompanionError, StoreError
from companion.domain.practice_errors import DatabaseAway, Unreached
from companion.services.ports import Refill, Spending
from tests.fakes.practice_database import PracticeServer

pytestmark = pytest.mark.postgresql


@contextmanager
def role(server: PracticeServer, url: URL, *grants: str) -> Iterator[URL]:
    """Somebody who may do only what is granted in that database."""
    server.execute("CREATE ROLE somebody LOGIN PASSWORD 'made up'")
    try:
        for each in grants:
            server.execute_in(url, each)
        yield url.set(username="somebody", password="made up")
    finally:
        server.execute_in(url, "DROP OWNED BY somebody")
        server.execute("DROP ROLE somebody")


async def test_a_server_that_is_well_is_described(practice_url: URL) -> None:
    facts = await PostgresServer(practice_url).examine()
    assert facts.address == f"{practice_url.host}:{practice_url.port}"
    assert facts.supported
    assert float(facts.version) >= 14
    assert timedelta() < facts.latency < timedelta(seconds=5)
    assert facts.local
    assert not facts.pooled
    assert facts.refused == ()
    assert facts.size > 1_000_000
    assert abs(facts.ahead) < timedelta(seconds=5)


def test_what_a_role_may_not_do_is_named(
    practice_server: PracticeServer, practice_url: URL
) -> None:
    read = "GRANT SELECT ON ALL TABLES IN SCHEMA public TO somebody"
    with role(practice_server, practice_url, read) as url:
        refused = " · ".join(examine(url).refused)
    assert "change the table" in refused
    assert "remove from the table" in refused
    assert "read the table" not in refused
    assert "change the tables, as an update has to" in refused
    assert "pace" not in refused
    assert "lock" not in refused
    assert "listen" not in refused


def test_without_the_right_to_pace_calls_the_doctor_s_sentence_says_what_to_grant(
    practice_server: PracticeServer, practice_url: URL
) -> None:
    all_of_it = "GRANT ALL ON ALL TABLES IN SCHEMA public TO somebody"
    practice_server.execute(f"REVOKE TEMPORARY ON DATABASE {practice_url.database} FROM PUBLIC")
    with role(practice_server, practice_url, all_of_it) as url:
        assert any("grant TEMPORARY" in each for each in examine(url).refused)
        pace = PostgresPace(url)
        refill = Refill(9.72, 8.4)
        one = Spending(
            account="anna", units=1, project_units=1, of_account=refill, of_project=refill
        )
        with pytest.raises(StoreError, match="may not do that in the practice"):
            pace.reserve_now(one)
        pace.close()


def test_a_database_that_may_only_be_read_is_said_to_be(
    practice_server: PracticeServer, practice_url: URL
) -> None:
    practice_server.execute(
        f"ALTER DATABASE {practice_url.database} SET default_transaction_read_only = on"
    )
    assert any("read only" in each for each in examine(practice_url).refused)


def test_what_was_tried_leaves_nothing_behind(
    practice_server: PracticeServer, practice_url: URL
) -> None:
    examine(practice_url)
    assert (
        practice_server.value_in(
            practice_url, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        )
        == 0
    )


def test_no_server_is_the_database_being_away(practice_url: URL) -> None:
    with pytest.raises(DatabaseAway):
        examine(practice_url.set(port=1))


async def test_where_it_is_not_and_why_is_said_to_whoever_looks_for_it(practice_url: URL) -> None:
    nowhere = practice_url.set(port=1)
    with pytest.raises(DatabaseAway) as found:
        await PostgresServer(nowhere).examine()
    with pytest.raises(DatabaseAway) as looked:
        inspect_database(nowhere)
    for error in (found.value, looked.value):
        assert (error.place, error.reason) == (f"{practice_url.host}:1", Unreached.REFUSED)
        assert f"{practice_url.host}:1 refuses the connection" in error.what


def test_a_wrong_password_is_in_no_sentence(practice_url: URL) -> None:
    with pytest.raises(CompanionError) as refused:
        examine(practice_url.set(password="not-the-password"))
    assert "does not accept this workstation's user or password" in refused.value.what
    assert "not-the-password" not in f"{refused.value} {refused.value.detail}"
