"""A practice's database as a source, on real servers: what is read, refused, ended and said."""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from companion.adapters.sources.database.source import DatabaseSource
from companion.domain.errors import BadInput, CompanionError, SourceTrouble, SourceUnreachable
from companion.services.sources.remote import FetchAnswer, FetchRequest, Stop, Stopped
from tests.fakes.database_servers import PASSWORD, mariadb, postgresql, shown

NOW = datetime(2026, 12, 7, 1, 0, tzinfo=UTC)
TABLE = (
    "CREATE TABLE appts (id INT PRIMARY KEY, patient VARCHAR(80), starts TIMESTAMP NULL, "
    "updated TIMESTAMP NULL)"
)
MANY = (
    "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 900) "
    "SELECT i FROM n"
)
DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "sqlite": "sqlite"}


@dataclass
class Practice:
    """A database with one table."""

    owner: URL
    reader: str

    @cached_property
    def engine(self) -> Engine:
        url = self.owner.set(drivername=DRIVERS[self.owner.drivername])
        return create_engine(url, poolclass=NullPool)

    def connect(self) -> Connection:
        return self.engine.connect()

    def do(self, *statements: str) -> None:
        with self.connect() as connection:
            for each in statements:
                connection.execute(text(each))
            connection.commit()

    def add(self, *keys: int, updated: datetime | None = None) -> None:
        with self.connect() as connection:
            row = text("INSERT INTO appts (id, updated) VALUES (:id, :updated)")
            connection.execute(row, [{"id": key, "updated": updated} for key in keys])
            connection.commit()

    def rows(self) -> list[Any]:
        with self.connect() as connection:
            return [tuple(each) for each in connection.execute(text("SELECT * FROM appts"))]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Practice]]:
    """Each is started when it is first asked for."""
    with ExitStack() as stack:

        class Started(dict[str, Practice]):
            def __missing__(self, name: str) -> Practice:
                if name == "sqlite":
                    file = tmp_path_factory.mktemp("practice") / "practice #1.db"
                    owner = URL.create("sqlite", database=str(file))
                    self[name] = Practice(owner, f"sqlite:///{file}")
                else:
                    start = {"postgresql": postgresql, "mariadb": mariadb}[name]
                    server = stack.enter_context(start())
                    self[name] = Practice(server.owner, shown(server.reader))
                return self[name]

        yield Started()


@pytest.fixture(
    params=[
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
        "sqlite",
    ]
)
def practice(request: pytest.FixtureRequest, servers: dict[str, Practice]) -> Practice:
    found = servers[request.param]
    found.do(
        "DROP TABLE IF EXISTS appts",
        TABLE,
        "INSERT INTO appts VALUES (1, 'Kim Ng   ', '2026-12-07 09:30', '2026-11-01 08:00')",
    )
    return found


def asked(
    practice: Practice, query: str, folder: Path, source: DatabaseSource | None = None, **more: Any
) -> tuple[FetchAnswer, list[dict[str, str]]]:
    folder.mkdir(exist_ok=True)
    for each in folder.iterdir():
        each.unlink()
    given: dict[str, Any] = {"cursor": "", "now": NOW, "timezone": "Australia/Sydney"} | more
    request = FetchRequest(fields={"query": query}, secret=practice.reader, folder=folder, **given)
    answer = (source or DatabaseSource()).fetch(request)
    if answer.file is None:
        return answer, []
    with answer.file.open(encoding="utf-8", newline="") as file:
        return answer, list(csv.DictReader(file))


def refused(practice: Practice, query: str, folder: Path, **more: Any) -> CompanionError:
    with pytest.raises(CompanionError) as found:
        asked(practice, query, folder, **more)
    error = found.value
    said = f"{error} {error.detail} {error.__cause__}"
    assert not any(each in said for each in (PASSWORD, "p%40ss", "reader", "Kim"))
    assert error.__suppress_context__ or error.__context__ is None
    return error


