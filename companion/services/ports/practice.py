"""One practice on several workstations: who is on, who keeps the calendars, how fast all may go.

A home that is not shared has the same ports in their simplest form: it always keeps its calendars.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Workstation:
    """One computer of the practice. Moments are by the clock of the database."""

    id: str
    name: str
    version: str
    """Of Calendar Companion, as it last started there."""
    joined_at: datetime
    seen_at: datetime
    on: bool
    """Its app runs: it was seen a moment ago and has not said that it stops."""
    keeps_calendars: bool
    """It holds the lease."""
    since: datetime | None
    """Since when it keeps the calendars, else since when it is on; None while it is off."""
    feed_address: str = ""
    """Where phones reach it, as ``192.168.1.20:8090``; empty where its listener is off."""
    clock_ahead: timedelta = timedelta()
    """Its own clock against the database's; negative where it is behind."""


class Lease(Protocol):
    """The right to do what one computer at a time does for the practice: background sync, fetched
    sources, notices, backups and daily tidying."""

    @property
    def held(self) -> bool:
        """As proved by the database a moment ago; false as soon as that is in doubt. Cheap."""
        ...

    def subscribe(self, listener: Callable[[bool], object]) -> Callable[[], None]:
        """Call `listener` with each change of `held`, on the event loop, until the function
        returned is called."""
        ...

    async def run(self) -> None:
        """Seek it and keep it, until cancelled; then give it up at once for the others."""
        ...


class AlwaysHeld:
    """The Lease of a home that no other computer shares."""

    held = True

    def subscribe(self, listener: Callable[[bool], object]) -> Callable[[], None]:
        del listener
        return lambda: None

    async def run(self) -> None:
        return


@dataclass(frozen=True, slots=True)
class Refill:
    """A bucket of units: how fast it fills, and how much it holds."""

    rate: float
    """Units a second."""
    capacity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Units of one account and of the project; negative ones are given back."""

    account: str
    units: float
    project_units: float
    of_account: Refill
    of_project: Refill


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    wait: float
    """Seconds until the call may be made, or until asking again has a point."""
    spent: bool
    """False where the wait is too long to reserve anything: nothing was spent."""
    account_shared: bool = False
    """Another process has spent of this account within the last minute."""
    project_shared: bool = False


class SharedPace(Protocol):
    """What all processes of the practice may together ask of Google, over the Pacer of each.

    All raise CompanionError where it cannot be known: then nothing may be called."""

    async def reserve(self, spending: Spending) -> Reserved:
        """Spend now, for a call that is made after `wait`."""
        ...

    async def correct(self, spending: Spending) -> None:
        """What was spent beyond what had been reserved, or not used of it."""
        ...

    async def slow_down(self, account: str, *, project: bool) -> None:
        """Google answered with a rate error: all go slower with this account, or with all."""
        ...


class Messages(Protocol):
    """Small notices among the processes of a practice that run just now; any may be lost."""

    def send(self, topic: str, fields: Mapping[str, Any]) -> None:
        """To all others. Raises ValueError for more than some thousand characters."""
        ...

    def subscribe(
        self, topic: str, listener: Callable[[Mapping[str, Any]], object]
    ) -> Callable[[], None]:
        """Call `listener`, on the event loop, with what others send, until the function returned
        is called."""
        ...


class WorkstationRegistry(Protocol):
    """The practice that several workstations share."""

    async def workstations(self) -> Sequence[Workstation]:
        """In the order of their names; this one is among them."""
        ...

    @property
    def this_one(self) -> str:
        """Id of this workstation."""
        ...

    async def let_keep(self, workstation_id: str) -> None:
        """That workstation shall keep the calendars; it takes over within seconds where it is on.
        Raises NotFound."""
        ...

    async def forget(self, workstation_id: str) -> None:
        """Remove one that is off for good. Raises NotFound, Busy while it is on."""
        ...

    async def rename(self, workstation_id: str, name: str) -> None:
        """Raises NotFound."""
        ...

    async def stay_on(self, feed_address: Callable[[], str]) -> None:
        """Be seen as on by the others until cancelled, then as off. `feed_address`: where phones
        reach this one, empty for nowhere. Raises WorkstationForgotten, WorkstationCopied: then this
        one must stop."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """What the doctor looks at."""

    address: str
    """``db.example:5432``, or the folder of a local socket."""
    version: str
    """``15.8``."""
    supported: bool
    """Not older than what this program is made for."""
    latency: timedelta
    """Of one small question and its answer, the median of a few."""
    local: bool
    """Nothing between it and this program leaves this computer."""
    encrypted: str
    """``TLSv1.3``; empty where it is not."""
    sslmode: str
    """What the address asks for, in PostgreSQL's words: ``require`` and the stronger ones never go
    without encryption, ``verify-full`` alone also proves which server it is."""
    pooled: bool
    """A pooler answers, which gives every transaction another session."""
    refused: tuple[str, ...]
    """What the program has to do and may not, as ``write the tables``."""
    size: int
    """Bytes of the database."""
    free: int | None
    """Bytes free on its disk; None where that cannot be seen from here."""
    ahead: timedelta
    """This computer's clock against the server's; negative where it is behind."""


class DatabaseServer(Protocol):
    """The server of a shared practice."""

    @property
    def reachable(self) -> bool:
        """As of a moment ago. Cheap."""
        ...

    @property
    def silent_for(self) -> float:
        """Seconds since it answered last, within some ten. Cheap."""
        ...

    @property
    def disk_full(self) -> bool:
        """Whether a write of this process was refused within the last hour because the server's
        disk was full."""
        ...

    async def examine(self) -> ServerFacts:
        """Over a connection of its own. Raises DatabaseAway, StoreError."""
        ...
