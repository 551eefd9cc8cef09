"""TransactionRunner: a piece of work in one transaction, done exactly once or not at all.

A transaction that met another's, and one whose connection died before its COMMIT was sent, was
rolled back: the whole piece runs again, with fresh reads. Where the answer to the COMMIT was lost,
the mark that it left or did not leave decides (`commit_marks`); nobody guesses.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from companion.adapters.database.access import Work
from companion.adapters.database.commit_marks import CommitMark, CommitMarks
from companion.adapters.database.errors import CLOSED, translated, translating_texts
from companion.adapters.database.outages import Outage, pause_after_clash, pause_when_away
from companion.adapters.database.postgres import MIGRATING, is_current
from companion.adapters.database.postgres_connection import ANSWER_SECONDS
from companion.adapters.database.postgres_errors import (
    ANOTHER_SCHEMA,
    DISK_FULL_STATE,
    Fate,
    fate_of,
    was_refused,
)
from companion.domain.errors import CompanionError
from companion.domain.practice_errors import DatabaseAway

Result = TypeVar("Result")
_FULL_SECONDS = 3600.0
_CLASHES = 6
"""So often it may meet another's transaction."""
_ENDINGS, _ENDING = 60, 0.05
_MIGRATION_SECONDS = 900.0
"""For one statement of a migration, or for another workstation's."""
_MIGRATE = text(
    "SELECT set_config('lock_timeout', '5min', true), set_config('statement_timeout', '0', true),"
    f" set_config('idle_in_transaction_session_timeout', '0', true),"
    f" pg_advisory_xact_lock({MIGRATING})"
)
UNKNOWN = DatabaseAway(
    "The practice's database stopped answering just when something was being saved.",
    "Look whether it is there before you enter it again.",
    detail="commit unanswered",
)


class _TransactionState:
    """What is known of the transaction that was begun last."""

    def __init__(self) -> None:
        self.mark: CommitMark | None = None
        self.committing = False


class TransactionRunner:
    def __init__(self, engine: Engine, outage: Outage) -> None:
        self._engine = engine
        self._reading = engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._asking = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._marks = CommitMarks(engine)
        self._outage = outage
        self._full_at = float("-inf")

    @property
    def disk_full(self) -> bool:
        """A write was refused lately because the server's disk was full. A small one may find room
        there all the same, so that one which succeeds says nothing."""
        return time.monotonic() - self._full_at < _FULL_SECONDS

    def read(self, work: Work[Result], unwanted: threading.Event) -> Result:
        """On one snapshot, which cannot be written to."""
        return self._asked(self._reading, work, unwanted)

    def ask(self, work: Work[Result], unwanted: threading.Event) -> Result:
        """`work` asks one question, which needs no transaction."""
        return self._asked(self._asking, work, unwanted)

    def _asked(self, engine: Engine, work: Work[Result], unwanted: threading.Event) -> Result:
        def attempt() -> Result:
            with _session(engine, unwanted) as connection:
                return work(connection)

        return self._repeated(attempt, unwanted, _TransactionState())

    def write(self, work: Work[Result], unwanted: threading.Event, lock_seconds: float) -> Result:
        """`lock_seconds`: how long a lock of somebody else's is waited for before Busy."""
        begun = _TransactionState()
        done: list[Result] = []

        def attempt() -> Result:
            if begun.mark is not None and self._was_committed(begun.mark):
                return done[0]
            begun.mark, begun.committing = None, False
            with _session(self._engine, unwanted) as connection:
                begun.mark, revision = self._marks.put(connection, lock_seconds)
                if not is_current(revision):  # another workstation has changed the tables meanwhile
                    raise ANOTHER_SCHEMA(f"revision {revision}")
                done[:] = [work(connection)]
                begun.committing = True
                connection.commit()
            return done[0]

        try:
            return self._repeated(attempt, unwanted, begun)
        except CompanionError as error:
            if error.detail.partition(" ")[0] == DISK_FULL_STATE:
                self._full_at = time.monotonic()
            raise

    def migrate(self, work: Work[None]) -> None:
        """`work` in a transaction that may take its time, one workstation after the other."""

        def attempt() -> None:
            with self._engine.connect() as connection:
                raw: Any = connection.connection.driver_connection
                raw.answer_seconds = _MIGRATION_SECONDS
                try:
                    with connection.begin():
                        connection.execute(_MIGRATE)
                        work(connection)
                finally:
                    raw.answer_seconds = ANSWER_SECONDS

        self._repeated(attempt, threading.Event(), _TransactionState())

    def _repeated(
        self, attempt: Callable[[], Result], unwanted: threading.Event, begun: _TransactionState
    ) -> Result:
        clashes = away = 0
        if not self._outage.to_be_tried():
            raise DatabaseAway(detail="away")
        while True:
            try:
                with translating_texts():
                    result = attempt()
            except (SQLAlchemyError, psycopg.Error, OSError) as error:
                fate = fate_of(error)
                if unwanted.is_set():  # its connection may have closed itself: the server is there
                    self._marks.leave_slot()
                    raise CLOSED("not wanted any more") from None
                if fate is Fate.REPEAT and clashes < _CLASHES:
                    clashes += 1
                    pause = pause_after_clash(clashes)
                elif fate is Fate.WAIT and self._outage.failed():
                    away += 1
                    pause = pause_when_away(away)
                elif begun.committing and fate is not Fate.REPEAT and not was_refused(error):
                    self._marks.leave_slot()
                    raise UNKNOWN from None
                else:
                    if fate is Fate.WAIT and begun.mark is not None:
                        self._marks.leave_slot()  # the server may think its session alive
                    raise translated(error) from None  # its own words quote what was written
            else:
                self._outage.answered()
                return result
            if unwanted.wait(pause):
                self._marks.leave_slot()
                raise CLOSED("not wanted any more")

    def _was_committed(self, mark: CommitMark) -> bool:
        """What became of one whose connection died."""
        for _ in range(_ENDINGS):
            found = self._marks.was_committed(mark)
            if found is not None:
                return found
            time.sleep(_ENDING)
        raise psycopg.OperationalError("the transaction goes on")


@contextmanager
def _session(engine: Engine, unwanted: threading.Event) -> Iterator[Connection]:
    with engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        raw.unwanted = unwanted
        try:
            yield connection
        except (SQLAlchemyError, psycopg.Error) as error:
            if fate_of(error) is Fate.WAIT:
                connection.invalidate()
            raise
        finally:
            raw.unwanted = None
