"""A practice's database on a real PostgreSQL server: one server a test session, a database a test.

The template is migrated once; PostgreSQL copies it faster than Alembic would make it anew. As the
README says, a role of its own owns each database, and may do nothing else on the server.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count

from sqlalchemy import URL

from companion.adapters.database.opening_practice import open_practice_database
from tests.fakes.clock import FakeClock
from tests.fakes.database_servers import PASSWORD, Server, connection_to, postgresql

_TEMPLATE, _ROLE = "practice", "companion"
_numbers = count(1)


class PracticeServer:
    """`new_database()` gives the address of a database that nobody else uses."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.execute(f"CREATE ROLE {_ROLE} LOGIN PASSWORD '{PASSWORD}'")
        self.execute(f"ALTER DATABASE {_TEMPLATE} OWNER TO {_ROLE}")
        open_practice_database(self._as_role(_TEMPLATE), FakeClock())._access.close()

    def _as_role(self, database: str) -> URL:
        return self.url_of(database).set(username=_ROLE)

    def url_of(self, database: str) -> URL:
        """For the owner of the server."""
        return self.server.owner.set(drivername="postgresql+psycopg", database=database)

    @contextmanager
    def new_database(self, template: str | None = _TEMPLATE) -> Iterator[URL]:
        """`template`: a database that nobody uses just now."""
        name = f"test_{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name} OWNER {_ROLE} TEMPLATE {template}")
        try:
            yield self._as_role(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def empty_database(self, collation: str = "") -> Iterator[URL]:
        """Without any table. `collation`: what CREATE DATABASE says of it, else the server's."""
        name = f"empty_{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name} OWNER {_ROLE} TEMPLATE template0 {collation}")
        try:
            yield self._as_role(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        """As the owner of the server, outside of any test's database."""
        self.execute_in(self.url_of("postgres"), statement)

    def execute_in(self, url: URL, statement: str) -> None:
        """As the owner, in that database."""
        with connection_to(self.url_of(str(url.database))) as connection:
            connection.execute(statement.encode())

    def value_in(self, url: URL, statement: str) -> object:
        """The first value of what it selects."""
        with connection_to(self.url_of(str(url.database))) as connection:
            row = connection.execute(statement.encode()).fetchone()
        return None if row is None else row[0]


_open = ExitStack()
_servers: list[PracticeServer] = []


def practice_server() -> PracticeServer:
    """The one of this test session, which is started when it is first asked for."""
    if not _servers:
        _servers.append(PracticeServer(_open.enter_context(postgresql())))
    return _servers[0]


def stop_practice_server() -> None:
    """At the end of the session."""
    _servers.clear()
    _open.close()
