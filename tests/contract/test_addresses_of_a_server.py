"""What an address says about a connection holds for everything that connects."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import URL, text

from companion.adapters.database import copying
from companion.adapters.database.dedicated_connection import (
    connect_dedicated,
    translating_driver_errors,
)
from companion.adapters.database.postgres import engine_of
from companion.adapters.database.schema import turns
from companion.adapters.database.server_facts import examine
from companion.domain.errors import StoreError
from tests.fakes.moving_practice import connected

pytestmark = pytest.mark.postgresql


@pytest.mark.parametrize("named", [{"application_name": "Ours"}, {"connect_timeout": "9"}, {}])
def test_every_kind_of_connection_takes_what_the_address_says(
    practice_url: URL, named: dict[str, str]
) -> None:
    url = practice_url.set(host=None, port=None, drivername="postgresql+psycopg").update_query_dict(
        {**named, "host": f"{practice_url.host}:{practice_url.port}"}
    )
    engine = engine_of(url, 1)
    try:
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT 1")) == 1
    finally:
        engine.dispose()
    with connect_dedicated(url, name="hub") as own:
        shown = own.execute("SELECT current_setting('application_name')").fetchone()
    assert shown == ("Calendar Companion hub",)
    assert examine(url).address.endswith(f":{practice_url.port}")


def test_a_connection_of_ones_own_says_too_that_the_practice_has_moved_away(
    practice_url: URL,
) -> None:
    engine = engine_of(practice_url.set(drivername="postgresql+psycopg"), 1)
    try:
        with engine.begin() as connection:
            copying.close_to_writers(connection, [turns])
    finally:
        engine.dispose()
    with connected(practice_url) as other, pytest.raises(StoreError, match="moved away") as told:
        write_a_turn(other)
    assert "says where the practice is now" in told.value.remedy


def write_a_turn(connection: psycopg.Connection) -> None:
    with translating_driver_errors():
        connection.execute("INSERT INTO turns VALUES ('a', 1, 'b', now())")
