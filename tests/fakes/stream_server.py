"""A server of a test's own, in a thread of its own, whose connections a coroutine carries."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

Take = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextmanager
def stream_server(loop: asyncio.AbstractEventLoop, take: Take) -> Iterator[int]:
    """`take`: each connection. Gives the port on this computer; closes `loop` at the end."""
    ready = threading.Event()
    stop = asyncio.Event()
    port = 0

    async def work() -> None:
        nonlocal port
        server = await asyncio.start_server(take, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        server.close()
        connections = asyncio.all_tasks() - {asyncio.current_task()}
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await asyncio.sleep(0)  # what they closed is told to the loop

    thread = threading.Thread(target=lambda: loop.run_until_complete(work()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
