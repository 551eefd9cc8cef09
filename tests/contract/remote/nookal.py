"""Nookal, simulated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from companion.adapters.sources.nookal import NookalSource
from companion.domain.errors import SourceTrouble
from companion.sandbox.nookal import KEY, NookalService, Rows
from companion.sandbox.sockets import ServerThread
from tests.contract.remote.harness import (
    FAULTS,
    PRACTITIONER,
    Booked,
    Setting,
    SimulatedHarness,
    Switched,
)

SYDNEY = ZoneInfo("Australia/Sydney")
_FAULTS = FAULTS | {SourceTrouble.CREDENTIALS: {"kind": "status", "status": 403}}


class NookalHarness(SimulatedHarness):
    kind: ClassVar[str] = "nookal"
    faults = _FAULTS
    service: NookalService
    troubles: ClassVar[frozenset[SourceTrouble]] = frozenset(
        {*_FAULTS, SourceTrouble.EMPTY, SourceTrouble.LARGE}
    )
    secret = KEY
    wrong_secret = "another-nookal-key"
    fields: Mapping[str, str] = {}

    def __init__(self, setting: Setting) -> None:
        self.service = NookalService(lambda: setting.now().astimezone(SYDNEY).replace(tzinfo=None))
        self.server = ServerThread(self.service, "simulated-nookal")
        url = self.server.base_url
        limits = {} if setting.large else {"size_limit": 60_000}
        self.source = self._switch = Switched(
            NookalSource(url, rate=1e6, limits=limits),
            NookalSource(url, rate=1e6, limits={**limits, "pause": 0.3}),
        )
        self.service.add_location("Bondi", "Australia/Sydney")
        first, _space, last = PRACTITIONER.partition(" ")
        self._jo = self.service.add_practitioner(first, last)
        self._clients: dict[str, int] = {}
        self._known: dict[str, tuple[Booked, int]] = {}
        self._aside: Rows | None = None

    def put(self, booked: Sequence[Booked]) -> None:
        service = self.service
        for gone in self._known.keys() - {each.key for each in booked}:
            del service.appointments[self._known.pop(gone)[1]]
        for each in booked:
            start = datetime(2026, 12, each.day, each.hour)  # noqa: DTZ001 - wall time
            before, number = self._known.get(each.key, (None, 0))
            if before is None:
                client = self._client(each.client or each.key)
                number = service.book(self._jo, client, start, minutes=each.minutes)
            elif before != each:
                service.move(number, start, each.minutes)
            if each.cancelled and not (before and before.cancelled):
                service.edit(number, cancelled="1")
            self._known[each.key] = each, number

    def trouble(self, which: SourceTrouble | None) -> None:
        service = self.service
        self._switch.in_a_hurry = which is SourceTrouble.SLOW
        service.faults.clear()
        if self._aside is not None:
            service.appointments, self._aside = self._aside, None
        if which in {SourceTrouble.EMPTY, SourceTrouble.LARGE}:
            self._aside, service.appointments = service.appointments, {}
        if which is SourceTrouble.LARGE:
            for number in range(200):
                start = service.now() + timedelta(days=1, minutes=number)
                service.book(self._jo, self._client("Kim Example"), start)
        elif which is not None and which in _FAULTS:
            service.faults.add(**_FAULTS[which])

    def _client(self, name: str) -> int:
        if name not in self._clients:
            first, _space, last = name.partition(" ")
            self._clients[name] = self.service.add_patient(first, last)
        return self._clients[name]