def test_a_query_gives_its_rows_trimmed_and_by_their_headings(
    practice: Practice, tmp_path: Path
) -> None:
    query = """SELECT id AS "Appointment ID", patient AS "Client", starts, NULL AS a, 1 AS a,
        '50% : ok' AS n -- a remark; and : one
        FROM appts;"""
    answer, rows = asked(
        practice, query.replace('"', "`" if "mysql" in practice.reader else '"'), tmp_path
    )
    assert answer.whole
    assert not answer.cursor
    assert [each["starts"][:16] for each in rows] == ["2026-12-07 09:30"]
    del rows[0]["starts"]
    assert rows == [
        {"Appointment ID": "1", "Client": "Kim Ng", "a": "", "a (2)": "1", "n": "50% : ok"}
    ]


WRITING = (
    "DELETE FROM appts",
    "DROP TABLE appts",
    "SELECT 1; DELETE FROM appts",
    "/* SELECT */ UPDATE appts SET id = 2",
    "WITH gone AS (DELETE FROM appts RETURNING id) SELECT * FROM gone",
    "WITH gone AS (SELECT 1) DELETE FROM appts",
    "SELECT * INTO copied FROM appts",
    "",
    "SELECT 'unfinished",
    "SELECT 1 /* unfinished",
)


def test_a_query_that_writes_is_refused_in_a_sentence(practice: Practice, tmp_path: Path) -> None:
    before = practice.rows()
    for query in WRITING:
        error = refused(practice, query, tmp_path)
        assert isinstance(error, BadInput), query
        assert error.field == "query"
    assert practice.rows() == before


def test_the_transaction_itself_refuses_what_the_words_do_not_show(
    practice: Practice, tmp_path: Path
) -> None:
    system = practice.owner.drivername
    if system == "sqlite":  # its functions write nothing
        with pytest.raises(Exception, match="readonly"):
            _written_by_our_connection(practice, tmp_path)
        return
    if system == "postgresql":
        practice.do(
            "CREATE OR REPLACE FUNCTION sly() RETURNS int AS 'DELETE FROM appts; SELECT 1' "
            "LANGUAGE sql SECURITY DEFINER"
        )
    else:
        practice.do(
            "CREATE OR REPLACE FUNCTION sly() RETURNS INT MODIFIES SQL DATA SQL SECURITY DEFINER "
            "BEGIN DELETE FROM appts; RETURN 1; END"
        )
    error = refused(practice, "SELECT sly() AS id", tmp_path)
    assert "would change the database" in error.what
    assert len(practice.rows()) == 1


def _written_by_our_connection(practice: Practice, folder: Path) -> None:
    source = DatabaseSource()
    from companion.adapters.sources.database.source import read_address

    system, url = read_address(practice.reader)
    request = FetchRequest(
        fields={}, secret="", cursor="", folder=folder, now=NOW, timezone="Australia/Sydney"
    )
    with source._connected(system, url, request) as (connection, _end):
        connection.execute(text("DELETE FROM appts"))


def test_only_what_changed_is_asked_for_with_since_and_all_of_it_without_a_cursor(
    practice: Practice, tmp_path: Path
) -> None:
    with practice.connect() as connection:
        now = connection.execute(text("SELECT CURRENT_TIMESTAMP")).scalar_one()
    server_now = datetime.fromisoformat(str(now)).replace(tzinfo=None)
    changed = server_now - timedelta(minutes=5)
    query = "SELECT id FROM appts WHERE updated >= :since"
    first, everything = asked(practice, query, tmp_path, now=datetime.now(UTC))
    assert first.whole
    assert everything == [{"id": "1"}]
    practice.add(2, updated=changed)
    later, rows = asked(practice, query, tmp_path, cursor=first.cursor, now=datetime.now(UTC))
    assert not later.whole
    assert rows == [{"id": "2"}]
    unchanged, _ = asked(practice, query, tmp_path, cursor=later.cursor, now=datetime.now(UTC))
    assert unchanged.file is None
    practice.do("DELETE FROM appts WHERE id = 2")
    nothing, _ = asked(practice, query, tmp_path, cursor=later.cursor, now=datetime.now(UTC))
    assert nothing.file is None
    assert nothing.cursor


