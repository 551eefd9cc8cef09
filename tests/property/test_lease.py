"""Whatever befalls three workstations and their server, never two of them hold the lease at a
moment, each by its own proof; and once all is well again, one does before long."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from companion.adapters.database.lease import SessionLease
from companion.adapters.database.lease_session import LeaseTiming
from tests.fakes.clock import FakeClock
from tests.fakes.lease import LeaseServer, inline

NAMES = ("desk", "office", "second site")
TIMING = LeaseTiming()
STEP = 0.5
CALM = 60
EVENTS = (
    "session ended",
    "network silent",
    "answers late",
    "network back",
    "halted",
    "server away",
    "server restarted",
    "stopped",
    "started",
    "wanted",
    "nothing",
)


@dataclass
class Computer:
    name: str
    server: LeaseServer
    clock: FakeClock
    halted_for: float = 0.0
    """Seconds that it was halted altogether: its clock went on, its program did not."""
    there: asyncio.Event = field(default_factory=asyncio.Event)
    back: asyncio.Event = field(default_factory=asyncio.Event)
    lease: SessionLease | None = None
    task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self.task is None:
            self.plug_in()
            self.lease = SessionLease(
                lambda: self.server.session(self.name),
                clock=self.clock,
                steady=lambda: self.clock.monotonic() + self.halted_for,
                apart=self._apart,
            )
            self.task = asyncio.create_task(self.lease.run())

    async def _apart(self, work: Callable[[], Any]) -> Any:
        await self.there.wait()
        answer = await inline(work)
        await self.back.wait()
        return answer

    def plug_in(self) -> None:
        self.there.set()
        self.back.set()

    @property
    def held(self) -> bool:
        return self.lease is not None and self.lease.held

    def sessions_end(self) -> None:
        for session in self.server.sessions:
            if session.workstation == self.name:
                self.server.kill(session)

    async def stop(self) -> None:
        if self.task is not None:
            self.plug_in()
            self.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.task
        self.task = self.lease = None


@dataclass
class Practice:
    clock: FakeClock = field(default_factory=lambda: FakeClock(auto=False))
    server: LeaseServer = field(default_factory=LeaseServer)
    computers: list[Computer] = field(default_factory=list)

    async def pass_by(self, seconds: float) -> None:
        for _ in range(int(seconds / STEP)):
            await self.clock.advance(STEP)
            self._end_silent_sessions()
            assert sum(each.held for each in self.computers) <= 1

    def _end_silent_sessions(self) -> None:
        """As the server does with those that ask nothing for as long as a proof holds."""
        now = self.clock.monotonic()
        for session in self.server.sessions:
            if session.asked != session.asked_at[0]:
                session.asked_at = (session.asked, now)
            elif now - session.asked_at[1] > TIMING.lease:
                self.server.kill(session)

    async def befall(self, event: str, computer: Computer) -> None:
        match event:
            case "session ended":
                computer.sessions_end()
            case "network silent":
                computer.there.clear()
            case "answers late":
                computer.back.clear()
            case "network back":
                computer.plug_in()
            case "halted":
                computer.sessions_end()
                computer.halted_for += 3600
            case "server away":
                self.server.away, self.server.lock = True, None
            case "server restarted":
                self.server.away, self.server.lock = False, None
                for session in self.server.sessions:
                    self.server.kill(session)
            case "stopped":
                await computer.stop()
            case "started":
                computer.start()
            case "wanted" if computer.task is not None:
                self.server.wanted = computer.name


@example([("nothing", 0, 4), ("network silent", 0, 1), ("session ended", 0, 20)])
@example(
    [
        ("nothing", 0, 4),
        ("answers late", 0, 4),
        ("session ended", 0, 4),
        ("network back", 0, 20),
    ]
)
@given(
    history=st.lists(
        st.tuples(st.sampled_from(EVENTS), st.sampled_from(range(3)), st.sampled_from((1, 4, 20))),
        max_size=25,
    )
)
def test_never_two_hold_the_lease_and_one_does_once_all_is_well(
    history: list[tuple[str, int, int]],
) -> None:
    async def play() -> None:
        practice = Practice()
        practice.computers = [Computer(name, practice.server, practice.clock) for name in NAMES]
        for each in practice.computers:
            each.start()
        try:
            for event, number, seconds in history:
                await practice.befall(event, practice.computers[number])
                await practice.pass_by(seconds)
            practice.server.away, practice.server.wanted = False, ""
            for each in practice.computers:
                each.plug_in()
                each.start()
            await practice.pass_by(CALM)
            assert sum(each.held for each in practice.computers) == 1
        finally:
            for each in practice.computers:
                await each.stop()

    asyncio.run(play())
