"""DatabaseSource: appointments from a practice's own database, by one query that reads.

    address (sealed) + query ─▶ read-only transaction ─▶ rows, 500 at a time ─▶ private file

A query with `:since` is asked for changes: for what was written after the last fetch by the
server's own clock, less `OVERLAP`, since a row may be committed late and clocks change in spring. A
column may hold the server's local time or UTC: the earlier of the two is asked for. Once a day, and
without `:since`, all of it is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sqlalchemy import URL, Connection, CursorResult, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from companion.adapters.sources.database.ending import QueryEnd
from companion.adapters.sources.database.errors import explained, too_slow
from companion.adapters.sources.database.statement import Statement, read_statement
from companion.adapters.sources.database.systems import (
    NAMES,
    SQLITE,
    DatabaseSystem,
    Limits,
    installing,
    sqlite_url,
)
from companion.adapters.sources.database.values import headings, moment, readers
from companion.domain.errors import BadInput, SourceTrouble, SourceUnreachable
from companion.domain.json_documents import DAMAGED, from_document, to_document
from companion.services.sources.remote import (
    FetchAnswer,
    FetchRequest,
    SourceField,
    SourceKind,
    SourcePlace,
)
from companion.services.sources.rows_file import RowsFile

OVERLAP = timedelta(hours=2)
SECONDS = 120.0
"""For the whole query."""
ROW_LIMIT = 200_000
SIZE_LIMIT = 45_000_000
"""Characters; the import's reader takes somewhat more."""
_GRACE = 2.0
"""Seconds for a server that ends it by itself."""
MOST_SEEN = 1_000
BATCH = 500
"""Rows in memory."""
EVER = datetime(1900, 1, 1)  # noqa: DTZ001 - wall time, as the column has it
"""`:since` where everything is wanted; older than it, some types have nothing."""
_HOST = re.compile(r"[\w.-]{1,250}(\\[\w$]{1,30})?|[0-9A-Fa-f:]{2,45}(%\w+)?", re.ASCII)
_ODBC_SERVER = re.compile(r"(?:^|;)\s*server\s*=\s*(?:tcp:)?([\w.\\$-]+)", re.IGNORECASE | re.ASCII)


class DatabaseSource:
    """A RemoteSource."""

    kind = SourceKind(
        name="database",
        title="Database",
        about="Read from the practice's own database by a query that changes nothing there.",
        secret=SourceField(
            name="secret",
            label="Address of the database",
            hint="mssql://USER:PASSWORD@SERVER/DATABASE; also postgresql, mysql, firebird, sqlite. "
            "Give a user who may only read.",
        ),
        fields=(
            SourceField(
                name="query",
                label="Query",
                hint="One SELECT. With “WHERE updated >= :since” only changes are read, and "
                "everything once a day.",
                lines=10,
            ),
        ),
        soonest=timedelta(minutes=1),
    )

    def __init__(
        self,
        *,
        seconds: float = SECONDS,
        row_limit: int = ROW_LIMIT,
        size_limit: int = SIZE_LIMIT,
    ) -> None:
        self._limits = Limits(seconds=seconds)
        self._row_limit = row_limit
        self._size_limit = size_limit

    def check(self, fields: Mapping[str, str], secret: str) -> SourcePlace:
        system, url = read_address(secret)
        query = fields.get("query", "").strip()
        system.check(read_statement(query, system.grammar))
        if system.missing():
            raise installing(system)
        return SourcePlace(
            place=place_of(system, url), secret=secret.strip(), fields={"query": query}
        )

    def fetch(self, request: FetchRequest) -> FetchAnswer:
        system, url = read_address(request.secret)
        statement = read_statement(request.fields.get("query", ""), system.grammar)
        system.check(statement)
        if system.missing():
            raise installing(system)
        place = place_of(system, url)
        failures: tuple[type[Exception], ...] = (SQLAlchemyError, *_driver_errors(system))
        try:
            with self._connected(system, url, request) as (connection, end):
                return self._read(system, connection, statement, request, end)
        except failures as error:
            request.stop.check()
            raise explained(error, place) from None  # the cause may name anything

    @contextlib.contextmanager
    def _connected(
        self, system: DatabaseSystem, url: URL, request: FetchRequest
    ) -> Iterator[tuple[Connection, QueryEnd]]:
        """A connection in its transaction, and what ends its query at the server."""
        request.stop.check()
        engine = system.engine(url, self._limits)
        connection = engine.connect()
        end = QueryEnd(system.breaker(connection))
        late = threading.Event()

        def end_late() -> None:
            late.set()
            end.ask()

        grace = min(_GRACE, self._limits.seconds)
        clock = threading.Timer(self._limits.seconds + grace, end_late)
        clock.daemon = True
        clock.start()
        try:
            with request.stop.interrupting(end.ask):
                system.prepare(connection, self._limits, request.timezone)
                yield connection, end
        except BaseException:
            end.left()
            with contextlib.suppress(Exception):
                connection.invalidate()
            if late.is_set():
                raise too_slow(place_of(system, url)) from None
            raise
        finally:
            clock.cancel()
            end.left()
            with contextlib.suppress(Exception):
                connection.close()

    def _read(
        self,
        system: DatabaseSystem,
        connection: Connection,
        statement: Statement,
        request: FetchRequest,
        end: QueryEnd,
    ) -> FetchAnswer:
        cursor = _Cursor.of(request.cursor)
        since = _since(system, connection, request, cursor) if statement.incremental else EVER
        result = connection.execute(
            text(statement.text),
            dict.fromkeys(statement.parameters, system.moment(since)),
            execution_options={"stream_results": True, "max_row_buffer": BATCH},
        )
        try:
            known = cursor.seen if since != EVER else frozenset()
            rows, seen = self._written(result, connection, request, known)
            if request.most:
                end.ask()  # the rest is not wanted
        finally:
            with contextlib.suppress(Exception):
                result.close()
        whole = since == EVER
        reached = _Cursor(at=request.now, seen=seen).text if statement.incremental else ""
        if not whole and not rows.count:
            return FetchAnswer(cursor=reached)
        return FetchAnswer(file=rows.path, whole=whole, cursor=reached)

    def _written(
        self,
        result: CursorResult[Any],
        connection: Connection,
        request: FetchRequest,
        known: frozenset[str],
    ) -> tuple[RowsFile, frozenset[str]]:
        """All rows that are wanted but those known already, in their file, and marks of all."""
        if not result.returns_rows:
            raise BadInput(
                "The query gives no rows.", "Give a query that begins with SELECT.", field="query"
            )
        cursor: Any = result.cursor
        description = cursor.description
        reading = readers(description, mysql=connection.dialect.name in {"mysql", "mariadb"})
        names = headings([str(each[0] or "") for each in description])
        size, seen = 0, set[str]()
        with RowsFile(request.folder, names) as rows:
            for part in result.partitions(min(BATCH, request.most or BATCH)):
                for row in part:
                    cells = [read(each) for read, each in zip(reading, row, strict=True)]
                    size += sum(len(str(each)) for each in cells)
                    if len(seen) <= MOST_SEEN:
                        seen.add(mark := _mark(cells))
                        if mark in known:
                            continue
                    rows.add(dict(zip(names, cells, strict=True)))
                request.progress(rows.count)
                if request.most and rows.count >= request.most:
                    break
                self._check_size(rows.count, size)
        return rows, frozenset(seen if len(seen) <= MOST_SEEN else ())

    def _check_size(self, rows: int, size: int) -> None:
        if rows > self._row_limit or size > self._size_limit:
            raise SourceUnreachable(
                f"The query gives more than {self._row_limit:,} rows, or too much text, so nothing "
                "of it was taken.",
                "Let it ask for fewer days or columns, for instance from a week ago on.",
                reason=SourceTrouble.LARGE,
            )


