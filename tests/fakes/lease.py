"""A server's lease in memory: sessions that take turns with one lock, and what befalls them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from companion.adapters.database.lease_session import LeaseRenewal, LeaseTaken
from companion.domain.practice_errors import DatabaseAway


@dataclass
class LeaseServer:
    away: bool = False
    lock: LeaseSessionFake | None = None
    term: int = 0
    released: bool = True
    wanted: str = ""
    sessions: list[LeaseSessionFake] = field(default_factory=list)

    def session(self, workstation: str) -> LeaseSessionFake:
        if self.away:
            raise DatabaseAway
        self.sessions.append(LeaseSessionFake(self, workstation))
        return self.sessions[-1]

    def kill(self, session: LeaseSessionFake) -> None:
        """As an administrator does, or the server where nothing is asked for too long: whoever has
        the session learns of it with the next question."""
        session.dead = True
        if self.lock is session:
            self.lock = None


@dataclass(eq=False)
class LeaseSessionFake:
    server: LeaseServer
    workstation: str
    dead: bool = False
    asked: int = 0
    asked_at: tuple[int, float] = (0, 0.0)
    """As whoever ends silent sessions saw it last."""

    def _ask(self) -> LeaseServer:
        self.asked += 1
        if self.dead or self.server.away:
            raise DatabaseAway
        return self.server

    def seek(self) -> bool:
        server = self._ask()
        if server.lock is None and server.wanted in {"", self.workstation}:
            server.lock = self
        return server.lock is self

    def take(self) -> LeaseTaken:
        server = self._ask()
        in_order, server.released = server.released, False
        server.term += 1
        server.wanted = "" if server.wanted == self.workstation else server.wanted
        return LeaseTaken(server.term, in_order)

    def renew(self, term: int) -> LeaseRenewal:
        server = self._ask()
        if server.lock is not self or server.term != term:
            return LeaseRenewal(held=False)
        return LeaseRenewal(held=True, wanted=server.wanted not in {"", self.workstation})

    def release(self, term: int) -> None:
        server = self._ask()
        assert server.term == term
        server.released, server.lock = True, None

    def close(self) -> None:
        self.server.kill(self)


async def inline(work: Callable[[], Any]) -> Any:
    return work()
