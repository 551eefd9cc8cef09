"""The pool of threads: one costly thing a thread, and never in the way of the program's end."""

import asyncio
import threading
import weakref

import pytest

from companion.domain.errors import Offline
from companion.services.threads import Threads
from tests.fakes.waiting import until


class Own:
    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.gate = threading.Event()
        self.ended = False


def pool(size: int = 3) -> tuple[Threads[Own], list[Own]]:
    made: list[Own] = []

    def make() -> Own:
        made.append(Own())
        return made[-1]

    def end(own: Own) -> None:
        own.ended = True

    return (
        Threads(make, interrupt=lambda own: own.gate.set(), end=end, size=size, name="test"),
        made,
    )


async def test_each_thread_uses_its_own_thing_alone() -> None:
    threads, made = pool()
    seen = await asyncio.gather(
        *(threads.run(lambda own: (own.thread, threading.get_ident())) for _ in range(60))
    )
    threads.close()
    assert all(owner == worker for owner, worker in seen)
    assert 1 <= len(made) <= 3


async def test_work_that_follows_itself_needs_one_thread() -> None:
    threads, made = pool()
    for _ in range(10):
        await threads.run(lambda own: own.thread)
    threads.close()
    assert len(made) == 1


async def test_an_exception_reaches_whoever_asked() -> None:
    threads, _made = pool()

    def fail(_own: Own) -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await threads.run(fail)
    assert await threads.run(lambda _own: 7) == 7
    threads.close()


async def test_what_cannot_be_made_is_raised_and_made_for_the_next_who_asks() -> None:
    made: list[Own] = []

    def make() -> Own:
        made.append(Own())
        if len(made) == 1:
            raise FileNotFoundError("no certificates")
        return made[-1]

    threads = Threads(make, size=1, name="test")
    with pytest.raises(FileNotFoundError):
        await asyncio.wait_for(threads.run(lambda own: own.thread), 5)
    assert await threads.run(lambda own: own) is await threads.run(lambda own: own) is made[1]
    threads.close()


async def test_closing_breaks_off_what_hangs_and_takes_nothing_new() -> None:
    threads, made = pool(size=1)
    hanging = asyncio.ensure_future(threads.run(lambda own: own.gate.wait(30)))
    await until(lambda: bool(made))
    threads.close()
    assert await asyncio.wait_for(hanging, 5) is True
    with pytest.raises(Offline):
        await threads.run(lambda _own: 1)
    await until(lambda: made[0].ended)


async def test_a_cancelled_wait_leaves_the_thread_usable() -> None:
    threads, made = pool(size=1)
    waiting = asyncio.ensure_future(threads.run(lambda own: own.gate.wait(30)))
    await until(lambda: bool(made))
    waiting.cancel()
    made[0].gate.set()
    assert await threads.run(lambda _own: "next") == "next"
    threads.close()


async def test_threads_never_hold_up_the_end_of_the_program() -> None:
    threads, _made = pool()
    daemons = await threads.run(lambda _own: threading.current_thread().daemon)
    threads.close()
    assert daemons


async def test_an_idle_thread_keeps_nothing_of_its_last_work() -> None:
    """An import is hundreds of megabytes, and full of names."""
    threads, _made = pool(size=1)
    given = Own()
    gone = weakref.ref(given)
    await threads.run(lambda _own, given=given: given.ended)  # type: ignore[misc]
    del given
    await until(lambda: gone() is None)
    threads.close()
