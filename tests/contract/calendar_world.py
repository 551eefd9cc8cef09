"""A calendar at Google to write to: the fake one, or the real adapter over real sockets."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from companion.adapters.clock import SystemClock
from companion.adapters.google import wire
from companion.adapters.google.account import Token
from companion.adapters.google.service import GoogleGateway
from companion.domain.calendar_writers import MARK, CalendarWriter
from companion.domain.errors import Offline, RateLimited, SignInExpired
from companion.domain.event_keys import event_id
from companion.domain.events import CalendarEvent
from companion.domain.reconcile import ObservedEvent
from companion.sandbox.grants import CLIENT_ID
from companion.sandbox.server import SimulatedHandle, client_file
from companion.services.ports import InsertEvent, RemoteCalendar, Write
from tests.fakes.google_calendar import FakeRemoteCalendar, OpenedCalendar, content
from tests.fakes.secrets import FakeSecrets
from tests.fakes.simulator import ZOE, simulated_google

WRITER = CalendarWriter(id="one", term=3)
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def event(key: str = "a", *, hours: float = 0, **fields: Any) -> CalendarEvent:
    start = NINE + timedelta(hours=hours)
    usual: dict[str, Any] = {
        "key": key,
        "start": start,
        "end": start + timedelta(minutes=30),
        "timezone": "Australia/Sydney",
        "summary": "ZO – Initial consultation",
        "location": "Room 2",
    }
    return CalendarEvent(**(usual | fields))


def wanted_id(key: str = "a", generation: int = 0) -> str:
    return event_id(MARK, "calendar", key, generation)


def insert(key: str = "a", **fields: Any) -> InsertEvent:
    return InsertEvent(event_id=wanted_id(key), event=event(key, **fields))


class World(Protocol):
    @property
    def calendar(self) -> RemoteCalendar: ...

    def person_deletes(self, event: str) -> None: ...
    def person_retitles(self, event: str, title: str) -> None: ...
    def person_recolours(self, event: str, colour: str) -> None: ...
    def person_adds(self, event: str) -> None: ...
    def another_writes(self, key: str, writer: CalendarWriter) -> None: ...
    def purge(self) -> None: ...
    def remove_calendar(self) -> None: ...
    def read_only(self) -> None: ...
    def refuse_next(self) -> None: ...
    def lose_answer(self) -> None: ...
    def die_after(self, parts: int) -> None: ...
    def limit_part(self, event: str) -> None: ...
    def revoke(self) -> None: ...
    def titles(self) -> list[str]: ...


@dataclass
class FakeWorld:
    held: FakeRemoteCalendar

    @property
    def calendar(self) -> RemoteCalendar:
        return OpenedCalendar(self.held, WRITER)

    def person_deletes(self, event: str) -> None:
        self.held.person_deletes(event)

    def person_retitles(self, event: str, title: str) -> None:
        self.held.person_edits(event, summary=title)

    def person_recolours(self, event: str, colour: str) -> None:
        self.held.person_edits(event, style=f"{colour}|")

    def person_adds(self, event: str) -> None:
        self.held.person_adds(event, content())

    def another_writes(self, key: str, writer: CalendarWriter) -> None:
        self.held._writer = writer
        self.held._write(insert(key))

    def purge(self) -> None:
        self.held.purge_tombstones()

    def remove_calendar(self) -> None:
        self.held.gone = True

    def read_only(self) -> None:
        self.held.access_role = "reader"

    def refuse_next(self) -> None:
        self.held.fail_next(Offline())

    def lose_answer(self) -> None:
        self.held.lose_answers()

    def die_after(self, parts: int) -> None:
        self.held.die_after(parts)

    def limit_part(self, event: str) -> None:
        self.held.fail_parts[event] = RateLimited()

    def revoke(self) -> None:
        self.held.refusing = SignInExpired()

    def titles(self) -> list[str]:
        return sorted(each.content.summary for each in self.held.live())


@dataclass
class SimulatedWorld:
    handle: SimulatedHandle
    calendar: RemoteCalendar
    calendar_id: str

    @property
    def _model(self) -> Any:
        return self.handle.google.calendars[self.calendar_id]

    def person_deletes(self, event: str) -> None:
        with self.handle.lock:
            self._model.delete(event)

    def person_retitles(self, event: str, title: str) -> None:
        with self.handle.lock:
            self._model.patch(event, {"summary": title})

    def person_recolours(self, event: str, colour: str) -> None:
        with self.handle.lock:
            self._model.patch(event, {"colorId": colour})

    def person_adds(self, event: str) -> None:
        body = {
            "id": event,
            "summary": "Dentist",
            "start": {"dateTime": "2026-03-02T09:00:00Z"},
            "end": {"dateTime": "2026-03-02T10:00:00Z"},
        }
        with self.handle.lock:
            self._model.insert(body, ZOE)

    def another_writes(self, key: str, writer: CalendarWriter) -> None:
        body = wire.new_event(wanted_id(key), event(key), writer, datetime.now(UTC))
        with self.handle.lock:
            self._model.insert(body, ZOE)

    def purge(self) -> None:
        with self.handle.lock:
            self._model.purge_tombstones()

    def remove_calendar(self) -> None:
        with self.handle.lock:
            self.handle.google.remove_calendar(self.calendar_id)

    def read_only(self) -> None:
        with self.handle.lock:
            self.handle.google.share(self.calendar_id, ZOE, "reader")

    def refuse_next(self) -> None:
        self.handle.api.faults.add(kind="refuse", times=1)

    def lose_answer(self) -> None:
        self.handle.api.faults.add(kind="timeout_after", match="^POST /batch", times=1)

    def die_after(self, parts: int) -> None:
        self.handle.api.faults.add(kind="refuse", match="^batch-part", nth=parts + 1)

    def limit_part(self, event: str) -> None:
        rule = {"kind": "status", "status": 403, "reason": "rateLimitExceeded"}
        self.handle.api.faults.add(match=f"batch-part .*{event}", **rule)

    def revoke(self) -> None:
        with self.handle.lock:
            self.handle.api.grants.revoke_account(ZOE)

    def titles(self) -> list[str]:
        with self.handle.lock:
            found = self.handle.google.events(self.calendar_id)
        return sorted(each.get("summary", "") for each in found)


@asynccontextmanager
async def simulated_world() -> AsyncIterator[SimulatedWorld]:
    secrets = FakeSecrets()
    clock = SystemClock()
    with simulated_google() as handle:
        with handle.lock:
            made = handle.google.add_calendar(ZOE, "Appointments", created_by=CLIENT_ID)
            tokens = handle.api.grants.issue(
                handle.google.accounts[ZOE], frozenset({"calendar.app.created", "openid", "email"})
            )
        await secrets.put("google/client", json.dumps(client_file(handle.base_url)))
        token = Token(
            refresh_token=tokens["refresh_token"],
            client_id=CLIENT_ID,
            account=ZOE,
            scopes=(),
            consented_at=clock.now(),
            renewed_at=clock.now(),
        )
        await secrets.put("google/token/zoe", token.to_json())
        google = GoogleGateway(
            secrets=secrets,
            clock=clock,
            api_root=handle.base_url,
            threads=4,
            timeout=5.0,
        )
        try:
            calendar = await google.calendar("zoe", made.id, WRITER)
            yield SimulatedWorld(handle=handle, calendar=calendar, calendar_id=made.id)
        finally:
            google.close()


def seen(answer: object) -> ObservedEvent:
    assert isinstance(answer, ObservedEvent), answer
    return answer


async def one(calendar: RemoteCalendar, write: Write) -> object:
    [answer] = await calendar.write([write])
    return answer


async def live_keys(calendar: RemoteCalendar) -> list[str]:
    return sorted(each.key for each in await calendar.list_ours(None, None))
