"""Fakes for accounts: passwords without the slowness, sessions in memory."""

from __future__ import annotations

from collections.abc import Mapping

from companion.domain.errors import CompanionError
from companion.services.accounts.sessions import Session


class PlainPasswords:
    """A PasswordHasher whose hash can be read; `generation` makes older ones outdated."""

    def __init__(self) -> None:
        self.generation = 1
        self.compared: list[str] = []

    def hash(self, password: str) -> str:
        return f"plain{self.generation}${password}"

    def matches(self, kept: str, password: str) -> bool:
        self.compared.append(kept)
        return kept.startswith("plain") and kept.partition("$")[2] == password

    def outdated(self, kept: str) -> bool:
        return not kept.startswith(f"plain{self.generation}$")


class MemorySessions:
    def __init__(self) -> None:
        self.kept: dict[str, Session] = {}
        self.writes = 0
        self.trouble: CompanionError | None = None

    def load(self) -> dict[str, Session]:
        return dict(self.kept)

    async def save(self, sessions: Mapping[str, Session]) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.kept = dict(sessions)
        self.writes += 1
