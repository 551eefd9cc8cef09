"""A FHIR server, simulated; the program has a token."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from companion.adapters.sources.fhir.source import FhirSource
from companion.domain.errors import SourceTrouble
from companion.sandbox.fhir.service import BASE, FhirPolicy, FhirService
from companion.sandbox.fhir.store import FhirStore, Resource, appointment, fill
from companion.sandbox.sockets import ServerThread
from tests.contract.remote.harness import PRACTITIONER, Booked, RemoteHarness, Setting, Switched

_FAULTS: Mapping[SourceTrouble, dict[str, Any]] = {
    SourceTrouble.CREDENTIALS: {"kind": "status", "status": 401},
    SourceTrouble.NOT_THERE: {"kind": "status", "status": 404},
    SourceTrouble.BROKEN: {"kind": "status", "status": 500},
    SourceTrouble.RATE_LIMITED: {"kind": "status", "status": 429, "retry_after": 7_200},
    SourceTrouble.UNREADABLE: {"kind": "status", "status": 400},
    SourceTrouble.OFFLINE: {"kind": "refuse"},
    SourceTrouble.SLOW: {"kind": "slow", "ms": 60_000},
}


class FhirHarness(RemoteHarness):
    kind: ClassVar[str] = "fhir"
    quiet_requests: ClassVar[int] = 1
    troubles: ClassVar[frozenset[SourceTrouble]] = frozenset(
        {*_FAULTS, SourceTrouble.EMPTY, SourceTrouble.LARGE}
    )
    secret = "token-5d41402abc4b2a76"
    wrong_secret = "token-of-somebody-else"

    def __init__(self, setting: Setting) -> None:
        self._store = FhirStore(setting.now)
        policy = FhirPolicy(tokens=frozenset({self.secret}), page=50)
        self._service = FhirService(self._store, policy=policy)
        self._server = ServerThread(self._service, "simulated-fhir")
        self.fields = {"address": self._server.base_url + BASE}
        limits = {"size_limit": 60_000}
        self.source = self._switch = Switched(
            FhirSource(limits=limits, now=setting.now),
            FhirSource(limits={**limits, "pause": 0.3}, now=setting.now),
        )
        self._known: dict[str, Booked] = {}
        self._aside: dict[str, Resource] | None = None
        first, _space, last = PRACTITIONER.partition(" ")
        name = [{"family": last, "given": [first]}]
        self._store.put({"resourceType": "Practitioner", "id": "jo", "name": name})

    def put(self, booked: Sequence[Booked]) -> None:
        for gone in self._known.keys() - {each.key for each in booked}:
            self._store.delete(f"Appointment/{gone}")
            del self._known[gone]
        for each in booked:
            if self._known.get(each.key) == each:
                continue
            client = (each.client or each.key).replace(" ", "-")
            given, _space, family = (each.client or f"Client {each.key}").rpartition(" ")
            name = [{"family": family, "given": [given]}]
            self._store.put({"resourceType": "Patient", "id": client, "name": name})
            self._store.put(
                appointment(
                    each.key,
                    datetime(2026, 12, each.day, each.hour, tzinfo=ZoneInfo("Australia/Sydney")),
                    minutes=each.minutes,
                    status="cancelled" if each.cancelled else "booked",
                    patient=f"Patient/{client}",
                    practitioner="Practitioner/jo",
                )
            )
            self._known[each.key] = each

    @property
    def requests(self) -> int:
        return self._service.requests

    def trouble(self, which: SourceTrouble | None) -> None:
        self._switch.in_a_hurry = which is SourceTrouble.SLOW
        self._service.faults.clear()
        self._service.policy.page = 50
        if self._aside is not None:
            self._store.resources["Appointment"], self._aside = self._aside, None
        if which in {SourceTrouble.EMPTY, SourceTrouble.LARGE}:
            self._aside = self._store.resources["Appointment"]
            self._store.resources["Appointment"] = {}
        if which is SourceTrouble.LARGE:
            self._service.policy.page = 1_000
            fill(self._store, 300, first=datetime(2026, 12, 1, tzinfo=UTC))
        elif which is not None and which in _FAULTS:
            self._service.faults.add(**_FAULTS[which])

    def hang(self) -> threading.Event:
        came = threading.Event()
        self._service.faults.add(**_FAULTS[SourceTrouble.SLOW])
        self._service.observers.append(lambda _request: came.set())
        return came

    def close(self) -> None:
        self._server.stop(wait=False)
