"""Waiting for what threads, servers, pages and programs do, which do not notify this one."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable

_PAUSE = 0.02


async def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """`seconds` of looks at most. What the condition gives may be awaitable; what is not there yet
    may raise AssertionError, StopIteration or IndexError."""
    for _look in range(int(seconds / _PAUSE)):
        try:
            found = condition()
            if await found if inspect.isawaitable(found) else found:
                return
        except (AssertionError, StopIteration, IndexError):
            pass
        await asyncio.sleep(_PAUSE)
    raise AssertionError("it did not come about")


def wait_until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """The same, where there is no event loop to go on meanwhile."""
    for _look in range(int(seconds / _PAUSE)):
        if condition():
            return
        time.sleep(_PAUSE)
    raise AssertionError("it did not come about")
