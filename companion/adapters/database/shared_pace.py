"""PostgresPace: the pace that all workstations of a practice share, in the table `paces`.

One statement for each reservation, on a connection of its own: no row stays locked while a network
is waited for, and the moments are the server's. So the arithmetic of `shared_buckets` is here once
more, as a function that belongs to the session alone. What the server loses when it crashes is less
than a second of it: commits here do not wait for its disk.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from sqlalchemy import URL

from companion.adapters.database.dedicated_connection import (
    DedicatedConnection,
    connect_dedicated,
    translating_driver_errors,
)
from companion.domain.practice_errors import DatabaseAway
from companion.services.ports import Reserved, Spending
from companion.services.sync.shared_buckets import (
    AHEAD,
    DEEPEST,
    IMPLAUSIBLE,
    MINUTE,
    RECOVERY,
    SLOWER,
    SLOWEST,
    OtherSpenders,
)
from companion.services.threads import Threads

_PATIENCE = 10.0
"""Seconds for which a server may be away that restarts."""
_PAUSE = 0.25
_IDLE = 600.0
"""Seconds after which the server ends a session that asks nothing."""
_PROJECT = "project"
SERVER_CLOCK = "clock_timestamp() AT TIME ZONE 'UTC'"

_FUNCTIONS = f"""
CREATE OR REPLACE FUNCTION pg_temp.pace_row(wanted text) RETURNS paces LANGUAGE plpgsql AS $$
DECLARE bucket paces;
BEGIN
  SELECT * INTO bucket FROM paces WHERE name = wanted FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO paces (name, free_at, factor, eased_at)
      VALUES (wanted, {{moment}}, 1.0, {{moment}}) ON CONFLICT DO NOTHING;
    SELECT * INTO bucket FROM paces WHERE name = wanted FOR UPDATE;
  END IF;
  RETURN bucket;
END $$;

CREATE OR REPLACE FUNCTION pg_temp.pace_look(bucket paces, moment timestamp) RETURNS paces
LANGUAGE plpgsql AS $$
DECLARE tenths integer;
BEGIN
  IF bucket.free_at > moment + interval '{IMPLAUSIBLE} seconds' THEN
    bucket.free_at := moment;
  END IF;
  bucket.eased_at := least(bucket.eased_at, moment);
  IF bucket.factor < 1.0 THEN
    tenths := least(100, floor(extract(epoch FROM moment - bucket.eased_at) / {RECOVERY}));
    bucket.factor := least(1.0, bucket.factor + 0.1 * tenths);
    bucket.eased_at := bucket.eased_at + tenths * interval '{RECOVERY} seconds';
  END IF;
  RETURN bucket;
END $$;

CREATE OR REPLACE FUNCTION pg_temp.pace_after(
  bucket paces, moment timestamp, units float8, rate float8, capacity float8
) RETURNS timestamp LANGUAGE sql AS $$
  SELECT greatest(bucket.free_at, moment - make_interval(secs => capacity / (rate * bucket.factor)))
    + make_interval(secs => units / (rate * bucket.factor));
$$;

CREATE OR REPLACE FUNCTION pg_temp.pace_wait(
  bucket paces, after timestamp, moment timestamp, units float8, rate float8, capacity float8
) RETURNS float8 LANGUAGE sql AS $$
  SELECT greatest(0.0, extract(epoch FROM after - moment)::float8
    - greatest(0.0, units - capacity) / (rate * bucket.factor));
$$;

CREATE OR REPLACE FUNCTION pg_temp.pace_keep(bucket paces) RETURNS void LANGUAGE sql AS $$
  UPDATE paces SET free_at = bucket.free_at, factor = bucket.factor, eased_at = bucket.eased_at
    WHERE name = bucket.name;
$$;

CREATE OR REPLACE FUNCTION pg_temp.pace_spend(
  account text, project text, correcting boolean,
  units float8, rate float8, capacity float8,
  project_units float8, project_rate float8, project_capacity float8,
  OUT wait float8, OUT spent boolean, OUT moment timestamp,
  OUT account_found timestamp, OUT account_left timestamp,
  OUT project_found timestamp, OUT project_left timestamp
) LANGUAGE plpgsql AS $$
DECLARE
  own paces := pg_temp.pace_row(account);
  all_of_it paces := pg_temp.pace_row(project);
  own_after timestamp;
  all_after timestamp;
