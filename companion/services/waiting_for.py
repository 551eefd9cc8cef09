"""Waiting for whichever comes first."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def set_or_over(event: asyncio.Event, pause: Coroutine[Any, Any, object]) -> None:
    """Until the event is set or the pause is over, whose errors are left out."""
    waiting = {asyncio.ensure_future(event.wait()), asyncio.ensure_future(pause)}
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()
