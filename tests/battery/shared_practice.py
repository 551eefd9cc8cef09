"""Two workstations of one practice: the same stores and Google, turns that are fenced, and a desk
that can be halted while a call of it is on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from companion.adapters.database.fencing import Check, TokenFencing
from companion.adapters.database.lock_table import HELD_SECONDS
from companion.adapters.database.named_locks import PracticeLocks
from companion.domain.errors import Busy
from companion.domain.reconcile import LedgerEntry
from companion.domain.sync_state import SyncState
from companion.services.ports import CalendarRef, WriteAnswer
from companion.services.sync.passes import PassResult
from tests.battery.world import ANNA, World
from tests.fakes.lock_table import MemoryLockTable


class Practice:
    def __init__(self, *people: str) -> None:
        self.desk = World(*people)
        self.office = self.desk.neighbour()
        self.table = MemoryLockTable("desk", self.desk.clock)
        self.halted = HaltedCalendars(self.desk.calendars)
        self.desk.calendars = self.halted  # type: ignore[assignment] # the same, but it halts
        for world, table in ((self.desk, self.table), (self.office, self.table.of("office"))):
            clock = world.clock
            world.locks = PracticeLocks(table, clock=clock, steady=clock.monotonic)
            world.restart()
            _fencing(world, table)

    async def halt_desk_in(self, work: Callable[[], Any]) -> asyncio.Task[Any]:
        """The desk's process is halted as it sends its next batch, until its turn is over."""
        self.halted.go_on.clear()
        self.halted.reached.clear()
        task = asyncio.create_task(work())
        await self.halted.reached.wait()
        self.table.away = True  # a process that is halted renews nothing
        await self.desk.clock.sleep(HELD_SECONDS + 1)
        return task

    async def go_on(self, task: asyncio.Task[Any]) -> Any:
        """What was on its way reaches Google now; what the desk makes of it."""
        self.table.away = False
        self.halted.go_on.set()
        return await task

    async def office_runs(self, who: str = ANNA) -> PassResult:
        """As its worker, which comes again while another has the turn."""
        while True:
            result = await self.office.run(who)
            if not isinstance(result.error, Busy):
                return result
            await self.office.clock.sleep(2)

    async def calm(self, who: str = ANNA) -> None:
        """Passes until a worker would see nothing left to do, and then one that writes nothing."""
        for _ in range(5):
            result = await self.office_runs(who)
            assert result.error is None
            state = await self.office.stores.ledger.state(who)
            if not (state.audit_due or result.written):
                break
        else:
            raise AssertionError("it never came to rest")
        assert not (await self.office_runs(who)).written
        found = await self.office.audit(who, repair=False)
        assert found.differences == ()


class HaltedCalendars:
    """A gateway whose batches wait before they are sent."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.reached = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def calendar(self, *named: Any) -> Any:
        return _Halting(await self._inner.calendar(*named), self)


class _Halting:
    def __init__(self, inner: Any, halted: HaltedCalendars) -> None:
        self._inner, self._halted = inner, halted

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def write(self, writes: Sequence[Any]) -> Sequence[WriteAnswer]:
        self._halted.reached.set()
        await self._halted.go_on.wait()
        answers: Sequence[WriteAnswer] = await self._inner.write(writes)
        return answers


def _fencing(world: World, table: MemoryLockTable) -> None:
    """The ledger of `world` asks for its turn, as on a server."""
    fenced = FencedLedger(world.ledger, table)
    world.ledger = fenced
    object.__setattr__(world.syncing._parts, "ledger", fenced)
    world.auditing._ledger = fenced  # type: ignore[assignment] # the rest is delegated


class FencedLedger:
    def __init__(self, inner: Any, table: MemoryLockTable) -> None:
        self._inner, self._table = inner, table

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def write(
        self, calendar: CalendarRef, put: Sequence[LedgerEntry] = (), drop: Sequence[str] = ()
    ) -> None:
        put, drop = list(put), list(drop)
        if put or drop:
            async with self._checked(TokenFencing().writing(calendar.practitioner_id)):
                await self._inner.write(calendar, put, drop)

    async def edit_state(
        self,
        practitioner_id: str,
        edit: Callable[[SyncState], SyncState],
        *,
        even_overtaken: bool = False,
    ) -> tuple[SyncState, SyncState]:
        async with self._checked(TokenFencing().editing(even_overtaken=even_overtaken)):
            states: tuple[SyncState, SyncState] = await self._inner.edit_state(
                practitioner_id, edit
            )
            return states

    def _checked(self, fencing: AbstractAsyncContextManager[Check]) -> _Checked:
        return _Checked(fencing, self._table)


class _Checked:
    def __init__(self, fencing: AbstractAsyncContextManager[Check], table: MemoryLockTable) -> None:
        self._fencing, self._table = fencing, table

    async def __aenter__(self) -> None:
        check = await self._fencing.__aenter__()
        try:
            check(self)  # type: ignore[arg-type] # as much of a connection as it needs
        except BaseException as error:
            await self._fencing.__aexit__(type(error), error, None)
            raise

    async def __aexit__(self, *error: Any) -> None:
        await self._fencing.__aexit__(*error)

    def execute(self, _query: object, values: dict[str, Any]) -> _Found:
        row = self._table.rows.get(values["mine"])
        return _Found(row is not None and row.token == values["number"])


class _Found:
    def __init__(self, found: bool) -> None:
        self._found = found

    def scalar_one_or_none(self) -> int | None:
        return 1 if self._found else None
