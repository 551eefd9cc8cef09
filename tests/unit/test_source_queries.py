"""The text of a practice's query: what is taken from it, and what keeps it from being asked."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.dialects.sqlite import dialect as sqlite

from companion.adapters.sources.database.errors import explained
from companion.adapters.sources.database.source import DatabaseSource, place_of, read_address
from companion.adapters.sources.database.statement import Grammar, read_statement
from companion.adapters.sources.database.systems import MYSQL, POSTGRESQL, SQL_SERVER, SQLITE
from companion.adapters.sources.database.values import headings, plain
from companion.domain.errors import BadInput, SourceTrouble, SourceUnreachable

PLAIN = Grammar()


def compiled(query: str, grammar: Grammar = PLAIN) -> str:
    return str(text(read_statement(query, grammar).text).compile(dialect=sqlite()))


def test_since_is_a_parameter_outside_of_quotes_and_comments_only() -> None:
    query = "SELECT ':since', \":since\" /* :since */ FROM a -- :since"
    assert not read_statement(query, PLAIN).incremental
    assert read_statement("SELECT * FROM a WHERE b>=:since", PLAIN).incremental
    assert read_statement("SELECT * FROM a WHERE b>= :SINCE", PLAIN).parameters == {"since"}
    assert not read_statement("SELECT a::since FROM a", PLAIN).incremental


@pytest.mark.parametrize(
    "query",
    [
        "SELECT a::date, '10:30', 'x :y', b[1:2] FROM t WHERE c = ':since' AND d LIKE '50%'",
        "SELECT 'it''s; here' FROM t",
        'SELECT "odd ""name"" :x" FROM t',
        r"SELECT 'C:\x\:y' FROM t",
        "SELECT 1 /* a /* nested */ comment; */ FROM t -- and : this",
        "select\n*\nfrom t",
    ],
)
def test_what_is_asked_is_what_was_written(query: str) -> None:
    assert compiled(query) == query


@given(st.text(alphabet="ab:' \\%\"-;/*\n[]`$#1", max_size=30))
def test_any_text_is_asked_as_it_is_or_refused_in_a_sentence(noise: str) -> None:
    query = f"SELECT {noise}"
    for system in (MYSQL, POSTGRESQL, SQL_SERVER, SQLITE):
        try:
            found = read_statement(query, system.grammar)
        except BadInput:
            continue
        if not found.incremental and ";" not in query:
            assert str(text(found.text).compile(dialect=sqlite())) == query.strip()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "empty"),
        ("-- nothing", "empty"),
        ("EXEC sp_who", "does not begin with SELECT"),
        ("SELECT 1; SELECT 2", "more than one statement"),
        ("SELECT 1;; x", "more than one statement"),
        ("SELECT 1; 2", "more than one statement"),
        ("SELECT :until", "a parameter that is not known"),
        ("SELECT 'a", "no partner"),
        ("SELECT 1 /* a", "has no end"),
        ("SELECT " + "1" * 60_000, "longer than"),
    ],
)
def test_what_is_no_single_reading_statement_is_refused(query: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        read_statement(query, PLAIN)


def test_a_semicolon_at_the_end_and_a_remark_after_it_are_no_second_statement() -> None:
    assert compiled("SELECT 1 ; -- that is all").startswith("SELECT 1")


def test_each_system_has_its_own_quotes() -> None:
    for query, system in (
        (r"SELECT 'it\'s; a' FROM t", MYSQL),
        ("SELECT $x$ it's; :since $x$", POSTGRESQL),
        (r"SELECT E'it\'s; a'", POSTGRESQL),
        ("SELECT [a; 'b] FROM t", SQL_SERVER),
    ):
        assert not read_statement(query, system.grammar).incremental
    with pytest.raises(BadInput):
        read_statement("SELECT [a; 'b] FROM t", POSTGRESQL.grammar)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 DELETE FROM APPOINTMENTS",
        "WITH a AS (SELECT 1 AS b) UPDATE APPOINTMENTS SET STATUS = 1",
        "SELECT * INTO copied FROM APPOINTMENTS",
        "SELECT * FROM OPENROWSET(BULK 'c:/x', SINGLE_CLOB) a",
        "SELECT 1 exec sp_configure",
        "SELECT 1 COMMIT DROP TABLE APPOINTMENTS",
        "SELECT 1 waitfor delay '1:00'",
    ],
)
def test_sql_server_has_no_transaction_that_reads_so_its_words_decide(query: str) -> None:
    with pytest.raises(BadInput, match="it might change the database"):
        SQL_SERVER.check(read_statement(query, SQL_SERVER.grammar))


def test_a_column_that_is_called_like_a_command_is_read_in_brackets() -> None:
    query = "SELECT [Update], UPDATED, 'drop' FROM APPOINTMENTS -- delete"
    SQL_SERVER.check(read_statement(query, SQL_SERVER.grammar))


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("mssql://u:p@BPSERVER/BPSPatients", "SQL Server at BPSERVER"),
        (r"mssql://u:p@BPSERVER\BPSINSTANCE/BPSPatients", r"SQL Server at BPSERVER\BPSINSTANCE"),
        ("mssql://u:p@BPSERVER%5CBPS/BPSPatients", r"SQL Server at BPSERVER\BPS"),
        ("mssql+pyodbc:///?odbc_connect=Driver%3Dx%3BServer%3Dtcp%3Abps%2C1433%3BPWD%3Dx",
         "SQL Server at bps"),
        ("postgres://u:p%40%2F@db.example:5433/x", "PostgreSQL at db.example"),
        ("mariadb://u@[::1]/x", "MySQL at ::1"),
        ("sqlite:////tmp/private name.db", "SQLite on this computer"),
        ("postgresql:///x?host=/run/postgresql", "PostgreSQL on this computer"),
    ],
)  # fmt: skip
def test_of_an_address_only_driver_and_host_are_said(address: str, place: str) -> None:
    assert place_of(*read_address(address)) == place


@pytest.mark.parametrize(
    "address",
    [
        "",
        "password",
        "https://u:secret@host/x",
        "oracle://u:secret@host/x",
        "postgresql://u:sec@ret@host/x",
        "postgresql://u:sec/ret@x@host/x",
        "postgresql://u:secret@ho st/x",
        "postgresql://u:secret@host:port/x",
        "sqlite://",
        "sqlite:///:memory:",
    ],
)
def test_an_address_that_is_wrong_is_not_repeated(address: str) -> None:
    with pytest.raises(BadInput) as refused:
        DatabaseSource().check({"query": "SELECT 1"}, address)
    assert refused.value.field == "secret"
    assert "sec" not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_sqlite_is_opened_for_reading_and_looked_for_where_it_is() -> None:
    _, url = read_address("sqlite:////data/book #1.db")
    assert url.query == {"mode": "ro", "uri": "true"}
    assert url.database is not None
    assert url.database.endswith("/data/book%20%231.db")


def test_a_broken_connection_of_a_driver_is_a_server_that_cannot_be_reached() -> None:
    """Firebird's driver lets the system's errors through."""
    error = explained(ConnectionRefusedError(111, "Connection refused"), "Firebird at db.example")
    assert isinstance(error, SourceUnreachable)
    assert error.reason is SourceTrouble.OFFLINE


def test_headings_are_there_and_each_once() -> None:
    assert headings(["ID", "", "ID", " ", "ID"]) == [
        "ID", "Column 2", "ID (2)", "Column 4", "ID (3)",
    ]  # fmt: skip


def test_no_date_is_no_date_however_a_program_writes_it() -> None:
    assert plain("0000-00-00 00:00:00") is None
    assert plain(date(1, 1, 1)) is None
    assert plain(datetime(1, 1, 1)) is None  # noqa: DTZ001 - as a database gives it
    assert plain("Ng      ") == "Ng"
    assert plain(1001.0) == 1001
    assert plain(timedelta(hours=9, minutes=5)) == "09:05:00"
    assert plain(b"\x00\xff") == "00ff"
    assert plain({"a": 1}) == '{"a": 1}'
