"""Cliniko, simulated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from companion.adapters.sources.cliniko import ClinikoSource
from companion.domain.errors import SourceTrouble
from companion.sandbox.cliniko.account import ClinikoRecord, SimulatedClinikoAccount
from companion.sandbox.cliniko.sample import fill
from companion.sandbox.cliniko.service import KEY, ClinikoService
from companion.sandbox.sockets import ServerThread
from tests.contract.remote.harness import (
    FAULTS,
    PRACTITIONER,
    Booked,
    Setting,
    SimulatedHarness,
    Switched,
)

_FAULTS = FAULTS | {SourceTrouble.UNREADABLE: {"kind": "status", "status": 200}}
_PACE: Mapping[str, Any] = {"rate": 1e6, "burst": 10**6, "retries": ()}


class ClinikoHarness(SimulatedHarness):
    kind: ClassVar[str] = "cliniko"
    faults = _FAULTS
    service: ClinikoService
    troubles: ClassVar[frozenset[SourceTrouble]] = frozenset(
        {*_FAULTS, SourceTrouble.EMPTY, SourceTrouble.LARGE}
    )
    secret = KEY
    wrong_secret = "MS0xLWFub3RoZXIta2V5-au1"
    fields: Mapping[str, str] = {"contact": "desk@banksia.example"}

    def __init__(self, setting: Setting) -> None:
        self._account = SimulatedClinikoAccount(now=setting.now)
        self.service = ClinikoService(self._account)
        self.server = ServerThread(self.service, "simulated-cliniko")
        url = self.server.base_url
        limits = {} if setting.large else {"size_limit": 60_000}
        self.source = self._switch = Switched(
            ClinikoSource(url) if setting.large else ClinikoSource(url, limits=limits, **_PACE),
            ClinikoSource(url, limits={**limits, "pause": 0.3}, **_PACE),
        )
        first, _space, last = PRACTITIONER.partition(" ")
        self._jo = self._account.add_practitioner(first, last)
        self._place = self._account.add_business("Bondi")
        self._type = self._account.add_type("Follow-up")
        self._clients: dict[str, int] = {}
        self._known: dict[str, tuple[Booked, int]] = {}
        self._aside: dict[int, ClinikoRecord] | None = None

    def put(self, booked: Sequence[Booked]) -> None:
        account = self._account
        for gone in self._known.keys() - {each.key for each in booked}:
            account.delete(account.bookings, self._known.pop(gone)[1])
        for each in booked:
            before, number = self._known.get(each.key, (None, 0))
            if before is None:
                number = account.book(
                    self._jo, self._client(each.client or each.key), _start(each),
                    kind_of=self._type, business=self._place, minutes=each.minutes,
                )  # fmt: skip
            elif before != each:
                account.move(number, _start(each))
            if each.cancelled and not (before and before.cancelled):
                account.cancel(number)
            self._known[each.key] = each, number

    def trouble(self, which: SourceTrouble | None) -> None:
        account = self._account
        self._switch.in_a_hurry = which is SourceTrouble.SLOW
        self.service.faults.clear()
        if self._aside is not None:
            account.bookings, self._aside = self._aside, None
        if which in {SourceTrouble.EMPTY, SourceTrouble.LARGE}:
            self._aside, account.bookings = account.bookings, {}
        if which is SourceTrouble.LARGE:
            fill(account, 100, first=account.now() + timedelta(days=1))
        elif which is not None and which in _FAULTS:
            self.service.faults.add(**_FAULTS[which])
        account.version += 1

    def _client(self, name: str) -> int:
        if name not in self._clients:
            first, _space, last = name.partition(" ")
            self._clients[name] = self._account.add_patient(first, last)
        return self._clients[name]


def _start(booked: Booked) -> datetime:
    wall = datetime(2026, 12, booked.day, booked.hour, tzinfo=ZoneInfo("Australia/Sydney"))
    return wall.astimezone(UTC)
