"""A practice on several workstations, in memory: the ports of companion.services.ports.practice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from companion.domain.errors import Busy, NotFound
from companion.domain.practice_errors import DatabaseAway
from companion.services.ports import ServerFacts, Workstation

MORNING = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
"""08:00 in Sydney, on the day of the fakes."""
WELL = ServerFacts(
    address="192.168.1.5:5432",
    version="15.8",
    supported=True,
    latency=timedelta(milliseconds=2),
    local=False,
    encrypted="TLSv1.3",
    sslmode="verify-full",
    pooled=False,
    refused=(),
    size=48_000_000,
    free=None,
    ahead=timedelta(),
)


def workstation(name: str, **changes: object) -> Workstation:
    """On since the morning, of this version, its clock right."""
    usual = Workstation(
        id=name.casefold().replace(" ", "-"),
        name=name,
        version="1.2.3",
        joined_at=MORNING - timedelta(days=30),
        seen_at=MORNING + timedelta(minutes=90),
        on=True,
        keeps_calendars=False,
        since=MORNING,
        feed_address="",
    )
    return replace(usual, **changes)  # type: ignore[arg-type] # names of its fields


def off(name: str, **changes: object) -> Workstation:
    return workstation(name, on=False, since=None, **changes)


@dataclass
class FakeServer:
    """A `DatabaseServer`."""

    reachable: bool = True
    facts: ServerFacts = WELL
    silent_for: float = 0.0
    disk_full: bool = False

    async def examine(self) -> ServerFacts:
        if not self.reachable:
            raise DatabaseAway
        return self.facts


@dataclass
class FakePractice:
    """A `Practice`. Who is let to keep the calendars does so at `take_over`, as another computer
    takes its seconds."""

    found: list[Workstation] = field(
        default_factory=lambda: [
            workstation("Back office", feed_address="192.168.1.21:8090"),
            workstation("Front desk", keeps_calendars=True, feed_address="192.168.1.20:8090"),
            off("Second site"),
        ]
    )
    this_one: str = "back-office"
    server: FakeServer = field(default_factory=FakeServer)
    now: Callable[[], datetime] = lambda: MORNING + timedelta(minutes=90)
    wanted: str = ""
    asked: int = 0

    async def workstations(self) -> list[Workstation]:
        self._reach()
        self.asked += 1
        return sorted(self.found, key=lambda each: each.name.casefold())

    async def let_keep(self, workstation_id: str) -> None:
        self._reach()
        self.wanted = self._one(workstation_id).id

    def take_over(self) -> None:
        self.found = [
            replace(
                each,
                keeps_calendars=each.id == self.wanted,
                since=self.now() if each.id == self.wanted else each.since,
            )
            for each in self.found
        ]

    async def forget(self, workstation_id: str) -> None:
        self._reach()
        if self._one(workstation_id).on:
            raise Busy("It is on.", "Stop it first.")
        self.found = [each for each in self.found if each.id != workstation_id]

    async def rename(self, workstation_id: str, name: str) -> None:
        self._reach()
        self._one(workstation_id)
        self.found = [
            replace(each, name=name) if each.id == workstation_id else each for each in self.found
        ]

    async def stay_on(self, feed_address: Callable[[], str]) -> None:
        self.change(self.this_one, on=True, feed_address=feed_address())
        try:
            await asyncio.Event().wait()
        finally:
            self.change(self.this_one, on=False, since=None)

    def change(self, workstation_id: str, **changes: object) -> None:
        """As that computer would of itself."""
        self.found = [
            replace(each, **changes) if each.id == workstation_id else each  # type: ignore[arg-type] # as above
            for each in self.found
        ]

    def _one(self, workstation_id: str) -> Workstation:
        for each in self.found:
            if each.id == workstation_id:
                return each
        raise NotFound("No such workstation.", "Look at the list again.")

    def _reach(self) -> None:
        if not self.server.reachable:
            raise DatabaseAway
