"""Histories over the real Google adapter, real sockets and the simulated Google.

Slower than the calendar in memory (some milliseconds a call), and honest in the details that a
fake may miss: what a patch leaves alone, how an answer reads, what a tombstone refuses.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from typing import Any

from companion.adapters.google import wire
from companion.adapters.google.account import Token
from companion.adapters.google.service import GoogleGateway
from companion.domain.calendar_writers import MARK, NOBODY, CalendarWriter
from companion.domain.errors import RemoteError
from companion.domain.events import Content
from companion.domain.reconcile import ObservedEvent
from companion.sandbox.grants import CLIENT_ID
from companion.sandbox.server import SimulatedHandle, client_file
from companion.services.ports import CalendarInfo, MarkedEvent, RemoteCalendar, Write, WriteAnswer
from tests.battery.calendars import HIDDEN, Exploded, Step
from tests.battery.histories import History
from tests.battery.world import SYDNEY, World
from tests.fakes.google_calendar import StoredEvent
from tests.fakes.secrets import FakeSecrets

FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "refuse"},
    {"kind": "timeout_after"},
    {"kind": "half_batch", "match": "^POST /batch"},
    {"kind": "status", "status": 403, "reason": "rateLimitExceeded"},
    {"kind": "status", "status": 429},
    {"kind": "status", "status": 503},
)


class SimulatedCalendar:
    """A calendar of the simulated Google as `World` and `History` handle it."""

    def __init__(
        self, handle: SimulatedHandle, calendar_id: str, real: RemoteCalendar, step: Step
    ) -> None:
        self.handle = handle
        self.id = calendar_id
        self.real = real
        self.step = step
        self.latency = 0.0
        self.exploding = False
        self.part_fault: Callable[[Write], RemoteError | None] = lambda _write: None
        self.excused: set[str] = set()
        self.touched: dict[str, str] = {}

    # RemoteCalendar

    async def write(self, writes: Sequence[Write]) -> Sequence[WriteAnswer]:
        if HIDDEN in repr(writes):
            raise Exploded("a hidden name was sent to Google")
        self._before("write")
        answers = await self.real.write(writes)
        self._check()
        self.step("after google.write")
        return answers

    async def get(self, event_id: str) -> ObservedEvent | None:
        self._before("get")
        seen = await self.real.get(event_id)
        self.step("after google.get")
        return seen

    async def list_ours(
        self, start: datetime | None, end: datetime | None, *, since: datetime | None = None
    ) -> list[ObservedEvent]:
        self._before("list")
        found = await self.real.list_ours(start, end, since=since)
        self.step("after google.list")
        return found

    async def marked_events(self) -> list[MarkedEvent]:
        self._before("marked")
        return await self.real.marked_events()

    async def info(self) -> CalendarInfo:
        self._before("info")
        return await self.real.info()

    def _before(self, name: str) -> None:
        if self.exploding:
            raise Exploded(name)
        self.step(f"before google.{name}")

    def _check(self) -> None:
        keys = Counter(each.key for each in self.ours())
        doubled = [key for key, count in keys.items() if count > 1 and key not in self.excused]
        if doubled:
            raise Exploded(f"two live events for {doubled}")
        for event_id, style in self.touched.items():
            event = self.events.get(event_id)
            if event is not None and not event.deleted and event.style != style:
                raise Exploded("a colour the practitioner chose was reset")

    # What people see and do in Google

    @property
    def _model(self) -> Any:
        return self.handle.google.calendars[self.id]

    @property
    def events(self) -> dict[str, StoredEvent]:
        with self.handle.lock:
            found = self.handle.google.events(self.id, deleted=True)
        return {each["id"]: self._stored(each) for each in found}

    def _stored(self, item: dict[str, Any]) -> StoredEvent:
        seen = wire.observe(item, marks=(MARK,), timezone=SYDNEY)
        return StoredEvent(
            event_id=seen.event_id,
            key=seen.key,
            mark=MARK if seen.key else "",
            content=seen.content,
            style=seen.style,
            etag=seen.etag,
            deleted=seen.deleted,
        )

    def ours(self) -> list[StoredEvent]:
        return [each for each in self.events.values() if each.mark and not each.deleted]

    def person_adds(self, event_id: str, held: Content) -> None:
        body = {
            "id": event_id.replace("y", "v").replace("z", "v"),
            "summary": held.summary,
            "start": {"dateTime": "2026-03-02T09:00:00Z"},
            "end": {"dateTime": "2026-03-02T10:00:00Z"},
        }
        with self.handle.lock:
            self._model.insert(body, self._model.owner)

    def person_deletes(self, event_id: str) -> None:
        with self.handle.lock:
            self._model.delete(event_id)

    def person_restores(self, event_id: str) -> None:
        with self.handle.lock:
            self._model.patch(event_id, {"status": "confirmed"})

    def person_edits(
        self,
        event_id: str,
        *,
        summary: str | None = None,
        start: datetime | date | None = None,
        end: datetime | date | None = None,
        style: str | None = None,
    ) -> None:
        changes: dict[str, Any] = {} if summary is None else {"summary": summary}
        for name, moment in (("start", start), ("end", end)):
            if isinstance(moment, datetime):
                changes[name] = {"dateTime": moment.isoformat(), "date": None}
            elif moment is not None:
                changes[name] = {"date": moment.isoformat(), "dateTime": None}
        if style is not None:
            colour, minutes = style.split("|")
            changes["colorId"] = colour or None
            override = [{"method": "popup", "minutes": int(minutes)}] if minutes else []
            changes["reminders"] = {"useDefault": not minutes, "overrides": override}
        with self.handle.lock:
            self._model.patch(event_id, changes)

    def person_styles(self, event_id: str, style: str) -> None:
        self.person_edits(event_id, style=style)
        self.touched[event_id] = self.events[event_id].style


class Gateway:
    """The real gateway; calendars and accounts come into being when they are first asked for."""

    def __init__(self, handle: SimulatedHandle, world: World, run: str) -> None:
        self._handle = handle
        self._world = world
        self._run = run
        self.secrets = FakeSecrets()
        self.google = GoogleGateway(
            secrets=self.secrets,
            clock=world.clock,
            api_root=handle.base_url,
            threads=4,
            timeout=10.0,
        )
        self.by_id: dict[str, SimulatedCalendar] = {}
        self.refusing: dict[str, RemoteError] = {}

    async def calendar(
        self, practitioner_id: str, calendar_id: str, writer: CalendarWriter = NOBODY
    ) -> SimulatedCalendar:
        if practitioner_id in self.refusing:
            raise self.refusing[practitioner_id]
        await self._connect(practitioner_id)
        made = self.named(calendar_id)
        made.real = await self.google.calendar(practitioner_id, made.id, writer)
        return made

    def named(self, calendar_id: str) -> SimulatedCalendar:
        if calendar_id not in self.by_id:
            owner = self._email(calendar_id.partition("@")[0].rstrip("0123456789"))
            with self._handle.lock:
                self._handle.google.add_calendar(
                    owner, "Appointments", calendar_id=f"{self._run}{calendar_id}"
                )
            self.by_id[calendar_id] = SimulatedCalendar(
                self._handle,
                f"{self._run}{calendar_id}",
                None,  # type: ignore[arg-type] # filled in before the first call
                self._world._step,
            )
        return self.by_id[calendar_id]

    def _email(self, practitioner_id: str) -> str:
        email = f"{self._run}{practitioner_id}@example.com"
        if email not in self._handle.google.accounts:
            with self._handle.lock:
                self._handle.google.add_account(email, name=email, timezone=SYDNEY)
        return email

    async def _connect(self, practitioner_id: str) -> None:
        name = f"google/token/{practitioner_id}"
        if await self.secrets.get(name) is not None:
            return
        email = self._email(practitioner_id)
        with self._handle.lock:
            account = self._handle.google.accounts[email]
            tokens = self._handle.api.grants.issue(account, frozenset({"calendar"}))
        await self.secrets.put("google/client", json.dumps(client_file(self._handle.base_url)))
        now = self._world.clock.now()
        token = Token(
            refresh_token=tokens["refresh_token"],
            client_id=CLIENT_ID,
            account=email,
            scopes=(),
            consented_at=now,
            renewed_at=now,
        )
        await self.secrets.put(name, token.to_json())

    async def let_threads_end(self) -> None:
        """A request that is on its way when the process dies has arrived by the next start."""
        while self.google._threads._waiting:  # noqa: ASYNC110 - threads have no event to wait for
            await asyncio.sleep(0.001)


class SimulatedHistory(History):
    """Faults come from the server as well as from the steps."""

    def __init__(self, seed: int, handle: SimulatedHandle) -> None:
        super().__init__(seed)
        self.handle = handle
        self.gateway = Gateway(handle, self.world, f"h{seed}-")
        self.world.calendars = self.gateway  # type: ignore[assignment] # the same, but real
        self.world.restart()
        handle.api.clock.__init__(self.world.clock.now)  # type: ignore[misc] # this history's time

    async def _with_faults(self, work: Callable[[], Awaitable[object]]) -> None:
        snapshot = self.handle.api
        if self.rate:
            for fault in FAULTS:
                seed = self.rng.randrange(10**6)
                snapshot.faults.add(probability=self.rate / len(FAULTS), seed=seed, **fault)
        if self.rng.random() < 0.1:
            snapshot.grants.expire_access(None)
        try:
            await super()._with_faults(work)
        finally:
            await self.gateway.let_threads_end()
            snapshot.faults.clear()

    async def _let_requests_end(self, done: Callable[[], bool]) -> None:
        for _attempt in range(500):
            if done():
                return
            await self.gateway.let_threads_end()
            await asyncio.sleep(0.01)

    def play_whole(self, operations: int) -> None:
        async def whole() -> None:
            try:
                await self.play(operations)
                await self.converge()
            finally:
                self.gateway.google.close()

        asyncio.run(whole())
