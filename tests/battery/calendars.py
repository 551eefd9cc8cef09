"""The parts of a battery's world: its calendars at Google, and what interrupts them."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from companion.domain.calendar_writers import MARK, NOBODY, CalendarWriter
from companion.domain.errors import CompanionError, RemoteError
from companion.domain.reconcile import ObservedEvent
from companion.services.ports import DeleteEvent, InsertEvent, PatchEvent, Write
from companion.services.sync.snapshot import OwnedLock
from tests.fakes.clock import FakeClock
from tests.fakes.google_calendar import FakeRemoteCalendar, OpenedCalendar

HIDDEN = "Quillfeather"
"""Last name of every client: the disclosure hides it, so it may not leave the book."""

Step = Callable[[str], None]


class Crash(BaseException):
    """The process died here."""


class Exploded(AssertionError):
    """A call was made that must not have been."""


async def inline(work: Callable[[], Any]) -> Any:
    return work()


class FreeLocks:
    """Turns among processes, where there is only one."""

    @contextlib.asynccontextmanager
    async def hold(self, name: str, *, patience: float | None = None) -> AsyncIterator[OwnedLock]:
        yield OwnedLock()

    async def ensure(self) -> None:
        return

    def hold_for(self, call: asyncio.Future[Any]) -> bool:
        return False

    async def holder(self, name: str) -> str:
        return ""


class Stepped:
    """A store whose every coroutine tells `step` before and after."""

    def __init__(self, inner: Any, name: str, step: Step) -> None:
        self._inner, self._name, self._step = inner, name, step

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not inspect.iscoroutinefunction(found) or name == "change_sign":  # no query
            return found

        async def call(*positional: Any, **named: Any) -> Any:
            self._step(f"before {self._name}.{name}")
            answer = await found(*positional, **named)
            self._step(f"after {self._name}.{name}")
            return answer

        return call


@dataclass(slots=True)
class Spending:
    """Quota units by fake time: the most that fell into any 60 seconds."""

    clock: FakeClock
    peak: int = 0
    total: int = 0
    _recent: deque[tuple[float, int]] = field(default_factory=deque)
    _sum: int = 0

    def spend(self, units: int) -> None:
        now = self.clock.monotonic()
        while self._recent and self._recent[0][0] <= now - 60:
            self._sum -= self._recent.popleft()[1]
        self._recent.append((now, units))
        self._sum += units
        self.total += units
        self.peak = max(self.peak, self._sum)


@dataclass(slots=True, kw_only=True)
class BatteryCalendar(FakeRemoteCalendar):
    """A calendar that checks, at each commit, what must never happen."""

    step: Step = lambda _name: None
    latency: float = 0.0
    clock: FakeClock | None = None
    spendings: Sequence[Spending] = ()
    forbidden: Sequence[str] = (HIDDEN,)
    """Words that no request may contain."""
    exploding: bool = False
    """Every call is a failure of the test."""
    part_fault: Callable[[Write], RemoteError | None] = lambda _write: None
    excused: set[str] = field(default_factory=set)
    """Keys a person has doubled (restored from Google's bin, copied)."""
    touched: dict[str, str] = field(default_factory=dict)
    """Event id to the style a person gave it."""

    async def _called(self, name: str) -> None:
        if self.exploding:
            raise Exploded(name)
        self.step(f"before google.{name}")
        if self.latency and self.clock is not None:
            await self.clock.sleep(self.latency / 2)
        if name != "write":
            self._spend(1)
        await FakeRemoteCalendar._called(self, name)

    async def _answered(self, name: str) -> None:
        await FakeRemoteCalendar._answered(self, name)
        if self.latency and self.clock is not None:
            await self.clock.sleep(self.latency / 2)
        self.step(f"after google.{name}")

    def _spend(self, units: int) -> None:
        for spending in self.spendings:
            spending.spend(units)

    def _write(self, write: Write) -> ObservedEvent | RemoteError | None:
        self._spend(3 if isinstance(write, PatchEvent) else 1)
        self.step("part")
        fault = self.part_fault(write)
        if fault is not None:
            return fault
        stored = self.events.get(write.event_id)
        if stored is not None and stored.mark != MARK:
            raise Exploded("somebody else's event was written")
        words = repr(write)
        if any(word in words for word in self.forbidden):
            raise Exploded("a hidden name was sent to Google")
        answer = FakeRemoteCalendar._write(self, write)
        self._check(write)
        return answer

    def _check(self, write: Write) -> None:
        stored = self.events.get(write.event_id)
        if stored is None:
            return
        if isinstance(write, InsertEvent | PatchEvent) and not stored.deleted:
            same = [each for each in self.ours() if each.key == stored.key]
            if len(same) > 1 and stored.key not in self.excused:
                raise Exploded(f"{len(same)} live events for one appointment")
        chosen = self.touched.get(write.event_id)
        if isinstance(write, DeleteEvent):
            self.touched.pop(write.event_id, None)
        elif chosen is not None and stored.style != chosen:
            raise Exploded("a colour the practitioner chose was reset")

    def person_restores(self, event_id: str) -> None:
        """From Google's bin."""
        self.events[event_id].deleted = False

    def person_styles(self, event_id: str, style: str) -> None:
        self.person_edits(event_id, style=style)
        self.touched[event_id] = style


class Calendars:
    """The gateway: a calendar for each id, an error for each broken sign-in."""

    def __init__(self, make: Callable[[str], BatteryCalendar]) -> None:
        self._make = make
        self.by_id: dict[str, BatteryCalendar] = {}
        self.refusing: dict[str, CompanionError] = {}
        """By practitioner."""

    def named(self, calendar_id: str) -> BatteryCalendar:
        if calendar_id not in self.by_id:
            self.by_id[calendar_id] = self._make(calendar_id)
        return self.by_id[calendar_id]

    async def calendar(
        self, practitioner_id: str, calendar_id: str, writer: CalendarWriter = NOBODY
    ) -> OpenedCalendar:
        await asyncio.sleep(0)
        if practitioner_id in self.refusing:
            raise self.refusing[practitioner_id]
        return OpenedCalendar(self.named(calendar_id), writer)
