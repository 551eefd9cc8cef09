"""The cable of the tests with several workstations does what it says, on a real server."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import psycopg
import pytest

from tests.fakes.cables import Cable, cable_to
from tests.fakes.database_servers import PASSWORD, Server, postgresql

pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgresql() as made:
        yield made


@pytest.fixture
def cable(server: Server) -> Iterator[Cable]:
    assert server.owner.port is not None
    with direct(server) as connection:
        connection.execute("DROP TABLE IF EXISTS kept")
        connection.execute("CREATE TABLE kept (number INT)")
    with cable_to(server.owner.port) as made:
        yield made


def through(cable: Cable, patience: int = 5) -> psycopg.Connection:
    return psycopg.connect(
        host="127.0.0.1",
        port=cable.port,
        user="owner",
        password=PASSWORD,
        dbname="practice",
        connect_timeout=patience,
    )


def direct(server: Server) -> psycopg.Connection:
    return psycopg.connect(
        host="127.0.0.1",
        port=server.owner.port,
        user="owner",
        password=PASSWORD,
        dbname="practice",
    )


def kept(server: Server) -> list[int]:
    with direct(server) as connection:
        return [row[0] for row in connection.execute("SELECT number FROM kept ORDER BY number")]


def keep(connection: psycopg.Connection, number: int) -> None:
    connection.execute("INSERT INTO kept VALUES (%s)", [number])
    connection.commit()


def test_what_is_whole_passes(server: Server, cable: Cable) -> None:
    with through(cable) as connection:
        keep(connection, 1)
    assert kept(server) == [1]
    assert not cable.injected
    assert cable.statements == {"BEGIN": 1, "INSERT": 1, "COMMIT": 1}


def test_a_cut_tears_what_is_open_and_lets_new_ones_pass(server: Server, cable: Cable) -> None:
    with through(cable) as old:
        cable.cut()
        with pytest.raises(psycopg.OperationalError):
            old.execute("SELECT 1")
    with through(cable) as new:
        keep(new, 1)
    assert cable.injected["cut connections"] == 1


def test_a_lost_commit_was_not_made(server: Server, cable: Cable) -> None:
    with through(cable) as connection:
        cable.lose_commits()
        with pytest.raises(psycopg.OperationalError):
            keep(connection, 1)
    assert kept(server) == []


def test_a_commit_whose_answer_is_lost_was_made(server: Server, cable: Cable) -> None:
    with through(cable) as connection:
        cable.lose_answers()
        with pytest.raises(psycopg.OperationalError):
            keep(connection, 1)
    assert kept(server) == [1]
    with through(cable) as connection:
        keep(connection, 2)
    assert kept(server) == [1, 2]


def test_behind_a_pulled_plug_everything_waits_and_then_arrives(
    server: Server, cable: Cable
) -> None:
    with through(cable) as connection:
        cable.pull_out()
        waiting = threading.Thread(target=keep, args=(connection, 1))
        waiting.start()
        with pytest.raises(psycopg.OperationalError):
            through(cable, patience=2)
        assert waiting.is_alive()
        assert kept(server) == []
        cable.plug_in()
        waiting.join(10)
        assert kept(server) == [1]


def test_a_server_that_gives_up_frees_what_its_session_held(server: Server, cable: Cable) -> None:
    with through(cable) as connection, direct(server) as other:
        connection.execute("SELECT pg_advisory_lock(1)")
        cable.pull_out()
        cable.server_gives_up()
        other.execute("SET lock_timeout = '5s'")
        other.execute("SELECT pg_advisory_lock(1)")
        cable.plug_in()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_a_server_that_was_stopped_and_started_has_what_was_committed(
    server: Server, cable: Cable, how: signal.Signals
) -> None:
    with through(cable) as connection:
        keep(connection, 1)
        server.process.stop(how)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            through(cable)
        server.process.start()
    assert kept(server) == [1]
    with through(cable) as connection:
        keep(connection, 2)
