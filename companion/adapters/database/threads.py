"""ThreadQueue: blocking work in threads, one for writing and a few for reading.

The event loop never waits for a disk. Cancelling the task that waits is safe: work that has not
begun is dropped; work that has begun is finished, and only then does the cancellation go on, so
that nothing is written after the caller was cancelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from companion.adapters.database.errors import CLOSED

Result = TypeVar("Result")


class ThreadQueue:
    """A queue of work before `count` threads."""

    def __init__(self, name: str, count: int) -> None:
        self._threads = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def run(
        self, work: Callable[[], Result], given_up: Callable[[], object] = lambda: None
    ) -> Result:
        """Its result or its error; `given_up` is called where nobody waits for it any more. Raises
        StoreError after `close`."""
        try:
            job = self._threads.submit(work)
        except RuntimeError as error:
            raise CLOSED("closed") from error
        done = asyncio.wrap_future(job)
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            given_up()
            done.add_done_callback(_forget)
            if not job.cancel() and not done.done():
                await asyncio.wait([done])
            raise

    def close(self) -> None:
        """Finish what was asked for, then end the threads. Blocks."""
        self._threads.shutdown(wait=True)


def _forget(done: asyncio.Future[Result]) -> None:
    """The caller was cancelled and takes no error."""
    if not done.cancelled():
        done.exception()
