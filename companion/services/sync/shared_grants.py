"""SharedGrants: what one process's Pacer asks of the pace that all processes share.

A grant of the Pacer is reserved there too before the call is made. One that ends late is charged
once more where others share the bucket: the margin of a bucket covers what one process has in
flight, and calls that take no longer than the margin lasts; more of them, held up together by a
network that stood still, would arrive within the same minute as those granted since.

Units that were not used are given back with the account's next reservation, or after a second.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from companion.domain.errors import CompanionError
from companion.services.ports import Clock, Refill, Reserved, SharedPace, Spending

SETTLES_AFTER = 1.0
"""Seconds in which the next reservation usually takes along what is to be given back."""


@dataclass(slots=True)
class _Unsettled:
    """What the shared buckets are yet to be told of an account."""

    units: float = 0.0
    project_units: float = 0.0
    slower: int = 0
    """Rate errors."""
    project_slower: bool = False

    @property
    def due(self) -> bool:
        """Others must know at once."""
        return self.slower > 0 or self.units > 0 or self.project_units > 0

    def __bool__(self) -> bool:
        return bool(self.slower or self.units or self.project_units)


class SharedGrants:
    def __init__(
        self, pace: SharedPace, clock: Clock, *, of_account: Refill, of_project: Refill
    ) -> None:
        self._pace = pace
        self._clock = clock
        self._of_account, self._of_project = of_account, of_project
        self._open: dict[str, _Unsettled] = {}
        self._last: dict[str, Reserved] = {}
        self._settling: set[asyncio.Task[None]] = set()

    async def reserve(self, account: str, units: int) -> float | None:
        """Reserve, and wait for the moment; or, where others have reserved too much, the seconds
        after which to ask again. Raises CompanionError where the shared pace cannot be known."""
        if self._of(account).slower:
            await asyncio.shield(self._settling_of(account))
        open_ = self._open.pop(account, _Unsettled())
        if open_.slower:  # it could not be told just now
            self._add(account, _Unsettled(0.0, 0.0, open_.slower, open_.project_slower))
            open_.slower, open_.project_slower = 0, False
        asked = asyncio.ensure_future(
            self._pace.reserve(
                self._spending(account, units + open_.units, units + open_.project_units)
            )
        )
        try:
            reserved = await asyncio.shield(asked)
        except asyncio.CancelledError:
            asked.add_done_callback(lambda done: self._unused(done, account, units, open_))
            raise
        except CompanionError:
            self._add(account, open_)
            raise
        self._last[account] = reserved
        if not reserved.spent:
            self._owe(account, open_)
            return reserved.wait
        try:
            if reserved.wait > 0:
                await self._clock.sleep(reserved.wait)
        except asyncio.CancelledError:
            self.correct(account, -units)
            raise
        return None

    def correct(self, account: str, units: float) -> None:
        """More units were spent than reserved, or fewer."""
        self._owe(account, _Unsettled(units, units))

    def slow_down(self, account: str, *, project: bool) -> None:
        self._owe(account, _Unsettled(slower=1, project_slower=project))

    async def ended(self, account: str, units: int, *, late: bool) -> None:
        """After each call."""
        last = self._last.get(account)
        if late and last is not None:
            again = _Unsettled(
                units if last.account_shared else 0.0, units if last.project_shared else 0.0
            )
            self._add(account, again)
        if self._of(account).due:
            await asyncio.shield(self._settling_of(account))

    def _of(self, account: str) -> _Unsettled:
        return self._open.get(account) or _Unsettled()

    def _owe(self, account: str, more: _Unsettled) -> None:
        if not more:
            return
        self._add(account, more)
        self._settling_of(account, 0.0 if more.due else SETTLES_AFTER)

    def _settling_of(self, account: str, pause: float = 0.0) -> asyncio.Task[None]:
        """It goes on where whoever waits for it is cancelled: it has taken what it tells."""
        task = asyncio.create_task(self._settle(account, pause))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)
        return task

    def _add(self, account: str, more: _Unsettled) -> None:
        open_ = self._open.setdefault(account, _Unsettled())
        open_.units += more.units
        open_.project_units += more.project_units
        open_.slower += more.slower
        open_.project_slower |= more.project_slower

    def _unused(
        self, asked: asyncio.Future[Reserved], account: str, units: int, open_: _Unsettled
    ) -> None:
        """Its caller was cancelled while the answer was on its way."""
        if asked.cancelled():
            return
        if asked.exception() is None and asked.result().spent:
            self.correct(account, -units)
        else:
            self._owe(account, open_)

    async def _settle(self, account: str, pause: float = 0.0) -> None:
        """What cannot be told now is told with the next reservation."""
        if pause:
            await self._clock.sleep(pause)
        open_ = self._open.pop(account, None)
        if not open_:
            return
        try:
            while open_.slower:
                await self._pace.slow_down(account, project=open_.project_slower)
                open_.slower -= 1
                open_.project_slower = False
            if open_.units or open_.project_units:
                spending = self._spending(account, open_.units, open_.project_units)
                await self._pace.correct(spending)
        except CompanionError:
            self._add(account, open_)

    def _spending(self, account: str, units: float, project_units: float) -> Spending:
        return Spending(
            account=account,
            units=units,
            project_units=project_units,
            of_account=self._of_account,
            of_project=self._of_project,
        )
