"""The program's end: in order where that can be, and in time whatever runs."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no SIGTERM for one process"
)
SCRIPT = """
import asyncio, threading, time
from companion.stopping import Stopping

async def main(stop):
    with stop.signals():
        {work}
        print("ready", flush=True)
        {then}
        await stop.wait()
        print("in order", flush=True)

with Stopping() as stop, asyncio.Runner() as runner:
    runner.run(main(stop))
"""
HANGING = {
    "a thread": ("asyncio.ensure_future(asyncio.to_thread(threading.Event().wait))", "pass"),
    "a task that is not to be cancelled": (
        "asyncio.ensure_future(asyncio.shield(asyncio.to_thread(threading.Event().wait)))",
        "pass",
    ),
    "the loop itself": ("pass", "while True: time.sleep(0.01)"),
}


def ended(number: signal.Signals, work: str = "pass", then: str = "pass") -> tuple[int, str]:
    """Its code and what it said, once it has been asked to stop."""
    script = SCRIPT.format(work=work, then=then)
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            process.send_signal(number)
            return process.wait(30), process.stdout.read()
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("what", "number", "code"),
    [*((each, signal.SIGTERM, 0) for each in HANGING), ("a thread", signal.SIGINT, 130)],
)
def test_what_hangs_is_broken_off_and_the_code_says_by_what(
    what: str, number: signal.Signals, code: int
) -> None:
    found, said = ended(number, *HANGING[what])
    assert found == code
    assert "broken off" in said


def test_without_anything_that_hangs_it_ends_in_order() -> None:
    assert ended(signal.SIGTERM) == (0, "in order\n")
