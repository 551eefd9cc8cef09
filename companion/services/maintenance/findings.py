"""Findings: what a check of the doctor is given (`CheckContext`) and what it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

from companion.domain.errors import CompanionError
from companion.services.feeds.reachability import ListenerProbes
from companion.services.google.connecting import Connecting
from companion.services.maintenance.backup_places import BackupStanding
from companion.services.ports import (
    AppointmentBook,
    Clock,
    DatabaseServer,
    FeedStore,
    Google,
    Ledger,
    SecretStore,
    SettingsStore,
)
from companion.services.workstations import SharedPractice

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingAction:
    """What resolves a finding: a page to open, a command to run, or a fix of the doctor's own."""

    label: str
    page: str = ""
    command: str = ""
    fix: str = ""
    """Name for `Doctor.fix`."""
    warning: str = ""
    """What the fix brings with it, to be read before it is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    id: str
    """``client-file``, ``sign-in:anna-lee`` … stable, for scripts."""
    state: State
    title: str
    what: str
    """What it means, in one or two sentences."""
    remedy: str = ""
    action: FindingAction | None = None
    subject: str = ""
    """Practitioner id, where it is about one."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What findings are about."""

    id: str
    """As of a Finding."""
    title: str
    subject: str = ""

    def finding(
        self, state: State, what: str, remedy: str = "", *, action: FindingAction | None = None
    ) -> Finding:
        return Finding(
            id=self.id,
            state=state,
            title=self.title,
            what=what,
            remedy=remedy,
            action=action,
            subject=self.subject,
        )

    def ok(self, what: str) -> Finding:
        return self.finding("ok", what)

    def warn(self, what: str, remedy: str, *, action: FindingAction | None = None) -> Finding:
        return self.finding("warn", what, remedy, action=action)

    def fail(self, what: str, remedy: str, *, action: FindingAction | None = None) -> Finding:
        return self.finding("fail", what, remedy, action=action)

    def failed(self, error: CompanionError, *, action: FindingAction | None = None) -> Finding:
        return self.fail(error.what, error.remedy, action=action)


Found = Finding | Iterable[Finding] | None


@dataclass(frozen=True, slots=True)
class Check:
    topic: Topic
    run: Callable[[], Awaitable[Found]]
    seconds: float = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPath:
    """How this computer reaches Google."""

    proxy: str = ""
    """``http://host:port``; empty for none."""
    trust: str = ""
    """The variable that names the trusted certificates; empty for the system's store."""
    issuer: str = ""
    """Who signed the certificate that Google's address shows; empty over plain http."""


class ComputerProbes(ListenerProbes, Protocol):
    """What only this machine can find out."""

    async def network_path(self) -> NetworkPath:
        """Raises CompanionError where Google is not reached."""
        ...

    async def clock_offset(self) -> timedelta: ...

    async def free_bytes(self, folder: Path) -> int: ...

    def machine_offset(self, moment: datetime) -> timedelta: ...

    def versions(self) -> dict[str, str]: ...


class HomeRights(Protocol):
    """Who may open a folder; blocking. Every method raises StoreError."""

    def others(self, folder: Path) -> str:
        """Who may besides this user, as the subject of a sentence; empty for nobody."""
        ...

    def close(self, folder: Path) -> None:
        """From now on only this user may; what lies in it included."""
        ...

    def prepare(self, folder: Path) -> None:
        """The same for a home that holds nothing yet, where a new folder is open to others."""
        ...


class BackupsWatched(Protocol):
    """How the daily backups stand."""

    async def standing(self) -> BackupStanding: ...

    async def last_is_there(self) -> bool: ...


async def _none_failing() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckContext:
    """Everything the checks look at."""

    settings: SettingsStore
    book: AppointmentBook
    ledger: Ledger
    feeds: FeedStore
    secrets: SecretStore
    google: Google
    connecting: Connecting
    probes: ComputerProbes
    home_rights: HomeRights
    clock: Clock
    home: Path
    program: str
    """Version of Calendar Companion."""
    integrity: Callable[[], Awaitable[str]]
    """Of the database: ``ok``, or the first problem."""
    recovered: Callable[[], str] = lambda: ""
    """The sentence of a settings file that fell back on its last good copy."""
    weak_key: str = ""
    """Why COMPANION_SECRETS_KEY is easy to guess; empty when it is not set or fair."""
    rehearsing: bool = False
    """The clock is set by COMPANION_NOW."""
    listener: Callable[[], tuple[str, int]] = lambda: ("127.0.0.1", 8090)
    """Address and port of the listener for phones, as printed in links."""
    app_runs: Callable[[], bool] = lambda: False
    daily_backups: BackupsWatched | None = None
    server: DatabaseServer | None = None
    shared_practice: SharedPractice | None = None
    """Both None where no other workstation shares the practice."""
    failing_sources: Callable[[], Awaitable[Mapping[str, str]]] = _none_failing
    """By name: why nothing arrives from it at present."""
    unwatched_sources: Callable[[], Awaitable[Mapping[str, str]]] = _none_failing
    """By name: why no workstation looks at its folder, where that is not just for a night."""
    failing_notices: Callable[[], Awaitable[Mapping[str, str]]] = _none_failing
    """By way (``mail`` …): that nobody is told in it at present, and why."""


async def no_network(context: CheckContext) -> bool:
    """Whether Google cannot be reached at all. The check of the network says that once, so no
    other check repeats it."""
    try:
        await context.probes.network_path()
    except CompanionError:
        return True
    return False