def test_a_test_shows_ten_rows_and_leaves_the_rest(practice: Practice, tmp_path: Path) -> None:
    _, rows = asked(practice, MANY, tmp_path, most=10)
    assert [each["i"] for each in rows] == [str(each) for each in range(1, 11)]


def test_too_many_rows_are_no_result_at_all(practice: Practice, tmp_path: Path) -> None:
    error = refused(practice, MANY, tmp_path, source=DatabaseSource(row_limit=700))
    assert isinstance(error, SourceUnreachable)
    assert error.reason is SourceTrouble.LARGE


ENDLESS = {
    "postgresql": "SELECT pg_sleep(60)",
    "mysql": "SELECT SLEEP(60) FROM appts",
    "sqlite": MANY.replace("WHERE i < 900", "").replace("SELECT i FROM", "SELECT max(i) FROM"),
}


def test_a_cancelled_query_ends_at_the_server_too(practice: Practice, tmp_path: Path) -> None:
    system = practice.owner.drivername
    stop = Stop()
    raised: list[BaseException] = []

    def run() -> None:
        try:
            asked(practice, ENDLESS[system], tmp_path, stop=stop)
        except BaseException as error:  # noqa: BLE001 - looked at below
            raised.append(error)

    running = threading.Thread(target=run)
    running.start()
    while not _runs(practice):
        assert running.is_alive()
    stop.ask()
    running.join(10)
    assert [type(each) for each in raised] == [Stopped]
    if system != "sqlite":
        assert not _runs(practice)


def _runs(practice: Practice) -> bool:
    listed = {
        "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' "
        "AND usename = 'reader'",
        "mysql": "SELECT count(*) FROM information_schema.processlist WHERE user = 'reader' "
        "AND info LIKE 'SELECT SLEEP%'",
        "sqlite": "SELECT 1",
    }
    with practice.connect() as connection:
        return bool(connection.execute(text(listed[practice.owner.drivername])).scalar_one())


def test_a_query_that_is_wrong_is_explained_in_the_databases_own_words(
    practice: Practice, tmp_path: Path
) -> None:
    for query in ("SELECT wrong_name FROM appts", "SELECT * FROM nowhere", "SELECT (1"):
        error = refused(practice, query, tmp_path)
        assert isinstance(error, BadInput)
        assert "does not understand the query: " in error.what
        assert len(error.what) > 60


def test_a_server_that_is_not_there_or_refuses_is_a_sentence(
    practice: Practice, tmp_path: Path
) -> None:
    url = make_url(practice.reader)
    system = practice.owner.drivername
    if system == "sqlite":
        wrong = {SourceTrouble.NOT_THERE: url.set(database=str(tmp_path / "none.db"))}
    else:
        wrong = {
            SourceTrouble.CREDENTIALS: url.set(password="other"),
            SourceTrouble.NOT_THERE: url.set(database="none"),
            SourceTrouble.OFFLINE: url.set(port=1),
        }
    for reason, address in wrong.items():
        other = Practice(practice.owner, shown(address))
        error = refused(other, "SELECT 1", tmp_path)
        assert isinstance(error, SourceUnreachable)
        assert error.reason is reason, error.detail


def test_a_query_that_takes_too_long_is_ended_by_the_server(
    practice: Practice, tmp_path: Path
) -> None:
    practice.add(*range(2, 60))
    slow = "SELECT count(*) FROM appts a, appts b, appts c, appts d, appts e"
    error = refused(practice, slow, tmp_path, source=DatabaseSource(seconds=0.3))
    assert isinstance(error, SourceUnreachable)
    assert error.reason is SourceTrouble.SLOW
