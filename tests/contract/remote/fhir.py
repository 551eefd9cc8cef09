"""A FHIR server, simulated; the program has a token."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from companion.adapters.sources.fhir.source import FhirSource
from companion.domain.errors import SourceTrouble
from companion.sandbox.fhir.service import BASE, FhirPolicy, FhirService
from companion.sandbox.fhir.store import FhirStore, Resource, appointment, fill
from companion.sandbox.sockets import ServerThread
from tests.contract.remote.harness import (
    FAULTS,
    PRACTITIONER,
    Booked,
    Setting,
    SimulatedHarness,
    Switched,
)

_FAULTS = FAULTS | {SourceTrouble.UNREADABLE: {"kind": "status", "status": 400}}


class FhirHarness(SimulatedHarness):
    kind: ClassVar[str] = "fhir"
    faults = _FAULTS
    service: FhirService
    troubles: ClassVar[frozenset[SourceTrouble]] = frozenset(
        {*_FAULTS, SourceTrouble.EMPTY, SourceTrouble.LARGE}
    )
    secret = "token-5d41402abc4b2a76"
    wrong_secret = "token-of-somebody-else"

    def __init__(self, setting: Setting) -> None:
        self._store = FhirStore(setting.now)
        policy = FhirPolicy(tokens=frozenset({self.secret}), page=50)
        self.service = FhirService(self._store, policy=policy)
        self.server = ServerThread(self.service, "simulated-fhir")
        self.fields = {"address": self.server.base_url + BASE}
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

    def trouble(self, which: SourceTrouble | None) -> None:
        self._switch.in_a_hurry = which is SourceTrouble.SLOW
        self.service.faults.clear()
        self.service.policy.page = 50
        if self._aside is not None:
            self._store.resources["Appointment"], self._aside = self._aside, None
        if which in {SourceTrouble.EMPTY, SourceTrouble.LARGE}:
            self._aside = self._store.resources["Appointment"]
            self._store.resources["Appointment"] = {}
        if which is SourceTrouble.LARGE:
            self.service.policy.page = 1_000
            fill(self._store, 300, first=datetime(2026, 12, 1, tzinfo=UTC))
        elif which is not None and which in _FAULTS:
            self.service.faults.add(**_FAULTS[which])
