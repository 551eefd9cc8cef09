"""Running pip with a line of progress that people can follow."""

from __future__ import annotations

import os
import queue
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path


class InstallProgress:
    """A live line on a terminal; elsewhere a line at each step and now and then between."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()
        self.width = shutil.get_terminal_size().columns - 1

    def step(self, text: str) -> None:
        """A line that stays."""
        print("\r" + text.ljust(self.width) if self.live else text, file=sys.stderr, flush=True)

    def tick(self, text: str, count: int) -> None:
        """The line that changes."""
        if self.live:
            line = text[: self.width].ljust(self.width)
            print("\r" + line, end="", file=sys.stderr, flush=True)
        elif count and count % 25 == 0:
            print(text, file=sys.stderr, flush=True)


class PipWatch:
    """Follows pip: its lines into a counter on the screen, all of them kept for the log.

    `unfinished` comes into being when pip has fetched everything and begins to write packages.
    """

    def __init__(
        self, progress: InstallProgress, count: Callable[[], int], unfinished: Path
    ) -> None:
        self.progress = progress
        self.count = count
        self.unfinished = unfinished
        self.lines: list[str] = []
        self.installing = 0
        self.fetched = 0
        self.before = 0

    def follow(self, command: list[str], lock: int) -> int:
        """Run it; its exit code."""
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            # A package's own code may run: the passphrases that our variables hold stay here.
            env={k: v for k, v in os.environ.items() if not k.startswith("COMPANION_")}
            | {"PYTHONUTF8": "1"},
            # With the lock: if this process is killed, pip still keeps others out.
            pass_fds=() if os.name == "nt" else (lock,),
        )
        lines: queue.Queue[str | None] = queue.Queue()
        assert process.stdout is not None  # noqa: S101 - PIPE above; for the type checker
        reader = threading.Thread(target=feed, args=(process.stdout, lines), daemon=True)
        reader.start()
        try:
            while True:
                try:
                    line = lines.get(timeout=0.3)
                except queue.Empty:
                    self._tick()
                    continue
                if line is None:
                    return process.wait()
                self._read(line)
        except BaseException:
            process.terminate()
            process.wait()
            raise

    def _read(self, line: str) -> None:
        self.lines.append(line)
        if line.startswith("Collecting "):
            self.fetched += 1
            name = re.split(r"[<>=!~;\[( ]", line[11:].strip(), maxsplit=1)[0]
            self.progress.tick(f"  fetched {self.fetched} packages, now {name}", self.fetched)
        elif line.startswith("Installing collected packages:"):
            self.unfinished.touch()
            self.installing = line.count(",") + 1
            self.before = self.count()
            self.progress.step(f"  installing {self.installing} packages")

    def _tick(self) -> None:
        if self.installing:
            done = max(0, self.count() - self.before)
            self.progress.tick(f"  installed {done} of {self.installing} packages", 0)


def feed(stream: Iterable[str], lines: queue.Queue[str | None]) -> None:
    """Each line, then None."""
    for line in stream:
        lines.put(line)
    lines.put(None)
