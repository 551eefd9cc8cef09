"""Two workstations of one practice which hear of each other's passes: the same stores and Google,
turns, and a wire for their messages."""

from __future__ import annotations

from companion.adapters.database.turns import PracticeTurns
from tests.battery.world import ANNA, World, appointment
from tests.fakes.messages import Wire
from tests.fakes.turn_table import MemoryTurnTable

MIRA = "mira"


class Clinic:
    """The front desk, which keeps the calendars, and the back office; one book and one Google."""

    def __init__(self) -> None:
        self.desk = World(ANNA, MIRA, user_rate=10)
        self.wire = Wire()
        self.table = MemoryTurnTable("front desk", self.desk.clock)
        self.office = self.desk.neighbour()
        self.office.user_rate = 10
        self._join(self.desk, self.table)
        self.office_table = self.table.of("back office")
        self._join(self.office, self.office_table)

    def _join(self, world: World, table: MemoryTurnTable) -> None:
        world.locks = PracticeTurns(table, clock=world.clock, steady=world.clock.monotonic)
        world.messages = self.wire.end()
        world.restart()

    async def fill(self, count: int = 400) -> None:
        await self.desk.put(*(appointment(n) for n in range(count)))
