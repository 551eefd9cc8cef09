"""FakeSecrets: a SecretStore in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from companion.domain.errors import SecretsError


class FakeSecrets:
    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.trouble: SecretsError | None = None
        """Raised by every call, as on a machine without a keyring."""
        self.elsewhere: Callable[[], Awaitable[object]] | None = None
        """What another process does right before the next exchange."""

    async def get(self, name: str) -> str | None:
        self._fail_if_told()
        return self.kept.get(name)

    async def put(self, name: str, value: str) -> None:
        self._fail_if_told()
        self.kept[name] = value

    async def remove(self, name: str) -> None:
        self._fail_if_told()
        self.kept.pop(name, None)

    async def exchange(self, name: str, expected: str | None, value: str | None) -> bool:
        self._fail_if_told()
        if (meanwhile := self.elsewhere) is not None:
            self.elsewhere = None
            await meanwhile()
        if self.kept.get(name) != expected:
            return False
        if value is None:
            self.kept.pop(name, None)
        else:
            self.kept[name] = value
        return True

    async def names(self) -> tuple[str, ...]:
        self._fail_if_told()
        return tuple(sorted(self.kept))

    async def set_aside(self) -> Path | None:
        """Everything goes, and with it the trouble."""
        self.kept.clear()
        self.trouble = None
        return Path("secrets.aside-1.json")

    async def check(self) -> str:
        self._fail_if_told()
        return "memory"

    def _fail_if_told(self) -> None:
        if self.trouble is not None:
            raise self.trouble
