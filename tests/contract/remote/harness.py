"""What the contract of all sources needs of one: a real adapter, and the server that it asks.

A kind that is fetched has a `RemoteHarness` in a module beside this one, named in `every.py`.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from companion.domain.errors import CompanionError, SourceTrouble
from companion.sandbox.cliniko.service import ClinikoService
from companion.sandbox.fhir.service import FhirService
from companion.sandbox.nookal import NookalService
from companion.sandbox.sockets import ServerThread
from companion.services.imports.importing import ImportReport
from companion.services.imports.questions import Answers
from companion.services.sources.fetched_sources import TypedPlace
from companion.services.sources.remote import FetchAnswer, FetchRequest, RemoteSource, SourcePlace
from tests.fakes.services import FakeApplication

NAME = "books"
PRACTITIONER = "Jo Smith"


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """An appointment as the practice has it, in the wall time of Sydney."""

    key: str
    day: int
    """Of December 2026."""
    hour: int = 9
    client: str = ""
    practitioner: str = PRACTITIONER
    minutes: int = 45
    cancelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What one fetch led to."""

    report: ImportReport | None = None
    error: CompanionError | None = None
    stopped: bool = False

    @property
    def held(self) -> bool:
        return self.report is not None and self.report.held


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a harness is made with."""

    now: Callable[[], datetime]
    """Aware UTC: the test's clock, by which a server's clock and moments of change go."""
    folder: Path
    """Private to the test."""
    large: bool = False
    """With the limits of real life: `SourceTrouble.LARGE` cannot be made then."""


class Harness(ABC):
    """Any way by which appointments come in."""

    def __init__(self, setting: Setting) -> None:
        super().__init__()

    kind: ClassVar[str]
    quiet_requests: ClassVar[int]
    """What an unchanged fetch costs of what `requests` counts."""
    troubles: ClassVar[frozenset[SourceTrouble]]
    """Those that `trouble` can make."""

    @abstractmethod
    def put(self, booked: Sequence[Booked]) -> None:
        """What the practice has from now on; what is missing was deleted there."""

    @property
    @abstractmethod
    def requests(self) -> int:
        """So far."""

    @abstractmethod
    def trouble(self, which: SourceTrouble | None) -> None: ...

    @abstractmethod
    async def open(self, application: FakeApplication) -> None:
        """Add the source NAME."""

    @abstractmethod
    async def fetch(self, application: FakeApplication, answers: Answers | None = None) -> Came: ...

    @abstractmethod
    def close(self) -> None: ...


class Switched:
    """A RemoteSource that is another one at times: with less patience, say."""

    def __init__(self, usual: RemoteSource, impatient: RemoteSource) -> None:
        self.usual, self.impatient = usual, impatient
        self.in_a_hurry = False
        self.kind = usual.kind

    def check(self, fields: Mapping[str, str], secret: str) -> SourcePlace:
        return self.usual.check(fields, secret)

    def fetch(self, request: FetchRequest) -> FetchAnswer:
        return (self.impatient if self.in_a_hurry else self.usual).fetch(request)


class RemoteHarness(Harness):
    """A kind that is fetched."""

    source: RemoteSource
    secret: str
    wrong_secret: str
    """Empty where the kind has none."""
    fields: Mapping[str, str]

    @abstractmethod
    def hang(self) -> threading.Event:
        """The next request gets no answer; set when it has come."""

    async def open(self, application: FakeApplication) -> None:
        wanted = TypedPlace(kind=self.source.kind.name, secret=self.secret, fields=self.fields)
        await application.services.fetched_sources.add(NAME, wanted)

    async def fetch(self, application: FakeApplication, answers: Answers | None = None) -> Came:
        outcome = await application.services.fetched_sources.sync(NAME, answers=answers)
        return Came(report=outcome.report, error=outcome.error, stopped=outcome.stopped)


FAULTS: dict[SourceTrouble, dict[str, Any]] = {
    SourceTrouble.CREDENTIALS: {"kind": "status", "status": 401},
    SourceTrouble.NOT_THERE: {"kind": "status", "status": 404},
    SourceTrouble.BROKEN: {"kind": "status", "status": 500},
    SourceTrouble.RATE_LIMITED: {"kind": "status", "status": 429, "retry_after": 7_200},
    SourceTrouble.OFFLINE: {"kind": "refuse"},
    SourceTrouble.SLOW: {"kind": "slow", "ms": 60_000},
}
"""What a simulated service does then."""


class SimulatedHarness(RemoteHarness):
    """A kind whose service is simulated in this process."""

    quiet_requests: ClassVar[int] = 1
    faults: ClassVar[Mapping[SourceTrouble, dict[str, Any]]] = FAULTS
    service: ClinikoService | FhirService | NookalService
    server: ServerThread

    @property
    def requests(self) -> int:
        return self.service.requests

    def hang(self) -> threading.Event:
        came = threading.Event()
        self.service.faults.add(**self.faults[SourceTrouble.SLOW])
        self.service.observers.append(lambda _request: came.set())
        return came

    def close(self) -> None:
        self.server.stop(wait=False)
