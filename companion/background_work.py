"""What the app does by itself while it runs, each in a task of its own.

Where workstations share a practice, some of it is done by one of them at a time: by whoever holds
the lease.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from companion.domain.errors import StoreError, Technical
from companion.domain.practice_errors import (
    DatabaseAway,
    PracticeKeyRenewed,
    WorkstationCopied,
    WorkstationForgotten,
)
from companion.services.assembly import Application
from companion.services.lease_work import LeaseWork

log = logging.getLogger(__name__)
AGAIN = 30.0
"""Seconds after an internal error."""
AWAY_SECONDS = 3.0
"""Between tries while the practice's database is away."""

NO_PLACE = (WorkstationForgotten, WorkstationCopied, PracticeKeyRenewed)

Run = Callable[[], Coroutine[Any, Any, None]]


def background_work(
    application: Application, *, demo: bool, must_stop: Callable[[StoreError], None]
) -> list[asyncio.Task[None]]:
    """Begun; to be cancelled at the end. In a demo nobody is told of anything, and nothing is
    entered in this computer's desktop. `must_stop` is called where the practice has no place any
    more for this workstation."""
    of_the_keeper = {
        "worker": keep_going(application.worker.run, "background sync"),
        "backups": keep_going(application.daily_backups.run, "daily backups"),
    }
    if not demo:
        of_the_keeper["notices"] = keep_going(application.notices.run, "notices")
    works = {
        "lease": keep_going(LeaseWork(application.lease, of_the_keeper).run, "lease"),
        "folders": keep_going(application.watching.run, "watching"),
    }
    if not demo:
        works["entries"] = application.this_computer.renew
    if application.stay_on is not None:
        works["presence"] = partial(
            _present, keep_going(application.stay_on, "presence"), must_stop
        )
    return [asyncio.create_task(work(), name=name) for name, work in works.items()]


async def _present(stay_on: Run, must_stop: Callable[[StoreError], None]) -> None:
    try:
        await stay_on()
    except NO_PLACE as error:
        must_stop(error)


def keep_going(run: Run, name: str) -> Run:
    """An internal error is logged, and it starts again."""
    return partial(_keep_going, run, name)


async def _keep_going(run: Run, name: str) -> None:
    clock, said = asyncio.get_running_loop().time, False
    while True:
        begun = clock()
        try:
            await run()
        except (asyncio.CancelledError, *NO_PLACE):
            raise
        except DatabaseAway:
            if not said or clock() - begun > AGAIN:  # it had been back meanwhile
                log.info("the %s waits for the practice's database", Technical(name))
            said = True
            await asyncio.sleep(AWAY_SECONDS)
            continue
        except Exception as error:  # noqa: BLE001 - sync must not end over one error
            kind = type(error).__name__
            log.error("the %s failed with an internal error: %s", Technical(name), kind)
        await asyncio.sleep(AGAIN)
