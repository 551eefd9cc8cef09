"""The clock, the settings and the secrets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from companion.domain.settings import Settings


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds, for intervals only."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class SettingsStore(Protocol):
    """Every change that is written is published as `SettingsChanged`."""

    def read(self) -> Settings:
        """The current snapshot; cheap (cached, renewed when another process wrote)."""
        ...

    async def change(self, edit: Callable[[Settings], Settings]) -> Settings:
        """Read, edit, write as one step among all processes of this home.

        `edit` may run again if another process wrote meanwhile; what it raises leaves the
        settings as they were."""
        ...


class SecretStore(Protocol):
    """Named small texts, sealed on disk. Names hold no secret: ``google/client``,
    ``google/service-account``, ``google/token/<practitioner>``, ``feed/<feed>``,
    ``backup/passphrase``, ``notices/…``."""

    async def get(self, name: str) -> str | None: ...

    async def put(self, name: str, value: str) -> None: ...

    async def remove(self, name: str) -> None: ...

    async def exchange(self, name: str, expected: str | None, value: str | None) -> bool:
        """Put `value`, None to remove, only where what is kept is `expected`, None for nothing; as
        one step among all processes that share the store. Whether it was so."""
        ...

    async def check(self) -> str:
        """Set, get and delete a probe; names the backend. Raises SecretsUnavailable."""
        ...

    async def names(self) -> tuple[str, ...]: ...

    async def set_aside(self) -> Path | None:
        """Start anew with an empty store; where the one that cannot be opened lies now."""
        ...
