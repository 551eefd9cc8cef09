"""A PostgreSQL server whose messages are German refuses a connection; libpq gives no code for that.

The words are those of PostgreSQL 15 on Debian, started with lc_messages de_DE.UTF-8.
"""

from __future__ import annotations

from types import SimpleNamespace

import psycopg
import pytest

from companion.adapters.database.postgres_errors import of_postgresql
from companion.adapters.sources.database.errors import explained
from companion.domain.errors import SourceTrouble, SourceUnreachable

BEGIN = 'connection failed: connection to server at "10.0.0.5", port 5432 failed: FATAL:  '
NO_PASSWORD = BEGIN + "Passwort-Authentifizierung für Benutzer »{user}« fehlgeschlagen"
NO_DATABASE = BEGIN + "Datenbank »{database}« existiert nicht"
NO_LINE = BEGIN + (
    "kein pg_hba.conf-Eintrag für Host »10.0.0.9«, Benutzer »{user}«, Datenbank »{database}«, "
    "keine Verschlüsselung"
)


def refused(said: str, user: str, database: str) -> psycopg.OperationalError:
    tried = SimpleNamespace(
        user=user.encode(), db=database.encode(), used_password=True, ssl_in_use=False
    )
    return psycopg.OperationalError(
        said.format(user=user, database=database),
        pgconn=tried,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("said", "database", "expected"),
    [
        (NO_PASSWORD, "practice", "user or password."),
        (NO_DATABASE, "practice", "no database of that name."),
        (NO_PASSWORD, "companion", "user or password, or there is no database"),
        (NO_DATABASE, "companion", "user or password, or there is no database"),
        (NO_LINE, "practice", "without encryption."),
    ],
)
def test_a_practice_s_database_is_told_apart_from_user_and_password(
    said: str, database: str, expected: str
) -> None:
    assert expected in of_postgresql(refused(said, "companion", database)).what


@pytest.mark.parametrize(
    ("said", "expected"),
    [(NO_PASSWORD, SourceTrouble.CREDENTIALS), (NO_DATABASE, SourceTrouble.NOT_THERE)],
)
def test_a_source_that_refuses_is_not_one_that_is_away(said: str, expected: SourceTrouble) -> None:
    error = explained(refused(said, "reader", "practice"), "PostgreSQL at 10.0.0.5")
    assert isinstance(error, SourceUnreachable)
    assert error.reason is expected
