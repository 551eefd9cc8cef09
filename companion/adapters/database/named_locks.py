"""PracticeLocks: each has one holder at a time among all processes of a practice.

A lock is a row (`lock_table`) that is renewed every few seconds while it is held. The token of the
task's lock travels in a context variable to whatever is written in it (`fencing`). Right before a
call to Google `ensure` asks whether the lock is still this process's, by the moment of the last
renewal; the call has then some seconds before anybody else may have the lock.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from companion.adapters.database.fencing import HeldLock, current_lock
from companion.adapters.database.lock_table import HELD_SECONDS, LockTable, TakenLock
from companion.domain.errors import Busy, CompanionError
from companion.domain.practice_errors import DatabaseAway, Overtaken
from companion.services.ports import Clock
from companion.services.steady import steady as steady_time
from companion.services.sync.snapshot import OwnedLock
from companion.services.waiting_for import set_or_over

log = logging.getLogger(__name__)

PATIENCE = 5.0
LOOK_EVERY = 0.25
"""Seconds between looks at whether a lock is free."""
RENEW_EVERY = 4.0
SOON = 0.5
"""After a renewal that met a write, or an error."""
FOR_A_CALL = 5.0
"""Seconds that a lock must have left when a call to Google begins."""
_MARGIN = 1.0
"""Clocks run unevenly."""
_LAST_WRITES = 3.0
LAST_MOMENT, _GLANCE = 0.5, 0.02


class PracticeLocks:
    """One per process."""

    def __init__(
        self, table: LockTable, *, clock: Clock, steady: Callable[[], float] = steady_time
    ) -> None:
        self._table = table
        self._clock = clock
        self._steady = steady
        self._held: set[HeldLock] = set()
        self._left: dict[str, HeldLock] = {}
        """By name: kept only because of calls that have not ended."""
        self._renewing: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def hold(self, name: str, *, patience: float | None = None) -> AsyncIterator[OwnedLock]:
        """Raises Busy, which says which workstation has it; DatabaseAway."""
        lock = await self._take(name, PATIENCE if patience is None else patience)
        before = current_lock.get()
        current_lock.set(lock)
        try:
            yield OwnedLock(abandoned=lock.abandoned)
        finally:
            current_lock.set(before)
            await asyncio.shield(self._soon(self._leave(lock)))

    async def ensure(self) -> None:
        lock = current_lock.get()
        if lock is None:
            return
        for _ in range(4):
            if self._is_proved(lock):
                return
            await self._renew([lock])
            if self._is_proved(lock):
                return
            await self._clock.sleep(SOON)  # it is being written under
        raise DatabaseAway(detail="a lock was not renewed")

    def _is_proved(self, lock: HeldLock) -> bool:
        """For long enough; raises Overtaken."""
        if lock.lost:
            raise Overtaken
        return self._steady() < lock.until - FOR_A_CALL

    def hold_for(self, call: asyncio.Future[Any]) -> bool:
        lock = current_lock.get()
        if lock is not None:
            lock.calls.append(call)
        return lock is not None

    async def holder(self, name: str) -> str:
        found = await self._table.holder(name)
        return "" if found is None else found.workstation_id

    async def close(self) -> None:
        """Wait a moment for what is being given back, and for work that is just ending; whatever is
        held all the same runs out."""
        if self._renewing is not None:
            self._renewing.cancel()
        for each in tuple(self._left.values()):
            self._over(each)
        until = self._steady() + LAST_MOMENT
        while (self._held or self._ending) and self._steady() < until:
            await self._clock.sleep(_GLANCE)

    # ── taking ────────────────────────────────────────────────────────────────────────────────

    async def _take(self, name: str, patience: float) -> HeldLock:
        until = self._steady() + patience
        while True:
            over = self._steady() >= until
            taking = asyncio.ensure_future(self._try(name))
            try:
                lock = await asyncio.shield(taking)
            except asyncio.CancelledError:
                taking.add_done_callback(self._release_again)
                raise
            except (DatabaseAway, Busy):
                if over:
                    raise
                lock = None
            if lock is not None:
                return lock
            if over:
                raise await self._busy(name)
            await self._clock.sleep(LOOK_EVERY)

    async def _try(self, name: str) -> HeldLock | None:
        asked, left = self._steady(), self._left.get(name)
        taken = await self._table.take(name, left.token if left is not None else 0)
        if taken is None:
            return None
        lock = self._begin(name, taken, asked)
        if left is not None:
            lock.calls = [each for each in left.calls if not each.done()]
            self._over(left)
        return lock

    def _begin(self, name: str, taken: TakenLock, asked: float) -> HeldLock:
        lock = HeldLock(
            name=name,
            token=taken.token,
            abandoned=taken.abandoned,
            until=asked + HELD_SECONDS - _MARGIN,
        )
        lock.written.set()
        self._held.add(lock)
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._keep_renewing())
        return lock

    def _release_again(self, taking: asyncio.Future[HeldLock | None]) -> None:
        """The waiting task was cancelled."""
        if taking.cancelled() or taking.exception() is not None:
            return
        lock = taking.result()
        if lock is not None:
            self._soon(self._leave(lock))

    async def _busy(self, name: str) -> Busy:
        with suppress(CompanionError):
            found = await self._table.holder(name)
            if found is not None and found.workstation_id == self._table.me:
                if any(each.name == name and not each.lost for each in self._held):
                    return Busy("This workstation is working on this right now.")
                return Busy(  # another process, or this one before a restart
                    "This workstation is working on this, or was interrupted a moment ago.",
                    "Try again in some seconds.",
                )
            if found is not None and found.name:
                return Busy(f"The workstation {found.name} is working on this right now.")
        return Busy("Another workstation is working on this right now.")

    # ── leaving ───────────────────────────────────────────────────────────────────────────────

    async def _leave(self, lock: HeldLock) -> None:
        """Give it back once what is being written in it is written, and no call of it can still
        arrive."""
        await set_or_over(lock.written, self._clock.sleep(_LAST_WRITES))
        calls = {each for each in lock.calls if not each.done()}
        if calls:
            self._left[lock.name] = lock
            self._soon(self._after(calls, lock))
            return
        await self._release(lock)

    def _soon(self, ending: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """`close` waits a moment for it."""
        task = asyncio.create_task(ending)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        return task

    async def _after(self, calls: Collection[asyncio.Future[Any]], lock: HeldLock) -> None:
        await asyncio.wait(calls)
        if not lock.ended:
            await self._release(lock)

    async def _release(self, lock: HeldLock) -> None:
        self._over(lock)
        with suppress(CompanionError):  # its time then runs out
            await self._table.release(lock.name, lock.token)

    def _over(self, lock: HeldLock) -> None:
        lock.ended = not lock.lost
        self._held.discard(lock)
        if self._left.get(lock.name) is lock:
            del self._left[lock.name]

    # ── keeping ───────────────────────────────────────────────────────────────────────────────

    async def _keep_renewing(self) -> None:
        pause = RENEW_EVERY
        while self._held:
            await self._clock.sleep(pause)
            try:
                whole = await self._renew([each for each in self._held if not each.lost])
            except CompanionError as error:
                log.warning("locks were not renewed: %s", type(error).__name__)
                whole = False
            pause = RENEW_EVERY if whole else SOON

    async def _renew(self, held: Collection[HeldLock]) -> bool:
        """Whether all were, or are lost."""
        if not held:
            return True
        asked = self._steady()
        renewed = await self._table.renew([(each.name, each.token) for each in held])
        for each in held:
            if each.name in renewed.kept:
                each.until = max(each.until, asked + HELD_SECONDS - _MARGIN)
            elif each.name in renewed.lost:
                each.lost = not each.ended
        return len(renewed.kept) + len(renewed.lost) == len(held)
