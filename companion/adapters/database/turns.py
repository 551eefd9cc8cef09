"""PracticeTurns: one at a time among all processes of all workstations of a practice.

A turn is a row (`turn_table`) that is renewed every few seconds while it is held. The token of the
task's turn travels in a context variable to whatever is written in it (`fence`). Right before a
call to Google `ensure` asks whether the turn is still this process's, by the moment of the last
renewal; the call has then some seconds before anybody else may have the turn.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from typing import Any

from companion.adapters.database.fence import HeldTurn, current_turn
from companion.adapters.database.turn_table import TURN_SECONDS, TakenTurn, TurnTable
from companion.domain.errors import Busy, CompanionError
from companion.domain.practice_errors import DatabaseAway, Overtaken
from companion.services.ports import Clock
from companion.services.steady import steady as steady_time
from companion.services.sync.snapshot import Turn

log = logging.getLogger(__name__)

PATIENCE = 5.0
LOOK_EVERY = 0.25
"""Seconds between looks at whether a turn is free."""
RENEW_EVERY = 4.0
SOON = 0.5
"""After a renewal that met a write, or an error."""
FOR_A_CALL = 5.0
"""Seconds that a turn must have left when a call to Google begins."""
_MARGIN = 1.0
"""Clocks run unevenly."""
_LAST_WRITES = 3.0
LAST_MOMENT = 0.5


class PracticeTurns:
    """One per process."""

    def __init__(
        self, table: TurnTable, *, clock: Clock, steady: Callable[[], float] = steady_time
    ) -> None:
        self._table = table
        self._clock = clock
        self._steady = steady
        self._held: set[HeldTurn] = set()
        self._left: dict[str, HeldTurn] = {}
        """By name: kept only because of calls that have not ended."""
        self._renewing: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def hold(self, name: str, *, patience: float | None = None) -> AsyncIterator[Turn]:
        """Raises Busy, which says which workstation has it; DatabaseAway."""
        turn = await self._take(name, PATIENCE if patience is None else patience)
        before = current_turn.get()
        current_turn.set(turn)
        try:
            yield Turn(broken_off=turn.broken_off)
        finally:
            current_turn.set(before)
            leaving = asyncio.ensure_future(self._leave(turn))
            self._ending.add(leaving)
            leaving.add_done_callback(self._ending.discard)
            await asyncio.shield(leaving)

    async def ensure(self) -> None:
        turn = current_turn.get()
        if turn is None:
            return
        for _ in range(4):
            if self._is_proved(turn):
                return
            await self._renew([turn])
            if self._is_proved(turn):
                return
            await self._clock.sleep(SOON)  # it is being written under
        raise DatabaseAway(detail="a turn was not renewed")

    def _is_proved(self, turn: HeldTurn) -> bool:
        """For long enough; raises Overtaken."""
        if turn.lost:
            raise Overtaken
        return self._steady() < turn.until - FOR_A_CALL

    def linger(self, call: asyncio.Future[Any]) -> bool:
        turn = current_turn.get()
        if turn is not None:
            turn.calls.append(call)
        return turn is not None

    async def holder(self, name: str) -> str:
        found = await self._table.holder(name)
        return "" if found is None else found.workstation_id

    async def close(self) -> None:
        """Wait for what is being given back; whatever is held all the same runs out."""
        if self._renewing is not None:
            self._renewing.cancel()
        for each in tuple(self._left.values()):
            self._over(each)
        giving = {each for each in self._ending if not each.done()}
        if giving:
            await asyncio.wait(giving, timeout=LAST_MOMENT)

    # ── taking ────────────────────────────────────────────────────────────────────────────────

    async def _take(self, name: str, patience: float) -> HeldTurn:
        until = self._steady() + patience
        while True:
            over = self._steady() >= until
            taking = asyncio.ensure_future(self._try(name))
            try:
                turn = await asyncio.shield(taking)
            except asyncio.CancelledError:
                taking.add_done_callback(self._give_back_again)
                raise
            except (DatabaseAway, Busy):
                if over:
                    raise
                turn = None
            if turn is not None:
                return turn
            if over:
                raise await self._busy(name)
            await self._clock.sleep(LOOK_EVERY)

    async def _try(self, name: str) -> HeldTurn | None:
        asked, left = self._steady(), self._left.get(name)
        taken = await self._table.take(name, left.token if left is not None else 0)
        if taken is None:
            return None
        turn = self._begin(name, taken, asked)
        if left is not None:
            turn.calls = [each for each in left.calls if not each.done()]
            self._over(left)
        return turn

    def _begin(self, name: str, taken: TakenTurn, asked: float) -> HeldTurn:
        turn = HeldTurn(
            name=name,
            token=taken.token,
            broken_off=taken.broken_off,
            until=asked + TURN_SECONDS - _MARGIN,
        )
        turn.written.set()
        self._held.add(turn)
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._keep_renewing())
        return turn

    def _give_back_again(self, taking: asyncio.Future[HeldTurn | None]) -> None:
        """The waiting task was cancelled."""
        if taking.cancelled() or taking.exception() is not None:
            return
        turn = taking.result()
        if turn is not None:
            leaving = asyncio.ensure_future(self._leave(turn))
            self._ending.add(leaving)
            leaving.add_done_callback(self._ending.discard)

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

    async def _leave(self, turn: HeldTurn) -> None:
        """Give it back once what is being written in it is written, and no call of it can still
        arrive."""
        writing = asyncio.ensure_future(turn.written.wait())
        pause = asyncio.ensure_future(self._clock.sleep(_LAST_WRITES))
        await asyncio.wait({writing, pause}, return_when=asyncio.FIRST_COMPLETED)
        writing.cancel()
        pause.cancel()
        calls = {each for each in turn.calls if not each.done()}
        if calls:
            self._left[turn.name] = turn
            ending = asyncio.create_task(self._after(calls, turn))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
            return
        await self._give_back(turn)

    async def _after(self, calls: Collection[asyncio.Future[Any]], turn: HeldTurn) -> None:
        await asyncio.wait(calls)
        if not turn.ended:
            await self._give_back(turn)

    async def _give_back(self, turn: HeldTurn) -> None:
        self._over(turn)
        with suppress(CompanionError):  # its time then runs out
            await self._table.give_back(turn.name, turn.token)

    def _over(self, turn: HeldTurn) -> None:
        turn.ended = not turn.lost
        self._held.discard(turn)
        if self._left.get(turn.name) is turn:
            del self._left[turn.name]

    # ── keeping ───────────────────────────────────────────────────────────────────────────────

    async def _keep_renewing(self) -> None:
        pause = RENEW_EVERY
        while self._held:
            await self._clock.sleep(pause)
            try:
                whole = await self._renew([each for each in self._held if not each.lost])
            except CompanionError as error:
                log.warning("turns were not renewed: %s", type(error).__name__)
                whole = False
            pause = RENEW_EVERY if whole else SOON

    async def _renew(self, held: Collection[HeldTurn]) -> bool:
        """Whether all were, or are lost."""
        if not held:
            return True
        asked = self._steady()
        renewed = await self._table.renew([(each.name, each.token) for each in held])
        for each in held:
            if each.name in renewed.kept:
                each.until = max(each.until, asked + TURN_SECONDS - _MARGIN)
            elif each.name in renewed.lost:
                each.lost = not each.ended
        return len(renewed.kept) + len(renewed.lost) == len(held)