def read_address(typed: str) -> tuple[DatabaseSystem, URL]:
    """Raises BadInput (field ``secret``), which repeats nothing of it."""
    address = typed.strip().strip('"<>')
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise _bad_address() from None
    system = NAMES.get(url.drivername.casefold())
    if system is None:
        raise _bad_address()
    if "@" in f"{url.host or ''}{url.database or ''}":
        raise BadInput(
            "The address holds more than one @.",
            "In the password write @ as %40, / as %2F, : as %3A and % as %25.",
            field="secret",
        )
    if system is SQLITE:
        if not url.database or url.database == ":memory:" or url.host:
            raise _bad_address()
        return system, sqlite_url(Path(url.database))
    host = unquote(url.host) if url.host else None
    if host is not None and not _HOST.fullmatch(host):
        raise _bad_address()
    return system, url.set(drivername=system.drivername, host=host)


def place_of(system: DatabaseSystem, url: URL) -> str:
    """The driver and the host, and no more."""
    host = url.host
    string = url.query.get("odbc_connect", "")
    if not host and isinstance(string, str):
        found = _ODBC_SERVER.search(string)
        host = found[1] if found else None
    return f"{system.name} at {host}" if host else f"{system.name} on this computer"


def _bad_address() -> BadInput:
    return BadInput(
        "This is not the address of a database that can be read.",
        "It looks like postgresql://USER:PASSWORD@SERVER/DATABASE, or begins with mssql://, "
        "mysql://, firebird:// or sqlite:///",
        field="secret",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cursor:
    at: datetime | None = None
    """When it was last asked; aware UTC."""
    seen: frozenset[str] = frozenset()
    """Marks of the rows that came then: those that come again are no news."""

    @classmethod
    def of(cls, text: str) -> _Cursor:
        try:
            return from_document(cls, json.loads(text))
        except DAMAGED:
            return cls()

    @property
    def text(self) -> str:
        return json.dumps(to_document(self))


def _mark(cells: Sequence[object]) -> str:
    return hashlib.sha256(repr(cells).encode("utf-8", "replace")).hexdigest()[:16]


def _since(
    system: DatabaseSystem, connection: Connection, request: FetchRequest, cursor: _Cursor
) -> datetime:
    """The moment from which changes are wanted, in the column's wall time; EVER for all."""
    before = cursor.at
    if before is None or request.most or before > request.now:  # our clock was put back
        return EVER
    local = moment(connection.exec_driver_sql(system.clock).scalar_one())
    since_then = request.now - before
    return min(local - since_then, before.astimezone(UTC).replace(tzinfo=None)) - OVERLAP


def _driver_errors(system: DatabaseSystem) -> tuple[type[Exception], ...]:
    """What a driver raises where SQLAlchemy does not translate it: while rows are fetched."""
    if system.modules:
        module = __import__(system.modules[-1], fromlist=["Error"])
        return (module.Error, OSError)
    import sqlite3

    return (sqlite3.Error, OSError)
