"""Threads: a small pool whose threads may each keep one expensive object.

Connections to Google are not thread-safe, so every thread makes its own once and keeps it warm. The
threads are daemons, started when the first work waits for one: a request that hangs in the network
never holds up the program's end, which `ThreadPoolExecutor` would.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from companion.domain.errors import Offline

Own = TypeVar("Own")
Result = TypeVar("Result")
_Perform = Callable[[Callable[[], Own]], None]


class Threads(Generic[Own]):
    def __init__(
        self,
        make: Callable[[], Own],
        *,
        interrupt: Callable[[Own], None] = lambda _own: None,
        end: Callable[[Own], None] = lambda _own: None,
        size: int,
        name: str,
    ) -> None:
        """`make` and `end` run in the thread itself; what `make` raises, the work that needed it
        raises, and the next work makes again. `interrupt` runs in whichever calls `close`,
        and makes the work under way fail soon."""
        self._make = make
        self._interrupt = interrupt
        self._end = end
        self._size = size
        self._name = name
        self._work: queue.SimpleQueue[_Perform[Own] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._owned: list[Own] = []
        self._started = 0
        self._waiting = 0
        """Work that was put in and not finished."""
        self._closed = False

    async def run(self, work: Callable[[Own], Result]) -> Result:
        """`work`'s result or exception. A cancelled wait leaves the work running to its end."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Result] = loop.create_future()

        def deliver(result: Result | None, error: BaseException | None) -> None:
            if answer.done():
                return
            if error is None:
                answer.set_result(result)  # type: ignore[arg-type] # None only where Result is
            else:
                answer.set_exception(error)

        def perform(own: Callable[[], Own]) -> None:
            try:
                result, error = work(own()), None
            except Exception as err:  # noqa: BLE001 - handed to whoever awaits it
                result, error = None, err
            with self._lock:  # before the answer, or whoever asks next starts a needless thread
                self._waiting -= 1
            self._hand_over(loop, deliver, result, error)

        with self._lock:
            if self._closed:
                raise Offline(detail="closing")
            self._waiting += 1
            if self._started < min(self._size, self._waiting):
                self._started += 1
                thread = threading.Thread(
                    target=self._serve, name=f"{self._name}-{self._started}", daemon=True
                )
                thread.start()
            self._work.put(perform)
        return await answer

    def close(self) -> None:
        """Interrupt the work in progress and end the threads; no new work is taken."""
        with self._lock:
            self._closed = True
            owned, self._owned = self._owned, []
            for _thread in range(self._started):
                self._work.put(None)
        for each in owned:
            self._interrupt(each)

    def _serve(self) -> None:
        made: list[Own] = []

        def own() -> Own:
            if not made:
                made.append(self._make())
                with self._lock:
                    self._owned.append(made[0])
            return made[0]

        while (perform := self._work.get()) is not None:
            perform(own)
            del perform  # with what it was given, or an idle thread would keep its last work alive
        for each in made:
            self._end(each)

    @staticmethod
    def _hand_over(
        loop: asyncio.AbstractEventLoop, deliver: Callable[..., None], *what: object
    ) -> None:
        try:
            loop.call_soon_threadsafe(deliver, *what)
        except RuntimeError:
            return  # the loop has been closed: no task waits any more
