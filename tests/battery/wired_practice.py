"""Two workstations of one practice which hear of each other's passes: the same stores and Google,
turns, and a wire for their messages."""

from __future__ import annotations

from companion.adapters.database.named_locks import PracticeLocks
from tests.battery.world import ANNA, World, appointment
from tests.fakes.lock_table import MemoryLockTable
from tests.fakes.messages import Wire

MIRA = "mira"


class Clinic:
    """The front desk, which keeps the calendars, and the back office; one book and one Google."""

    def __init__(self) -> None:
        self.desk = World(ANNA, MIRA, user_rate=10)
        self.wire = Wire()
        self.table = MemoryLockTable("front desk", self.desk.clock)
        self.office = self.desk.neighbour()
        self.office.user_rate = 10
        self._join(self.desk, self.table)
        self.office_table = self.table.of("back office")
        self._join(self.office, self.office_table)

    def _join(self, world: World, table: MemoryLockTable) -> None:
        world.locks = PracticeLocks(table, clock=world.clock, steady=world.clock.monotonic)
        world.messages = self.wire.end()
        world.restart()

    async def fill(self, count: int = 400) -> None:
        await self.desk.put(*(appointment(n) for n in range(count)))
