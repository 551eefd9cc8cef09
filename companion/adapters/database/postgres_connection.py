"""One connection to PostgreSQL: made, checked, and never waited for without end.

A session keeps time in UTC, is sure of its commits, gives up a lock or a statement that takes too
long, and ends where its workstation has gone: the network tells the server within half a minute,
and a transaction whose program sleeps is ended so that the others may go on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import URL

from companion.adapters.database.postgres import ALIVE, LOCK_SECONDS, given_by
from companion.domain.errors import StoreError

Answer = TypeVar("Answer")

OLDEST_SERVER = 14
STATEMENT_SECONDS = 60
ANSWER_SECONDS = 75.0
"""Without a byte of the server's, which would have given up by itself: it is not there."""
_PATIENT_SECONDS = 2.0
"""A statement is let finish so long, though nobody wants its answer any more."""
_SESSION = {
    "TimeZone": "UTC",
    "lock_timeout": f"{LOCK_SECONDS}s",
    "statement_timeout": f"{STATEMENT_SECONDS}s",
    "idle_in_transaction_session_timeout": "20s",
    **{f"tcp_keepalives_{name}": str(each) for name, each in ALIVE.items()},
}


class WatchedConnection(psycopg.Connection[Any]):
    """Closes itself rather than wait for a server that is not there, or for what nobody wants."""

    answer_seconds = ANSWER_SECONDS
    unwanted: threading.Event | None = None
    """Of the piece of work that uses it now."""

    def wait(self, gen: PQGen[Answer], *args: Any, **kwargs: Any) -> Answer:
        return super().wait(self._watched(gen), *args, **kwargs)

    def _watched(self, gen: PQGen[Answer]) -> Generator[Any, Any, Answer]:
        try:
            wanted = next(gen)
            since = 0.0
            while True:
                ready = yield wanted
                if ready:
                    since = 0.0
                else:  # nothing came for a tenth of a second
                    since = since or time.monotonic()
                    self._check(time.monotonic() - since)
                wanted = gen.send(ready)
        except StopIteration as done:
            answer: Answer = done.value
            return answer

    def _check(self, waited: float) -> None:
        nobody = self.unwanted is not None and self.unwanted.is_set()
        if waited > self.answer_seconds or (nobody and waited > _PATIENT_SECONDS):
            self.pgconn.finish()
            raise psycopg.OperationalError("no answer")


def connected(url: URL) -> WatchedConnection:
    made = WatchedConnection.connect(**given_by(url), autocommit=True)
    made.prepare_threshold = None  # plans that know the values, and none that a migration breaks
    try:
        _begin_session(made)
    except BaseException:
        made.close()
        raise
    made.autocommit = False
    return made


def _begin_session(raw: WatchedConnection) -> None:
    check_server(
        raw.info.server_version,
        raw.info.parameter_status("server_encoding"),
        raw.info.parameter_status("in_hot_standby"),
    )
    sets = ", ".join(f"set_config('{name}', '{each}', false)" for name, each in _SESSION.items())
    sure = (
        "set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
        " WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)"
    )
    raw.execute(f"SELECT {sets}, {sure}".encode())


def check_server(version: int, encoding: str | None, stand_by: str | None) -> None:
    """Raises StoreError for one that cannot keep a practice."""
    if version < OLDEST_SERVER * 10_000:
        raise StoreError(
            f"The database server is PostgreSQL {version // 10_000}, which is too old.",
            f"Ask whoever looks after it for PostgreSQL {OLDEST_SERVER} or later.",
        )
    if encoding != "UTF8":
        raise StoreError(
            "The practice's database cannot keep every letter: its encoding is not UTF8.",
            "Ask whoever looks after the database server for a database made with ENCODING 'UTF8'.",
            detail=f"{encoding}",
        )
    if stand_by == "on":
        raise StoreError(
            "The database server is a stand-by copy, which can only be read.",
            "Ask whoever looks after it for the address of the server that may be written to.",
        )
