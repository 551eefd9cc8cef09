"""`until`: wait for what threads, servers and pages do, which do not notify the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """`seconds` of looks at most. What is not there yet may raise AssertionError, StopIteration
    or IndexError."""
    for _look in range(int(seconds / 0.02)):
        if _holds(condition):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come about")


def _holds(condition: Callable[[], object]) -> object:
    try:
        return condition()
    except (AssertionError, StopIteration, IndexError):
        return False


async def eventually(answers: Callable[[], Awaitable[object]], seconds: float = 20.0) -> None:
    """`until`, of what has to be asked for."""
    for _look in range(int(seconds / 0.02)):
        if await answers():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come about")
