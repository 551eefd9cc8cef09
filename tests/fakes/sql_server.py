"""FakeSqlServer: what pymssql's DB-API gives, recorded, in place of a SQL Server.

No SQL Server runs where these tests run: this shows what the program asks of the driver, in which
order, and what becomes of its answers and errors, whose shapes are pymssql's own (a number and the
server's words in a pair).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import pymssql

NOW = datetime(2026, 12, 7, 12, 0)  # noqa: DTZ001 - the server's local time
Rows = tuple[Sequence[str], Sequence[Sequence[object]]]


class FakeSqlServer:
    """Its `connect` stands in for `pymssql.connect`."""

    def __init__(self, answer: Callable[[str], Rows], *, versions: int = 0) -> None:
        """`answer`: columns and rows of the practice's query; may raise. `versions`: whether the
        database keeps versions of rows (snapshot isolation)."""
        self.answer = answer
        self.versions = versions
        self.connected: dict[str, object] = {}
        self.said: list[str] = []
        """Statements and turns of the transaction."""

    def connect(self, *_: object, **arguments: object) -> Any:
        self.connected = arguments
        return _Connection(self)

    def reply(self, statement: str) -> Rows:
        self.said.append(statement)
        if re.match(r"\s*(SELECT|WITH)\b.*\bBPS_", statement, re.DOTALL | re.IGNORECASE):
            return self.answer(statement)
        known: dict[str, Rows] = {
            "select @@version": ((), [["Microsoft SQL Server 2019 - 15.0.2000.5 (X64)"]]),
            "schema_name": ((), [["dbo"]]),
            "snapshot_isolation_state": ((), [[self.versions]]),
            "GETDATE()": ((), [[NOW]]),
            "CAST(SERVERPROPERTY": ((), [[None]]),
        }
        for part, rows in known.items():
            if part.casefold() in statement.casefold():
                return rows
        return (), []


class _Connection:
    def __init__(self, server: FakeSqlServer) -> None:
        self._server = server

    def cursor(self) -> Any:
        return _Cursor(self._server)

    def autocommit(self, _on: bool) -> None:
        return

    def commit(self) -> None:
        self._server.said.append("COMMIT")

    def rollback(self) -> None:
        self._server.said.append("ROLLBACK")

    def close(self) -> None:
        self._server.said.append("CLOSE")


class _Cursor:
    arraysize = 1
    rowcount = -1
    lastrowid = None

    def __init__(self, server: FakeSqlServer) -> None:
        self._server = server
        self._rows: Iterator[Sequence[object]] = iter(())
        self.description: Any = None

    def execute(self, statement: str, parameters: object = ()) -> None:
        given = f" {parameters!r}" if parameters else ""
        columns, rows = self._server.reply(statement + given)
        width = len(rows[0]) if rows else 0
        names = columns or [""] * width
        if not names and statement.upper().startswith("SELECT"):
            names = [""]
        described = [(name, 1, None, None, None, None, None) for name in names]
        self.description = described or None
        self._rows = map(tuple, rows)

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchmany(self, size: int = 1) -> Any:
        return [row for row, _ in zip(self._rows, range(size), strict=False)]

    def fetchall(self) -> Any:
        return [*self._rows]

    def close(self) -> None:
        return


def refusal(number: int, words: str) -> pymssql.OperationalError:
    tail = b"DB-Lib error message 20018, severity 16:\nGeneral SQL Server error\n"
    return pymssql.OperationalError((number, words.encode() + tail))
