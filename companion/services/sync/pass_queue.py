"""PassQueue: which practitioner's pass begins next, and how many plan at once.

At a start, at midnight, and when another workstation takes over, everybody is due in one moment.
All at once nobody would be through before all are, and an edit of one would wait for two hundred.
So a few plan at a time; whose book or settings changed last comes first. A pass keeps its place
until it writes, is over, or has taken two seconds: one that waits for Google, or for a sign-in
without an answer, keeps nobody waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from companion.services.ports import Clock

AT_ONCE = 4
PATIENCE = 2.0


@dataclass(frozen=True, slots=True)
class Due:
    begin: Callable[[], asyncio.Task[None] | None]
    """None where it cannot begin just now after all."""
    look_only: bool = False
    """At Google, though nothing changed: after all that is to be written."""


class PassQueue:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: dict[str, Due] = {}
        self._planning: dict[str, tuple[asyncio.Task[None], float]] = {}
        """With the moment at which each began."""
        self._changed: dict[str, float] = {}
        """Moment of the newest change."""
        self._renewed = float("-inf")

    def changed(self, practitioner_ids: Iterable[str]) -> None:
        now = self._clock.monotonic()
        self._changed |= dict.fromkeys(practitioner_ids, now)

    def found_changed(self, practitioner_id: str) -> None:
        """When it was looked at; there may have been a notice of it since the look before."""
        if self._changed.get(practitioner_id, float("-inf")) <= self._renewed:
            self.changed([practitioner_id])

    def renew(self, due: Mapping[str, Due | None]) -> None:
        """Who is due as of now, in place of those who were."""
        now = self._renewed = self._clock.monotonic()
        self._due = {key: each for key, each in due.items() if each is not None}
        self._planning = {
            practitioner_id: (task, since)
            for practitioner_id, (task, since) in self._planning.items()
            if now - since < PATIENCE
        }
        self._begin_more()

    def writes(self, practitioner_id: str) -> None:
        if self._planning.pop(practitioner_id, None) is not None:
            self._begin_more()

    def _is_over(self, practitioner_id: str, task: asyncio.Task[None]) -> None:
        if practitioner_id in self._planning and self._planning[practitioner_id][0] is task:
            self.writes(practitioner_id)

    def _begin_more(self) -> None:
        for practitioner_id in sorted(self._due, key=self._order):
            if len(self._planning) >= AT_ONCE:
                return
            task = self._due.pop(practitioner_id).begin()
            if task is not None:
                self._planning[practitioner_id] = task, self._clock.monotonic()
                task.add_done_callback(partial(self._is_over, practitioner_id))

    def _order(self, practitioner_id: str) -> tuple[bool, float]:
        changed = self._changed.get(practitioner_id, float("-inf"))
        return self._due[practitioner_id].look_only, -changed
