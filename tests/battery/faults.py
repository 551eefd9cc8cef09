"""Faults: what goes wrong at random during one pass of a history."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from companion.domain.errors import (
    AccountParked,
    Offline,
    RateLimited,
    RemoteError,
    RemoteUnavailable,
    RequestRefused,
    SignInExpired,
    StoreError,
)
from companion.services.ports import Write
from tests.battery.calendars import Crash


@dataclass(slots=True)
class Faults:
    """What goes wrong during one pass."""

    rng: random.Random
    rate: float
    cancel: Callable[[], object]
    edit: Callable[[], object]
    edit_in_google: Callable[[], object]
    """Done at the step of that number; 0 for never."""
    crash_at: int = 0
    cancel_at: int = 0
    edit_at: int = 0
    edit_in_google_at: int = 0
    steps: int = 0
    dead: bool = False

    def __call__(self, name: str) -> None:
        self.steps += 1
        if self.dead or self.steps == self.crash_at:
            self.dead = True
            raise Crash(name)
        if self.steps == self.cancel_at:
            self.cancel()
        if self.steps == self.edit_at:
            self.edit()
        if self.steps == self.edit_in_google_at:
            self.edit_in_google()
        if self.rng.random() < self.rate:
            self._raise(name)

    def _raise(self, name: str) -> None:
        chance = self.rng
        if name == "before ledger.write" and chance.random() < 0.1:
            raise StoreError(detail="disk full")
        if name in {"part", "after google.write", "after google.get", "after google.list"}:
            if chance.random() < 0.3:
                raise Offline(detail=f"lost at {name}")
        elif name.startswith("before google."):
            raise chance.choice(
                [
                    Offline(),
                    RateLimited(),
                    RateLimited(retry_after=5.0),
                    RemoteUnavailable(detail="500"),
                    RemoteUnavailable(detail="503"),
                    *([SignInExpired(), AccountParked()] if chance.random() < 0.2 else []),
                ]
            )

    def part(self, _write: Write) -> RemoteError | None:
        chance = self.rng
        if chance.random() >= self.rate:
            return None
        rare = [RequestRefused()] if chance.random() < 0.2 else []
        return chance.choice([RateLimited(), RemoteUnavailable(), *rare])
