"""A simulated Cliniko on this computer with one small clinic in it, and fetches from it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from companion.adapters.sources.cliniko import ClinikoSource
from companion.sandbox.cliniko.account import SimulatedClinikoAccount
from companion.sandbox.cliniko.service import KEY, ClinikoPolicy, ClinikoService
from companion.sandbox.sockets import ServerThread
from companion.services.sources.remote import FetchAnswer, FetchRequest, Stop

START = datetime(2026, 12, 1, 1, 0, tzinfo=UTC)
"""Tuesday noon in Sydney."""
ZONE = "Australia/Sydney"
FIELDS = {"contact": "desk@banksia.example", "days_back": "31"}

Row = dict[str, str]


@dataclass
class Clinic:
    account: SimulatedClinikoAccount
    service: ClinikoService
    base_url: str
    clock: list[datetime]
    practitioner: int
    place: int
    consultation: int
    pilates: int
    mira: int
    otto: int
    source: ClinikoSource
    waits: list[float] = field(default_factory=list)

    def seconds(self) -> float:
        """A monotonic clock."""
        return (self.clock[0] - START).total_seconds()

    def after(self, **step: float) -> None:
        self.clock[0] += timedelta(**step)

    def book(self, patient: int | None = None, *, days: float = 1.0, **more: Any) -> int:
        return self.account.book(
            self.practitioner, patient or self.mira, START + timedelta(days=days),
            kind_of=self.consultation, business=self.place, **more,
        )  # fmt: skip

    def group(self, *patients: int, days: float = 2.0) -> int:
        number = self.account.add_group(
            self.practitioner, START + timedelta(days=days), kind_of=self.pilates,
            business=self.place,
        )  # fmt: skip
        for each in patients:
            self.account.attend(number, each)
        return number

    def fetch(self, folder: Path, cursor: str = "", **given: Any) -> tuple[FetchAnswer, list[Row]]:
        """The answer, and the rows of its file."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "rows.csv").unlink(missing_ok=True)
        usual: dict[str, Any] = {
            "secret": KEY,
            "fields": FIELDS,
            "timezone": ZONE,
            "stop": WaitingStop(self.waits, self.clock),
        }
        request = FetchRequest(**usual | given, cursor=cursor, folder=folder, now=self.clock[0])
        answer = self.source.fetch(request)
        return answer, rows_of(answer.file)


class WaitingStop(Stop):
    """Notes its waits and lets the clock stand at their end."""

    def __init__(self, waits: list[float], clock: list[datetime]) -> None:
        super().__init__()
        self._waits = waits
        self._clock = clock

    def wait(self, seconds: float) -> None:
        self.check()
        if seconds > 0:
            self._waits.append(seconds)
            self._clock[0] += timedelta(seconds=seconds)


def rows_of(file: Path | None) -> list[Row]:
    if file is None:
        return []
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def is_gone(row: Row) -> bool:
    names = ("cancelled_at", "deleted_at", "archived_at", "did_not_arrive")
    return any(row[name] for name in names)


def by_id(rows: list[Row]) -> dict[str, Row]:
    return {row["id"]: row for row in rows}


@contextmanager
def clinic(now: Callable[[], datetime] | None = None, **source: Any) -> Iterator[Clinic]:
    """`source`: what ClinikoSource is made with; its pace is no limit unless it says one."""
    clock = [START]

    def seconds() -> float:
        return (clock[0] - START).total_seconds()

    account = SimulatedClinikoAccount(now=now or (lambda: clock[0]))
    service = ClinikoService(account, policy=ClinikoPolicy())
    server = ServerThread(service, "simulated-cliniko")
    try:
        yield Clinic(
            account=account,
            service=service,
            base_url=server.base_url,
            clock=clock,
            practitioner=account.add_practitioner("Jo", "Smith"),
            place=account.add_business("Bondi", ZONE),
            consultation=account.add_type("Follow-up"),
            pilates=account.add_type("Pilates class", minutes=60, most=8),
            mira=account.add_patient("Mira", "Halloway"),
            otto=account.add_patient("Otto", "van der Berg"),
            source=ClinikoSource(
                server.base_url,
                **{
                    "rate": 1e6,
                    "burst": 10**6,
                    "monotonic": seconds,
                    **source,
                },
            ),
        )
    finally:
        server.stop(wait=False)