BEGIN
  moment := {{moment}};
  account_found := own.free_at;
  project_found := all_of_it.free_at;
  own := pg_temp.pace_look(own, moment);
  all_of_it := pg_temp.pace_look(all_of_it, moment);
  own_after := pg_temp.pace_after(own, moment, units, rate, capacity);
  all_after := pg_temp.pace_after(
    all_of_it, moment, project_units, project_rate, project_capacity);
  wait := greatest(
    pg_temp.pace_wait(own, own_after, moment, units, rate, capacity),
    pg_temp.pace_wait(
      all_of_it, all_after, moment, project_units, project_rate, project_capacity));
  spent := correcting OR wait <= {AHEAD};
  IF correcting THEN
    own_after := least(own_after, moment + interval '{DEEPEST} seconds');
    all_after := least(all_after, moment + interval '{DEEPEST} seconds');
  END IF;
  IF spent THEN
    own.free_at := own_after;
    all_of_it.free_at := all_after;
  ELSE
    wait := wait - {AHEAD};
  END IF;
  account_left := own.free_at;
  project_left := all_of_it.free_at;
  PERFORM pg_temp.pace_keep(own);
  PERFORM pg_temp.pace_keep(all_of_it);
END $$;

CREATE OR REPLACE FUNCTION pg_temp.pace_slow_down(wanted text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  bucket paces := pg_temp.pace_row(wanted);
  moment timestamp := {{moment}};
BEGIN
  bucket := pg_temp.pace_look(bucket, moment);
  bucket.factor := greatest(bucket.factor * {SLOWER}, {SLOWEST});
  bucket.free_at := greatest(bucket.free_at, moment);
  bucket.eased_at := moment;
  PERFORM pg_temp.pace_keep(bucket);
END $$;
"""  # noqa: S608 - made of figures of ours
_SPEND = "SELECT * FROM pg_temp.pace_spend(%s, %s, %s, %s, %s, %s, %s, %s, %s)"


class PostgresPace:
    """Its methods ending in `_now` block until the server has answered."""

    def __init__(
        self,
        url: URL,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        moment: str = SERVER_CLOCK,
        patience: float = _PATIENCE,
    ) -> None:
        """Connects when it is first used. `moment`: where the time is from, in SQL."""
        self._url = url
        self._functions = _FUNCTIONS.replace("{moment}", f"({moment})")
        self._patience = patience
        self._sharers = OtherSpenders(monotonic)
        self._connection: DedicatedConnection | None = None
        self._closed = threading.Event()
        self._threads: Threads[None] = Threads(lambda: None, size=1, name="pace")

    async def reserve(self, spending: Spending) -> Reserved:
        return await self._threads.run(lambda _: self.reserve_now(spending))

    async def correct(self, spending: Spending) -> None:
        await self._threads.run(lambda _: self.correct_now(spending))

    async def slow_down(self, account: str, *, project: bool) -> None:
        await self._threads.run(lambda _: self.slow_down_now(account, project=project))

    def close(self) -> None:
        self._closed.set()
        self._threads.close()
        self._drop()

    def reserve_now(self, spending: Spending) -> Reserved:
        wait, spent = self._spend(spending, correcting=False)
        return self._sharers.answer(wait, spent=spent, account=spending.account, project=_PROJECT)

    def correct_now(self, spending: Spending) -> None:
        self._spend(spending, correcting=True)

    def slow_down_now(self, account: str, *, project: bool) -> None:
        for name in (_key(account), _PROJECT) if project else (_key(account),):
            self._ask("SELECT pg_temp.pace_slow_down(%s)", (name,))

    def _spend(self, spending: Spending, *, correcting: bool) -> tuple[float, bool]:
        own, all_of_it = spending.of_account, spending.of_project
        row = self._ask(
            _SPEND,
            (
                _key(spending.account),
                _PROJECT,
                correcting,
                float(spending.units),
                own.rate,
                own.capacity,
                float(spending.project_units),
                all_of_it.rate,
                all_of_it.capacity,
            ),
        )
        wait, spent, moment, *moments = row
        for name, found, left in (
            (spending.account, moments[0], moments[1]),
            (_PROJECT, moments[2], moments[3]),
        ):
            recent = found != moment and abs((found - moment).total_seconds()) < MINUTE
            self._sharers.found(name, found.timestamp(), recent=recent)
            self._sharers.left(name, left.timestamp())
        return wait, spent

    def _ask(self, statement: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """One row. Where the answer was lost it is asked again: at worst too little is spent."""
        until = time.monotonic() + self._patience
        while True:
            try:
                with translating_driver_errors():
                    if self._connection is None:
                        self._connection = self._connect()
                    return self._connection.execute(statement.encode(), values).fetchone() or ()
            except DatabaseAway:
                self._drop()
                if time.monotonic() >= until or self._closed.wait(_PAUSE):
                    raise

    def _connect(self) -> DedicatedConnection:
        connection = connect_dedicated(self._url, name="pace", idle_seconds=_IDLE)
        try:
            connection.execute("SET synchronous_commit = off")
            connection.execute(self._functions.encode())
        except BaseException:
            connection.close()
            raise
        return connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _key(account: str) -> str:
    """Of any length, and without an address of a person."""
    return f"account {blake2b(account.encode(), digest_size=16).hexdigest()}"
