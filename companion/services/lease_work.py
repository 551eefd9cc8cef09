"""LeaseWork: what one workstation at a time does for the practice runs while the lease is held.

It begins when the lease is won and is cancelled when it is lost; at the end it stops first, and
then the lease is given up for the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from companion.services.ports import Lease

Work = Callable[[], Coroutine[Any, Any, None]]
LAST_MOMENT = 1.0
"""Seconds for the work at the end; then the lease is given up. A pass that takes longer keeps its
lock until it is over or, should the program end first, until the lock runs out: whoever keeps the
calendars next goes on with the others meanwhile, and tries that one again and again."""


class LeaseWork:
    def __init__(self, lease: Lease, works: Mapping[str, Work]) -> None:
        """`works`: by the name of the task that each becomes; they run until cancelled."""
        self._lease = lease
        self._works = works

    async def run(self) -> None:
        """Until cancelled, or until the lease fails: then its error is raised."""
        changed = asyncio.Event()
        unsubscribe = self._lease.subscribe(lambda _: changed.set())
        keeping = asyncio.create_task(self._lease.run(), name="lease")
        keeping.add_done_callback(lambda _: changed.set())
        running: list[asyncio.Task[None]] = []
        try:
            while True:
                changed.clear()
                if keeping.done():
                    keeping.result()
                if self._lease.held and not running:
                    running = [
                        asyncio.create_task(work(), name=name) for name, work in self._works.items()
                    ]
                elif running and not self._lease.held:
                    await _end(running, None)
                    running = []
                    continue
                await changed.wait()
        finally:
            unsubscribe()
            await _end(running, LAST_MOMENT)
            await _end([keeping], LAST_MOMENT)


async def _end(tasks: list[asyncio.Task[None]], within: float | None) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=within)
