"""SharedRunState: what the passes of one process share, such as calls that are still in flight."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from companion.services.sync.progress import Progress
from companion.services.sync.writing import InFlight


@dataclass(slots=True)
class SharedRunState:
    publish: Callable[[Progress], None]
    changed: set[str] = field(default_factory=set)
    """Practitioners whose book or settings changed since their pass last planned."""
    stopped: set[str] = field(default_factory=set)
    """Practitioners whose last pass a person stopped."""
    in_flight: InFlight = field(default_factory=dict)

    async def drain_in_flight(self, practitioner_id: str) -> None:
        """A call of a cancelled pass may still be in flight: it is awaited before Google is
        read."""
        calls = self.in_flight
        for calendar in [each for each in calls if each.practitioner_id == practitioner_id]:
            await asyncio.wait({calls[calendar]})
            del calls[calendar]
