"""DemoProgram: the demo in a process of its own, beside this one, with which it ends.

It has a throw-away home and free ports, so it touches nothing of the practice. Whoever starts it is
given its address, which lets one browser in.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
from threading import Thread
from typing import IO

from companion.desktop.program import Program, detached
from companion.domain.errors import CompanionError
from companion.services.pools import PROGRAMS
from companion.services.processes import without_secrets

_ADDRESS = re.compile(rb"http://127\.0\.0\.1:\d+/\?launch=[\w-]+")
SECONDS = 90.0
"""For a first start, which compiles everything."""


class DemoProgram:
    def __init__(self, program: Program | None = None) -> None:
        self._program = program or Program.of_process()
        self._process: subprocess.Popen[bytes] | None = None
        self._address = ""
        self._turn = asyncio.Lock()

    async def open(self) -> str:
        """Where it is looked at: started at the first call, and the same while it runs. Raises
        CompanionError."""
        async with self._turn:
            if self._process is None or self._process.poll() is not None:
                self._address = await self._start()
                return self._address
            return self._address.partition("?")[0]  # that browser is known there by now

    async def _start(self) -> str:
        self.close()
        ports = _free_ports()
        command = self._program.command(
            "demo", "--told", "--no-browser", "--port", ports[0], "--feed-port", ports[1]
        )
        try:
            process = await PROGRAMS.run(_begin, command)
            self._process = process
            found = await asyncio.wait_for(PROGRAMS.run(_address_of, process), SECONDS)
        except (OSError, TimeoutError) as error:
            self.close()
            raise _not_started() from error
        if not found:
            self.close()
            raise _not_started()
        return found

    def close(self) -> None:
        """It ends in order, since its standard input does."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()


def _begin(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - made by us
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=without_secrets(os.environ),
        **detached(),
    )


def _address_of(process: subprocess.Popen[bytes]) -> str:
    """Blocking; empty where it ended without one. What it says later is read away."""
    said = process.stdout
    if said is None:
        return ""
    for line in said:
        if found := _ADDRESS.search(line):
            Thread(target=_drain, args=(said,), daemon=True).start()
            return found[0].decode()
    return ""


def _drain(stream: IO[bytes]) -> None:
    for _ in stream:
        pass


def _free_ports() -> tuple[str, str]:
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1]), str(other.getsockname()[1])


def _not_started() -> CompanionError:
    return CompanionError(
        "The demo could not be started.",
        "Try again, or start it in a terminal: python run.py demo",
    )
