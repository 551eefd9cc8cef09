"""Referee: sees each call to Google as it is made, and checks at each what must never be."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from companion.adapters.google.wire import KEY
from companion.sandbox.access import Caller
from companion.sandbox.google import MethodCall
from companion.sandbox.server import SimulatedHandle
from companion.sandbox.simulator_api import SimulatorApi
from companion.sandbox.wire import ApiRequest
from tests.battery.calendars import HIDDEN
from tests.battery.workstation import Json

_WRITES = {"events.insert", "events.patch", "events.update", "events.delete"}


@dataclass(frozen=True, slots=True)
class Call:
    at: float
    """By the clock that all processes of this computer share (`time.monotonic`)."""
    workstation: str
    method: str
    calendar: str
    event: str
    status: int


@dataclass
class Referee:
    """Sees each call to Google as it is made, one after the other."""

    google: SimulatedHandle
    calls: list[Call] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """What must never have been."""
    foreign: dict[tuple[str, str], Json] = field(default_factory=dict)
    """Events of people, by calendar and id, as they were made."""
    at_write: dict[str, Callable[[], None]] = field(default_factory=dict)
    """What happens to a workstation when its next write has reached Google, once."""
    by_port: dict[str, str] = field(default_factory=dict)
    """Workstation by the port of its cable to Google."""
    _caller: str = ""
    _live: dict[str, dict[str, str]] = field(default_factory=dict)
    """By calendar: key by id of each live event of ours."""

    def __enter__(self) -> Referee:
        self._perform = self.google.google.perform
        self.google.google.perform = self._watched  # type: ignore[method-assign] # looked at
        SimulatorApi.observers.append(self._observe)
        return self

    def __exit__(self, *_error: object) -> None:
        SimulatorApi.observers.remove(self._observe)

    def _observe(self, request: ApiRequest, _caller: Caller | None) -> None:
        port = request.headers.get("host", "").rpartition(":")[2]
        self._caller = self.by_port.get(port, "")
        if HIDDEN.encode() in request.body or HIDDEN in request.query:
            self.broken.append("a hidden name was sent to Google")

    def _watched(self, asked: MethodCall) -> Json | None:
        status, answer = 500, None
        method, calendar_id = asked.method, asked.calendar_id or ""
        try:
            answer = self._perform(asked)
            status = 200
        except Exception as error:
            status = getattr(error, "status", 500)
            raise
        finally:
            event = asked.event_id or str((answer or {}).get("id", ""))
            moment = time.monotonic()
            self.calls.append(Call(moment, self._caller, method, calendar_id, event, status))
            if status == 200 and method in _WRITES:
                self._written(method, calendar_id, event, answer)
            if method in _WRITES and (happens := self.at_write.pop(self._caller, None)):
                happens()
        return answer

    def _written(self, method: str, calendar: str, event: str, answer: Json | None) -> None:
        if (calendar, event) in self.foreign:
            self.broken.append(f"{method} of a person's own event")
        live = self._live.setdefault(calendar, {})
        private = (answer or {}).get("extendedProperties", {}).get("private", {})
        if method == "events.delete" or (answer or {}).get("status") == "cancelled":
            live.pop(event, None)
            return
        key = private.get(KEY, "")
        doubles = [each for each, other in live.items() if other == key and each != event]
        if key and doubles:
            self.broken.append(f"two live events of {key}: {doubles} and {event}")
        live[event] = key

    def person_adds(self, calendar: str, title: str) -> None:
        with self.google.lock:
            model = self.google.google.calendars[calendar]
            body = {
                "summary": title,
                "start": {"dateTime": "2026-03-02T09:00:00Z"},
                "end": {"dateTime": "2026-03-02T10:00:00Z"},
            }
            made = model.insert(body, model.owner)
            self.foreign[calendar, made.wire["id"]] = json.loads(json.dumps(made.wire))

    def live(self, calendar: str) -> dict[str, Json]:
        """Our events as Google shows them, by key; each key once."""
        found: dict[str, Json] = {}
        with self.google.lock:
            for event in self.google.google.events(calendar):
                key = event.get("extendedProperties", {}).get("private", {}).get(KEY)
                if key:
                    assert key not in found, f"two live events of {key}"
                    found[key] = event
        return found

    def check(self) -> None:
        assert not self.broken, self.broken[:5]
        with self.google.lock:
            for (calendar, event), before in self.foreign.items():
                now = self.google.google.calendars[calendar].events[event].wire
                assert now == before, "a person's own event was changed"
            meter = self.google.google.meter
            quota = meter.quota
            for account, window in meter.users.items():
                limit = quota.per_user
                assert limit is None or window.peak <= limit, (account, window.peak)
            limit = quota.per_project
            assert limit is None or meter.project.peak <= limit, meter.project.peak

    @property
    def writes(self) -> int:
        return sum(each.method in _WRITES for each in tuple(self.calls))
