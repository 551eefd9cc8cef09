"""SessionLease: one workstation at a time keeps the calendars, and knows when it does not.

    seek → lock got → term raised → (wait, where the last holder did not give it up) → held
         ↑                                                        │ renewed every 3 s
         └── any error, a term of another, a wish of a person ◀───┘

`held` is worked out from the moment of the last renewal each time it is asked for, by a clock that
counts on while the computer sleeps. So a holder that hangs, sleeps or is cut off does not hold the
lease, whether or not anything has told it so. The moment counted is that before the question was
sent: whoever takes over waits as long as a renewal holds, from when the lock was free.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

from companion.adapters.database.lease_session import LeaseSession, LeaseTiming, OpenSession
from companion.domain.errors import CompanionError
from companion.services.changes import Publisher
from companion.services.ports import Clock
from companion.services.steady import steady as steady_time
from companion.services.threads import Threads
from companion.services.waiting_for import set_or_over

log = logging.getLogger(__name__)

LAST_MOMENT = 0.7
"""Seconds for giving it up at the end."""
_LOOK = 1.0
"""A sleep of the computer is noticed within so many seconds after it."""

RunInThread = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs blocking work in a thread of its own, in order."""


class SessionLease:
    def __init__(
        self,
        open_session: OpenSession,
        *,
        clock: Clock,
        steady: Callable[[], float] = steady_time,
        apart: RunInThread | None = None,
        timing: LeaseTiming | None = None,
    ) -> None:
        self._open = open_session
        self._clock = clock
        self._steady = steady
        self._timing = timing or LeaseTiming()
        self._threads: Threads[None] | None = None
        self._apart = apart or self._in_its_thread
        self._changes = Publisher[bool]()
        self._news = asyncio.Event()
        self._session: LeaseSession | None = None
        self._term = 0
        self._has_lock = False
        self._begins = math.inf
        self._until = -math.inf
        self._told = False
        self._failing = False

    @property
    def held(self) -> bool:
        return self._begins <= self._steady() < self._until

    def subscribe(self, listener: Callable[[bool], object]) -> Callable[[], None]:
        return self._changes.subscribe(listener)

    async def run(self) -> None:
        telling = asyncio.create_task(self._keep_telling())
        try:
            while True:
                try:
                    await self._seek_and_keep()
                except CompanionError as error:
                    self._note_failure(error)
                finally:
                    self._lose()
                await self._close()
                await self._clock.sleep(self._timing.retry)
        finally:
            telling.cancel()
            self._tell()
            ending = asyncio.ensure_future(self._apart(self._end))
            await asyncio.wait({ending}, timeout=LAST_MOMENT)
            if self._threads is not None:
                self._threads.close()
                self._threads = None

    async def _seek_and_keep(self) -> None:
        """Until an error, or until the lock turns out to be gone."""
        session = self._session = await self._apart(self._open)
        self._failing = False
        while True:
            while not await self._apart(session.seek):
                await self._clock.sleep(self._timing.seek)
            self._has_lock = True
            if not await self._keep(session):
                return
            self._has_lock = False

    async def _keep(self, session: LeaseSession) -> bool:
        """Whether it was given up in order."""
        before = self._term
        asked = self._steady()
        taken = await self._apart(session.take)
        self._term = taken.term
        ours = taken.term == before + 1  # nobody else has had it
        wait = 0.0 if taken.in_order or ours else self._timing.take_over
        self._begins, self._until = self._steady() + wait, asked + self._timing.lease
        log.info("this workstation keeps the calendars in %d seconds", round(wait))
        while True:
            self._news.set()
            await self._clock.sleep(self._timing.renew)
            asked = self._steady()
            renewal = await self._apart(partial(session.renew, self._term))
            if not renewal.held:
                log.warning("the lease is somebody else's")
                return False
            self._until = asked + self._timing.lease
            if renewal.wanted:
                self._lose()
                await self._clock.sleep(self._timing.hand_over)
                await self._apart(partial(session.release, self._term))
                return True

    def _note_failure(self, error: CompanionError) -> None:
        if not self._failing:
            log.warning("no lease: %s %s", type(error).__name__, error.detail)
        self._failing = True

    def _lose(self) -> None:
        self._begins, self._until = math.inf, -math.inf
        self._news.set()

    async def _close(self) -> None:
        session, self._session = self._session, None
        self._has_lock = False
        if session is not None:
            await self._apart(session.close)

    def _end(self) -> None:
        """In order: others need not wait."""
        session, self._session = self._session, None
        if session is None:
            return
        with suppress(CompanionError):
            if self._has_lock and self._term:
                session.release(self._term)
        session.close()

    async def _in_its_thread(self, work: Callable[[], Any]) -> Any:
        if self._threads is None:
            self._threads = Threads(lambda: None, size=1, name="lease")
        return await self._threads.run(lambda _: work())

    async def _keep_telling(self) -> None:
        while True:
            self._news.clear()
            self._tell()
            now = self._steady()
            moments = [each - now for each in (self._begins, self._until) if now < each < math.inf]
            if not moments:
                await self._news.wait()
                continue
            await set_or_over(self._news, self._clock.sleep(min(_LOOK, *moments)))

    def _tell(self) -> None:
        held = self.held
        if held != self._told:
            self._told = held
            self._changes.publish(held)
